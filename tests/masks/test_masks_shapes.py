import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrestore.frames import Box
from vrestore.masks.shapes import MOST_PARTS, hole_of, part_boxes

HEIGHT, WIDTH = 45, 67


def specks(seed, count, height=HEIGHT, width=WIDTH):
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), bool)
    mask[random.integers(0, height, count), random.integers(0, width, count)] = True
    return mask


def alpha_by_hand(mask, grow, feather):
    """Every pixel's distance to every pixel of the mask."""
    marked = np.argwhere(mask).astype(float)
    alpha = np.zeros(mask.shape)
    for place in np.ndindex(*mask.shape):
        distance = np.sqrt(((marked - place) ** 2).sum(axis=1)).min()
        rise = np.clip((grow + feather + 1 - distance) / (feather + 1), 0, 1)
        ramp = np.clip(np.rint(255 * rise * rise * (3 - 2 * rise)), 1, 254)
        alpha[place] = ramp if distance <= grow + feather + 1e-9 else 0
        alpha[place] = 255 if distance <= grow + 1e-9 else alpha[place]
    return alpha


def whole_alpha(hole, height=HEIGHT, width=WIDTH):
    return hole.alpha_in(Box(0, 0, width, height))


@pytest.mark.parametrize(("grow", "feather"), [(0, 0), (1, 0), (0, 1), (3, 2), (5, 0), (2, 7), (0, 40)])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_alpha_is_the_ramp_over_the_distance_to_the_mask(count, grow, feather):
    mask = specks(count, count)
    found = whole_alpha(hole_of(mask, grow=grow, feather=feather)).astype(float)
    # One code value: the ramp is computed in float32.
    assert np.abs(found - alpha_by_hand(mask, grow, feather)).max() <= 1


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(0, 6), st.integers(0, 6))
def test_growing_and_feathering_never_uncover_the_mask(seed, count, grow, feather):
    mask = specks(seed, count)
    alpha = whole_alpha(hole_of(mask, grow=grow, feather=feather))
    assert (alpha[mask] == 255).all()
    sharp = whole_alpha(hole_of(mask, grow=grow, feather=0))
    assert ((alpha == 255) == (sharp == 255)).all()
    reach = whole_alpha(hole_of(mask, grow=grow + feather, feather=0))
    assert ((alpha > 0) == (reach > 0)).all()


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(0, 4), st.booleans())
def test_parts_hold_every_pixel_of_the_hole(seed, count, grow, tall):
    shape = (331, 53) if tall else (HEIGHT, WIDTH)
    hole = hole_of(specks(seed, count, *shape), grow=grow, feather=1)
    left = whole_alpha(hole, *shape)
    assert 1 <= len(hole.parts) <= MOST_PARTS
    for part in hole.parts:
        left[part.rows, part.columns] = 0
    assert not left.any()


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_parts_are_an_eighth_of_the_height_apart(seed, count):
    parts = part_boxes(specks(seed, count, 96, 200), reach=2)
    for first in parts:
        for second in parts:
            across = max(first.x, second.x) - min(first.x + first.width, second.x + second.width)
            down = max(first.y, second.y) - min(first.y + first.height, second.y + second.height)
            assert first == second or max(across, down) >= 96 // 8


def test_two_far_holes_are_two_tight_parts():
    mask = np.zeros((80, 120), bool)
    mask[3:9, 4:11] = True
    mask[60:70, 100:111] = True
    assert part_boxes(mask) == (Box(4, 3, 7, 6), Box(100, 60, 11, 10))
    assert part_boxes(mask, reach=5) == (Box(0, 0, 16, 14), Box(95, 55, 21, 20))


def test_two_near_holes_are_one_part():
    mask = np.zeros((80, 120), bool)
    mask[3:9, 4:11] = True
    mask[3:9, 18:20] = True
    assert part_boxes(mask) == (Box(4, 3, 16, 6),)


def test_more_groups_than_parts_are_merged_where_it_costs_least():
    mask = np.zeros((64, 500), bool)
    mask[5, 20:500:50] = True  # ten specks, evenly apart but for one pair
    mask[5, 445] = True
    parts = part_boxes(mask)
    assert len(parts) == MOST_PARTS
    assert Box(420, 5, 51, 1) in parts


def test_an_empty_mask_has_no_hole():
    empty = np.zeros((HEIGHT, WIDTH), bool)
    assert hole_of(empty, grow=3, feather=2) is None
    assert part_boxes(empty) == ()


@pytest.mark.parametrize("grow", [-9, 0, 9])
def test_a_full_mask_stays_full(grow):
    hole = hole_of(np.ones((HEIGHT, WIDTH), bool), grow=grow, feather=2)
    assert hole.box == Box(0, 0, WIDTH, HEIGHT)
    assert (hole.alpha == 255).all()


def test_a_negative_grow_shrinks_by_as_many_pixels():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:21, 10:25] = True
    assert hole_of(mask, grow=-2, feather=0).box == Box(12, 12, 11, 7)
    assert hole_of(mask, grow=-6, feather=0) is None


def test_the_edge_of_the_frame_is_no_edge_of_the_mask():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[:10] = True
    assert hole_of(mask, grow=-3, feather=0).box == Box(0, 0, WIDTH, 7)


def test_one_pixel_is_a_picture():
    hole = hole_of(np.ones((1, 1), bool), grow=2, feather=2)
    assert hole.box == Box(0, 0, 1, 1)


def test_a_mask_that_is_not_contiguous_is_read_as_it_is():
    mask = specks(3, 20, WIDTH, HEIGHT).T
    hole = hole_of(mask, grow=2, feather=2)
    assert (whole_alpha(hole) == whole_alpha(hole_of(mask.copy(), grow=2, feather=2))).all()
