"""What a source says of itself, in values that JSON can hold."""

import json
from fractions import Fraction

import pytest
from clips import with_company, write_clip, write_images

from vrestore.errors import InputError
from vrestore.frames import Color
from vrestore.media.probe import probe

UNEVEN = [0, 512, 1100, 1101, 2600, 2900, 4100, 5100]


def test_everything_about_a_video_fits_into_json(tmp_path):
    company = with_company(tags={"title": "A film"}, attachment=b"x")
    color = Color(1, 1, 1, full_range=False)
    source = write_clip(tmp_path / "in.mkv", color=color, aspect=Fraction(16, 11), beside=company)
    found = probe(source)
    assert json.loads(json.dumps(found)) == found
    picture = found["picture"]
    assert (picture["width"], picture["height"], picture["pixel_format"], picture["bits"]) == (
        64,
        48,
        "yuv420p",
        8,
    )
    assert (picture["matrix"], picture["range"], picture["sample_aspect_ratio"]) == (
        "bt709",
        "limited",
        "16/11",
    )
    assert (picture["frame_count"], picture["timestamps"], found["refused"]) == (8, "even", None)
    assert [(s["type"], s["language"], s["treatment"]) for s in found["streams"]] == [
        ("video", None, "restored"),
        ("audio", "eng", "copied"),
        ("audio", "fra", "copied"),
        ("subtitle", "deu", "copied"),
        ("attachment", None, "copied"),
    ]
    assert [chapter["title"] for chapter in found["chapters"]] == ["One", "Two"]
    assert found["tags"]["title"] == "A film"


def test_uneven_timestamps_are_seen(tmp_path):
    found = probe(write_clip(tmp_path / "in.mp4", stamps=UNEVEN))
    assert found["picture"]["timestamps"] == "uneven"


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25), Fraction(24)])
def test_a_time_base_that_rounds_does_not_make_frames_uneven(tmp_path, rate):
    source = write_clip(tmp_path / "in.mkv", frames=20, rate=rate, time_base=Fraction(1, 24000))
    assert probe(source)["picture"]["timestamps"] == "even"


def test_the_text_track_of_chapters_is_known_for_what_it_is(tmp_path):
    found = probe(write_clip(tmp_path / "in.mp4", beside=with_company(subtitles=None)))
    assert found["streams"][-1]["treatment"] == "written anew as chapters"


def test_what_a_run_would_refuse_is_said(tmp_path):
    options = {"x264-params": "interlaced=1", "flags": "+ildct+ilme"}
    found = probe(write_clip(tmp_path / "in.mp4", height=64, options=options))
    assert found["refused"] == "interlaced"


def test_images_are_described_too(tmp_path):
    found = probe(write_images(tmp_path / "in", ["1.png", "2.png"], layout="rgb48be"))
    assert (found["picture"]["bits"], found["picture"]["frame_count"], found["streams"]) == (16, 2, [])


def test_what_is_no_video_is_an_error(tmp_path):
    (tmp_path / "in.mp4").write_text("text")
    with pytest.raises(InputError, match="not a video"):
        probe(tmp_path / "in.mp4")
