"""Times for packets of an encoder that only counts frames."""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from vrestore.media.container.feed import AnyPacket


class FrameCount:
    """Gives an encoder the number of each frame instead of its time, and its packets the frame's own time.

    So frames are shown when they were, although MPEG-1 and 2 know a few rates only, and MPEG-4 no fine ticks.
    """

    def __init__(self, tick: Fraction, time_base: Fraction) -> None:
        self._tick, self._time_base = tick, time_base
        self._stamps, self._durations = array("q"), array("q")

    def count(self, picture: av.VideoFrame) -> None:
        """Set a picture's time to its number, in ticks of the encoder."""
        self._stamps.append(picture.pts or 0)
        self._durations.append(picture.duration)
        picture.pts, picture.duration, picture.time_base = len(self._stamps) - 1, 1, self._tick

    def time(self, packet: AnyPacket) -> None:
        """Set a packet's times to those of frames.

        The times of decoding lie as many frames before as the encoder puts them: at a frame's time, or as
        far before the first one as frames follow each other there.
        """
        number = packet.pts or 0
        decoded = number if packet.dts is None else packet.dts
        packet.pts, packet.duration = self._stamps[number], self._durations[number]
        packet.dts = self._stamps[decoded] if decoded >= 0 else self._stamps[0] + decoded * self._first_step()
        packet.time_base = self._time_base

    def _first_step(self) -> int:
        both = self._stamps[:2]
        return both[1] - both[0] if len(both) > 1 else max(1, round(self._tick / self._time_base))
