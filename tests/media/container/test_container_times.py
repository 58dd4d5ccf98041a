from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrestore.errors import UsageError
from vrestore.media.container.times import FrameNumber, Seconds, parse_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0", FrameNumber(0)),
        ("250", FrameNumber(250)),
        ("12.5s", Seconds(Fraction(25, 2))),
        ("5s", Seconds(Fraction(5))),
        (".5s", Seconds(Fraction(1, 2))),
        ("3m", Seconds(Fraction(180))),
        ("1.5h", Seconds(Fraction(5400))),
        ("40ms", Seconds(Fraction(1, 25))),
        ("1:02", Seconds(Fraction(62))),
        ("00:01:02.5", Seconds(Fraction(125, 2))),
        ("90:00", Seconds(Fraction(5400))),
        (" 2S ", Seconds(Fraction(2))),
    ],
)
def test_numbers_are_frames_and_all_else_is_time(text, moment):
    assert parse_time(text) == moment


@pytest.mark.parametrize("text", ["", "12.5", "-3", "s", "1:75", "1:2:3:4", "5 frames", "1e3", "٣", "nan"])
def test_other_words_are_refused(text):
    with pytest.raises(UsageError, match="as a time; write a frame number"):
        parse_time(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_clock_times_are_exact(hours, minutes, seconds, millis):
    moment = parse_time(f"{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
    assert moment == Seconds(hours * 3600 + minutes * 60 + seconds + Fraction(millis, 1000))
