"""Times and frame numbers as people write them.

A whole number is a frame (`250`). Everything with a unit or a colon is a time: `12.5s`, `250ms`,
`3m`, `1h`, `1:02`, `00:01:02.5`. A bare `12.5` is refused because it could be meant as either.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from vrestore.errors import UsageError


@dataclass(frozen=True, slots=True)
class FrameNumber:
    """A frame of the source, counted from 0 in presentation order."""

    value: int


@dataclass(frozen=True, slots=True)
class Seconds:
    """A time since the first frame of the source, exact."""

    value: Fraction


Moment = FrameNumber | Seconds

_DECIMAL = r"(?:\d+(?:\.\d*)?|\.\d+)"
_UNIT_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600)}


def parse_time(text: str) -> Moment:
    """Read a frame number or a time; raises UsageError on anything else."""
    words = text.strip().lower()
    for pattern, meaning in _FORMS:
        found = pattern.fullmatch(words)
        if found is not None:
            return meaning(found)
    raise UsageError(f"cannot read {text!r} as a time; write a frame number (250) or a time (12.5s, 1:02.5)")


def frame_number(moment: Moment, rate: Fraction) -> int:
    """Return the first frame at or after a moment, where frames come at a constant rate."""
    return moment.value if isinstance(moment, FrameNumber) else math.ceil(moment.value * rate)


def _frame_number(found: re.Match[str]) -> Moment:
    return FrameNumber(int(found[0]))


def _with_unit(found: re.Match[str]) -> Moment:
    return Seconds(Fraction(found[1]) * _UNIT_SECONDS[found[2]])


def _with_colons(found: re.Match[str]) -> Moment:
    hours, minutes, seconds = found[1] or 0, found[2], found[3]
    return Seconds(Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds))


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Moment]], ...] = (
    (re.compile(r"\d+", re.ASCII), _frame_number),
    (re.compile(rf"({_DECIMAL})\s*(ms|s|m|h)", re.ASCII), _with_unit),
    (re.compile(r"(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d*)?)", re.ASCII), _with_colons),
)
