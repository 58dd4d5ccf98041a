"""The times of pictures in a container that has places instead of times.

AVI puts one picture into each place of an even grid, in the order of decoding; an empty place repeats the
picture before it. Where a codec reorders pictures, nothing in the file says when one is shown, and what
demuxers guess jumps. But places are taken in turn: the next picture shown has the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import av
from av.video.codeccontext import VideoCodecContext

from vrestore.media.numbered import number_of, set_number

if TYPE_CHECKING:
    from vrestore.media.container.feed import AnyPacket

_REORDERED = {"h264", "hevc", "mpeg1video", "mpeg2video"}
"""Codecs whose pictures are taken in turn. MPEG-4's times are right, and it may send none for a packet."""
_MOST_REORDERED = 16
"""Packets by which a picture may be sent before its turn."""


def has_places_only(container: str, codec: str) -> bool:
    """Tell whether pictures of a codec have places instead of times in a container, by FFmpeg's names."""
    return container == "avi" and codec in _REORDERED


def packet_stamp(packet: AnyPacket, *, by_place: bool) -> int | None:
    """Return when the picture of a packet is shown or, of packets that are sorted by it, one of them."""
    return packet.dts if by_place else packet.pts


class PlaceClock:
    """Gives decoded pictures the places of their packets, in turn; see `has_places_only`.

    Each picture knows the number of its own packet. One that never comes, because it is damaged, leaves its
    place empty as soon as the decoder cannot be holding it back any more.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        context.copy_opaque = True  # a packet's number comes back with its picture
        self._count = 0
        self._places: list[int] = []
        self._missing: list[int] = []
        self._come = set[int]()

    def note(self, packet: AnyPacket) -> None:
        """Take the place of a packet into account; to be called before it is decoded."""
        if packet.size and packet.dts is not None:
            set_number(packet, self._count)
            heappush(self._places, packet.dts)
            heappush(self._missing, self._count)
            self._count += 1

    def placed(self, pictures: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield pictures, in the order in which they are shown, with their times."""
        for picture in pictures:
            number = number_of(picture)
            if number is not None:
                self._come.add(number)
                self._pass_over(before=number - _MOST_REORDERED)
            if self._places:
                picture.pts = heappop(self._places)
            yield picture

    def _pass_over(self, *, before: int) -> None:
        """Leave a place empty for each packet below that number whose picture has not come."""
        while self._missing and (self._missing[0] < before or self._missing[0] in self._come):
            number = heappop(self._missing)
            if number in self._come:
                self._come.remove(number)
            elif len(self._places) > 1:
                heappop(self._places)
