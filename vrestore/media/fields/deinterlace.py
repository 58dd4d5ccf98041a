"""Interlaced video: a whole frame out of each field, or of each pair of them, by bwdif.

What stands still is woven from both fields, what moves is interpolated from the lines above and below and
from the fields before and behind (J. Weston, BBC R&D, "w3fdif"), bounded as in yadif (M. Niedermayer).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain

import av

from vrestore.frames import FrameNumbers
from vrestore.media.container.declared import Declared, frame_ticks
from vrestore.media.fields.graph import FilterGraph, maker_of
from vrestore.media.fields.layouts import BWDIF, FieldLayout, check_alike

PARITIES = {"tt": "tff", "bt": "tff", "bb": "bff", "tb": "bff"}
"""Which field is shown first, by FFmpeg's word for a stream's order."""


def parity_of(first: av.VideoFrame, declared: Declared) -> str:
    """Return which field the filters take for the first: pictures that are marked say it themselves."""
    return "auto" if first.interlaced_frame else PARITIES.get(declared.field_order, "auto")


class Deinterlacing:
    """Makes a frame of each of the source's, or with `doubled` one of each field.

    A tick of the source's time is `scale` ticks of that of frames; there are to be `count` of them, None if
    the source does not say; `words` tell what is done. `warnings` are there with the first frame.
    """

    def __init__(self, source: str, declared: Declared, *, doubled: bool) -> None:
        self.scale = 2 if doubled else 1
        self.numbers = FrameNumbers(Fraction(self.scale), is_made=True)
        self.count = None if declared.frame_count is None else declared.frame_count * self.scale
        rate = float(declared.rate * self.scale)
        self.words = (
            f"deinterlaced by bwdif: {rate:.5g} frames a second, {self.scale} of each of the source's"
        )
        self.warnings: list[str] = []
        self._source, self._declared, self._doubled = source, declared, doubled
        self._step = frame_ticks(declared.rate, declared.time_base)

    def stamps(self, stamps: array[int]) -> array[int]:
        """Return when frames are shown, by when those of the source are."""
        times = (
            self._stamp(stamps, n, is_second=k > 0) for n in range(len(stamps)) for k in range(self.scale)
        )
        return array("q", (time for time in times if time is not None))

    def pictures(self, pictures: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield the frames that are made from the source's pictures."""
        first = next(pictures, None)
        if first is None:
            return
        if not first.interlaced_frame and self._declared.field_order not in PARITIES:
            self.warnings.append("the source is not marked as interlaced; it was deinterlaced all the same")
        layout = FieldLayout(first, BWDIF, source=self._source, word="--deinterlace")
        graph = self._graph(first, layout)
        stamps: list[int | None] = []

        def fed() -> Iterator[av.VideoFrame]:
            for number, picture in enumerate(chain([first], pictures)):
                check_alike(picture, first, source=self._source)
                stamps.append(picture.pts)
                yield from graph.passed(layout.laid_out(picture), number=number)[0]
            yield from graph.passed(None)[0]

        before: int | None = None
        for frame in fed():
            number = maker_of(frame)
            frame.pts = self._stamp(stamps, number, is_second=number == before)
            frame.time_base = self._declared.time_base / self.scale
            before = number
            yield frame

    def _graph(self, first: av.VideoFrame, layout: FieldLayout) -> FilterGraph:
        # Of a mixture what is progressive is left alone, but where each is to give two frames.
        which = "interlaced" if first.interlaced_frame and not self._doubled else "all"
        parity = parity_of(first, self._declared)
        options = f"mode={'send_field' if self._doubled else 'send_frame'}:parity={parity}:deint={which}"
        return FilterGraph(
            layout.laid_out(first), [("bwdif", options)], source=self._source,
            time_base=self._declared.time_base, rate=self._declared.rate,
        )  # fmt: skip

    def _stamp(self, stamps: Sequence[int | None], number: int, *, is_second: bool) -> int | None:
        """Return when a frame is shown: the second of two halfway to the source's next."""
        this = stamps[number]
        if this is None or not is_second:
            return None if this is None else this * self.scale
        following = stamps[number + 1] if number + 1 < len(stamps) else None
        before = stamps[number - 1] if number else None
        length = self._step if before is None else this - before
        return this + (this + length if following is None else following)
