"""Timecodes go with the first frame that is written."""

from fractions import Fraction
from functools import cache

import av
import pytest
from clips import write_clip

from vrestore.media.reader import open_video
from vrestore.media.timing.timecode import later_timecode
from vrestore.media.writer import open_writer

NTSC = Fraction(30000, 1001)


@cache
def drop_frame_timecodes():
    """Return the first fifty minutes of drop-frame timecodes at 29.97, one after the other."""
    return [
        f"{minute // 60:02}:{minute % 60:02}:{second:02};{frame:02}"
        for minute in range(50)
        for second in range(60)
        for frame in range(30)
        if second or frame > 1 or minute % 10 == 0
    ]


@pytest.mark.parametrize("first", ["00:00:59;28", "00:08:59;29", "00:09:58;05", "00:10:00;00", "00:29:59;29"])
@pytest.mark.parametrize("frames", [0, 1, 2, 35, 1798, 1800, 17982, 30000])
def test_dropped_numbers_are_left_out(first, frames):
    timecodes = drop_frame_timecodes()
    assert later_timecode(first, frames / NTSC, NTSC) == timecodes[timecodes.index(first) + frames]


@pytest.mark.parametrize(
    ("first", "frames", "rate", "expected"),
    [
        ("01:00:00:00", 40, Fraction(25), "01:00:01:15"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("10:00:00:00", 24, Fraction(24000, 1001), "10:00:01:00"),
        ("reel 7", 24, Fraction(24), "reel 7"),
    ],
)
def test_timecodes_are_counted_on(first, frames, rate, expected):
    assert later_timecode(first, frames / rate, rate) == expected


@pytest.mark.parametrize("extension", [".mov", ".mkv"])
def test_a_stretch_has_the_timecode_of_its_first_frame(tmp_path, extension):
    def with_timecode(container):
        container.streams[0].metadata["timecode"] = "01:00:00:20"
        return lambda: None

    source = write_clip(tmp_path / f"in{extension}", frames=20, beside=with_timecode)
    for start, expected in ((None, "01:00:00:20"), ("10", "01:00:01:05"), ("400ms", "01:00:01:05")):
        target = tmp_path / f"out{start}{extension}"
        with open_video(source, start=start) as reader, open_writer(target, reader) as writer:
            for frame in reader:
                writer.write(frame)
            writer.finish()
        with av.open(str(target)) as container:
            tags = {key.lower(): value for key, value in container.streams.video[0].metadata.items()}
            assert tags["timecode"] == expected
