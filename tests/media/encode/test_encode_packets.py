"""What a result says of its pictures: progressive ones stay so, whatever the encoder marks them as."""

from fractions import Fraction

import av
import pytest
from clips import write_clip
from passing import restore

from vrestore.media.container.segment_files import SegmentDir
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer

CONTROL = 80 * 5 + 48 + 5 + 3
"""Where FFmpeg's decoder looks for the mark: the byte with it, in the first DIF sequence of a picture."""


def progressive_dv(path, *, layout, height, rate):
    """Write DV as a progressive camera does, two pictures of it."""
    made = write_clip(
        path.with_stem("made"),
        codec="dvvideo",
        layout=layout,
        height=height,
        width=720,
        rate=rate,
        time_base=1 / Fraction(rate),
        frames=2,
    )
    with av.open(str(made)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                data = bytearray(bytes(packet))
                data[CONTROL] &= ~0x10
                packet.update(bytes(data))
                packet.stream = stream
                target.mux(packet)
    return path


def marks(path):
    with av.open(str(path)) as container:
        return [picture.interlaced_frame for picture in container.decode(video=0)]


@pytest.mark.parametrize(
    ("layout", "height", "rate", "extension"),
    [
        ("yuv420p", 576, 25, ".mov"),
        ("yuv411p", 480, Fraction(30000, 1001), ".avi"),
        ("yuv422p", 576, 25, ".mov"),
    ],
    ids=["pal", "ntsc", "dvcpro50"],
)
def test_progressive_dv_stays_progressive(tmp_path, layout, height, rate, extension):
    source = progressive_dv(tmp_path / f"in{extension}", layout=layout, height=height, rate=rate)
    assert marks(source) == [False, False]
    written = restore(source, tmp_path / f"out{extension}")
    assert (written.codec, written.warnings) == ("dvvideo", ())
    assert marks(written.path) == [False, False]
    with open_video(written.path) as reader:  # is not refused
        assert len(list(reader)) == 2


def test_dv_in_segments_stays_progressive(tmp_path):
    source = progressive_dv(tmp_path / "in.mov", layout="yuv420p", height=576, rate=25)
    with (
        open_video(source) as reader,
        open_writer(tmp_path / "out.mov", reader, options=EncodeOptions(), in_segments=True) as writer,
    ):
        writer.begin(SegmentDir(tmp_path, "picture", [], {1}.__contains__, lambda _segment: None))
        for frame in reader:
            writer.write(frame)
        writer.finish()
    assert marks(tmp_path / "out.mov") == [False, False]
