"""A stream that is copied: what was put into a container, and what comes out of it again."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vrestore.media.container.feed import AnyPacket

_SLIGHT = Fraction(11, 10000)
"""Seconds by which sound may move against the picture: what ticks of a millisecond round of both."""


@dataclass(slots=True)
class Track:
    """Packets of a stream, and when the first and the last of them are due, in seconds.

    `name` tells which stream of the source it is, such as "audio stream 1".
    """

    name: str = ""
    packet_count: int = 0
    byte_count: int = 0
    first: Fraction | None = None
    last: Fraction | None = None

    def note(self, packet: AnyPacket) -> None:
        """Count one more packet."""
        self.packet_count += 1
        self.byte_count += packet.size
        if packet.pts is not None and packet.time_base:
            self.last = packet.pts * packet.time_base
            self.first = self.last if self.first is None else min(self.first, self.last)

    def losses(self, found: Track, *, moved: Fraction, container: str) -> list[str]:
        """Say what came out otherwise than it was put in.

        Args:
            found: what the container gives back.
            moved: seconds by which it gives the picture later.
            container: FFmpeg's name of it.
        """
        is_whole = found.packet_count == self.packet_count
        if not is_whole and found.byte_count != self.byte_count:
            return [f"some of {self.name} ({container} does not give all of it back; .mkv does)"]
        if None in (self.first, self.last, found.first, found.last):
            return []
        late = (found.first or 0) - (self.first or 0) - moved
        late_in_the_end = (found.last or 0) - (self.last or 0) - moved
        if is_whole and abs(late_in_the_end - late) > _SLIGHT:
            return [f"the times of {self.name} ({container} spaces its packets otherwise; .mkv keeps them)"]
        if abs(late) > _SLIGHT:
            way = "late" if late > 0 else "early"
            return [
                f"the time of {self.name} ({container} has it {abs(float(late)):.3f} s {way}; .mkv keeps it)"
            ]
        return []
