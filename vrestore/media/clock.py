"""When a frame is shown, in seconds since the source's first."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from vrestore.frames import Frame, VideoMeta


class FrameClock:
    """Tells the time of frames, of decoded ones by their pts and of others by the frame rate.

    `times` are the seconds of the frames from `first_frame` on, where they are known. Without
    `start_pts`, the timestamp of the source's first frame, the first frame asked about sets the clock.
    """

    def __init__(
        self,
        meta: VideoMeta,
        *,
        first_frame: int = 0,
        times: Sequence[float] | None = None,
        start_pts: int | None = None,
    ) -> None:
        self._rate, self._time_base = meta.rate, meta.time_base
        self._first_frame, self._times = first_frame, times or ()
        self._start = None if start_pts is None else start_pts * meta.time_base

    def expected(self, number: int) -> Fraction:
        """Return the time of a frame that is not decoded yet."""
        position = number - self._first_frame
        if 0 <= position < len(self._times):
            return Fraction(self._times[position])
        return number / self._rate

    def seconds(self, frame: Frame) -> Fraction:
        """Return the time of a decoded frame."""
        if 0 <= frame.index - self._first_frame < len(self._times):
            return self.expected(frame.index)
        if self._start is None:
            self._start = frame.pts * self._time_base - self.expected(frame.index)
        return frame.pts * self._time_base - self._start
