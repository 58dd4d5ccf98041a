"""Resizing: what torch does on a device is what OpenCV does on the CPU, and codes are rounded as it does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vrestore.ops.resample.quantize import as_array, resized, resized_by_torch, unsigned
from vrestore.ops.resample.resize import enlarged, enlarged_by_torch, reduced, reduced_by_torch

SIDES = st.integers(1, 70)
MOST = 1e-4
"""Of values in [0, 1]; the largest difference seen is 3e-5, where OpenCV's places are float32 too."""

MOST_HALVES = 0.03
"""Of codes end at a half but for rounding, and may go up or down; the most seen is 0.015, at 3 to 2."""


def noise(height, width, *, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random((height, width), dtype=np.float32))


def codes(height, width, *, bits):
    dtype = np.uint8 if bits == 8 else np.uint16
    values = np.random.default_rng(0).integers(0, 1 << bits, (height, width)).astype(dtype)
    return torch.from_numpy(values if bits == 8 else values.view(np.int16))


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, data=st.data())
def test_both_forms_reduce_alike(height, width, data):
    size = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    picture = noise(height, width)
    assert (reduced(picture, size) - reduced_by_torch(picture, size)).abs().max() < MOST


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, new_height=SIDES, new_width=SIDES)
def test_both_forms_enlarge_alike(height, width, new_height, new_width):
    """And read what is smaller at single places, which a map larger than its frame is."""
    picture, size = noise(height, width), (new_height, new_width)
    assert (enlarged(picture, size) - enlarged_by_torch(picture, size)).abs().max() < MOST


@pytest.mark.parametrize("form", [reduced, reduced_by_torch], ids=["opencv", "torch"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 9), (12, 18), (11, 17)], ids=str)
def test_a_mean_is_the_mean_of_its_area(form, size):
    """By the integral of the picture in float64, read at the corners of each area."""
    picture = noise(12, 18)
    total = np.pad(picture.double().numpy().cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    y, x = (np.linspace(0, side, count + 1) for side, count in zip((12, 18), size, strict=True))
    down = np.stack([np.interp(y, np.arange(13), column) for column in total.T], 1)
    corners = np.stack([np.interp(x, np.arange(19), row) for row in down])
    expected = np.diff(np.diff(corners, axis=0), axis=1) * size[0] * size[1] / (12 * 18)
    np.testing.assert_allclose(form(picture, size).numpy(), expected, atol=1e-3)


def test_what_has_its_size_is_not_copied():
    picture = noise(5, 7)
    assert reduced(picture, (5, 7)) is picture


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, new_height=SIDES, new_width=SIDES)
def test_codes_of_8_bits_between_pixels_are_those_of_opencv(height, width, new_height, new_width):
    """One side grows, whatever the other does."""
    size = (height + new_height, new_width)
    shown = codes(height, width, bits=8)
    assert torch.equal(resized(shown, size), resized_by_torch(shown, size))


@pytest.mark.parametrize("bits", [8, 10, 16])
@pytest.mark.parametrize("size", [(32, 48), (16, 24), (64, 48), (64, 95), (21, 32), (48, 80)], ids=str)
def test_means_of_codes_are_rounded_as_opencv_rounds(bits, size):
    """But for sums that end at a half and are added up in another order."""
    shown = codes(64, 96, bits=bits)
    away = (resized(shown, size) - resized_by_torch(shown, size)).abs()
    assert away.max() <= 1
    assert (away > 0).float().mean() < MOST_HALVES


@pytest.mark.parametrize("size", [(100, 130), (65, 96), (64, 200)], ids=str)
def test_codes_of_more_bits_between_pixels_are_those_of_opencv(size):
    shown = codes(64, 96, bits=10)
    away = (resized(shown, size) - resized_by_torch(shown, size)).abs()
    assert away.max() <= 1
    assert (away > 0).float().mean() < MOST_HALVES


def test_codes_of_16_bits_are_read_as_unsigned():
    stored = torch.from_numpy(np.uint16([[0, 1, 32767, 32768, 65535]]).view(np.int16))
    assert unsigned(stored).tolist() == [[0, 1, 32767, 32768, 65535]]
    assert as_array(stored).tolist() == [[0, 1, 32767, 32768, 65535]]
    assert unsigned(stored.to(torch.uint8)).dtype == torch.uint8
