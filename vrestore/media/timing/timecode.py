"""Timecodes of a first frame, as cameras and editors write them into tags."""

from __future__ import annotations

import re
from fractions import Fraction

_FORM = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)", re.ASCII)
_MINUTE, _DAY = 60, 24 * 60 * 60


def later_timecode(timecode: str, seconds: Fraction, rate: Fraction) -> str:
    """Return the timecode of a frame so many seconds later, at frames a second; as it is if it is none.

    Frames are counted by the whole number next to the rate. With `;` or `.` before the frame, numbers are
    left out so that the clock keeps up at 29.97 and 59.94: the first two (of 60: four) of each minute, but
    for every tenth (SMPTE ST 12-1, drop frame).
    """
    found = _FORM.fullmatch(timecode)
    nominal = round(rate)
    if found is None or nominal < 1:
        return timecode
    hours, minutes, whole, frame = (int(found[place]) for place in (1, 2, 3, 5))
    dropped = nominal // 15 if found[4] in ";." else 0
    passed = hours * _MINUTE + minutes
    number = (passed * _MINUTE + whole) * nominal + frame - dropped * (passed - passed // 10)
    number += round(seconds * rate)
    if dropped:
        a_minute = _MINUTE * nominal - dropped
        tens, left = divmod(number, 10 * a_minute + dropped)
        # The first minute of ten has all its numbers.
        number += dropped * (9 * tens + max(0, left - dropped) // a_minute)
    left, frame = divmod(number, nominal)
    left %= _DAY
    return f"{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}{found[4]}{frame:02}"
