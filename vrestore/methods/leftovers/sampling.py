"""The part of a video that is looked at where not all of it is: a few stretches, a few frames of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from vrestore.frames import VideoMeta
from vrestore.masks.masks import Masks
from vrestore.masks.shapes import hole_of
from vrestore.media.reader import VideoReader
from vrestore.methods.leftovers.background import REACH
from vrestore.methods.leftovers.look import TOGETHER, Judgement, look
from vrestore.methods.leftovers.moments import Seen, moments_of

STEP = 8
"""Frames from one that is looked at to the next."""

PLACES = 4
"""Stretches of a long video, spread over the frames with a hole."""

_LOOKED_AT = 2 * TOGETHER + 1  # frames of a stretch of a long video
_WHOLE = 120  # frames with a hole; so few are one stretch

Opens = Callable[[int, int], VideoReader]
"""Opens a video from a frame to before another, by their numbers in the video that the masks are of."""


def frames_with_holes(masks: Masks, *, start: int, count: int | None) -> list[int]:
    """Return the numbers of the frames from `start` on that have a hole; `count` of the video, if known."""
    known = len(masks.summaries)
    stop = masks.first + known
    if masks.goes_on and count is not None:
        stop = max(stop, masks.first + count)
    return [
        number
        for number in range(max(start, masks.first), stop)
        if masks.summaries[min(number - masks.first, known - 1)] is not None
    ]


def sampled(numbers: Sequence[int]) -> list[int]:
    """Choose frames: every STEP-th of a short video, else of PLACES stretches spread over it."""
    if len(numbers) <= _WHOLE:
        return list(numbers[::STEP])
    chosen: set[int] = set()
    for place in range(PLACES):
        begin = (2 * place + 1) * len(numbers) // (2 * PLACES) - _LOOKED_AT // 2
        chosen |= set(numbers[begin : begin + _LOOKED_AT : STEP])
    return sorted(chosen)


def look_at(numbers: Sequence[int], masks: Masks, meta: VideoMeta, opens: Opens) -> Iterator[Judgement]:
    """Yield what is left in frames by their numbers, in order; raises InputError where none can be read."""
    wanted = set(numbers)
    for start, stop in _stretches(numbers):
        with opens(max(start, masks.first), stop) as reader:
            first = max(start, masks.first) - reader.first_index
            yield from look(moments_of(_seen(reader, masks, first), meta), is_looked_at=wanted.__contains__)


def _stretches(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return from where to where frames are read, those that others are compared with included."""
    if not numbers:
        return []
    ends = [at for at, (one, other) in enumerate(pairwise(numbers), 1) if other - one > 2 * REACH]
    parts = [numbers[begin:end] for begin, end in pairwise([0, *ends, len(numbers)])]
    return [(max(0, part[0] - REACH), part[-1] + REACH + 1) for part in parts]


def _seen(reader: VideoReader, masks: Masks, shift: int) -> Iterator[Seen]:
    """Yield frames with the holes of their numbers; `shift` is added to those of the file that is read."""
    known = len(masks.summaries)
    for frame in reader:
        number = frame.index + shift
        drawn = None
        if masks.goes_on or number - masks.first < known:
            drawn = masks.drawn(number)
        hole = None if drawn is None else hole_of(drawn, grow=masks.grow, feather=masks.feather)
        yield Seen(number, frame, hole)
