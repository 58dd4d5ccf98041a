"""The smoothest surface through what is known: bounds, and the solution of Laplace's equation."""

import numpy as np
import pytest
import torch
from close import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from pretend import DEVICE, pretended

from vrestore.ops.filters.membrane import membrane

HEIGHT, WIDTH = 21, 33


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape).astype(np.float32))


def hole(y, x, height, width, *, size=(HEIGHT, WIDTH)):
    """Where pixels are known: everywhere but in a rectangle."""
    known = torch.ones(size, dtype=torch.bool)
    known[y : y + height, x : x + width] = False
    return known


def solved_slowly(values, known):
    """Laplace's equation in float64, one pixel after the other until nothing moves."""
    surface = np.where(known, values, values[known].mean())
    padded = np.pad(surface, 1, mode="edge")
    places = np.argwhere(~known) + 1
    for _ in range(2000):
        before = padded.copy()
        for y, x in places:
            padded[y, x] = (padded[y - 1, x] + padded[y + 1, x] + padded[y, x - 1] + padded[y, x + 1]) / 4
        if np.abs(padded - before).max() < 1e-9:
            break
    return padded[1:-1, 1:-1]


def smooth(channels=1, size=(HEIGHT, WIDTH)):
    """Waves longer than the holes."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    waves = [0.5 + 0.3 * np.sin(x / 9 + c) * np.cos(y / 8) for c in range(channels)]
    return torch.from_numpy(np.stack(waves).astype(np.float32))


@pytest.mark.parametrize(
    "known",
    [hole(6, 8, 5, 7), hole(10, 3, 1, 1), hole(2, 20, 9, 3), hole(8, 8, 2, 14)],
    ids=["middle", "one", "tall", "flat"],
)
def test_it_is_close_to_the_solution_of_laplace(known):
    """A few steps, not thousands: within a few hundredths of a range of 0.6."""
    values = smooth()
    expected = solved_slowly(values[0].double().numpy(), known.numpy())
    assert np.abs(membrane(values, known)[0].numpy() - expected).max() < 0.03  # 0.020 seen


@pytest.mark.parametrize("slopes", [(0.02, 0.0), (0.0, 0.03), (-0.01, 0.02)], ids=["x", "y", "both"])
def test_a_plane_is_continued_nearly_as_it_is(slopes):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    plane = torch.from_numpy((0.3 + slopes[0] * x + slopes[1] * y).astype(np.float32))[None]
    result = membrane(plane, hole(7, 9, 6, 8))
    assert float((result - plane).abs().max()) < 0.03  # 0.017 seen, of a range of 0.18


@pytest.mark.parametrize(
    "known",
    [
        hole(6, 8, 5, 7),
        hole(0, 0, 8, 9),
        hole(HEIGHT - 1, WIDTH - 1, 1, 1),
        hole(0, 0, HEIGHT, WIDTH - 1),
        ~hole(10, 20, 1, 1),
        torch.ones(HEIGHT, WIDTH, dtype=torch.bool),
    ],
    ids=["middle", "corner", "pixel", "all-but-a-column", "all-but-a-pixel", "none"],
)
def test_a_constant_is_continued_exactly(known):
    values = torch.full((2, HEIGHT, WIDTH), 0.37)
    assert_close(membrane(values, known), values)


def test_known_pixels_come_back_bit_equal():
    values, known = drawn(3, HEIGHT, WIDTH), drawn(HEIGHT, WIDTH, seed=1) > 0.4
    assert (membrane(values, known) == values)[:, known].all()


def test_what_unknown_pixels_hold_has_no_say():
    values, known = drawn(3, HEIGHT, WIDTH), drawn(HEIGHT, WIDTH, seed=1) > 0.4
    other = torch.where(known, values, 5.0)
    assert (membrane(values, known) == membrane(other, known)).all()


def test_its_arguments_stay_as_they_are():
    values, known = drawn(3, HEIGHT, WIDTH), hole(6, 8, 5, 7)
    before = values.clone(), known.clone()
    membrane(values, known)
    assert (values == before[0]).all()
    assert (known == before[1]).all()


def test_channels_do_not_mix():
    values, known = drawn(3, HEIGHT, WIDTH), hole(6, 8, 5, 7)
    alone = torch.cat([membrane(values[c : c + 1], known) for c in range(3)])
    assert_close(membrane(values, known), alone)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 23), st.integers(1, 19), st.integers(0, 99), st.sampled_from([0.02, 0.3, 0.9]))
def test_it_stays_between_the_least_and_the_greatest_known_value(height, width, seed, share):
    values, known = drawn(2, height, width, seed=seed), drawn(height, width, seed=seed + 1) < share
    known[seed % height, seed % width] = True
    result = membrane(values, known)
    bounds = values[:, known]
    assert (result >= bounds.amin(1)[:, None, None] - 1e-5).all()
    assert (result <= bounds.amax(1)[:, None, None] + 1e-5).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (HEIGHT, WIDTH)], ids=str)
def test_where_nothing_is_known_it_is_zero(size):
    result = membrane(drawn(3, *size), torch.zeros(size, dtype=torch.bool))
    assert (result == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (HEIGHT, WIDTH)], ids=str)
def test_where_all_is_known_it_is_that(size):
    values = drawn(3, *size)
    assert (membrane(values, torch.ones(size, dtype=torch.bool)) == values).all()


def test_values_and_mask_may_be_views():
    values, known = drawn(WIDTH, HEIGHT, 3).permute(2, 1, 0), hole(8, 6, 7, 5, size=(WIDTH, HEIGHT)).T
    assert not values.is_contiguous()
    assert_close(membrane(values, known), membrane(values.contiguous(), known.contiguous()))


@pytest.mark.parametrize("seed", range(12))
def test_on_a_device_the_surface_is_the_same(seed):
    generator = torch.Generator().manual_seed(seed)
    height, width = torch.randint(2, 60, (2,), generator=generator).tolist()
    values = torch.rand(1 + seed % 4, height, width, generator=generator)
    known = torch.rand(height, width, generator=generator) > (0.1, 0.5, 0.97, 1.1)[seed % 4]
    if seed % 3 == 0:
        known[:] = True
        known[height // 4 : height // 2 + 1, width // 3 : width // 2 + 1] = False
    with pretended():
        made = membrane(values.to(DEVICE), known.to(DEVICE)).cpu()
    assert float((made - membrane(values, known)).abs().max()) < 1e-5
