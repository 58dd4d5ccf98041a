"""Encoders that count frames do not move them."""

from fractions import Fraction
from itertools import pairwise

import av
import pytest
from av.codec.context import Flags
from clips import made_picture, sound_distance, stamps_of, with_company, write_clip
from passing import restore

from vrestore.media.formats import pixel_format
from vrestore.media.reader import open_video

UNEVEN = [0, 512, 1100, 1101, 2600, 2900, 4100, 5100]
LATE = [6912 + 512 * number for number in range(8)]  # 13.5 frames of 1/25 s


def moved(path):
    stamps = stamps_of(path)
    return [stamp - stamps[0] for stamp in stamps]


def write_lasting(path, *, seconds):
    """Write a clip whose last frame is shown so long, and is not the last one that is decoded."""
    base = Fraction(1, 12800)
    layout = pixel_format("yuv420p")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "bframes=3:b-adapt=0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.flags |= Flags.frame_duration
        stream.codec_context.time_base = base
        for index in range(9):
            picture = made_picture(layout, height=48, width=64, index=index)
            picture.pts, picture.time_base = index * 512, base
            picture.duration = round(seconds / base) if index == 8 else 512
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg1video"])
@pytest.mark.parametrize("stamps", [UNEVEN, LATE], ids=["uneven", "late"])
@pytest.mark.parametrize("bf", ["0", "2"])
def test_mpeg_pictures_are_shown_when_they_were(tmp_path, codec, stamps, bf):
    source = write_clip(
        tmp_path / "in.mov", stamps=stamps, beside=with_company(languages=["eng"], subtitles=None)
    )
    restore(source, tmp_path / "out.mov", codec=codec, extra={"bf": bf})
    assert moved(tmp_path / "out.mov") == moved(source)
    assert sound_distance(tmp_path / "out.mov") == sound_distance(source)


def test_a_rate_that_mpeg_does_not_know_is_no_hindrance(tmp_path):
    source = write_clip(tmp_path / "in.mkv", rate=15, time_base=Fraction(1, 1000))
    written = restore(source, tmp_path / "out.mkv", codec="mpeg2video")
    assert written.codec == "mpeg2video"
    assert moved(tmp_path / "out.mkv") == moved(source)


def test_mpeg4_keeps_times_finer_than_it_counts(tmp_path):
    source = write_clip(
        tmp_path / "in.mov", stamps=[7 * stamp for stamp in UNEVEN], time_base=Fraction(1, 90000)
    )
    restore(source, tmp_path / "out.mov", codec="mpeg4")
    assert moved(tmp_path / "out.mov") == moved(source)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("extension", [".mov", ".mp4"])
def test_frames_are_shown_as_long_as_they_were(tmp_path, codec, extension):
    source = write_clip(tmp_path / "in.mp4", stamps=UNEVEN, options={"bf": "3"})
    target = tmp_path / f"out{extension}"
    restore(source, target, codec=codec)
    with open_video(source) as before, open_video(target) as after:
        durations = [frame.duration for frame in before]
        assert [frame.duration for frame in after] == durations
    assert durations == [*(following - stamp for stamp, following in pairwise(UNEVEN)), 512]


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_last_frame_that_is_decoded_earlier_keeps_its_duration(tmp_path, codec):
    source = write_lasting(tmp_path / "in.mp4", seconds=Fraction(1, 2))
    restore(source, tmp_path / "out.mp4", codec=codec)
    with open_video(tmp_path / "out.mp4") as reader:
        last = list(reader)[-1]
        assert last.duration * reader.meta.time_base == Fraction(1, 2)
