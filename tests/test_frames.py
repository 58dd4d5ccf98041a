"""The vocabulary: values that refuse to be wrong, and arithmetic on boxes."""

from dataclasses import replace

import numpy as np
import pytest
from clips import mask_meta
from hypothesis import given
from hypothesis import strategies as st

from vrestore.frames import Box, Component, Frame, Hole, PixelFormat, union_of
from vrestore.media.formats import pixel_format, plane_shapes

HEIGHT, WIDTH = 17, 23


@st.composite
def boxes(draw):
    x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    return Box(x, y, draw(st.integers(1, WIDTH - x)), draw(st.integers(1, HEIGHT - y)))


def area(box):
    """The pixels of a box as a mask."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if box is not None:
        mask[box.rows, box.columns] = True
    return mask


@given(boxes(), boxes())
def test_an_intersection_is_what_both_cover(one, other):
    assert (area(one.intersection(other)) == (area(one) & area(other))).all()
    assert one.intersection(other) == other.intersection(one)


@given(boxes(), boxes())
def test_a_union_is_the_smallest_box_that_holds_both(one, other):
    rows, columns = np.nonzero(area(one) | area(other))
    union = one.union(other)
    assert (union.x, union.y) == (columns.min(), rows.min())
    assert (union.x + union.width, union.y + union.height) == (columns.max() + 1, rows.max() + 1)


@given(boxes(), st.integers(0, 9))
def test_growing_stays_in_the_picture(box, pixels):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    near = (x >= box.x - pixels) & (x < box.x + box.width + pixels)
    near &= (y >= box.y - pixels) & (y < box.y + box.height + pixels)
    grown = box.grown(pixels, height=HEIGHT, width=WIDTH)
    assert (area(grown) == near).all()
    assert grown.area == near.sum()


@given(boxes())
def test_the_area_counts_pixels(box):
    assert box.area == area(box).sum()


def test_a_box_can_be_told_in_the_coordinates_of_another():
    assert Box(7, 9, 2, 3).relative_to(Box(5, 6, 10, 10)) == Box(2, 3, 2, 3)


def test_the_union_of_many_holds_all():
    assert union_of(iter([Box(3, 4, 2, 2), Box(9, 1, 1, 1), Box(0, 8, 1, 3)])) == Box(0, 1, 10, 10)


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (-1, 2)], ids=str)
def test_a_box_has_at_least_one_pixel(size):
    with pytest.raises(ValueError, match="at least one pixel"):
        Box(0, 0, *size)


ALPHA = np.arange(12, dtype=np.uint8).reshape(3, 4)
HOLE = Hole(Box(5, 6, 4, 3), ALPHA, (Box(5, 6, 4, 3),))


@pytest.mark.parametrize(
    "box",
    [Box(5, 6, 4, 3), Box(0, 0, 20, 15), Box(7, 7, 9, 9), Box(0, 0, 6, 7), Box(6, 7, 1, 1), Box(0, 0, 5, 6)],
    ids=["same", "around", "corner", "other-corner", "inside", "apart"],
)
def test_alpha_can_be_seen_through_any_box(box):
    whole = np.zeros((HEIGHT, WIDTH), np.uint8)
    whole[6:9, 5:9] = ALPHA
    assert (HOLE.alpha_in(box) == whole[box.rows, box.columns]).all()


def test_a_hole_counts_all_that_is_hidden():
    assert HOLE.pixel_count == 11


def test_a_hole_is_as_large_as_its_box():
    with pytest.raises(ValueError, match="alpha of this box is 3x4"):
        Hole(Box(0, 0, 4, 3), ALPHA.T, (Box(0, 0, 4, 3),))


def test_a_hole_has_parts():
    with pytest.raises(ValueError, match="an empty hole is None"):
        Hole(Box(0, 0, 4, 3), ALPHA, ())


def frame():
    planes = (np.zeros((4, 6), np.uint8), np.ones((2, 3), np.uint8), np.ones((2, 3), np.uint8))
    return Frame(planes, 10, 2, 3, "carrier")


def test_a_frame_with_another_plane_keeps_the_rest():
    old, plane = frame(), np.full((2, 3), 7, np.uint8)
    new = old.with_planes({1: plane})
    assert new.planes[1] is plane
    assert (new.planes[0] is old.planes[0], new.planes[2] is old.planes[2]) == (True, True)
    assert (new.pts, new.duration, new.index, new.carrier) == (10, 2, 3, "carrier")
    assert (old.planes[1] == 1).all()


def test_a_frame_remembers_all_planes_that_were_changed():
    plane = np.full((2, 3), 7, np.uint8)
    assert frame().with_planes({1: plane}).with_planes({2: plane}).changed == {1, 2}


@pytest.mark.parametrize(
    "plane", [np.zeros((3, 2), np.uint8), np.zeros((2, 3), np.uint16)], ids=["shape", "type"]
)
def test_a_plane_keeps_its_shape_and_type(plane):
    with pytest.raises(ValueError, match=r"plane 1 is \(2, 3\) uint8"):
        frame().with_planes({1: plane})


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gray", "rgb24", "nv12", "yuva420p", "gbrp12le"])
@pytest.mark.parametrize("size", [(1, 1), (17, 23)], ids=str)
def test_a_frames_bytes_are_those_of_its_planes(name, size):
    height, width = size
    layout = pixel_format(name)
    shapes = plane_shapes(layout, height=height, width=width)
    meta = replace(mask_meta(height=height, width=width), pixel_format=layout)
    assert meta.frame_bytes == sum(rows * samples for rows, samples in shapes) * layout.dtype.itemsize


@pytest.mark.parametrize("size", [(0, 4), (4, 0)], ids=str)
def test_a_picture_has_at_least_one_pixel(size):
    with pytest.raises(ValueError, match="at least 1x1"):
        replace(mask_meta(), height=size[0], width=size[1])


@pytest.mark.parametrize(("model", "count"), [("gray", 3), ("rgb", 1), ("yuv", 2)])
def test_a_pixel_format_has_the_components_of_its_model(model, count):
    with pytest.raises(ValueError, match=f"odd has {count} components"):
        PixelFormat("odd", model, 8, np.dtype(np.uint8), (Component(0),) * count)


def test_a_pixel_format_knows_its_planes_peak_and_chroma():
    layout = pixel_format("yuva422p10le")
    assert (layout.plane_count, layout.peak, layout.chroma_shift) == (4, 1023, (1, 0))
