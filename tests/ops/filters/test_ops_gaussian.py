"""Gaussian smoothing: its weights, its border, and that both of its forms are one."""

import math

import numpy as np
import pytest
import torch
from close import assert_close
from pretend import DEVICE, pretended

from vrestore.ops.filters.gaussian import gaussian


def test_a_point_spreads_by_the_bell_curve():
    plane = torch.zeros(1, 31, 31)
    plane[0, 15, 15] = 1
    smooth = gaussian(plane, 2.0)[0]
    assert float(smooth.sum()) == pytest.approx(1, abs=1e-4)
    for distance in (1, 2, 4):
        expected = math.exp(-(distance**2) / (2 * 2.0**2))
        assert float(smooth[15, 15 + distance] / smooth[15, 15]) == pytest.approx(expected, rel=1e-3)


def test_beyond_the_border_is_nothing():
    smooth = gaussian(torch.ones(2, 20, 30), 1.5)
    assert float(smooth[0, 10, 15]) == pytest.approx(1, abs=1e-5)
    # the border's pixel itself counts, all beyond it does not
    middle = 1 / sum(math.exp(-(d**2) / (2 * 1.5**2)) for d in range(-5, 6))
    assert float(smooth[1, 10, 0]) == pytest.approx((1 + middle) / 2, abs=1e-4)


@pytest.mark.parametrize("sigma", [0.75, 3.0])
def test_a_device_smooths_as_the_cpu_does(sigma):
    planes = torch.from_numpy(np.random.default_rng(0).random((3, 24, 37)).astype(np.float32))
    with pretended():
        there = gaussian(planes.to(DEVICE), sigma).cpu()
    assert_close(there, gaussian(planes, sigma))
