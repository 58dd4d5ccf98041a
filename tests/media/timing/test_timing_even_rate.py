"""A container without times holds frames in places of an even rate, or says that it does not."""

from array import array
from fractions import Fraction

import pytest
from clips import packets_of, sound_distance, stamps_of, with_company, write_clip
from passing import restore

from vrestore.errors import LossError
from vrestore.media.reader import open_video
from vrestore.media.timing.even_rate import even_rate
from vrestore.media.writer import open_writer

TICK = Fraction(1, 12800)
DROPPED = [512 * place for place in (0, 1, 2, 3, 9, 10, 11, 15)]
UNEVEN = [0, 512, 1100, 1101, 2600, 2900, 4100, 5100]


@pytest.mark.parametrize("codec", ["mpeg4", "libx264", "ffv1", "mpeg2video"])
def test_dropped_frames_leave_places_empty(tmp_path, codec):
    source = write_clip(tmp_path / "in.mp4", stamps=DROPPED)
    restore(source, tmp_path / "out.avi", strict=True, codec=codec)
    with open_video(tmp_path / "out.avi") as reader:
        assert [frame.pts * reader.meta.time_base for frame in reader] == [n * TICK for n in DROPPED]


@pytest.mark.parametrize("target", ["out.avi", "-"])
def test_times_that_cannot_be_held_are_named_before_the_work(tmp_path, monkeypatch, target):
    source = write_clip(tmp_path / "in.mp4", stamps=UNEVEN)
    place = target if target == "-" else str(tmp_path / target)
    with (tmp_path / "piped").open("w") as piped:
        monkeypatch.setattr("sys.stdout", piped)
        with open_video(source) as reader, open_writer(place, reader) as writer:
            assert [text for text in writer.losses if "the times of frames" in text]
            assert ".mkv keeps them" in writer.losses[0]
        with open_video(source) as reader, pytest.raises(LossError, match="the times of frames"):
            open_writer(place, reader, strict=True)


def test_they_come_as_near_as_the_container_allows(tmp_path):
    source = write_clip(tmp_path / "in.mp4", stamps=UNEVEN)
    restore(source, tmp_path / "out.avi", codec="mpeg4")
    wanted = [stamp * TICK for stamp in UNEVEN]
    off = [abs(found - due) for found, due in zip(stamps_of(tmp_path / "out.avi"), wanted, strict=True)]
    assert max(off) < Fraction(1, 25)


def test_a_picture_that_starts_behind_the_sound_still_does(tmp_path):
    stamps = [512 * (place + 10) for place in range(8)]
    source = write_clip(
        tmp_path / "in.mov",
        stamps=stamps,
        beside=with_company(languages=["eng"], subtitles=None, chapters=False),
    )
    restore(source, tmp_path / "out.avi", codec="mpeg4")
    assert sound_distance(tmp_path / "out.avi") == pytest.approx(sound_distance(source), abs=0.02)
    assert packets_of(tmp_path / "out.avi", "audio") == packets_of(source, "audio")


def test_an_avi_of_reordered_pictures_becomes_one_in_order(tmp_path):
    source = write_clip(
        tmp_path / "in.avi", frames=20, codec="mpeg4", options={"bf": "2"}, time_base=Fraction(1, 25),
        beside=with_company(languages=["eng"], subtitles=None, chapters=False),
    )  # fmt: skip
    restore(source, tmp_path / "out.avi")
    assert stamps_of(tmp_path / "out.avi") == stamps_of(source)


@pytest.mark.parametrize(
    ("stamps", "rates", "expected"),
    [
        ([0, 40, 80, 120], [25], (25, [0, 1, 2, 3])),
        ([0, 33, 67, 100, 133], [30], (30, [0, 1, 2, 3, 4])),
        ([0, 33, 67, 167, 200], [Fraction(20), Fraction(30)], (30, [0, 1, 2, 5, 6])),
        ([200, 240, 320], [25], (25, [5, 6, 8])),
        ([0, 20, 100], [25], (50, [0, 1, 5])),
        ([7], [25], (25, [0])),
    ],
)  # fmt: skip
def test_frames_take_the_places_of_their_times(stamps, rates, expected):
    found = even_rate(array("q", stamps), time_base=Fraction(1, 1000), rates=rates)
    assert (found.rate, list(found.places)) == expected
    assert found.is_exact
    assert found.loss("avi") == []


def test_no_two_frames_share_a_place():
    found = even_rate(array("q", [0, 1, 2, 400]), time_base=Fraction(1, 1000), rates=[Fraction(25)])
    assert list(found.places) == [0, 1, 2, 10]
    assert not found.is_exact
    assert found.off_seconds == Fraction(78, 1000)


def test_without_empty_places_frames_follow_each_other():
    found = even_rate(
        array("q", [0, 40, 120]), time_base=Fraction(1, 1000), rates=[Fraction(25)], has_gaps=False
    )
    assert list(found.places) == [0, 1, 2]
    assert found.off_seconds == Fraction(40, 1000)
