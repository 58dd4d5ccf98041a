"""What a file says of itself before a picture is decoded."""

from fractions import Fraction

import pytest
from clips import stamps_of, write_clip
from passing import restore

from vrestore.media.reader import open_video

RATES = {
    "in.h264": ("libx264", Fraction(50)),
    "in.hevc": ("libx265", Fraction(24)),
    "in.m2v": ("mpeg2video", Fraction(30000, 1001)),
}


@pytest.mark.parametrize("name", RATES)
def test_what_has_no_container_takes_the_rate_of_its_own_header(tmp_path, name):
    codec, rate = RATES[name]
    options = {"x265-params": "log-level=error"} if codec == "libx265" else {}
    source = write_clip(
        tmp_path / name, frames=10, codec=codec, rate=rate, time_base=1 / rate, options=options
    )
    with open_video(source) as reader:
        assert reader.meta.rate == rate
    restore(source, tmp_path / "out.mp4")
    stamps = stamps_of(tmp_path / "out.mp4")
    assert [stamp - stamps[0] for stamp in stamps] == pytest.approx([n / rate for n in range(10)], abs=1e-4)


def test_a_rate_that_nothing_tells_is_named(tmp_path):
    source = write_clip(tmp_path / "in.obu", codec="libsvtav1", rate=50, time_base=Fraction(1, 50))
    with open_video(source) as reader:
        assert "the source tells no frame rate; 25 a second were assumed" in reader.warnings


def test_a_rate_that_is_told_is_not_called_assumed(tmp_path):
    with open_video(write_clip(tmp_path / "in.avi", codec="mpeg4", time_base=Fraction(1, 25))) as reader:
        assert reader.warnings == []
