"""Masks told as rectangles: `x,y,w,h` with an optional `@start-stop`.

Each of the four is in pixels, or in percent of the picture's width or height (`5%,80%,90%,15%`). A
negative x or y is measured from the right or bottom edge: `-10,-20,w,h` is the box that ends 10 pixels
from the right and 20 from the bottom, `-0` touches the edge. `@start-stop` is half-open, in frame
numbers or times of the source, and either end may be left out: `@100-250`, `@1:02-1:05.5`, `@10s-`.
The picture is meant as a player shows it, after any rotation; a TimedBox's is the decoded one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from vrestore.errors import MaskError, UsageError
from vrestore.frames import Box, VideoMeta
from vrestore.media.container.times import FrameNumber, Moment, Seconds, parse_time
from vrestore.media.rotation import box_turned_back, displayed_size

TIME_SLACK = Fraction(1, 2000)
"""Seconds by which a frame may miss a box's start: containers round times to a millisecond."""

_LENGTH = re.compile(r"(-?)(\d+(?:\.\d+)?)(%?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class TimedBox:
    """A rectangle that is to be filled from `start` up to, not including, `stop`; None is open."""

    text: str
    box: Box
    start: Moment | None = None
    stop: Moment | None = None

    def covers(self, *, number: int, seconds: Fraction) -> bool:
        """Say whether it stands over the frame of that number, `seconds` after the source's first."""
        return _has_come(self.start, number, seconds) and not (
            self.stop is not None and _has_come(self.stop, number, seconds)
        )

    @property
    def is_timed(self) -> bool:
        return self.start is not None or self.stop is not None


def read_box(text: str, meta: VideoMeta, *, is_whole: bool = True) -> TimedBox:
    """Read a box for a video, or for a part of one, whose `frame_count` then says nothing of its end.

    Raises UsageError for words that are no box, MaskError for one of no size, one that reaches beyond
    the picture, and a time range that is reversed or begins after the video's end.
    """
    lengths, at, interval = text.partition("@")
    start, stop = _read_interval(text, interval) if at else (None, None)
    _check_interval(text, start, stop, meta, frame_count=meta.frame_count if is_whole else None)
    return TimedBox(text, _read_rectangle(text, lengths, meta), start, stop)


def _read_rectangle(text: str, lengths: str, meta: VideoMeta) -> Box:
    words = [_LENGTH.fullmatch(word.strip()) for word in lengths.split(",")]
    found = [word for word in words if word is not None]
    if len(found) != 4 or len(words) != 4:
        raise UsageError(f"cannot read {text!r} as a box; write x,y,w,h or x,y,w,h@start-stop")
    height, width = displayed_size(meta.height, meta.width, rotation=meta.rotation)
    left, right = _span(text, found[0], found[2], width)
    top, bottom = _span(text, found[1], found[3], height)
    if left < 0 or top < 0 or right > width or bottom > height:
        raise MaskError(
            f"box {text!r} spans {left},{top} to {right},{bottom}, video is {width}x{height}; "
            "a box lies inside the picture"
        )
    box = Box(left, top, right - left, bottom - top)
    return box_turned_back(box, height=height, width=width, rotation=meta.rotation)


def _span(text: str, place: re.Match[str], length: re.Match[str], whole: int) -> tuple[int, int]:
    """Return first and past-the-end pixel. Both ends are rounded, so that neighbors in percent meet."""
    size, begin = _pixels(length, whole), _pixels(place, whole)
    if length[1] or round(begin + size) <= round(begin):
        raise MaskError(f"box {text!r} has width or height {length[0]}; both are at least one pixel")
    if place[1]:
        begin = whole - begin - size
    return round(begin), round(begin + size)


def _pixels(length: re.Match[str], whole: int) -> Fraction:
    """Return the length without its sign."""
    return Fraction(length[2]) * (Fraction(whole, 100) if length[3] else 1)


def _read_interval(text: str, interval: str) -> tuple[Moment | None, Moment | None]:
    start, dash, stop = interval.partition("-")
    if not dash or not (start.strip() or stop.strip()):
        raise UsageError(f"cannot read the times of box {text!r}; write @start-stop, @start- or @-stop")
    return (parse_time(start) if start.strip() else None, parse_time(stop) if stop.strip() else None)


def as_seconds(moment: Moment, meta: VideoMeta) -> Fraction:
    """Return the time of a moment; that of a frame number is by the display rate."""
    return moment.value / meta.rate if isinstance(moment, FrameNumber) else moment.value


def _check_interval(
    text: str, start: Moment | None, stop: Moment | None, meta: VideoMeta, *, frame_count: int | None
) -> None:
    first = Fraction(0) if start is None else as_seconds(start, meta)
    if stop is not None and as_seconds(stop, meta) <= first:
        raise MaskError(f"box {text!r} stops before it starts; the first time is its start")
    if isinstance(start, FrameNumber) and frame_count is not None and start.value >= frame_count:
        raise MaskError(f"box {text!r} starts after the video, which has {frame_count} frames")
    length = meta.duration_seconds
    if isinstance(start, Seconds) and length is not None and start.value >= length:
        raise MaskError(f"box {text!r} starts after the video, which lasts {length:.3f} seconds")


def _has_come(moment: Moment | None, number: int, seconds: Fraction) -> bool:
    if moment is None:
        return True
    if isinstance(moment, FrameNumber):
        return number >= moment.value
    return seconds >= moment.value - TIME_SLACK
