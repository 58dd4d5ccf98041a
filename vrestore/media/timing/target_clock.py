"""When the frames of a target are shown."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from vrestore.frames import Frame
from vrestore.media.timing.even_rate import EvenRate

if TYPE_CHECKING:
    from vrestore.media.container.feed import CopySource


class TargetClock:
    """Gives frames their time in the target: the source's own, or a place of an even rate.

    `time_base` is that of the times, `origin` the time in the source, in seconds, that becomes 0.
    `first_due` is when the first frame is shown in it, in seconds, after the source's own time.
    `off_seconds` is by how much a frame was shown beside its time so far.
    """

    def __init__(self, reader: CopySource, even: EvenRate | None) -> None:
        meta = reader.meta
        self._shift = reader.first_pts if reader.start is not None else 0
        self._even, self._last = even, -1
        self.origin = self._shift * meta.time_base
        self.first_due = (reader.first_pts - self._shift) * meta.time_base
        self.time_base = meta.time_base if even is None else 1 / even.rate
        self.off_seconds = Fraction(0)

    def read(self, frame: Frame) -> tuple[int, int]:
        """Return the frame's timestamp and duration in `time_base`."""
        if self._even is None:
            return frame.pts - self._shift, frame.duration
        self._last = self._even.place(frame.pts, after=self._last)
        self.off_seconds = max(self.off_seconds, self._even.off(frame.pts, self._last))
        return self._last, 1
