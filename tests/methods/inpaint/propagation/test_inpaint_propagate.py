"""Colors travel along given links: exactly, in windows, blended by confidence."""

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.device.fallback import DeviceFallback
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import make_patch
from vrestore.methods.inpaint.propagation.blending import SURE, regularize
from vrestore.methods.inpaint.propagation.correspondence import FetchMap, Linked
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.inpaint.propagation.propagate import DECAY, propagate

HEIGHT, WIDTH = 19, 27
BOX = Box(0, 0, WIDTH, HEIGHT)
CPU = DeviceFallback()
WORLD = (0.2 + 0.6 * np.random.default_rng(0).random((3, HEIGHT, WIDTH))).astype(np.float32)


def patch(index, hole=None, world=WORLD):
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    if hole is not None:
        hidden[hole.rows, hole.columns] = True
    return make_patch(index, BOX, world * ~hidden, hidden)


def step(of, trust=1.0):
    return FetchMap(of.points, torch.full((len(of.points),), float(trust)))


def still(patches, forward=1.0, backward=1.0):
    """Links of a camera that stands still."""
    before = None
    for each in patches:
        if before is None:
            yield Linked(each, None, None)
        else:
            yield Linked(each, step(each, forward), step(before, backward))
        before = each


def filled(patches, chunk=5, look_ahead=8, **trust):
    return list(propagate(still(patches, **trust), chunk=chunk, look_ahead=look_ahead, fallback=CPU))


def truth(each, world=WORLD):
    return torch.from_numpy(world[:, each.patch.hidden])


HOLE, OTHER = Box(10, 7, 5, 4), Box(3, 2, 6, 5)


def test_what_the_past_shows_is_copied():
    result = filled([patch(0), patch(1, HOLE)])[1]
    assert_close(result.colors, truth(result))
    assert_close(result.confidence, torch.full((20,), DECAY))
    assert not result.is_blended.any()


def test_what_the_future_shows_is_copied():
    result = filled([patch(0, HOLE), patch(1)])[0]
    assert_close(result.colors, truth(result))
    assert_close(result.confidence, torch.full((20,), DECAY))
    assert not result.is_blended.any()


def test_what_both_show_is_blended():
    result = filled([patch(0), patch(1, HOLE), patch(2)])[1]
    assert result.is_blended.all()
    assert_close(result.colors, truth(result))


def test_colors_travel_through_many_frames_and_grow_old():
    patches = [patch(0), *(patch(index, HOLE) for index in range(1, 7))]
    result = filled(patches)
    ages = [float(each.confidence.mean()) for each in result[1:]]
    assert_close(np.array(ages), [DECAY**age for age in range(1, 7)], dtype="float32")
    assert_close(result[6].colors, truth(result[6]))


def test_the_surer_side_dominates():
    """Red before, blue after; after is trusted less. No seam speaks up: the rim is known in neither."""
    red, blue = WORLD * 0 + np.float32([0.6, 0.5, 0.4])[:, None, None], WORLD * 0 + 0.5
    patches = [patch(0, None, red), patch(1, Box(0, 0, WIDTH, HEIGHT)), patch(2, None, blue)]
    even, past, future = (
        float(filled(patches, forward=a, backward=b)[1].colors[0].mean())
        for a, b in ((1, 1), (1, 0.5), (0.5, 1))
    )
    assert even == pytest.approx(0.55, abs=1e-4)
    assert past > 0.59
    assert future < 0.51


def test_what_nobody_shows_is_painted_within_the_range_of_the_rim():
    (result,) = filled([patch(0, HOLE)])
    assert not result.confidence.any()
    assert float(result.colors.min()) >= WORLD.min() - 1e-5
    assert float(result.colors.max()) <= WORLD.max() + 1e-5


def test_without_trust_nothing_is_fetched():
    result = filled([patch(0), patch(1, HOLE), patch(2)], forward=0, backward=0)[1]
    assert not result.confidence.any()


def test_a_part_that_is_shown_is_copied_and_the_rest_painted():
    left = Box(HOLE.x, HOLE.y, 2, HOLE.height)
    result = filled([patch(0, left), patch(1, HOLE)])[1]
    shown = torch.from_numpy(np.arange(20) % 5 >= 2)
    assert ((result.confidence > 0) == shown).all()
    assert_close(result.colors[:, shown], truth(result)[:, shown])


def test_another_brightness_is_matched_at_the_seam():
    dim = (WORLD - 0.07).astype(np.float32)
    result = filled([patch(0, None, dim), patch(1, HOLE)])[1]
    assert_close(result.colors, truth(result))


def test_a_doubtful_rim_does_not_speak_for_brightness():
    dim = (WORLD - 0.07).astype(np.float32)
    result = filled([patch(0, None, dim), patch(1, HOLE)], forward=SURE - 0.05)[1]
    assert_close(result.colors, truth(result, dim))


def test_the_future_is_seen_as_far_as_the_look_ahead_goes():
    """Window of 2 and 3 ahead: the frame that shows the hole is out of sight of the first window."""
    patches = [*(patch(index, HOLE) for index in range(6)), patch(6)]
    result = filled(patches, chunk=2, look_ahead=3)
    assert [bool(each.confidence.any()) for each in result[:6]] == [False, False, True, True, True, True]


@pytest.mark.parametrize(("chunk", "look_ahead"), [(1, 0), (1, 1), (2, 3), (3, 1), (7, 7), (99, 0)], ids=str)
@pytest.mark.parametrize("count", [0, 1, 4, 9], ids=str)
def test_windows_cover_each_patch_once(count, chunk, look_ahead):
    patches = [patch(index, HOLE) for index in range(count)]
    assert [each.patch.index for each in filled(patches, chunk, look_ahead)] == list(range(count))


def test_windows_do_not_change_what_is_copied_from_the_past():
    patches = [patch(0), *(patch(index, HOLE) for index in range(1, 9))]
    for one, other in zip(filled(patches, 2, 1), filled(patches, 99, 0), strict=True):
        assert (one.colors == other.colors).all()


def test_patches_are_given_as_soon_as_a_window_is_full():
    taken = []

    def links():
        for each in still([patch(index, HOLE) for index in range(14)]):
            taken.append(each)
            yield each

    filling = propagate(links(), chunk=3, look_ahead=4, fallback=CPU)
    held = [len(taken) - done for done, _ in enumerate(filling)]
    assert max(held) == 3 + 4 + 1


def test_a_patch_without_a_hole_has_no_colors():
    result = filled([patch(0, HOLE), patch(1), patch(2, HOLE)])[1]
    assert (result.colors.shape, result.confidence.shape) == ((3, 0), (0,))


def test_what_is_sure_is_not_softened():
    (_, result) = filled([patch(0), patch(1, HOLE)])
    assert regularize(result) is result


def half_sure(confidence):
    """Colors of nonsense of some confidence, but for one sure pixel."""
    made = patch(0, HOLE)
    values = torch.full((20,), confidence)
    values[3] = 1.0
    colors = torch.from_numpy(np.random.default_rng(5).random((3, 20)).astype(np.float32))
    return Filled(made, colors, values, torch.zeros(20, dtype=torch.bool), torch.zeros(20))


def test_softening_keeps_sure_pixels_and_what_is_known_of_the_result():
    given = half_sure(0.3)
    result = regularize(given)
    assert (result.colors[:, 3] == given.colors[:, 3]).all()
    assert (result.confidence == given.confidence).all()
    assert result.patch is given.patch


def test_painted_pixels_are_smooth_already():
    given = half_sure(0.0)
    assert (regularize(given).colors == given.colors).all()


def test_the_more_doubtful_a_pixel_the_more_it_is_softened():
    moved = [
        float((regularize(half_sure(c)).colors - half_sure(c).colors).abs().mean()) for c in (0.8, 0.4, 0.1)
    ]
    assert 0 < moved[0] < moved[1] < moved[2]


def test_softening_takes_out_detail_not_color():
    given = half_sure(0.1)
    result = regularize(given)
    assert float(result.colors.var()) < float(given.colors.var())
    assert float(result.colors.min()) >= 0
    assert float(result.colors.max()) <= 1
