"""The table of layouts, against what FFmpeg itself says of each."""

import av
import numpy as np
import pytest

from vrestore.media.av_frames import can_relayout, planes_of, relayout
from vrestore.media.formats import REPLACEMENTS, _table, pixel_format, plane_shapes

NAMES = sorted(_table())
WIDTH, HEIGHT = 7, 5


def components_of(layout):
    return layout.components + ((layout.alpha,) if layout.alpha else ())


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_has_the_components_that_ffmpeg_says(name):
    layout, known = pixel_format(name), av.VideoFormat(name, WIDTH, HEIGHT)
    assert len(components_of(layout)) == len(known.components)
    assert {component.bits for component in known.components} == {layout.bits}
    assert layout.plane_count == 1 + max(component.plane for component in known.components)
    assert known.is_big_endian == (layout.dtype.byteorder == ">")
    assert (layout.model == "rgb") == known.is_rgb
    assert (layout.alpha is not None) == any(component.is_alpha for component in known.components)


@pytest.mark.parametrize("name", NAMES)
def test_planes_have_the_rows_and_fit_the_pitch_that_ffmpeg_gives(name):
    layout, picture = pixel_format(name), av.VideoFrame(WIDTH, HEIGHT, name)
    shapes = plane_shapes(layout, height=HEIGHT, width=WIDTH)
    assert [plane.height for plane in picture.planes] == [rows for rows, _ in shapes]
    for plane, (_, samples) in zip(picture.planes, shapes, strict=True):
        assert samples * layout.dtype.itemsize <= plane.line_size


@pytest.mark.parametrize(
    "name",
    [
        "rgb24",
        "bgr24",
        "rgba",
        "bgra",
        "argb",
        "abgr",
        "rgb0",
        "bgr0",
        "0rgb",
        "0bgr",
        "gbrp",
        "gbrap",
        "rgb48le",
        "rgb48be",
        "bgr48le",
        "rgba64be",
        "bgra64le",
        "gbrp10le",
        "gbrp16be",
    ],
)
def test_colors_lie_where_swscale_puts_them(name):
    layout = pixel_format(name)
    red_green_blue = np.zeros((4, 6, 3), np.uint8) + np.array([255, 0, 128], np.uint8)
    picture = av.VideoFrame.from_ndarray(red_green_blue, format="rgb24").reformat(format=name, threads=1)
    planes = planes_of(picture, layout)
    red, green, blue = (planes[c.plane][0, c.offset] >> c.shift for c in layout.components)
    found = np.array([red, green, blue]) / layout.peak
    np.testing.assert_allclose(found, [1, 0, 128 / 255], atol=0.01)  # swscale widens by shifting


@pytest.mark.parametrize(
    ("name", "planar"),
    [
        ("nv12", "yuv420p"),
        ("nv21", "yuv420p"),
        ("nv16", "yuv422p"),
        ("nv24", "yuv444p"),
        ("nv42", "yuv444p"),
        ("yuyv422", "yuv422p"),
        ("uyvy422", "yuv422p"),
        ("yvyu422", "yuv422p"),
        ("p010le", "yuv420p10le"),
        ("p010be", "yuv420p10be"),
        ("p210le", "yuv422p10le"),
        ("p410le", "yuv444p10le"),
        ("p012le", "yuv420p12le"),
        ("p016le", "yuv420p16le"),
    ],
)
def test_relayout_of_packed_yuv_is_what_swscale_makes_of_it(name, planar):
    source, target = pixel_format(name), pixel_format(planar)
    height, width = 6, 16
    picture = av.VideoFrame(width, height, name)
    draw = np.random.default_rng(0)
    for plane in planes_of(picture, source):
        plane[...] = draw.integers(0, source.peak + 1, plane.shape) << source.components[0].shift
    mine = av.VideoFrame(width, height, planar)
    relayout(planes_of(picture, source), source, planes_of(mine, target), target)
    theirs = planes_of(picture.reformat(format=planar, threads=1), target)  # more threads race
    for a, b in zip(planes_of(mine, target), theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("rgb24", "gbrp"),
        ("rgb24", "bgr0"),
        ("rgb24", "0rgb"),
        ("rgb48be", "gbrp16le"),
        ("rgba", "gbrap"),
        ("gray16le", "gray16be"),
        ("yuyv422", "uyvy422"),
        ("nv12", "yuvj420p"),
        ("p010le", "yuv420p10be"),
    ],
)
def test_relayout_there_and_back_gives_the_same_samples_at_odd_sizes(name, other):
    a, b = pixel_format(name), pixel_format(other)
    assert can_relayout(a, b)
    assert can_relayout(b, a)
    first, between, last = (av.VideoFrame(WIDTH, HEIGHT, f.name) for f in (a, b, a))
    draw = np.random.default_rng(1)
    for plane in planes_of(first, a):
        plane[...] = draw.integers(0, a.peak + 1, plane.shape) << a.components[0].shift
    relayout(planes_of(first, a), a, planes_of(between, b), b)
    relayout(planes_of(between, b), b, planes_of(last, a), a)
    for component in components_of(a):
        columns = -(-WIDTH >> component.subsample_x)
        one, two = (
            planes_of(p, a)[component.plane][:, component.offset :: component.step] for p in (first, last)
        )
        np.testing.assert_array_equal(one[:, :columns], two[:, :columns])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("yuv420p", "yuv422p"),
        ("yuv420p", "yuv420p10le"),
        ("rgba", "rgb24"),
        ("yuv444p", "gbrp"),
        ("gray", "yuv420p"),
    ],
)
def test_relayout_is_refused_where_samples_would_change(name, other):
    assert not can_relayout(pixel_format(name), pixel_format(other))


def test_opaque_is_what_relayout_gives_an_alpha_that_was_not_there():
    a, b = pixel_format("rgb24"), pixel_format("rgba")
    source, target = (av.VideoFrame(3, 2, f.name) for f in (a, b))
    planes_of(source, a)[0][...] = 9
    relayout(planes_of(source, a), a, planes_of(target, b), b)
    assert planes_of(target, b)[0][0].tolist() == [9, 9, 9, 255] * 3


@pytest.mark.parametrize("name", sorted(REPLACEMENTS))
def test_a_replacement_has_as_many_bits_as_what_it_replaces(name):
    old, new = av.VideoFormat(name, 8, 8), pixel_format(REPLACEMENTS[name])
    assert new is not None
    assert pixel_format(name) is None
    assert new.bits >= max(component.bits for component in old.components)


@pytest.mark.parametrize("name", ["pal8", "monow", "rgb565le", "grayf32le", "bayer_rggb8", "cuda", ""])
def test_other_layouts_are_not_in_the_table(name):
    assert pixel_format(name) is None


@pytest.mark.parametrize("name", ["yuv420p", "rgb24", "gbrp10le"])
def test_planes_are_views_of_the_pictures_own_memory(name):
    layout, picture = pixel_format(name), av.VideoFrame(WIDTH, HEIGHT, name)
    planes_of(picture, layout)[0][2, 3] = 77
    assert planes_of(picture, layout)[0][2, 3] == 77


def test_a_picture_stored_bottom_up_is_seen_the_right_way_up():
    layout = pixel_format("bgr24")
    rows = np.arange(12, dtype=np.uint8)[:, None, None].repeat(16, 1).repeat(3, 2)
    picture = av.VideoFrame.from_ndarray(rows, format="bgr24")
    graph = av.filter.Graph()
    source = graph.add_buffer(width=16, height=12, format=picture.format, time_base=picture.time_base or 1)
    flip, sink = graph.add("vflip"), graph.add("buffersink")
    source.link_to(flip)
    flip.link_to(sink)
    graph.configure()
    graph.push(picture)
    flipped = graph.pull()
    assert flipped.planes[0].line_size < 0
    assert planes_of(flipped, layout)[0][:, 0].tolist() == list(range(11, -1, -1))
