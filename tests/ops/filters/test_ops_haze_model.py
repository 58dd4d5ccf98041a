"""The scattering law, there and back."""

import numpy as np
import torch
from close import assert_close
from hypothesis import given
from hypothesis import strategies as st

from vrestore.ops.filters.haze_model import scatter, unscatter


def drawn(*shape, low=0.0, high=1.0, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(low, high, shape))


def hazed(count=2, height=5, width=7):
    clear = drawn(count, 3, height, width)
    transmission = drawn(count, 1, height, width, low=0.15, seed=1)
    air = drawn(count, 3, 1, 1, low=0.5, seed=2)
    return clear, transmission, air, scatter(clear, transmission, air)


def test_haze_is_a_mean_of_picture_and_air():
    clear, transmission, air, hazy = hazed()
    n, c, y, x = 1, 2, 3, 4
    t = transmission[n, 0, y, x]
    assert_close(hazy[n, c, y, x], clear[n, c, y, x] * t + air[n, c, 0, 0] * (1 - t))


def test_full_strength_undoes_it():
    clear, transmission, air, hazy = hazed()
    assert_close(unscatter(hazy, transmission, air), clear)


def test_strength_nothing_changes_nothing():
    _, transmission, air, hazy = hazed()
    assert_close(unscatter(hazy, transmission, air, strength=0), hazy)


@given(st.floats(0, 1))
def test_what_is_left_is_thinner_haze(strength):
    clear, transmission, air, hazy = hazed(count=1, height=2, width=3)
    expected = scatter(clear, transmission ** (1 - strength), air)
    assert_close(unscatter(hazy, transmission, air, strength=strength), expected)


def test_contrast_grows_no_further_than_allowed():
    _, _, air, hazy = hazed()
    nothing = torch.zeros(2, 1, 5, 7, dtype=torch.float64)
    assert_close(unscatter(hazy, nothing, air, least=0.25) - air, 4 * (hazy - air))


def test_the_air_may_differ_from_place_to_place():
    clear, transmission, _, _ = hazed()
    air = drawn(2, 3, 5, 7, seed=3)
    assert_close(unscatter(scatter(clear, transmission, air), transmission, air), clear)
