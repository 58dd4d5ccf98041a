"""Pictures out of packets, the same for any number of threads, damage or not.

A decoder with several threads says late that it cannot decode a packet, mends a picture in another way, and
at the end of a file loses the pictures behind what it cannot decode without a word. So at the first sign of
damage the pictures that have not been given yet are decoded again by one thread, from a key frame on, and so
are all that follow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Protocol

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vrestore.media.numbered import number_of, set_number

if TYPE_CHECKING:
    from vrestore.media.container.feed import AnyPacket

_MOST_HELD = 64
"""Packets whose pictures a decoder may hold back: FFmpeg takes 16 threads by itself, codecs reorder by 16."""


class Source(Protocol):
    """An opened file, `vrestore.media.container.demux.FileFeed`."""

    @property
    def stream(self) -> VideoStream: ...
    def picture_packets(self) -> Iterator[AnyPacket]: ...
    def seek(self, pts: int) -> bool: ...
    def close(self) -> None: ...


class PictureDecoder:
    """Decodes the packets of a source's stream in order; `refused` counts those that cannot be decoded.

    `once_more` opens the source again for one thread; None where there is but one, or what is read is gone.
    """

    def __init__(self, source: Source, *, once_more: Callable[[], Source] | None) -> None:
        self.refused = 0
        self._source, self._once_more = source, once_more
        # Else FFmpeg keeps back all pictures of HEVC that are made from one that is missing, without a word.
        self._has_begun = source.stream.codec_context.codec.canonical_name != "hevc"
        if not self._has_begun:
            source.stream.codec_context.flags |= Flags.output_corrupt
        self._spare: Source | None = None
        self._sought: int | None = None
        self._last: int | None = None  # the time of the last picture given
        self._number = 0  # of the packet that comes next
        self._begin()

    def skip(self) -> None:
        """Count a packet that is not to be decoded."""
        self._number += 1

    def begin_anew(self, *, sought: int | None = None) -> None:
        """Forget what was decoded before; `sought` is the time to which the file was moved, if it was."""
        self._context.flush_buffers()
        if sought is not None:
            self._sought, self._number = sought, 0
        self._begin()

    def decode(self, packet: AnyPacket, *, strictly: bool = False) -> list[av.VideoFrame]:
        """Return the pictures that are ready, in presentation order; for an empty packet all that are left.

        Raises FFmpegError with `strictly` for what cannot be decoded; else that is counted.
        """
        number = self._number
        self._number += bool(packet.size)
        if self._once_more is None or strictly:
            return self._plainly(packet, strictly=strictly)
        if packet.size:
            self._note(packet, number)
        try:
            pictures = self._since_whole(self._context.decode(packet if packet.size else None))
        except av.FFmpegError:
            return self._again(self._once_more(), packet)
        self._held += pictures
        if self._is_damaged(packet, pictures):
            return self._again(self._once_more(), packet)
        return self._settled(self._context.has_b_frames if packet.size else 0)

    def close(self) -> None:
        """Wait until the decoder's threads rest, and close what was opened."""
        # A decoder is freed under the interpreter's lock, for which its threads may be waiting to say
        # something (`ffmpeg_heard`). Flushing waits without that lock.
        self._context.flush_buffers()
        if self._spare is not None:
            self._spare.close()

    @property
    def _context(self) -> VideoCodecContext:
        return (self._spare or self._source).stream.codec_context

    def _begin(self) -> None:
        self._first = self._number
        self._held: list[av.VideoFrame] = []
        self._keys: list[tuple[int, int]] = []  # times and numbers of key frames
        self._expected: deque[int] = deque(maxlen=_MOST_HELD)
        self._given = set[int]()
        self._last = None

    def _note(self, packet: AnyPacket, number: int) -> None:
        """Remember where decoding can begin again, and which pictures are to come."""
        time = _time(packet)
        if time is None:
            return
        if not packet.is_discard and packet.pts is not None:
            self._expected.append(time)
        if not packet.is_keyframe:
            return
        self._keys.append((time, number))
        while len(self._keys) > 2 and self._last is not None and self._keys[2][0] <= self._last:
            del self._keys[0]
            least = self._keys[0][0]
            self._given = {one for one in self._given if one >= least}

    def _is_damaged(self, packet: AnyPacket, pictures: list[av.VideoFrame]) -> bool:
        if packet.is_corrupt or any(picture.is_corrupt for picture in pictures):
            return True
        # At its end the decoder is silent about what it lost.
        return not packet.size and not self._given.union(_times(self._held)).issuperset(self._expected)

    def _since_whole(self, pictures: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """Return pictures, of HEVC without those that a recording began too late for."""
        if not self._has_begun:
            pictures = list(dropwhile(lambda picture: picture.is_corrupt, pictures))
            self._has_begun = bool(pictures)
        return pictures

    def _settled(self, most_held: int) -> list[av.VideoFrame]:
        """Return the pictures that are ready, but for the last ones.

        They may have been made from a damaged one that is shown after them, and that has not come yet.
        """
        settled = self._held[: max(0, len(self._held) - most_held)]
        del self._held[: len(settled)]
        self._given |= _times(settled)
        self._last = _time(settled[-1]) if settled else self._last
        return settled

    def _again(self, spare: Source, packet: AnyPacket) -> list[av.VideoFrame]:
        """Go on with another decoder, and return the pictures that are ready by its account.

        It begins a key frame earlier than need be, as `seek_point` does.
        """
        self._context.flush_buffers()
        spare.stream.codec_context.copy_opaque = self._context.copy_opaque
        self._spare, self._once_more = spare, None
        if self._sought is not None:
            spare.seek(self._sought)
        before = [number for time, number in self._keys if self._last is not None and time <= self._last]
        first = before[-2] if len(before) > 1 else self._first
        pictures: list[av.VideoFrame] = []
        for number, other in islice(enumerate(spare.picture_packets()), first, self._number):
            if self._context.copy_opaque:
                set_number(other, number)  # as `PlaceClock` does, for files whose times mean nothing
            pictures += self._plainly(other)
        if not packet.size:
            pictures += self._plainly(packet)
        given = [place for place, picture in enumerate(pictures, 1) if _time(picture) == self._last]
        return pictures[given[-1] if given and self._last is not None else 0 :]

    def _plainly(self, packet: AnyPacket, *, strictly: bool = False) -> list[av.VideoFrame]:
        try:
            return self._since_whole(self._context.decode(packet if packet.size else None))
        except av.FFmpegError:
            if strictly:
                raise
            self.refused += not packet.is_corrupt
            return []


def _times(pictures: Iterable[av.VideoFrame]) -> set[int]:
    return {time for picture in pictures if (time := _time(picture)) is not None}


def _time(item: AnyPacket | av.VideoFrame) -> int | None:
    """Return what a packet and its picture are told by: the number that was given to it, or its time."""
    number = number_of(item)
    if number is not None:
        return number
    return item.dts if item.pts is None else item.pts
