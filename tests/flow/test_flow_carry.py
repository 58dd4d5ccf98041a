"""What moves in a hole, from what moved there before it was hidden and after."""

import numpy as np
import pytest

from vrestore.flow.carry import DECAY, Carried, carry, correction, motion_of
from vrestore.frames import Box

HEIGHT, WIDTH = 60, 90
BOX = Box(0, 0, WIDTH, HEIGHT)
SPEED, POST_SPEED = 2.0, 5.0
POST = slice(38, 52)


def hole():
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[20:40, 30:60] = True
    return hidden


def frame(hidden, *, post=True, back=True, ahead=True, scale=1.0):
    """A scene that moves right by SPEED; in the hole a post, twice as fast, is not seen."""
    rest = np.zeros((2, HEIGHT, WIDTH), np.float32)
    if post:
        rest[0, :, POST] = (POST_SPEED - SPEED) * scale
    rest[0][hidden] = 0
    camera = np.zeros_like(rest)
    camera[0] = SPEED
    return motion_of(
        BOX,
        hidden,
        (-camera - rest, -camera) if back else None,
        (camera + rest, camera) if ahead else None,
    )


def test_the_residual_of_what_was_seen_before_is_carried_into_the_hole():
    seen = carry(frame(np.zeros((HEIGHT, WIDTH), bool)), None, None)
    hidden = hole()
    still = np.zeros((2, HEIGHT, WIDTH), np.float32)
    past = carry(frame(hidden), seen, still)
    inside = past.residual[2][hidden].reshape(20, 30)
    assert inside[:, 9:21] == pytest.approx(POST_SPEED - SPEED, abs=0.1)
    assert np.abs(inside[:, :7]).max() < 0.1
    assert past.confidence[hidden] == pytest.approx(DECAY, abs=0.01)
    assert (past.confidence[~hidden] == 1).all()


def test_the_correction_brings_the_flow_up_to_it():
    nothing, hidden = np.zeros((HEIGHT, WIDTH), bool), hole()
    still = np.zeros((2, HEIGHT, WIDTH), np.float32)
    motion = frame(hidden)
    past = carry(motion, carry(frame(nothing), None, None), still)
    future = carry(motion, None, None)
    added = correction(motion, past, future)
    middle = (slice(28, 32), slice(44, 46))
    assert added[2][middle].mean() == pytest.approx(POST_SPEED - SPEED, rel=0.15)
    assert added[0][middle].mean() == pytest.approx(SPEED - POST_SPEED, rel=0.15)
    assert (added[:, ~hidden] == 0).all()


def test_what_has_slowed_down_is_fitted_to_what_is_seen_around_the_hole():
    seen = carry(frame(np.zeros((HEIGHT, WIDTH), bool)), None, None)
    still = np.zeros((2, HEIGHT, WIDTH), np.float32)
    hidden = hole()
    past = carry(frame(hidden, scale=0.5), seen, still)
    post = past.residual[2][hidden].reshape(20, 30)[:, 9:21]
    assert post == pytest.approx((POST_SPEED - SPEED) / 2, abs=0.4)  # of 3 that were carried


def test_what_does_not_fit_around_the_hole_is_not_believed():
    noise = np.random.default_rng(0).normal(0, 3, (4, HEIGHT, WIDTH)).astype(np.float32)
    source = Carried(BOX, noise, np.ones((HEIGHT, WIDTH), np.float32))
    hidden = hole()
    past = carry(frame(hidden, post=False), source, np.zeros((2, HEIGHT, WIDTH), np.float32))
    assert past.confidence[hidden].max() < DECAY
    other = np.random.default_rng(1).normal(0, 3, (4, HEIGHT, WIDTH)).astype(np.float32)
    wild = motion_of(BOX, hidden, (other[:2], 0 * other[:2]), (other[2:], 0 * other[2:]))
    assert carry(wild, source, np.zeros((2, HEIGHT, WIDTH), np.float32)).confidence[hidden].max() < 0.1


def test_past_and_future_that_contradict_each_other_are_trusted_less():
    hidden, motion = hole(), frame(hole(), post=False)
    sure = np.ones((HEIGHT, WIDTH), np.float32)
    one, two = (Carried(BOX, np.full((4, HEIGHT, WIDTH), v, np.float32), sure) for v in (1.0, 3.0))
    agreed, torn = correction(motion, two, two), correction(motion, one, two)
    middle = (slice(None), slice(28, 32), slice(43, 47))
    assert agreed[middle] == pytest.approx(3 / 1.1, rel=0.01)
    # The mean is 2, of a ninth of the weight: they are 8 squared cells apart.
    assert torn[middle] == pytest.approx(2 / (1 + 0.1 * 9), rel=0.02)
    assert (torn[:, ~hidden] == 0).all()


def test_at_an_end_what_moves_goes_on_as_it_came():
    motion = frame(np.zeros((HEIGHT, WIDTH), bool), ahead=False)
    assert motion.ahead is None
    assert (motion.residual[2:] == -motion.residual[:2]).all()


def continued(ahead_sign):
    """The correction where a rest was continued into the hole, which beside it goes on with a sign."""
    hidden = hole()
    rest = np.random.default_rng(0).normal(0, 3, (2, HEIGHT, WIDTH)).astype(np.float32)
    rest[:, hidden] = 2.0
    none = np.zeros_like(rest)
    ahead = np.where(hidden, -rest, ahead_sign * rest)
    motion = motion_of(BOX, hidden, (rest, none), (ahead, none))
    alone = carry(motion, None, None)
    return correction(motion, alone, alone)[0][hidden]


def test_what_goes_on_beside_the_hole_as_it_came_is_continued():
    assert continued(-1.0) == pytest.approx(0, abs=1e-6)


def test_of_what_moves_to_and_fro_beside_the_hole_nothing_is_continued():
    assert continued(1.0) == pytest.approx(-2, abs=1e-6)


def test_without_a_hole_nothing_is_corrected():
    motion = frame(np.zeros((HEIGHT, WIDTH), bool))
    alone = carry(motion, None, None)
    assert correction(motion, alone, alone) is None
