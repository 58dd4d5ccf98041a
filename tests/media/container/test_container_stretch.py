"""A stretch of a file has all that belongs to it, wherever that lies in the file."""

from fractions import Fraction

import av
import pytest
from clips import with_company, write_clip

from vrestore.media.container.segment_files import SegmentDir
from vrestore.media.container.segment_writer import SegmentWriter
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer

SECONDS, STOP = 30, 3


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return a clip of half a minute, two frames a second, with sound."""
    sound = with_company(languages=["eng"], subtitles=None, chapters=False, seconds=SECONDS)
    return write_clip(
        tmp_path_factory.mktemp("stretch") / "plain.mkv",
        frames=2 * SECONDS,
        rate=2,
        time_base=Fraction(1, 1000),
        options={"g": "2", "bf": "0", "preset": "ultrafast"},
        beside=sound,
    )


def laid_out(plain, target, *, behind, texts=()):
    """Write the same packets with sound so many seconds behind the picture, and texts [begin, end)."""
    with av.open(str(plain)) as source:
        packets = [packet for packet in source.demux() if packet.size]
        with av.open(str(target), "w", container_options={"max_interleave_delta": "1"}) as output:
            streams = [output.add_stream_from_template(stream, opaque=True) for stream in source.streams]
            text = output.add_mux_stream("subrip") if texts else None
            for begin, end in texts:
                line = av.Packet(b"a line")
                line.stream, line.time_base = text, Fraction(1, 1000)
                line.pts = line.dts = begin * 1000
                line.duration = (end - begin) * 1000
                output.mux_one(line)

            def place(packet):
                return packet.dts * packet.time_base + behind * (packet.stream.type == "audio")

            for packet in sorted(packets, key=place):
                packet.stream = streams[packet.stream_index]
                output.mux_one(packet)
    return target


def sound_of(path, *, until=None):
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return [bytes(packet) for packet in packets if until is None or packet.pts * packet.time_base < until]


def begin(writer, folder, *, borders):
    """Begin segments at these frames, kept in a folder that lies in another one."""
    kept = {"finished": [], "is_border": borders.__contains__, "keep": lambda _segment: None}
    writer.begin(SegmentDir(folder / "state", "picture", **kept))


LAYOUTS = {
    "behind": {"behind": 2},
    "behind-and-a-long-line": {"behind": 2, "texts": [(0, 15)]},
    "behind-and-lines-far-ahead": {"behind": 2, "texts": [(0, 1), (14, 15), (25, 26)]},
    "far-behind": {"behind": 13},
    "all-at-the-end": {"behind": 100},
    "ahead": {"behind": -4, "texts": [(1, 29)]},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_all_sound_before_the_stop_is_kept(tmp_path, plain, name):
    source = laid_out(plain, tmp_path / "in.mkv", **LAYOUTS[name])
    with (
        open_video(source, stop=f"{STOP}s") as reader,
        open_writer(tmp_path / "out.mkv", reader) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        writer.finish()
    assert sound_of(tmp_path / "out.mkv") == sound_of(source, until=STOP)


@pytest.mark.parametrize("name", ["behind-and-a-long-line", "far-behind"])
def test_segments_that_are_joined_have_it_too(tmp_path, plain, name):
    source = laid_out(plain, tmp_path / "in.mkv", **LAYOUTS[name])
    (tmp_path / "state").mkdir()
    with (
        open_video(source, stop=f"{STOP}s") as reader,
        open_writer(tmp_path / "out.mkv", reader, in_segments=True) as writer,
    ):
        assert isinstance(writer, SegmentWriter)
        begin(writer, tmp_path, borders={0, 3})
        for frame in reader:
            writer.write(frame)
        writer.finish()
    assert sound_of(tmp_path / "out.mkv") == sound_of(source, until=STOP)


def test_what_comes_after_the_stop_is_not_gathered(tmp_path, plain):
    source = laid_out(plain, tmp_path / "in.mkv", behind=0)
    with open_video(source, stop=f"{STOP}s") as reader:
        packets = reader.claim(frozenset({1}))
        assert len(list(reader)) == 2 * STOP
        assert max(packet.pts * packet.time_base for packet in packets) < STOP + 5


@pytest.mark.parametrize("in_segments", [False, True])
@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (None, "3s", [(0, 1), (2, 1)]),
        ("5s", "8s", [(0, 3)]),
        ("5s", None, [(0, 8), (10, 2)]),
        ("14s", "20s", [(1, 2)]),
    ],
)
def test_a_line_is_shown_as_far_as_the_stretch_goes(tmp_path, plain, start, stop, expected, in_segments):
    source = laid_out(plain, tmp_path / "in.mkv", behind=0, texts=[(0, 1), (2, 13), (15, 17)])
    (tmp_path / "state").mkdir()
    with (
        open_video(source, start=start, stop=stop) as reader,
        open_writer(tmp_path / "out.mkv", reader, in_segments=in_segments) as writer,
    ):
        if isinstance(writer, SegmentWriter):
            begin(writer, tmp_path, borders={0})
        for frame in reader:
            writer.write(frame)
        writer.finish()
    with av.open(str(tmp_path / "out.mkv")) as container:
        lines = [packet for packet in container.demux() if packet.size and packet.stream.type == "subtitle"]
        shown = [(line.pts * line.time_base, line.duration * line.time_base) for line in lines]
    assert [
        (pytest.approx(float(a), abs=0.03), pytest.approx(float(b), abs=0.03)) for a, b in shown
    ] == expected
