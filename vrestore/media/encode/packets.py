"""What an encoder gives, with what it says of the picture set right."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

# SMPTE ST 314: DIF blocks of 80 bytes, the upper 3 bits of the first say of which section; one of
# auxiliary video data has 15 packs of 5 bytes behind its 3 of identification.
_BLOCK, _HEAD, _PACK, _PACKS = 80, 3, 5, 15
_SECTION_SHIFT, _AUXILIARY = 5, 2
_VIDEO_CONTROL, _INTERLACED = 0x61, 0x10


_TOO_FEW = 2
"""As many pictures as x265 may hold back: of no more than that it knows no time of decoding."""


def encoded(stream: VideoStream, picture: av.VideoFrame | None, *, count: int) -> Iterator[Packet[Stream]]:
    """Yield what the encoder gives for a picture, None for the end, marked as progressive.

    FFmpeg's encoder of DV marks every picture as interlaced, all others go by what they are given. Of one or
    two pictures x265 gives times of decoding out of memory that nobody has written.

    Args:
        stream: what has the encoder.
        picture: the next one.
        count: how many pictures it has been given, this one too.
    """
    for packet in stream.encode(picture):
        if stream.codec_context.name == "dvvideo":
            mark_progressive(packet)
        if picture is None and count <= _TOO_FEW and stream.codec_context.name == "libx265":
            packet.dts = packet.pts
        yield packet


def mark_progressive(packet: Packet[Stream]) -> None:
    """Take the mark of interlaced pictures from a packet of DV, in its own memory."""
    data = np.frombuffer(memoryview(packet), np.uint8)
    blocks = data[: data.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK)  # (N, 80)
    auxiliary = np.flatnonzero(blocks[:, 0] >> _SECTION_SHIFT == _AUXILIARY)
    for number in range(_PACKS):
        place = _HEAD + number * _PACK
        control = auxiliary[blocks[auxiliary, place] == _VIDEO_CONTROL]
        blocks[control, place + 3] &= 0xFF ^ _INTERLACED
