"""Pictures and boxes in cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrestore.flow.cells import any_of_cells, cells_of, mean_of_cells, pixels_of
from vrestore.flow.dis import DisFlow
from vrestore.frames import Box

SIZES = [(12, 20), (13, 19), (3, 5), (1, 1), (8, 1)]


def in_cells(picture, cell):
    """Each cell's pixels, those beyond the end being the border's, one cell at a time."""
    height, width = (-(-side // cell) * cell for side in picture.shape)
    padded = np.pad(picture, ((0, height - picture.shape[0]), (0, width - picture.shape[1])), "edge")
    return [
        [padded[y : y + cell, x : x + cell] for x in range(0, width, cell)] for y in range(0, height, cell)
    ]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("cell", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_cell_is_the_mean_of_its_pixels(size, cell, kind):
    picture = (np.random.default_rng(0).random(size) * 255).astype(kind)
    expected = [[each.astype(np.float64).mean() for each in row] for row in in_cells(picture, cell)]
    result = mean_of_cells(picture, cell)
    assert result.dtype == kind
    np.testing.assert_allclose(result, expected, rtol=0, atol=0.51 if kind == np.uint8 else 1e-4)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("cell", [1, 2, 4, 8])
def test_a_cell_is_marked_if_one_of_its_pixels_is(size, cell):
    mask = np.random.default_rng(1).random(size) < 0.1
    assert any_of_cells(mask, cell).tolist() == [
        [bool(each.any()) for each in row] for row in in_cells(mask, cell)
    ]


@given(*[st.integers(0, 40)] * 2, *[st.integers(1, 40)] * 2, st.sampled_from([1, 2, 4, 8]))
def test_the_cells_of_a_box_are_the_fewest_that_hold_it(x, y, width, height, cell):
    box = Box(x, y, width, height)
    held = pixels_of(cells_of(box, cell), cell)
    assert held.union(box) == held
    assert held.width - width < 2 * cell
    assert held.height - height < 2 * cell
    assert cells_of(held, cell) == cells_of(box, cell)


@pytest.mark.parametrize("shrunk", [1, 2])
def test_the_flow_of_pictures_of_cells_is_that_of_the_large_ones(shrunk):
    """What the estimator does itself with large pictures."""
    rng, cell = np.random.default_rng(2), 1 << shrunk
    world = np.kron(rng.integers(40, 220, (40, 50)), np.ones((8, 8))).astype(np.uint8)
    pair = world[8:248, 16:336].copy(), world[12:252, 12:332].copy()
    large = DisFlow(scale=shrunk)(*pair)
    small = DisFlow(scale=shrunk, shrunk=shrunk)(*(mean_of_cells(each, cell) for each in pair))
    middles = large.reshape(2, 240 // cell, cell, 320 // cell, cell).mean((2, 4))[:, 4:-4, 4:-4]
    assert np.abs(small[:, 4:-4, 4:-4] * cell - middles).mean() < 0.05
