"""Cuts are found; flashes, fades, pans and what is hidden are none."""

import numpy as np
import pytest
from textured import hole_of_boxes, layout, panned, texture

from vrestore.frames import Box, Frame, Hole, MaskedFrame
from vrestore.methods.shots import REACH, mark_cuts

HEIGHT, WIDTH = 90, 150
GRAY = layout("gray")


def shot(seed, count, *, step=(1.0, 0.0), brightness=1.0, size=(HEIGHT, WIDTH)):
    """Gray pictures of one scene."""
    world = texture(size[0] + 60, size[1] + 60, seed=seed)
    pictures = panned(world, count=count, height=size[0], width=size[1], step=step)
    return [brightness * picture.mean(0) for picture in pictures]


def starts(pictures, holes=None, format=GRAY):
    """The numbers of the frames that start a scene."""
    holes = holes or [None] * len(pictures)
    dtype, peak = format.dtype, format.peak
    items = (
        MaskedFrame(Frame((np.rint(picture * peak).clip(0, peak).astype(dtype),), index, 1, index), hole)
        for index, (picture, hole) in enumerate(zip(pictures, holes, strict=True))
    )
    return [each.frame.index for each in mark_cuts(items, format=format) if each.starts_scene]


def bright(seed, count):
    return [picture * 0.5 + 0.5 for picture in shot(seed, count)]


def dark(seed, count):
    return [picture * 0.5 for picture in shot(seed, count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_the_first_frame_starts_the_only_scene(count):
    assert starts(shot(0, count)) == [0][:count]


@pytest.mark.parametrize("first", [1, 2, 3, 7], ids=str)
@pytest.mark.parametrize("second", [1, 2, 3, 7], ids=str)
def test_a_cut_is_found_wherever_it_is(first, second):
    assert starts(bright(1, first) + dark(2, second)) == [0, first]


def test_each_of_several_cuts_is_found():
    assert starts(bright(1, 4) + dark(2, 5) + bright(3, 3) + dark(1, 4)) == [0, 4, 9, 12]


def test_scenes_of_equal_brightness_are_told_apart():
    assert starts(shot(1, 6, step=(0.5, 0)) + shot(2, 6, step=(0.5, 0))) == [0, 6]


@pytest.mark.parametrize("length", range(1, REACH + 1))
def test_a_flash_is_no_cut(length):
    pictures = shot(0, 14)
    pictures[6 : 6 + length] = [picture * 0.1 + 0.9 for picture in pictures[6 : 6 + length]]
    assert starts(pictures) == [0]


def test_a_fade_is_no_cut():
    pictures = shot(0, 16)
    assert starts([picture * (1 - index / 15) for index, picture in enumerate(pictures)]) == [0]


def test_a_dissolve_over_a_second_is_no_cut():
    one, other = bright(1, 25), dark(2, 25)
    mixed = [a * (1 - w) + b * w for a, b, w in zip(one, other, np.linspace(0, 1, 25), strict=True)]
    assert starts(mixed) == [0]


@pytest.mark.parametrize("step", [(0.0, 0.0), (6.0, 2.0)], ids=["still", "fast"])
def test_a_pan_is_no_cut(step):
    assert starts(shot(0, 9, step=step)) == [0]


def test_what_is_hidden_makes_no_cut_and_covers_none():
    """A hole over most of the picture whose content changes; then the scene changes beside it."""
    hole = hole_of_boxes(Box(0, 0, 135, HEIGHT))
    pictures = [*shot(0, 8, step=(0, 0)), *bright(4, 6)]
    for index, picture in enumerate(pictures):
        picture[:, :135] = index % 2
    assert starts(pictures, [hole] * 14) == [0, 8]


def test_a_feathered_pixel_is_hidden_too():
    box = Box(10, 10, 100, 70)
    holes = [Hole(box, np.full((70, 100), 1, np.uint8), (box,))] * 8
    pictures = shot(0, 8, step=(0, 0))
    for index, picture in enumerate(pictures):
        picture[box.rows, box.columns] = float(index >= 4)
    assert starts(pictures, holes) == [0]


def test_with_everything_hidden_there_is_one_scene():
    everything = hole_of_boxes(Box(0, 0, WIDTH, HEIGHT))
    assert starts(bright(1, 4) + dark(2, 4), [everything] * 8) == [0]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (211, 3), (360, 640)], ids=str)
def test_pictures_of_any_size_are_judged(size):
    pictures = [np.full(size, value) for value in (0.1, 0.1, 0.1, 0.9, 0.9, 0.9)]
    box = Box(size[1] // 2, size[0] // 2, 1, 1)
    assert starts(pictures) == [0, 3]
    assert starts(pictures, [None, hole_of_boxes(box)] * 3) == ([0] if size == (1, 1) else [0, 3])


@pytest.mark.parametrize("name", ["gray10le", "gray16be", "gray16le"])
def test_depth_does_not_matter(name):
    assert starts(bright(1, 4) + dark(2, 4), format=layout(name)) == [0, 4]


def test_frames_and_holes_are_handed_on_as_they_are_with_little_delay():
    taken = []
    hole = hole_of_boxes(Box(3, 4, 5, 6))
    frames = [Frame((np.zeros((HEIGHT, WIDTH), np.uint8),), i, 1, i) for i in range(7)]

    def items():
        for frame in frames:
            taken.append(frame)
            yield MaskedFrame(frame, hole)

    for index, each in enumerate(mark_cuts(items(), format=GRAY)):
        assert each.frame is frames[index]
        assert each.hole is hole
        assert len(taken) <= index + 1 + REACH
    assert index == 6
