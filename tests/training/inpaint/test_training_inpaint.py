"""The painting network's lessons: what a step sees, and that turning a clip turns its motion."""

import numpy as np
import pytest
import torch
from close import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import number_of, plain_sample
from networks import small

from vrestore.models.tsam.network import Clip
from vrestore.ops.warp.shift_align import Motion
from vrestore.ops.warp.warp import pixel_grid, sample
from vrestore.training.inpaint.task import Inpainting, Pools, _turned

HEIGHT, WIDTH, COUNT = 18, 24, 4
STILL_STEPS = 4


class Shelf:
    """A pool whose samples lie there already; says which turns were asked for."""

    def __init__(self, first):
        self.first, self.turns = first, []

    def draw(self, step, rng):
        self.turns.append(step)
        return [plain_sample(self.first + int(number)) for number in rng.integers(0, 9, 2)]


def lesson(**options):
    pools = Pools(Shelf(0), Shelf(100), STILL_STEPS)
    values = {"seed": 3, "frames": 3, "adversarial": 0.0, "adversarial_from": 0} | options
    return Inpainting(small().train(), pools, None, device=torch.device("cpu"), **values)


def clip_in_motion(dx, dy, seed=0):
    """A clip whose frame t at p is frame t+1 at p + (dx, dy), exactly, with its motion and truth."""
    world = torch.from_numpy(np.random.default_rng(seed).random((8, 60, 70), dtype=np.float32))
    cuts = [world[:, 20 - dy * t :, 22 - dx * t :][:, :HEIGHT, :WIDTH] for t in range(COUNT)]
    values = torch.stack(cuts)
    flow = torch.tensor([dx, dy], dtype=torch.float32)[:, None, None].expand(COUNT - 1, 2, HEIGHT, WIDTH)
    occlusion = torch.zeros(COUNT - 1, 1, HEIGHT, WIDTH)
    frames, confidence, hints = values.split([3, 1, 4], dim=1)
    clip = Clip(frames, confidence > 0.7, confidence, hints)
    return clip, Motion(flow, -flow, occlusion, occlusion), frames.clone()


def errors_along(motion, pictures):
    """How far neighbors are from each other along the motion, both ways, where that leads inside."""
    worst = 0.0
    height, width = pictures.shape[-2:]
    for pair in range(len(motion)):
        for flow, of, towards in ((motion.forward, pair, pair + 1), (motion.backward, pair + 1, pair)):
            points = (pixel_grid(height, width) + flow[pair]).flatten(1).T
            x, y = points.T
            inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
            read = sample(pictures[towards], points, padding="border")
            worst = max(worst, float((read - pictures[of].flatten(1))[:, inside].abs().max()))
    return worst


@given(seed=st.integers(0, 10**6), dx=st.integers(-4, 4), dy=st.integers(-4, 4))
@settings(max_examples=60, deadline=None)
def test_a_turned_clip_moves_as_its_motion_says(seed, dx, dy):
    clip, motion, truth = _turned(np.random.default_rng(seed), *clip_in_motion(dx, dy))
    assert errors_along(motion, clip.frames) < 1e-5
    assert errors_along(motion, clip.hints) < 1e-5
    assert errors_along(motion, truth) < 1e-5


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_all_that_is_told_of_a_pixel_is_turned_alike(seed):
    """Frames, truth, hole and confidence were cut from each other before; they fit afterwards too."""
    clip, _, truth = _turned(np.random.default_rng(seed), *clip_in_motion(1, 2))
    assert_close(clip.frames, truth)
    assert torch.equal(clip.holes, clip.confidence > 0.7)


def test_clips_are_mirrored_transposed_reversed_and_recolored():
    turned = [_turned(np.random.default_rng(seed), *clip_in_motion(2, 1)) for seed in range(64)]
    ways = {(tuple(m.forward[0, :, 0, 0].tolist()), tuple(t.shape[-2:])) for _, m, t in turned}
    assert len(ways) == 8  # two axes, two signs each; reversing adds no further way
    before = clip_in_motion(2, 1)[2]
    assert np.std([float(truth.mean()) for _, _, truth in turned]) > 0.01
    assert all(float(truth.max()) <= float(before.max()) for _, _, truth in turned)


def test_doubts_go_with_their_flow():
    clip, motion, truth = clip_in_motion(2, 0)
    occlusion = motion.forward_doubt.clone()
    occlusion[0] = 1
    motion = Motion(motion.forward, motion.backward, occlusion, motion.backward_doubt)
    for seed in range(12):
        _, turned, _ = _turned(np.random.default_rng(seed), clip, motion, truth)
        is_reversed = bool(turned.backward_doubt.any())
        assert turned.backward_doubt[-1].all() == is_reversed
        assert turned.forward_doubt[0].all() == (not is_reversed)
        assert int(turned.forward_doubt.sum() + turned.backward_doubt.sum()) == HEIGHT * WIDTH


def test_a_still_is_turned_without_motion():
    clip, motion, truth = clip_in_motion(0, 0)
    turned, none, _ = _turned(np.random.default_rng(1), clip[:1], motion[:0], truth[:1])
    assert (len(turned), len(none)) == (1, 0)


def test_the_first_steps_see_stills_and_later_every_fourth():
    pools = Pools(Shelf(0), Shelf(100), STILL_STEPS)
    first, fourth = [True] * STILL_STEPS, [True, False, False, False]
    assert [pools.at(step)[0] for step in range(STILL_STEPS + 8)] == first + 2 * fourth


def test_each_kind_counts_its_own_turns():
    pools = Pools(Shelf(0), Shelf(100), STILL_STEPS)
    turns = [pools.at(step) for step in range(40)]
    for kind in (True, False):
        assert [turn for is_still, turn in turns if is_still == kind] == list(
            range(sum(is_still == kind for is_still, _ in turns))
        )


def test_a_step_sees_what_seed_and_number_say():
    one, again, other = (lesson().batch(step) for step in (6, 6, 7))
    assert torch.equal(one.truth, again.truth)
    assert torch.equal(one.motion.forward, again.motion.forward)
    assert one.truth.shape != other.truth.shape or not torch.equal(one.truth, other.truth)


def test_stills_are_clips_of_one_frame_and_clips_are_not():
    stills, clips = lesson().batch(0), lesson().batch(5)
    assert (stills.clips, len(stills.truth), len(stills.motion)) == (6, 6, 0)
    assert (clips.clips, len(clips.truth), len(clips.motion)) == (2, 6, 4)


@pytest.mark.parametrize("adversarial", [0.0, 0.1], ids=["alone", "critic"])
def test_losses_lead_somewhere(adversarial):
    made = lesson(adversarial=adversarial)
    losses = made.losses(5)
    torch.autograd.backward(losses["total"])
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert {"hole", "valid", "gradient", "gain", "total"} <= set(losses)
    assert ("critic" in losses) == bool(adversarial)
    assert float(made.network.decoder.head.weight.grad.abs().sum()) > 0


def test_the_critic_comes_when_it_is_told_and_never_to_stills():
    made = lesson(adversarial=0.1, adversarial_from=6)
    assert ["critic" in made.losses(step) for step in (0, 5, 6, 8)] == [False, False, True, False]


def test_the_critics_lessons_go_with_a_checkpoint():
    one, other = lesson(adversarial=0.1), lesson(adversarial=0.1)
    one.losses(5)
    other.restore(one.state())
    own = one.state()["critic"]
    assert all(torch.equal(value, own[key]) for key, value in other.state()["critic"].items())


def test_without_clips_to_validate_on_nothing_is_judged():
    assert lesson().validate(small()) == ({}, None)


def test_a_plain_sample_says_its_number():
    assert [number_of(plain_sample(number)) for number in (0, 7, 255)] == [0, 7, 255]
