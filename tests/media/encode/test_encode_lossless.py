"""With a lossless codec every sample comes back, whatever the layout, the size and what changed."""

from fractions import Fraction

import numpy as np
import pytest
from clips import drawn_planes, write_clip

from vrestore.frames import Frame
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.formats import pixel_format
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer

LAYOUTS = [
    *("yuv420p", "yuv422p10le", "yuv444p", "gray", "gbrp", "bgr0", "rgb24"),
    *("rgb48le", "gbrp12le", "yuv420p12le", "gray16le", "yuva420p"),
]
SIZES = [(32, 48), (31, 45)]
FFV1 = EncodeOptions(codec="ffv1")


@pytest.mark.parametrize("size", SIZES, ids=["even", "odd"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_passing_through_keeps_every_sample(tmp_path, layout, size):
    source = raw_clip(tmp_path, layout, size)
    with open_video(source) as reader, open_writer(tmp_path / "out.mkv", reader, options=FFV1) as writer:
        assert reader.meta.pixel_format.name == layout
        for frame in reader:
            writer.write(frame)
        writer.finish()
    assert_same(samples_in(tmp_path / "out.mkv"), samples_in(source))


@pytest.mark.parametrize("size", SIZES, ids=["even", "odd"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_changed_plane_comes_back_and_the_others_are_the_sources(tmp_path, layout, size):
    source, pixels = raw_clip(tmp_path, layout, size), pixel_format(layout)
    expected = samples_in(source)
    with open_video(source) as reader, open_writer(tmp_path / "out.mkv", reader, options=FFV1) as writer:
        for frame in reader:
            if frame.index == 1:
                last = len(frame.planes) - 1
                frame = frame.with_planes({last: 3 + frame.planes[last] // 2})
                expected[1] = components(pixels, frame.planes)
            writer.write(frame)
        writer.finish()
    assert_same(samples_in(tmp_path / "out.mkv"), expected)


def test_the_carrier_and_views_of_it_survive_a_changed_frame(tmp_path):
    """A look-ahead window may still be reading planes of a frame that has been written."""
    source = write_clip(tmp_path / "in.mp4", frames=6)
    with open_video(source) as reader, open_writer(tmp_path / "out.mkv", reader, options=FFV1) as writer:
        frames = list(reader)
        before = [[plane.copy() for plane in frame.planes] for frame in frames]
        for frame in frames:
            writer.write(frame.with_planes({0: np.zeros_like(frame.planes[0])}))
        writer.finish()
        assert_same([frame.planes for frame in frames], before)
    assert not any(planes[0].any() for planes in samples_in(tmp_path / "out.mkv"))


@pytest.mark.parametrize("layout", ["yuv420p", "gbrp", "rgb48le"])
def test_frames_made_by_hand_are_written(tmp_path, layout):
    source, pixels = raw_clip(tmp_path, layout, (48, 64), frames=2), pixel_format(layout)
    made = [tuple(drawn_planes(pixels, height=48, width=64, index=9 + i, noise=True)) for i in range(2)]
    with open_video(source) as reader, open_writer(tmp_path / "out.mkv", reader, options=FFV1) as writer:
        for index, planes in enumerate(made):
            writer.write(Frame(planes, index, 1, index))
        writer.finish()
    assert_same(samples_in(tmp_path / "out.mkv"), [components(pixels, planes) for planes in made])


@pytest.mark.parametrize(
    ("layout", "codec", "extension", "target"),
    [
        ("nv12", "libx264", ".mkv", "nv12"),
        ("nv12", "ffv1", ".mkv", "yuv420p"),
        ("rgb24", "ffv1", ".mkv", "bgr0"),
        ("rgb48be", "ffv1", ".mkv", "rgb48le"),
        ("rgb24", "libx264", ".mp4", "rgb24"),
        ("gray16be", "ffv1", ".mkv", "gray16le"),
        ("rgb24", "utvideo", ".avi", "gbrp"),
    ],
)
def test_a_layout_that_the_codec_lacks_is_laid_out_exactly(tmp_path, layout, codec, extension, target):
    source, out = raw_clip(tmp_path, layout, (48, 64)), tmp_path / f"out{extension}"
    options = EncodeOptions(codec=codec, extra={"qp": "0"} if codec == "libx264" else {})
    with open_video(source) as reader, open_writer(out, reader, options=options) as writer:
        for frame in reader:
            writer.write(frame)
        written = writer.finish()
    laid_out = [warning for warning in written.warnings if "laid out" in warning]
    assert [target in warning for warning in laid_out] == [True] * (target != layout)
    assert_same(samples_in(out), samples_in(source))


def raw_clip(folder, layout, size, *, frames=3):
    height, width = size
    base = Fraction(1, 25)
    return write_clip(
        folder / "in.nut",
        codec="rawvideo",
        layout=layout,
        height=height,
        width=width,
        frames=frames,
        noise=True,
        time_base=base,
    )


def samples_in(path):
    with open_video(path) as reader:
        return [components(reader.meta.pixel_format, frame.planes) for frame in reader]


def components(layout, planes):
    return [planes[c.plane][:, c.offset :: c.step].astype(int) >> c.shift for c in layout.components]


def assert_same(found, expected):
    assert len(found) == len(expected)
    for planes, others in zip(found, expected, strict=True):
        for plane, other in zip(planes, others, strict=True):
            np.testing.assert_array_equal(plane, other)
