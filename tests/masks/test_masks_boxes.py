from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import mask_meta
from vrestore.errors import MaskError, UsageError
from vrestore.frames import Box
from vrestore.masks.boxes import read_box

META = mask_meta(height=90, width=160, frame_count=50)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("10,20,30,40", Box(10, 20, 30, 40)),
        (" 10, 20, 30, 40 ", Box(10, 20, 30, 40)),
        ("0,0,100%,100%", Box(0, 0, 160, 90)),
        ("5%,80%,90%,15%", Box(8, 72, 144, 14)),
        ("-10,-20,30,40", Box(120, 30, 30, 40)),
        ("-0,-0,1,1", Box(159, 89, 1, 1)),
        ("-10%,50%,25%,5", Box(104, 45, 40, 5)),
        ("10.4,20.6,30,40", Box(10, 21, 30, 40)),
    ],
)
def test_a_box_is_read_as_it_is_meant(text, box):
    assert read_box(text, META).box == box


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,4px", "1;2;3;4"])
def test_words_that_are_no_box_are_refused(text):
    with pytest.raises(UsageError, match="as a box; write x,y,w,h"):
        read_box(text, META)


@pytest.mark.parametrize("text", ["150,0,20,10", "0,85,10,10", "-150,0,20,10", "200,0,5,5", "0,0,101%,5"])
def test_a_box_outside_the_picture_is_an_error(text):
    with pytest.raises(MaskError, match="video is 160x90; a box lies inside the picture"):
        read_box(text, META)


@pytest.mark.parametrize("text", ["1,1,0,5", "1,1,5,0", "1,1,-5,5", "1,1,0.1%,5"])
def test_a_box_without_size_is_an_error(text):
    with pytest.raises(MaskError, match="at least one pixel"):
        read_box(text, META)


@pytest.mark.parametrize("text", ["@", "@5", "@-", "@5s", "@ - "])
def test_half_a_time_range_is_refused(text):
    with pytest.raises(UsageError, match="write @start-stop"):
        read_box("1,1,5,5" + text, META)


@pytest.mark.parametrize("text", ["@10-5", "@10-10", "@1s-0.5s", "@-0", "@20-0.5s"])
def test_a_reversed_time_range_is_an_error(text):
    with pytest.raises(MaskError, match="stops before it starts"):
        read_box("1,1,5,5" + text, META)


@pytest.mark.parametrize(("text", "end"), [("@50-", "50 frames"), ("@2s-", "2.000 seconds")])
def test_a_time_range_after_the_video_is_an_error(text, end):
    with pytest.raises(MaskError, match=f"starts after the video, which .* {end}"):
        read_box("1,1,5,5" + text, META)


def test_a_video_that_does_not_say_its_length_takes_any_time():
    meta = replace(META, frame_count=None, duration_seconds=None)
    assert read_box("1,1,5,5@500s-", meta).is_timed


def covered(text):
    box = read_box("1,1,5,5" + text, META)
    return [n for n in range(50) if box.covers(number=n, seconds=Fraction(n, 25))]


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("", range(50)),
        ("@10-12", range(10, 12)),
        ("@48-", range(48, 50)),
        ("@-3", range(3)),
        ("@0.4s-0.48s", range(10, 12)),
        ("@0:01-", range(25, 50)),
        ("@-80ms", range(2)),
        ("@10-0.6s", range(10, 15)),
    ],
)
def test_a_time_range_is_half_open(text, frames):
    assert covered(text) == list(frames)


def test_times_rounded_to_a_millisecond_still_meet_their_frame():
    box = read_box("1,1,5,5@0.4s-0.8s", META)
    assert box.covers(number=10, seconds=Fraction("0.3996"))
    assert not box.covers(number=20, seconds=Fraction("0.7996"))


@given(st.integers(1, 99), st.integers(100, 999))
def test_neighbors_in_percent_neither_overlap_nor_gap(percent, width):
    meta = mask_meta(height=90, width=width)
    left = read_box(f"0,0,{percent}%,5", meta).box
    right = read_box(f"{percent}%,0,{100 - percent}%,5", meta).box
    assert left.x == 0
    assert left.x + left.width == right.x
    assert right.x + right.width == width
