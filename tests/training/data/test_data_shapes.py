"""Shapes of holes: as large as they may be, some walk, the others stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrestore.training.data.shapes import _SHARES, KINDS, blob, draw_holes

COUNT = 5
STATIONARY = sorted(set(KINDS) - {"moving object"})


def drawn(kind, seed, *, height=61, width=83, most=40, count=COUNT):
    return KINDS[kind](np.random.default_rng(seed), count, height, width, most)


def extent(mask):
    """Height and width of the box of a mask's pixels."""
    return tuple(int(np.ptp(places)) + 1 if len(places) else 0 for places in np.nonzero(mask))


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10**6), height=st.integers(48, 90), width=st.integers(48, 90))
@settings(max_examples=30, deadline=None)
def test_no_hole_is_larger_than_it_may_be(kind, seed, height, width):
    most = min(height, width) - 16
    masks = drawn(kind, seed, height=height, width=width, most=most)
    assert masks.shape == (COUNT, height, width)
    assert masks.dtype == bool
    assert all(max(extent(mask)) <= most for mask in masks)


@pytest.mark.parametrize("kind", STATIONARY)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_stationary_stays(kind, seed):
    masks = drawn(kind, seed)
    assert (masks == masks[:1]).all()


def test_what_moves_moves():
    masks = [drawn("moving object", seed, count=12) for seed in range(10)]
    assert all((these[0] != these[-1]).any() for these in masks)


@pytest.mark.parametrize("kind", KINDS)
def test_most_holes_have_pixels(kind):
    assert np.mean([drawn(kind, seed).any() for seed in range(20)]) > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_give_holes_of_their_own(kind):
    one, again, other = drawn(kind, 1), drawn(kind, 1), drawn(kind, 2)
    assert (one == again).all()
    assert (one != other).any()


def test_every_kind_has_its_share():
    assert list(_SHARES) == list(KINDS)
    assert sum(_SHARES.values()) == pytest.approx(1)


def test_clips_get_holes_that_stay_and_holes_that_move():
    rng = np.random.default_rng(0)
    moves = [
        bool((masks != masks[:1]).any())
        for masks in (draw_holes(rng, count=6, height=70, width=80, max_pixels=40) for _ in range(30))
    ]
    assert 0 < sum(moves) < len(moves)


def test_a_blob_is_about_as_large_as_asked():
    sizes = [max(extent(blob(np.random.default_rng(seed), 90, 100, size=40))) for seed in range(20)]
    assert max(sizes) <= 41
    assert np.mean(sizes) > 20
