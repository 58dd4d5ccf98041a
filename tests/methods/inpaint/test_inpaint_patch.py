"""Patches: what is kept of a frame around a hole."""

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.frames import Box
from vrestore.methods.inpaint.patches.gray import gray_filled, gray_without_hole
from vrestore.methods.inpaint.patches.outline import RIM_PIXELS
from vrestore.methods.inpaint.patches.patch import SURROUNDINGS, box_around, gray, luma_of, make_patch

HEIGHT, WIDTH = 23, 31
HALF_A_STEP = 0.501 / 255


def drawn(height=HEIGHT, width=WIDTH, seed=0):
    return np.random.default_rng(seed).random((3, height, width)).astype(np.float32)


def patch(hidden, rgb=None):
    rgb = drawn(*hidden.shape) if rgb is None else rgb
    return make_patch(4, Box(8, 12, hidden.shape[1], hidden.shape[0]), rgb * ~hidden, hidden)


def whole(made):
    return made.picture(made.whole)


def rectangle(y=9, x=12, height=4, width=6):
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[y : y + height, x : x + width] = True
    return hidden


MASKS = {
    "middle": rectangle(),
    "corner": rectangle(0, 0, 5, 3),
    "one": rectangle(22, 30, 1, 1),
    "none": rectangle(0, 0, 0, 0),
    "all": rectangle(0, 0, HEIGHT, WIDTH),
    "scattered": np.random.default_rng(3).random((HEIGHT, WIDTH)) < 0.3,
}


@pytest.fixture(params=MASKS.values(), ids=MASKS)
def hidden(request):
    return request.param


def test_known_colors_keep_sixteen_bits(hidden):
    rgb = drawn()
    assert np.abs(whole(patch(hidden, rgb)).numpy() - rgb)[:, ~hidden].max(initial=0) < 0.5 / 65535 + 1e-7


def test_codes_of_any_depth_come_back_exactly():
    codes = np.arange(4096).reshape(1, 64, 64).repeat(3, 0)
    rgb = (codes / 4095).astype(np.float32)
    kept = whole(patch(np.zeros((64, 64), bool), rgb)).numpy()
    assert (np.rint(kept * 4095) == codes).all()


def test_points_are_the_hidden_pixels_row_by_row_then_the_rim(hidden):
    made = patch(hidden)
    expected = [(x, y) for mask in (hidden, made.rim) for y, x in np.argwhere(mask).tolist()]
    assert made.points.tolist() == [list(map(float, point)) for point in expected]
    assert made.hidden_count == hidden.sum()


def test_the_rim_is_known_and_near(hidden):
    rim = patch(hidden).rim
    assert not (rim & hidden).any()
    for y, x in np.argwhere(rim):
        rows, columns = np.nonzero(hidden)
        assert np.hypot(rows - y, columns - x).min() < RIM_PIXELS + 0.5


def test_the_rim_touches_the_hole_all_round():
    ring = rectangle(8, 11, 6, 8) & ~rectangle()
    assert patch(rectangle()).rim[ring].all()


def test_filling_sets_the_hidden_pixels_in_their_order(hidden):
    made = patch(hidden)
    colors = torch.arange(3.0 * made.hidden_count).reshape(3, -1) / 999
    picture = made.filled(colors, made.whole)
    assert_close(picture[:, torch.from_numpy(hidden)], colors)
    assert (picture == whole(made))[:, ~torch.from_numpy(hidden)].all()


WINDOWS = [Box(0, 0, 1, 1), Box(10, 7, 5, 9), Box(14, 10, 17, 13), Box(0, 0, WIDTH, HEIGHT)]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_window_is_a_cut_of_the_whole(hidden, window):
    made = patch(hidden)
    colors = torch.arange(3.0 * made.hidden_count).reshape(3, -1) / 999
    cut = (slice(None), window.rows, window.columns)
    assert (made.picture(window) == whole(made)[cut]).all()
    assert (made.filled(colors, window) == made.filled(colors, made.whole)[cut]).all()


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_colors_can_be_had_weighted_by_confidence(hidden, window):
    made = patch(hidden)
    colors, confidence = (
        torch.from_numpy(drawn(1, made.hidden_count))[:, 0],
        torch.arange(1.0 * made.hidden_count) / 999,
    )
    known = torch.ones(HEIGHT, WIDTH)
    known[torch.from_numpy(hidden)] = confidence
    expected = torch.cat([made.filled(colors, made.whole) * known, known[None]])
    assert_close(made.weighted(colors, confidence, window), expected[:, window.rows, window.columns])


def test_the_hole_comes_with_its_near_surroundings():
    hole, size = patch(rectangle(9, 12, 2, 3)).hole, {"height": HEIGHT, "width": WIDTH}
    near, wider = (
        Box(12, 9, 3, 2).grown(reach, **size) for reach in (SURROUNDINGS, SURROUNDINGS + RIM_PIXELS)
    )
    assert hole.union(near) == hole
    assert hole.union(wider) == wider


def test_without_a_hole_its_surroundings_are_small():
    assert patch(rectangle(0, 0, 0, 0)).hole.area <= (1 + 2 * SURROUNDINGS) ** 2


def test_a_box_around_points_holds_the_pixels_they_are_read_from():
    assert box_around(torch.tensor([[2.5, 3.0], [4.0, 1.2]])) == Box(2, 1, 3, 3)
    assert box_around(torch.tensor([[-1.5, 7.0]])) == Box(-2, 7, 2, 1)


def test_filling_leaves_the_patch_as_it_was():
    made = patch(rectangle())
    before = made.codes.clone()
    made.filled(torch.ones(3, made.hidden_count), made.whole)
    assert (made.codes == before).all()


def test_the_rim_has_its_pictures_colors_or_luma(hidden):
    made = patch(hidden)
    x, y = made.points[made.hidden_count :].long().T
    assert_close(made.rim_values(3), whole(made)[:, y, x])
    assert (
        float((made.rim_values(1) - luma_of(whole(made)[:, y, x])).abs().sum()) / max(1, len(x)) < HALF_A_STEP
    )


def test_luma_is_kept_and_filled_as_colors_are(hidden):
    made = patch(hidden)
    colors = torch.rand(3, made.hidden_count, generator=torch.Generator().manual_seed(0))
    confidence = torch.rand(made.hidden_count, generator=torch.Generator().manual_seed(1))
    luma = luma_of(colors)
    filled = made.filled(luma, made.whole)
    assert float((filled - luma_of(made.filled(colors, made.whole))).abs().max()) < HALF_A_STEP
    weighted = made.weighted(luma, confidence, made.whole)
    assert_close(weighted[1], made.weighted(colors, confidence, made.whole)[3])
    assert_close(weighted[:1], filled * weighted[1])


def test_gray_is_luma_in_whole_steps():
    picture = torch.from_numpy(drawn())
    exact = 255 * np.tensordot([0.299, 0.587, 0.114], picture.double().numpy(), 1)
    assert np.abs(gray(picture).numpy() - exact).max() <= 0.501
    assert gray(torch.ones(3, 2, 2)).tolist() == [[255, 255], [255, 255]]


@pytest.mark.parametrize("cell", [1, 2, 4])
def test_the_hole_is_closed_without_an_edge(cell):
    flat = np.full((3, HEIGHT, WIDTH), 0.7, np.float32)
    closed = gray_without_hole(patch(rectangle(), flat), cell)
    assert closed.shape == (-(-HEIGHT // cell), -(-WIDTH // cell))
    assert set(closed.ravel()) == {round(0.7 * 255)}


@pytest.mark.parametrize("cell", [1, 2, 4])
def test_in_gray_known_cells_are_means_of_the_picture(hidden, cell):
    made = patch(hidden)
    below, right = -HEIGHT % cell, -WIDTH % cell
    pixels = np.pad(gray(whole(made)).double().numpy(), ((0, below), (0, right)), "edge")
    covered = np.pad(hidden, ((0, below), (0, right)), "edge")
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    cells, touched = (
        picture.reshape(rows, cell, columns, cell).swapaxes(1, 2).reshape(rows, columns, -1)
        for picture in (pixels, covered)
    )
    known = ~touched.any(-1)
    for made_gray in (
        gray_without_hole(made, cell),
        gray_filled(made, torch.ones(1, made.hidden_count), cell),
    ):
        assert np.abs(made_gray - cells.mean(-1))[known].max(initial=0) <= 0.5


def test_a_filled_hole_shows_its_colors_in_gray():
    made = patch(rectangle())
    white = gray_filled(made, torch.ones(1, made.hidden_count), 1)
    assert (white[made.hidden] == 255).all()
    assert (white == made.known_gray.numpy())[~made.hidden].all()
