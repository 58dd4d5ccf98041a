"""Whole frames out of fields: as many as asked, at their times, named by the source's numbers."""

from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from clips import packets_of, planes_in, stamps_of, with_company, write_clip, write_images
from interlaced import HEIGHT, WIDTH, interlaced, telecined

from vrestore.errors import InputError, UsageError
from vrestore.frames import Frame
from vrestore.masks.masks import MaskOptions, open_masks
from vrestore.media.container.segment_files import SegmentDir
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.reader import Excerpt, open_video
from vrestore.media.writer import open_writer
from vrestore.run.options import RunOptions


def read(source, fields, **words):
    with open_video(source, fields=fields, **words) as reader:
        return [
            Frame(tuple(plane.copy() for plane in frame.planes), frame.pts, frame.duration, frame.index)
            for frame in reader
        ], reader.meta


def passed(source, target, fields, *, borders=None, folder=None):
    """Write a source again with whole frames, in segments where there are borders."""
    with (
        open_video(source, fields=fields) as reader,
        open_writer(
            target, reader, options=EncodeOptions(codec="ffv1"), in_segments=borders is not None
        ) as writer,
    ):
        if borders is not None:
            writer.begin(SegmentDir(folder, "picture", [], borders.__contains__, lambda _segment: None))
        for frame in reader:
            writer.write(frame)
        return writer.finish()


def off(frame, planes):
    """Return how far luma is off on average, away from the edges."""
    one, other = (plane[0][6:-6, 6:-6].astype(float) for plane in (frame.planes, planes))
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("top", [True, False], ids=["top first", "bottom first"])
@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p10le"])
def test_a_frame_is_made_of_each(tmp_path, top, layout):
    source, shown = interlaced(tmp_path / "in.mkv", top=top, layout=layout)
    frames, meta = read(source, "frames")
    assert [frame.index for frame in frames] == list(range(6))
    assert (meta.rate, meta.frame_count or 6, meta.field_order) == (25, 6, "progressive")
    lines = slice(0 if top else 1, None, 2)  # of the first field nothing changes
    for frame, planes in zip(frames, shown[::2], strict=True):
        for made, plane in zip(frame.planes, planes, strict=True):
            np.testing.assert_array_equal(made[lines], plane[lines])
        assert off(frame, planes) < 0.01 * (1 << meta.pixel_format.bits)


@pytest.mark.parametrize("top", [True, False], ids=["top first", "bottom first"])
def test_a_frame_is_made_of_each_field(tmp_path, top):
    source, shown = interlaced(tmp_path / "in.mp4", top=top)
    frames, meta = read(source, "fields")
    assert (meta.rate, meta.frame_count, len(frames)) == (50, 12, 12)
    seconds = [(frame.pts - frames[0].pts) * meta.time_base for frame in frames]
    assert seconds == [Fraction(n, 50) for n in range(12)]
    assert frames[-1].duration * meta.time_base == Fraction(1, 50)
    assert max(off(frame, planes) for frame, planes in zip(frames, shown, strict=True)) < 3


def test_second_fields_lie_halfway_to_the_next_frame(tmp_path):
    stamps = [0, 40, 100, 120, 160, 200]
    source, _ = interlaced(tmp_path / "in.mkv", rate=1000, stamps=stamps)
    frames, meta = read(source, "fields")
    seconds = [frame.pts * meta.time_base * 1000 for frame in frames]
    assert seconds == [0, 20, 40, 70, 100, 110, 120, 140, 160, 180, 200, 220]


def test_what_is_not_marked_is_made_whole_when_asked(tmp_path):
    source, shown = interlaced(tmp_path / "in.mkv", is_marked=False)
    assert off(read(source, None)[0][2], shown[4]) > 4  # it is not refused, and two moments are in it
    assert off(read(source, "frames")[0][2], shown[4]) < 2
    with open_video(source, fields="frames") as reader:
        assert reader.warnings == ["the source is not marked as interlaced; it was deinterlaced all the same"]
    with open_video(interlaced(tmp_path / "marked.mkv")[0], fields="frames") as reader:
        assert reader.warnings == []


def test_packed_samples_are_the_same_in_planes(tmp_path):
    source, _ = interlaced(tmp_path / "in.mkv", layout="yuv422p")
    planar = read(source, "frames")[0]
    with av.open(str(source)) as container, av.open(str(tmp_path / "packed.nut"), "w") as target:
        stream = target.add_stream("rawvideo", rate=25)
        stream.codec_context.width, stream.codec_context.height = WIDTH, HEIGHT
        stream.codec_context.pix_fmt = "yuyv422"
        for picture in container.decode(video=0):
            other = picture.reformat(format="yuyv422", threads=1)
            other.pts, other.time_base = picture.pts, picture.time_base
            target.mux(stream.encode(other))
        target.mux(stream.encode())
    packed, meta = read(tmp_path / "packed.nut", "frames")
    assert meta.pixel_format.name == "yuv422p"
    for one, other in zip(packed, planar, strict=True):
        for plane, wanted in zip(one.planes, other.planes, strict=True):
            np.testing.assert_array_equal(plane, wanted)


@pytest.mark.parametrize("top", [True, False], ids=["top first", "bottom first"])
def test_film_comes_back_frame_by_frame(tmp_path, top):
    source, film = telecined(tmp_path / "in.mkv", top=top)
    frames, meta = read(source, "film")
    assert (meta.rate, meta.frame_count, len(frames)) == (Fraction(24000, 1001), 16, 16)
    for frame, planes in zip(frames, film, strict=True):
        for made, plane in zip(frame.planes, planes, strict=True):
            np.testing.assert_array_equal(made, plane)
    assert meta.numbers.source_count == 20
    assert [meta.numbers.source(n) for n in (0, 5, 15)] == [0, 6, 19]


def test_film_is_shown_evenly_from_one_group_of_five_to_the_next(tmp_path):
    """Also behind a gap, where counting on would leave the sound."""
    stamps = [40 * n + 1000 * (n >= 10) for n in range(20)]
    source, _ = telecined(tmp_path / "in.mkv", stamps=stamps)
    with av.open(str(source)) as container:
        unit = container.streams.video[0].time_base
        begins = sorted(packet.pts * unit for packet in container.demux(video=0) if packet.size)
    frames, meta = read(source, "film")
    seconds = [frame.pts * meta.time_base for frame in frames]
    assert seconds[::4] == begins[::5]
    for group in (0, 1, 2):
        steps = [after - before for before, after in pairwise(seconds[4 * group : 4 * group + 5])]
        assert steps == [(begins[5 * group + 5] - begins[5 * group]) / 4] * 4


def test_interlaced_video_is_no_film(tmp_path):
    source, _ = interlaced(tmp_path / "in.mkv", count=20)
    with pytest.raises(InputError, match=r"is no telecined film.*in 0 of 3 groups.*--deinterlace instead"):
        open_video(source, fields="film")


@pytest.mark.parametrize(
    ("fields", "make", "names"),
    [
        ("frames", interlaced, [0, 1, 2, 3]),
        ("fields", interlaced, [0, 0, 1, 1]),
        ("film", telecined, [0, 1, 3, 4]),
    ],
)
def test_masks_and_boxes_name_the_sources_frames(tmp_path, fields, make, names):
    source, _ = make(tmp_path / "in.mkv")
    count = len(stamps_of(source))
    (tmp_path / "masks").mkdir()
    for number in range(count):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[8:12, 4 * number : 4 * number + 4] = 255
        cv2.imwrite(str(tmp_path / "masks" / f"{number}.png"), mask)
    sharp = {"grow": 0, "feather": 0}
    frames, meta = read(source, fields)
    by_file = MaskOptions(paths=(tmp_path / "masks",), **sharp)
    by_box = MaskOptions(boxes=("0,0,4,4@1-2",), **sharp)
    with open_masks(by_file, meta) as files, open_masks(by_box, meta) as boxes:
        assert len(files.summaries) == len(frames)
        assert [files.hole(frame).box.x // 4 for frame in frames[:4]] == names
        assert [summary.parts[0].x // 4 for summary in files.summaries[:4]] == names
        marked = [frame.index for frame in frames if boxes.hole(frame)]
        assert marked == [n for n in range(4) if names[n] == 1]


@pytest.mark.parametrize(("fields", "kept"), [("frames", [2, 3]), ("fields", [4, 5, 6, 7])])
def test_start_and_stop_name_the_sources_frames(tmp_path, fields, kept):
    source, _ = interlaced(tmp_path / "in.mkv")
    everything, _ = read(source, fields)
    part, meta = read(source, fields, start=2, stop=4)
    assert [frame.index for frame in part] == kept
    assert meta.frame_count in {None, len(kept)}
    for frame in part:
        np.testing.assert_array_equal(frame.planes[0], everything[frame.index].planes[0])


@pytest.mark.parametrize(
    ("fields", "make"), [("frames", interlaced), ("fields", interlaced), ("film", telecined)]
)
def test_segments_and_excerpts_hold_the_same_frames(tmp_path, fields, make):
    source, _ = make(tmp_path / "in.mkv", beside=with_company(subtitles=None, chapters=False))
    once = passed(source, tmp_path / "once.mkv", fields)
    (tmp_path / "segments").mkdir()
    joined = passed(source, tmp_path / "joined.mkv", fields, borders={2, 3}, folder=tmp_path / "segments")
    assert stamps_of(joined.path) == stamps_of(once.path)
    assert packets_of(joined.path, "audio") == packets_of(source, "audio")
    for one, other in zip(planes_in(joined.path), planes_in(once.path), strict=True):
        assert all(np.array_equal(plane, wanted) for plane, wanted in zip(one, other, strict=True))
    with av.open(str(joined.path)) as container:
        assert not any(picture.interlaced_frame for picture in container.decode(video=0))
    everything, _ = read(source, fields)
    words = {"index": 4, "pts": everything[4].pts, "first_index": 0, "first_pts": everything[0].pts}
    part, _ = read(source, fields, excerpt=Excerpt(**words))
    assert [frame.pts for frame in part] == [frame.pts for frame in everything[4:]]
    np.testing.assert_array_equal(part[0].planes[0], everything[4].planes[0])


def test_a_container_of_an_even_rate_holds_twice_as_many_frames(tmp_path):
    source, _ = interlaced(tmp_path / "in.mkv")
    written = passed(source, tmp_path / "out.avi", "fields")
    assert (written.frame_count, written.losses) == (12, ())
    assert stamps_of(written.path) == [Fraction(n, 50) for n in range(12)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"double_rate": True}, "pass --deinterlace with it"),
        ({"deinterlace": True, "detelecine": True}, "exclude each other"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(words, said):
    with pytest.raises(UsageError, match=said):
        RunOptions(**words)


def test_a_damaged_frame_is_counted_once(tmp_path):
    source, _ = interlaced(tmp_path / "in.mkv", 10)
    with av.open(str(source)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][7]
        place, size = packet.pos, packet.size
    data = bytearray(source.read_bytes())
    data[place + size // 10 : place + size // 10 + 64] = b"\xff" * 64
    source.write_bytes(data)
    with open_video(source, fields="fields") as reader:
        assert len(list(reader)) == 20
        assert reader.damage.texts == ("1 frame decoded with errors",)


def test_images_have_no_fields(tmp_path):
    with pytest.raises(UsageError, match="images have no fields"):
        open_video(write_images(tmp_path / "in", ["1.png"]), fields="frames")


@pytest.mark.parametrize(
    ("fields", "layout", "said"),
    [
        ("film", "yuv422p10le", "pixel format yuv422p10le, on which --detelecine does not work"),
        ("frames", "yuv440p10le", "pixel format yuv440p10le, on which --deinterlace does not work"),
    ],
)
def test_layouts_that_the_filters_would_change_are_refused(tmp_path, fields, layout, said):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout=layout, frames=3)
    with pytest.raises(InputError, match=said):
        open_video(source, fields=fields)


def test_a_picture_too_small_for_the_filter_is_one_clear_line(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="yuv444p", width=2, height=2, frames=2)
    with pytest.raises(InputError, match=r"2x2 yuv444p, which does not go through bwdif"):
        open_video(source, fields="frames")
