"""Where decoding may begin when a video's first frames are not wanted, found without decoding a picture.

Packets are counted up to the first frame that is wanted: so what comes from there on has the numbers it has
when all is decoded. Decoding begins a key frame earlier than need be: pictures that follow a key frame and
are shown before it may need the group before (open groups of pictures), and a picture that is refreshed
piece by piece is whole one key frame later.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.packet import Packet
from av.stream import Stream

from vrestore.media.container.times import FrameNumber, Moment

ONE_PICTURE_A_PACKET = {
    *("av1", "h264", "hevc", "mpeg1video", "mpeg2video", "vc1", "vp9", "vvc"),
    *("cfhd", "dnxhd", "ffv1", "ffvhuff", "huffyuv", "magicyuv", "mjpeg", "png", "prores", "rawvideo"),
    *("utvideo", "v210"),
}
"""Codecs that are counted. VP8 has packets that show nothing, MPEG-4's may hold two pictures."""

MOST_REORDERED = 32
"""Packets by which a picture may be sent before or after its turn; codecs allow 16."""


@dataclass(frozen=True, slots=True)
class DecodeStart:
    """Packet number `packet` is a key frame; pictures are whole from `pts` on, that of frame `index`.

    `stamps` are those of the frames from that one up to the first that is wanted, and of some more, by which
    what is decoded can be checked; `last_pts` is that of the frame before them.
    """

    packet: int
    index: int
    last_pts: int
    stamps: list[int]

    @property
    def pts(self) -> int:
        """The time of the first frame."""
        return self.stamps[0]

    def has(self, index: int, pts: int) -> bool:
        """Tell whether the frame of that number is to come at that time, as far as it was counted."""
        position = index - self.index
        return 0 <= position < len(self.stamps) and self.stamps[position] == pts


class NotAsCountedError(Exception):
    """What is decoded is not what the packets said: begin anew, from the beginning."""


def find_decode_start(
    packets: Iterator[Packet[Stream]], codec: str, start: Moment, *, first_pts: int, time_base: Fraction
) -> DecodeStart | None:
    """Return where to begin decoding for the frames from `start` on; None where that is the beginning.

    That is so too where frames cannot be counted by their packets.

    Args:
        packets: of the video stream, from the file's beginning.
        codec: FFmpeg's name of it.
        start: the first frame that is wanted.
        first_pts: the time of the source's first frame.
        time_base: seconds in a step of the packets' times.
    """
    if codec not in ONE_PICTURE_A_PACKET:
        return None
    number, least = 0, first_pts
    if isinstance(start, FrameNumber):
        number = start.value
    else:
        least += math.ceil(start.value / time_base)
    stamps: list[int] = []
    keys: list[tuple[int, int]] = []
    behind = 0
    try:
        for place, packet in enumerate(packets):
            if not packet.size:
                break
            if packet.pts is None or packet.is_corrupt:
                return None
            if packet.is_discard:
                continue
            stamps.append(packet.pts)
            if packet.is_keyframe:
                keys.append((packet.pts, place))
            behind += len(stamps) > number and packet.pts >= least
            if behind > MOST_REORDERED:
                break
    except av.FFmpegError:
        return None
    ordered = _in_order(stamps)
    if not behind or not ordered or ordered[0] != first_pts:
        return None
    wanted = ordered[max(number, bisect_left(ordered, least))]
    before = sorted(key for key in keys if key[0] <= wanted)
    if len(before) < 2:
        return None
    (_, place), (pts, _) = before[-2:]
    index = bisect_left(ordered, pts)
    return DecodeStart(place, index, ordered[index - 1], ordered[index:])


def _in_order(stamps: list[int]) -> list[int] | None:
    """Return the times of packets in the order in which they are shown; None if times do not tell that."""
    order = np.argsort(stamps, kind="stable")
    if (np.abs(order - np.arange(len(order))) > MOST_REORDERED).any():
        return None  # time begins anew somewhere
    ordered = sorted(stamps)
    return ordered if len(set(ordered)) == len(ordered) else None
