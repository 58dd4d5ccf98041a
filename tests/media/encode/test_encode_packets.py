"""What an encoder says of its packets is set right where it is wrong."""

from fractions import Fraction

import pytest
from clips import packets_of, stamps_of, with_company, write_clip
from passing import restore


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_hevc_of_few_frames_is_written(tmp_path, frames):
    """x265 gives one and two frames times of decoding at random, which muxers refuse now and then."""
    source = write_clip(
        tmp_path / "in.mkv",
        frames=frames,
        time_base=Fraction(1, 1000),
        beside=with_company(languages=["eng"], subtitles=None, chapters=False),
    )
    for run in range(5):
        target = tmp_path / f"{run}.mp4"
        restore(source, target, codec="hevc", strict=True)
        stamps = stamps_of(target)
        assert [stamp - stamps[0] for stamp in stamps] == [Fraction(n, 25) for n in range(frames)]
        assert packets_of(target, "audio") == packets_of(source, "audio")
