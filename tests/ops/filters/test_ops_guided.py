"""The guided filter, against its definition written as loops."""

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.ops.filters.guided import box_mean, gray, guided_filter, guided_lines

HEIGHT, WIDTH = 6, 9


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape))


def mean_slowly(values, radius):
    result = np.empty_like(values)
    for y, x in np.ndindex(values.shape):
        window = values[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        result[y, x] = window.mean()
    return result


def filter_slowly(guide, values, radius, epsilon):
    """Equations 5, 6 and 8 of the paper."""
    slope, offset = np.empty_like(guide), np.empty_like(guide)
    for y, x in np.ndindex(guide.shape):
        window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        g, v = guide[window], values[window]
        slope[y, x] = ((g * v).mean() - g.mean() * v.mean()) / (g.var() + epsilon)
        offset[y, x] = v.mean() - slope[y, x] * g.mean()
    return mean_slowly(slope, radius) * guide + mean_slowly(offset, radius)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # each has a way of its own
@pytest.mark.parametrize("radius", [1, 2, 20])
def test_a_box_counts_only_what_is_there(radius, dtype):
    values = drawn(1, 1, HEIGHT, WIDTH).to(dtype)
    assert_close(box_mean(values, radius)[0, 0], mean_slowly(values[0, 0].numpy(), radius))


@pytest.mark.parametrize("radius", [1, 3, 40])
def test_the_gradient_of_a_mean_is_that_of_its_definition(radius):
    """A mean of squares that differ in size at the border is no mean of the gradient."""
    values = torch.rand(2, 3, 11, 17, dtype=torch.float32, requires_grad=True)
    weights = torch.rand(2, 3, 11, 17)
    slowly = values.double()  # doubles go by torch's own pooling
    gradients = [
        torch.autograd.grad((box_mean(each, radius) * weights).sum(), values)[0] for each in (values, slowly)
    ]
    assert_close(*gradients)


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 0.01), (3, 1e-4)])
def test_it_is_the_papers_filter(radius, epsilon):
    guide, maps = drawn(2, 1, HEIGHT, WIDTH), drawn(2, 3, HEIGHT, WIDTH, seed=1)
    result = guided_filter(guide, maps, radius=radius, epsilon=epsilon)
    for n, c in np.ndindex(2, 3):
        expected = filter_slowly(guide[n, 0].numpy(), maps[n, c].numpy(), radius, epsilon)
        assert_close(result[n, c], expected)


def test_a_map_that_follows_the_guide_comes_through():
    guide = drawn(1, 1, HEIGHT, WIDTH)
    assert_close(guided_filter(guide, 0.3 - 2 * guide, radius=2, epsilon=1e-14), 0.3 - 2 * guide)


def test_on_a_flat_guide_it_is_a_mean_of_means():
    maps, guide = drawn(1, 1, HEIGHT, WIDTH), torch.full((1, 1, HEIGHT, WIDTH), 0.4, dtype=torch.float64)
    slope, offset = guided_lines(guide, maps, radius=1, epsilon=1e-3)
    assert_close(slope, torch.zeros_like(slope))
    assert_close(offset, box_mean(box_mean(maps, 1), 1))


def test_gray_is_luma():
    assert_close(gray(torch.ones(1, 3, 2, 2)), torch.ones(1, 1, 2, 2))
    assert_close(gray(torch.eye(3)[None, :, None])[0, 0, 0], np.array([0.299, 0.587, 0.114]), dtype="float32")
