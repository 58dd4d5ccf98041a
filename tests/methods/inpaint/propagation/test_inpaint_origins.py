"""Origins: carried exactly, never mixed between frames, begun anew when they are too old."""

import numpy as np
import torch
from close import assert_close
from pretend import DEVICE, pretended

from vrestore.device.transfers import moved
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import make_patch
from vrestore.methods.inpaint.propagation.origins import NOWHERE, Origins, carried_on, nowhere, own_places

HEIGHT, WIDTH = 20, 30
HOLE = Box(10, 6, 8, 7)


WHOLE = Box(0, 0, WIDTH, HEIGHT)


def patch(index, hole=HOLE, box=WHOLE):
    hidden = np.zeros((box.height, box.width), bool)
    if hole is not None:
        inner = hole.relative_to(box)
        hidden[inner.rows, inner.columns] = True
    return make_patch(index, box, np.zeros((3, box.height, box.width), np.float32), hidden)


def carried(source, known, *, by, into=None, oldest=0, trust=1.0):
    into = into or patch(source.index + 1)
    targets = into.points[: into.hidden_count] + torch.tensor(by)
    return carried_on(into, targets, torch.full((into.hidden_count,), trust), source, known, oldest=oldest)


def test_a_known_pixel_is_its_own_origin():
    source = patch(4, None)
    made = carried(source, nowhere(source), by=(2.25, -1.5))
    assert (made.frame == 4).all()
    assert_close(made.offset, torch.tensor([2.25, -1.5])[:, None].expand(2, 56))


def test_places_add_up_over_many_steps_without_loss():
    """As far as the eye can follow them: thirty steps of a third of a pixel are ten pixels."""
    source, known = patch(0, None), None
    known = nowhere(source)
    for index in range(1, 31):
        into = patch(index)
        known = carried(source, known, by=(1 / 3, 0.1), into=into)
        source = into
    assert (known.frame >= 0).all()
    # What is read far from the rim was hidden in all frames but the first.
    deep = known.frame == 0
    assert int(deep.sum()) > 20
    assert (
        float((known.offset[:, deep] - torch.tensor([10.0, 3.0])[:, None]).abs().max()) < 0.05
    )  # OpenCV knows a 32nd of a pixel


def test_places_of_two_frames_are_never_mixed():
    source = patch(5)
    frame = torch.full((7, 8), 2, dtype=torch.int32)
    frame[:, 4:] = 3
    offset = torch.where(frame == 2, -8.0, 8.0).flatten().expand(2, 56).clone()
    made = carried(source, Origins(frame.flatten(), offset), by=(0.4, 0.0), into=patch(6))
    inside = made.frame != 5
    assert set(made.frame[inside].tolist()) == {2, 3}
    assert_close(made.offset[0, made.frame == 2], torch.full((int((made.frame == 2).sum()),), -7.6))
    assert_close(made.offset[0, made.frame == 3], torch.full((int((made.frame == 3).sum()),), 8.4))


def test_a_neighbor_that_is_known_is_taken_where_the_nearest_is_not():
    source = patch(5)
    frame = torch.full((7, 8), NOWHERE, dtype=torch.int32)
    frame[:, 4:] = 1
    made = carried(source, Origins(frame.flatten(), torch.zeros(2, 56)), by=(0.3, 0.0), into=patch(6))
    rows = made.frame.view(7, 8)
    assert (rows[:, 3] == 1).all()
    assert (rows[:, :3] == NOWHERE).all()


def test_what_is_too_old_begins_anew_and_the_rest_goes_on():
    source = patch(50)
    frame = torch.full((56,), 40, dtype=torch.int32)
    frame[:28] = 10
    known = Origins(frame, torch.full((2, 56), 6.0))
    made = carried(source, known, by=(0.0, 0.0), into=patch(51), oldest=14)
    assert made.frame.tolist() == [50] * 28 + [40] * 28
    assert_close(made.offset[:, :28], torch.zeros(2, 28))
    assert_close(made.offset[:, 28:], torch.full((2, 28), 6.0))


def test_without_trust_nothing_is_known():
    source = patch(4, None)
    assert (carried(source, nowhere(source), by=(0.0, 0.0), trust=0.0).frame == NOWHERE).all()


def test_places_are_the_frames_whatever_the_boxes():
    source = patch(4, None, Box(4, 2, 24, 16))
    into = patch(5, HOLE, Box(8, 4, 20, 14))
    targets = into.points[: into.hidden_count] + torch.tensor([4.0, 2.0]) + torch.tensor([1.5, 0.25])
    made = carried_on(into, targets, torch.ones(56), source, nowhere(source), oldest=0)
    assert_close(made.offset, torch.tensor([1.5, 0.25])[:, None].expand(2, 56))


def test_a_hole_that_was_filled_before_is_its_own_origin():
    source = patch(7)
    made = carried(source, own_places(source), by=(0.5, 0.5), into=patch(8))
    assert (made.frame == 7).all()
    assert_close(made.offset, torch.full((2, 56), 0.5))


def test_a_device_carries_as_the_cpu_does():
    rng = np.random.default_rng(0)
    source, into = patch(5), patch(6)
    frame = torch.from_numpy(rng.choice([NOWHERE, 2, 3], (7, 8)).repeat(3, 0)[:7].astype(np.int32)).flatten()
    known = Origins(frame, torch.from_numpy(rng.normal(0, 0.1, (2, 56)).astype(np.float32)) + 4)
    step = torch.from_numpy((rng.integers(-40, 40, (56, 2)) / 32).astype(np.float32))
    targets, trust = into.points[:56] + step, torch.ones(56)
    here = carried_on(into, targets, trust, source, known, oldest=0)
    with pretended():
        given = moved((into, targets, trust, source, known), DEVICE)
        there = moved(carried_on(*given, oldest=0), torch.device("cpu"))
    assert torch.equal(here.frame, there.frame)
    shown = here.frame != NOWHERE
    assert_close(here.offset[:, shown], there.offset[:, shown])
