"""The dark channel prior, against loops, and on haze that is known."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from close import assert_close

from vrestore.ops.filters.dark_channel import KEPT, dark_air, dark_channel, dark_depth, min_nearby
from vrestore.ops.filters.haze_model import scatter


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape))


def test_it_is_the_darkest_color_nearby():
    pictures = drawn(2, 3, 64, 70)
    result = dark_channel(pictures)
    assert result.shape == (2, 1, 64, 70)
    for n, y, x in ((0, 0, 0), (1, 30, 41), (1, 63, 69)):
        window = pictures[n, :, max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]  # radius 64 / 32
        assert result[n, 0, y, x] == window.min()


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 7, 8, 40])
def test_the_least_nearby_is_that_of_a_window_cut_at_the_border(radius):
    values, side = drawn(2, 3, 21, 30), 2 * radius + 1
    pooled = -F.max_pool2d(-F.pad(values, (radius,) * 4, value=9.0), side, 1)
    assert torch.equal(min_nearby(values, radius), pooled)


def test_the_air_is_the_color_of_the_thickest_haze():
    pictures = 0.3 * drawn(1, 3, 40, 50)
    color = torch.tensor([0.8, 0.7, 0.6], dtype=torch.float64)
    pictures[0, :, 5:15, 10:30] = color[:, None, None]
    assert_close(dark_air(pictures)[0], color)


def test_clipped_pixels_are_not_the_air():
    pictures = 0.3 * drawn(1, 3, 40, 50)
    pictures[0, :, 5:15, 10:30] = 0.8
    pictures[0, :, 25:35, 10:30] = 1.0
    assert_close(dark_air(pictures)[0], torch.full((3,), 0.8, dtype=torch.float64))


def test_a_picture_that_is_all_clipped_has_an_air_too():
    assert_close(dark_air(torch.ones(1, 3, 8, 8)), torch.ones(1, 3))


def test_haze_over_a_scene_with_dark_places_is_found():
    clear = drawn(1, 3, 64, 64)
    clear[:, 0, ::2] = 0  # something is dark everywhere
    transmission, air = torch.full((1, 1, 64, 64), 0.4, dtype=torch.float64), torch.full((1, 3, 1, 1), 0.9)
    depth = dark_depth(scatter(clear, transmission, air.double()), air.double())
    assert_close(torch.exp(-depth), 1 - KEPT * (1 - transmission))


def test_without_haze_there_is_none():
    clear = drawn(1, 3, 64, 64)
    clear[:, 2, ::2] = 0
    assert_close(dark_depth(clear, torch.full((1, 3, 1, 1), 0.9)), torch.zeros(1, 1, 64, 64))
