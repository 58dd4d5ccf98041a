"""Bilinear reading, against a loop over the four pixels around."""

import math

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.ops.warp.warp import is_inside, pixel_grid, sample, warp

HEIGHT, WIDTH = 5, 7


def read_slowly(picture, x, y, padding):
    """One value of a (H, W) float64 picture between its pixels."""
    height, width = picture.shape
    if padding == "border":
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                total += (1 - abs(x - column)) * (1 - abs(y - row)) * picture[row, column]
    return total


def slowly(picture, points, padding):
    return np.array([[read_slowly(plane, x, y, padding) for x, y in points] for plane in picture])


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape).astype(np.float32))


def somewhere(count, height=HEIGHT, width=WIDTH):
    """Points in and around a picture."""
    places = np.random.default_rng(1).uniform(-2, [width + 1, height + 1], (count, 2))
    return torch.from_numpy(places.astype(np.float32))


SIZES = pytest.mark.parametrize(("height", "width"), [(5, 7), (2, 9), (11, 3)], ids=["odd", "flat", "tall"])
PADDINGS = pytest.mark.parametrize("padding", ["zeros", "border"])


def test_the_grid_counts_columns_then_rows():
    grid = pixel_grid(2, 3)
    assert grid.tolist() == [[[0, 1, 2], [0, 1, 2]], [[0, 0, 0], [1, 1, 1]]]


@PADDINGS
@SIZES
def test_sampling_is_bilinear(height, width, padding):
    picture, points = drawn(3, height, width), somewhere(40, height, width)
    expected = slowly(picture.double().numpy(), points.double().numpy(), padding)
    assert_close(sample(picture, points, padding=padding), expected)


@PADDINGS
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 6), (4, 1)], ids=["1x1", "row", "column"])
def test_a_picture_one_pixel_wide_is_read_where_it_is(height, width, padding):
    picture = drawn(2, height, width)
    points = pixel_grid(height, width).flatten(1).T
    assert_close(sample(picture, points, padding=padding), picture.flatten(1))


@PADDINGS
def test_at_pixels_the_value_is_the_pixels(padding):
    picture = drawn(3, HEIGHT, WIDTH)
    points = pixel_grid(HEIGHT, WIDTH).movedim(0, -1)
    assert_close(sample(picture, points, padding=padding), picture)


def test_points_may_come_in_any_shape_even_empty():
    picture = drawn(3, HEIGHT, WIDTH)
    assert sample(picture, torch.zeros(2, 4, 2)).shape == (3, 2, 4)
    assert sample(picture, torch.zeros(0, 2)).shape == (3, 0)


def test_a_picture_and_points_may_be_views():
    base, places = drawn(3, WIDTH, HEIGHT, seed=2), somewhere(20)
    picture, points = base.transpose(1, 2), places.flip(1).T.contiguous().T.flip(1)
    assert not picture.is_contiguous()
    assert_close(sample(picture, points), sample(picture.contiguous(), places))


@PADDINGS
@SIZES
def test_warping_reads_each_pixel_at_its_flow(height, width, padding):
    pictures, flow = drawn(2, 3, height, width), 4 * drawn(2, 2, height, width, seed=3) - 2
    result = warp(pictures, flow, padding=padding)
    grid = pixel_grid(height, width)
    for picture, moved, one in zip(pictures, flow, result, strict=True):
        points = (grid + moved).flatten(1).T.double().numpy()
        assert_close(one.flatten(1), slowly(picture.double().numpy(), points, padding), dtype="float32")


def test_a_flow_of_whole_pixels_moves_them():
    pictures, flow = drawn(1, 1, HEIGHT, WIDTH), torch.zeros(1, 2, HEIGHT, WIDTH)
    flow[:, 0], flow[:, 1] = 2, -1
    assert_close(warp(pictures, flow)[..., 1:, :-2], pictures[..., :-1, 2:])


def test_warping_by_nothing_changes_nothing():
    pictures = drawn(2, 3, HEIGHT, WIDTH)
    assert_close(warp(pictures, torch.zeros(2, 2, HEIGHT, WIDTH)), pictures)


@pytest.mark.parametrize(
    ("x", "y", "inside"),
    [(0, 0, True), (6, 4, True), (-0.01, 2, False), (6.01, 2, False), (3, -0.01, False), (3, 4.01, False)],
)
def test_the_picture_ends_at_the_centers_of_its_outer_pixels(x, y, inside):
    assert is_inside(torch.tensor([[x, y]]), height=HEIGHT, width=WIDTH).tolist() == [inside]
