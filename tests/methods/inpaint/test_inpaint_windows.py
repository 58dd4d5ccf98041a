"""Windows: they follow the hole, and their motion is the scene's less their own."""

import numpy as np
import pytest
import torch
from close import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from textured import panned, texture

from vrestore.flow.dis import DisFlow
from vrestore.frames import Box
from vrestore.masks.tracks import find_tracks
from vrestore.methods.inpaint.network.windows import clip_of, motion_between, window_of
from vrestore.methods.inpaint.patches.patch import make_patch
from vrestore.methods.inpaint.plan import NETWORK_CONTEXT, NETWORK_SCALES, window_size
from vrestore.methods.inpaint.propagation.blending import regularize
from vrestore.methods.inpaint.propagation.filled import Filled

WORLD = texture(140, 190, seed=3)


def filled(box, hole, *, index=0, picture=WORLD, color=0.5, confidence=1.0, agreement=0.0):
    """A patch of a picture whose hole, in the picture's coordinates, is filled with one color."""
    hidden = np.zeros((box.height, box.width), bool)
    if hole is not None:
        inner = hole.relative_to(box)
        hidden[inner.rows, inner.columns] = True
    patch = make_patch(index, box, picture[:, box.rows, box.columns] * ~hidden, hidden)
    count = patch.hidden_count
    return Filled(
        patch,
        torch.full((3, count), color),
        torch.full((count,), confidence),
        torch.zeros(count, dtype=torch.bool),
        torch.full((count,), agreement),
    )


def still(of, towards):
    return np.zeros((2, *of.shape), np.float32)


BOX, HOLE = Box(20, 24, 100, 80), Box(60, 50, 20, 14)


@given(
    left=st.integers(0, 80),
    top=st.integers(0, 66),
    width=st.integers(1, 40),
    height=st.integers(1, 33),
    scale=st.sampled_from(NETWORK_SCALES),
)
@settings(max_examples=60, deadline=None)
def test_a_window_holds_the_whole_hole_wherever_that_is(left, top, width, height, scale):
    """Sizes are those that a run would ask for, of a picture that is the patch."""
    box, hole = Box(0, 0, 120, 99), Box(left, top, width, height)
    track = find_tracks([[hole]], first=0, is_open=False, margin=96, height=99, width=120)[0]
    tall, wide = window_size(track, scale=scale)
    window = window_of(filled(box, hole), height=tall, width=wide)
    assert window.values.shape == (9, tall, wide)
    assert window.x <= hole.x
    assert window.y <= hole.y
    assert hole.x + hole.width <= window.x + wide
    assert hole.y + hole.height <= window.y + tall
    assert int(window.values[8, : 99 - window.y, : 120 - window.x].sum()) >= hole.area


def test_a_window_stands_around_the_hole():
    window = window_of(filled(BOX, HOLE), height=48, width=64)
    assert (window.x, window.y) == (HOLE.x + 10 - 32, HOLE.y + 7 - 24)
    assert window.corner.tolist() == [window.x - BOX.x, window.y - BOX.y]


@pytest.mark.parametrize(
    ("hole", "corner"),
    [(Box(21, 25, 4, 4), (20, 24)), (Box(115, 99, 4, 4), (120 - 64, 104 - 48))],
    ids=["first", "last"],
)
def test_at_the_edge_of_a_patch_the_window_stays_inside(hole, corner):
    window = window_of(filled(BOX, hole), height=48, width=64)
    assert (window.x, window.y) == corner


def test_a_window_shows_what_the_frame_shows():
    window = window_of(filled(BOX, HOLE), height=48, width=64)
    rows, columns = slice(window.y, window.y + 48), slice(window.x, window.x + 64)
    outside = window.values[8] == 0
    expected = torch.from_numpy(WORLD[:, rows, columns])
    for picture in (window.values[:3], window.values[3:6]):
        assert float((picture - expected)[:, outside].abs().max()) < 1e-5  # 16 bits are kept
    assert (window.values[6:8, outside] == 1).all()


def test_in_the_hole_a_window_has_the_softened_and_the_fetched_colors():
    made = filled(BOX, HOLE, confidence=0.3, agreement=0.7)
    window = window_of(made, height=48, width=64)
    hidden = window.values[8] > 0
    assert torch.equal(window.values[:3, hidden], regularize(made).colors)
    assert torch.equal(window.values[3:6, hidden], made.colors)
    assert_close(window.values[6, hidden], made.confidence)
    assert_close(window.values[7, hidden], made.agreement)
    assert not torch.equal(regularize(made).colors, made.colors)


def test_a_patch_smaller_than_the_window_is_continued():
    box = Box(0, 0, 37, 29)
    window = window_of(filled(box, Box(10, 9, 8, 6)), height=48, width=64)
    assert (window.x, window.y) == ((37 - 64) // 2, (29 - 48) // 2)
    left, top = -window.x, -window.y
    inner = window.values[:, top : top + 29, left : left + 37]
    expected = np.pad(inner.numpy(), ((0, 0), (top, 48 - 29 - top), (left, 64 - 37 - left)), mode="edge")
    assert_close(window.values, torch.from_numpy(expected))
    assert int(inner[8].sum()) == 48


def test_without_a_hole_all_is_known():
    window = window_of(filled(BOX, None), height=48, width=64)
    assert not window.values[8].any()
    assert (window.values[6:8] == 1).all()


def test_windows_become_the_networks_input():
    windows = [
        window_of(filled(BOX, HOLE, index=index, confidence=0.3), height=48, width=64) for index in range(3)
    ]
    clip = clip_of(windows)
    assert len(clip) == 3
    assert torch.equal(clip.frames[1], windows[1].values[:3])
    assert torch.equal(clip.holes[1], windows[1].values[8:9] > 0)
    assert torch.equal(clip.hints[1, :3], windows[1].values[3:6] - windows[1].values[:3])
    assert torch.equal(clip.hints[1, 3], windows[1].values[7])


def test_windows_that_move_over_a_still_scene_see_it_move_the_other_way():
    before = window_of(filled(BOX, HOLE), height=48, width=64)
    after = window_of(filled(BOX, Box(70, 54, 20, 14), index=1), height=48, width=64)
    motion = motion_between(before, after, still)
    assert motion.forward.shape == (1, 2, 24, 32)
    shift = torch.tensor([-10.0, -4.0]) / 2
    assert_close(motion.forward, shift.view(1, 2, 1, 1).expand(1, 2, 24, 32))
    assert_close(motion.backward, -shift.view(1, 2, 1, 1).expand(1, 2, 24, 32))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_motion_between_windows_is_the_scenes_less_theirs(scale):
    """A textured picture pans by (-4, -2) and the hole goes (9, 4); medians to a quarter."""
    views = panned(WORLD, count=2, height=100, width=130, step=(4.0, 2.0))
    boxes, holes = [Box(8, 4, 112, 92), Box(12, 8, 112, 92)], [Box(50, 40, 12, 10), Box(59, 44, 12, 10)]
    windows = [
        window_of(filled(box, hole, index=index, picture=view), height=64, width=64)
        for index, (box, hole, view) in enumerate(zip(boxes, holes, views, strict=True))
    ]
    motion = motion_between(*windows, DisFlow("medium"), scale=scale)
    side = 64 // (2 * scale)
    assert motion.forward.shape == motion.backward.shape == (1, 2, side, side)
    shift = np.array([windows[1].x - windows[0].x, windows[1].y - windows[0].y])
    assert shift.any()
    cell = 2 * scale
    for flow, occlusion, expected in (
        (motion.forward, motion.forward_doubt, (np.array([-4.0, -2.0]) - shift) / cell),
        (motion.backward, motion.backward_doubt, (np.array([4.0, 2.0]) + shift) / cell),
    ):
        trusted = occlusion[0, 0] < 0.5
        assert trusted.float().mean() > 0.5
        found = [float(flow[0, axis][trusted].median()) for axis in range(2)]
        assert found == pytest.approx(expected.tolist(), abs=0.25)


def test_windows_that_share_nothing_are_in_doubt():
    before = window_of(filled(Box(0, 0, 40, 40), Box(10, 10, 4, 4)), height=32, width=32)
    after = window_of(filled(Box(100, 60, 40, 40), Box(110, 70, 4, 4), index=1), height=32, width=32)
    motion = motion_between(before, after, still)
    assert motion.forward_doubt.all()
    assert motion.backward_doubt.all()
    assert not motion.forward.any()


def test_what_leaves_the_common_picture_is_in_doubt():
    before = window_of(filled(Box(0, 0, 40, 40), Box(16, 16, 8, 8)), height=32, width=32)
    after = window_of(filled(Box(20, 0, 40, 40), Box(36, 16, 8, 8), index=1), height=32, width=32)
    motion = motion_between(before, after, still)
    columns = before.x + 2 * np.arange(16) + 0.5
    is_common = torch.from_numpy((columns >= 20) & (columns <= 39))
    assert (motion.forward_doubt[0, 0][:, ~is_common] == 1).all()
    assert float(motion.forward_doubt[0, 0][:, is_common].max()) < 0.1


def test_context_is_left_around_the_hole():
    track = find_tracks([[HOLE]], first=0, is_open=False, margin=96, height=400, width=600)[0]
    tall, wide = window_size(track, scale=1)
    assert tall - HOLE.height >= 2 * NETWORK_CONTEXT
    assert wide - HOLE.width >= 2 * NETWORK_CONTEXT
