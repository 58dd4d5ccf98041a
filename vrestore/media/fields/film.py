"""Telecined film: its frames put together again, and the repeated ones left out, by fieldmatch and decimate.

Film at 24 frames a second is shown at 30 by spreading the fields of four frames over five. fieldmatch finds
which fields belong together, what finds none is deinterlaced, and decimate leaves out of every five frames
the one that repeats another (after D. Graft's Decomb and Telecide, K. Post's TIVTC).

All is looked through once before: which frames come, from which of the source's, and whether it is film.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median

import av
import numpy as np
from numpy.typing import NDArray

from vrestore.errors import InputError
from vrestore.frames import FrameNumbers
from vrestore.media.av_frames import planes_of
from vrestore.media.container.declared import Declared, frame_ticks
from vrestore.media.fields.deinterlace import parity_of
from vrestore.media.fields.graph import FilterGraph, maker_of
from vrestore.media.fields.layouts import FIELDMATCH, FieldLayout, check_alike
from vrestore.media.formats import pixel_format

GROUP, KEPT = 5, 4
"""Of so many frames of the source so many are kept."""

_STILL = 0.5  # of 255 on average: what changes less stands still, and says nothing of repetitions
_REPEATS = 0.4  # of the change between others: a frame that changes less repeats the one before
_ENOUGH = 0.5  # of the groups with motion that must repeat a frame in film


class Film:
    """Makes the frames of film out of those it was spread over; the attributes are those of `Deinterlacing`.

    `survey` are all pictures of the source, which is looked through. Raises InputError where it is no film.
    """

    def __init__(self, source: str, declared: Declared, *, survey: Iterator[av.VideoFrame]) -> None:
        self.scale, self.warnings = KEPT, list[str]()
        self._source, self._declared = source, declared
        self._step = frame_ticks(declared.rate, declared.time_base)
        found = self._surveyed(survey)
        found.check(source)
        share = Fraction(KEPT, GROUP)
        self.numbers = FrameNumbers(share, tuple(found.kept), len(found.stamps), is_made=True)
        self.count: int | None = len(found.kept)
        self._stamps = _even(found, step=self._step)
        rate = float(declared.rate * share)
        self.words = f"film put together by fieldmatch and decimate: {rate:.5g} frames a second, 4 of each 5"

    def stamps(self, stamps: array[int]) -> array[int]:  # noqa: ARG002 - they are known
        """Return when frames are shown."""
        return self._stamps

    def pictures(self, pictures: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield the frames of film; raises InputError where they are not those that were seen before."""
        made = 0
        for _, (found,) in self._passed(pictures, [[("decimate", "")]]):
            for frame in found:
                if made == self.count or maker_of(frame) != self.numbers.source(made):
                    raise InputError(f"{self._source!r} gives other frames when it is read again")
                frame.pts, frame.time_base = self._stamps[made], self._declared.time_base / self.scale
                made += 1
                yield frame

    def _surveyed(self, pictures: Iterator[av.VideoFrame]) -> _Survey:
        survey = _Survey()
        for picture, (whole, kept) in self._passed(pictures, [[], [("decimate", "")]]):
            if picture is not None:
                stamp = picture.pts
                survey.stamps.append(len(survey.stamps) * self._step if stamp is None else stamp)
            for frame in whole:
                survey.see(frame)
            survey.kept.extend(maker_of(frame) for frame in kept)
        return survey

    def _passed(
        self, pictures: Iterator[av.VideoFrame], branches: list[list[tuple[str, str]]]
    ) -> Iterator[tuple[av.VideoFrame | None, list[list[av.VideoFrame]]]]:
        """Yield each picture, None at last, with what has come out of the branches."""
        first = next(pictures, None)
        if first is None:
            return
        layout = FieldLayout(first, FIELDMATCH, source=self._source, word="--detelecine")
        order = parity_of(first, self._declared)
        graph = FilterGraph(
            layout.laid_out(first),
            [("fieldmatch", f"order={order}:combmatch=full"), ("bwdif", "mode=send_frame:deint=interlaced")],
            branches,
            source=self._source,
            time_base=self._declared.time_base,
            rate=self._declared.rate,
        )
        yield first, graph.passed(layout.laid_out(first), number=0)
        for number, picture in enumerate(pictures, 1):
            check_alike(picture, first, source=self._source)
            yield picture, graph.passed(layout.laid_out(picture), number=number)
        yield None, graph.passed(None)


@dataclass(slots=True)
class _Survey:
    """What was seen: when the source's frames are shown, which are kept, and how much each changes."""

    stamps: array[int] = field(default_factory=lambda: array("q"))
    kept: list[int] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    _before: deque[NDArray[np.int16]] = field(default_factory=lambda: deque(maxlen=1))

    def see(self, frame: av.VideoFrame) -> None:
        """Note by how much a frame differs from the one before, on average, in every second place of luma."""
        layout = pixel_format(frame.format.name)
        if layout is None:
            raise ValueError(f"the filters gave {frame.format.name}")
        luma = planes_of(frame, layout)[0][::2, ::2].astype(np.int16)
        before = self._before[0] if self._before else luma
        self.changes.append(float(np.abs(luma - before).mean()))
        self._before.append(luma)

    def check(self, source: str) -> None:
        """Raise InputError unless in most groups that move the frame that is left out repeats another."""
        moving = repeating = 0
        kept = set(self.kept)
        for start in range(GROUP, len(self.changes) - GROUP + 1, GROUP):  # the first frame follows none
            group = range(start, start + GROUP)
            others = median(self.changes[number] for number in group if number in kept)
            left_out = [self.changes[number] for number in group if number not in kept]
            if others > _STILL and left_out:
                moving += 1
                repeating += left_out[0] < _REPEATS * others
        if repeating < _ENOUGH * moving:
            raise InputError(
                f"{source!r} is no telecined film: a frame is repeated in {repeating} of {moving} groups of "
                "five that move; pass --deinterlace instead"
            )


def _even(survey: _Survey, *, step: int) -> array[int]:
    """Return when kept frames are shown, in quarters of a tick: evenly from one group of five to the next."""
    stamps, found = survey.stamps, array("q")
    starts = list(range(0, len(stamps), GROUP))
    lengths = [stamps[after] - stamps[before] for before, after in pairwise(starts)]
    lengths.append(lengths[-1] if lengths else GROUP * step)
    places = dict.fromkeys(starts, 0)
    for number in survey.kept:
        start = number - number % GROUP
        found.append(KEPT * stamps[start] + places[start] * lengths[start // GROUP])
        places[start] += 1
    return found
