import numpy as np
import pytest

from vrestore.masks.editing.options import EditOptions
from vrestore.masks.editing.shaping import largest_parts, shaped, shifted, smoothed, without_holes

HEIGHT, WIDTH = 23, 31


def square(*corners, size=5):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for y, x in corners:
        mask[y : y + size, x : x + size] = True
    return mask


def ring():
    mask = square((5, 5), size=9)
    mask[8:11, 8:11] = False
    return mask


def test_what_a_mask_encloses_is_filled():
    assert (without_holes(ring()) == square((5, 5), size=9)).all()


def test_what_reaches_the_edge_is_no_hole():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[:6, 9] = mask[:6, 14] = mask[5, 9:15] = True  # a cup that opens at the top edge
    assert (without_holes(mask) == mask).all()


def test_the_largest_parts_are_kept():
    mask = square((1, 1), size=3) | square((8, 8), size=6) | square((16, 20), size=5)
    assert (largest_parts(mask, 2) == (mask & ~square((1, 1), size=3))).all()
    assert (largest_parts(mask, 3) == mask).all()


def test_parts_that_touch_at_a_corner_are_one():
    mask = square((2, 2), size=3) | square((5, 5), size=3) | square((15, 20), size=4)
    assert (largest_parts(mask, 1) == (square((2, 2), size=3) | square((5, 5), size=3))).all()


def test_narrowing_then_widening_drops_what_is_thin():
    mask = square((8, 8), size=7)
    mask[11, :] = True
    opened = shaped(mask, EditOptions(shrink=1, grow=1))
    assert not opened[11, :7].any()
    assert opened[9:14, 9:14].all()


def test_growing_is_by_a_disc():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[11, 15] = True
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    assert (shaped(mask, EditOptions(grow=4)) == (np.hypot(y - 11, x - 15) <= 4)).all()


@pytest.mark.parametrize(
    "options", [EditOptions(grow=3), EditOptions(shrink=3), EditOptions(fill_holes=True)]
)
@pytest.mark.parametrize("value", [False, True], ids=["empty", "full"])
def test_nothing_and_everything_stay(options, value):
    mask = np.full((HEIGHT, WIDTH), value)
    assert (shaped(mask, options) == mask).all()


def bits(text):
    """Return a mask of one pixel for each letter, marked where it is an x."""
    return [np.array([[letter == "x"]]) for letter in text]


def text(masks):
    return "".join("x" if mask.all() else "." for mask in masks)


@pytest.mark.parametrize(
    ("frames", "before", "after"),
    [
        (3, "xx.xx..x..", "xxxxx....."),
        (5, "x.xx.xx...", "xxxxxx...."),
        (1, "x.x", "x.x"),
        (3, "x", "x"),
        (7, "xx", "xx"),
        (3, "", ""),
        (3, ".xx", ".xx"),
    ],
)
def test_smoothing_takes_what_most_frames_say(frames, before, after):
    assert text(smoothed(iter(bits(before)), frames)) == after


@pytest.mark.parametrize(
    ("frames", "before", "after"),
    [
        (2, "x.xx.", "..x.x"),
        (-2, "x.xx.", "xx..."),
        (0, "x.x", "x.x"),
        (9, "xx", ".."),
        (-9, "xx", ".."),
        (3, "", ""),
    ],
)
def test_shifting_moves_masks_and_keeps_their_number(frames, before, after):
    assert text(shifted(iter(bits(before)), frames)) == after
