"""Read a video file: its pictures decoded, and the packets of its other streams."""

from __future__ import annotations

import math
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.codec.hwaccel import HWAccel
from av.packet import Packet

from vrestore.media.container.damage import Damage, Ending, describe, ending_of
from vrestore.media.container.declared import declared_by, declared_end, is_picture, main_stream
from vrestore.media.container.feed import AnyPacket
from vrestore.media.container.opening import open_container
from vrestore.media.container.seek_point import DecodeStart, find_decode_start
from vrestore.media.container.times import Moment
from vrestore.media.decode.picture_decoder import PictureDecoder
from vrestore.media.timing.movie_end import track_length
from vrestore.media.timing.packets import packet_end, packet_time
from vrestore.media.timing.places import PlaceClock, has_places_only, packet_stamp

# What the last audio packet of a container may overhang or lack without anything being lost.
_SLACK_SECONDS = 0.25
_LOOSE_SECONDS = 10
"""By so much what is due at a time may lie behind the picture of that time: FFmpeg's max_interleave_delta."""
_NEAR = 250
"""Packets of the picture that are looked at for packets of other streams among them."""


@dataclass(slots=True)
class _Seen:
    corrupt_packets: int = 0
    picture_packets: int = 0
    end_seconds: float = 0.0
    whole: bool = False
    packets_kept: frozenset[int] | None = field(default=None)
    reached: dict[int, float] = field(default_factory=dict)
    limit_seconds: float = math.inf

    def wants(self, index: int, seconds: float) -> bool:
        """Tell whether a packet of a stream, due at a time in the file, is to be gathered."""
        return seconds < self.limit_seconds and (self.packets_kept is None or index in self.packets_kept)


class FileFeed:
    """The pictures of a container's main video stream, and the packets of its other streams.

    `packets` fills while pictures are asked for and is drained by whoever writes; both ends may be
    in different threads. Packets of streams that nobody `claim`ed are dropped. `covers` are the
    packets of still pictures that accompany the video; they come before its first picture. `lay_out` is what
    every picture goes through that an `accelerator` may have decoded.
    """

    def __init__(
        self,
        source: str | BinaryIO,
        *,
        name: str,
        threads: int,
        protocols: Iterable[str] = (),
        accelerator: HWAccel | None = None,
    ) -> None:
        self.name = name
        self.lay_out: Callable[[av.VideoFrame], av.VideoFrame] | None = None
        self._begun: Iterator[av.VideoFrame] | None = None
        self._is_strict = False
        self._entry: DecodeStart | None = None
        self._source, self._protocols = source, tuple(protocols)
        self.packets: deque[AnyPacket] = deque()
        self.covers: list[AnyPacket] = []
        self._seen = _Seen()
        self.container = open_container(source, name=name, protocols=self._protocols, accelerator=accelerator)
        self._ending = ending_of(Path(source)) if isinstance(source, str) else Ending()
        try:
            self.stream = main_stream(self.container, name=name)
            self.stream.thread_type = "AUTO"
            self.stream.codec_context.thread_count = threads
            is_threaded = threads != 1 and isinstance(source, str)
            self._decoder = PictureDecoder(self, once_more=self.again if is_threaded else None)
            self.declared = declared_by(self.container, self.stream)
            self._declared_end = declared_end(self.container)
            by_place = has_places_only(self.declared.container, self.declared.codec)
            self._places = PlaceClock(self.stream.codec_context) if by_place else None
        except BaseException:
            self.container.close()
            raise

    @property
    def is_pipe(self) -> bool:
        """Whether the source can be read once only."""
        return not isinstance(self._source, str)

    def again(self, *, accelerator: HWAccel | None = None, threads: int = 1) -> FileFeed:
        """Open the same file once more, from its beginning; what came through a pipe is gone."""
        return FileFeed(
            self._source, name=self.name, threads=threads, protocols=self._protocols, accelerator=accelerator
        )

    def claim(self, indices: frozenset[int]) -> None:
        """Keep the packets of these streams and of no others."""
        self._seen.packets_kept = indices
        kept = [packet for packet in self.packets if packet.stream_index in indices]
        self.packets.clear()
        self.packets.extend(kept)

    def forget(self, *, before_seconds: float) -> None:
        """Drop what was gathered for the time before, in seconds of the file, but text that still stands."""
        kept = [packet for packet in self.packets if packet_end(packet) >= before_seconds]
        if len(kept) < len(self.packets):
            self.packets.clear()
            self.packets.extend(kept)

    def peek(self, *, strictly: bool = False) -> av.VideoFrame | None:
        """Decode the first picture, None if there is none; `pictures` begins with it. To be called first.

        Raises FFmpegError with `strictly` where a packet before it cannot be decoded; else that is counted.
        """
        pictures = self._decoded()
        self._is_strict = strictly
        first = next(pictures, None)
        self._is_strict = False
        self._begun = pictures if first is None else chain([first], pictures)
        return first

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Return decoded pictures in presentation order, packets that cannot be decoded counted."""
        begun, self._begun = self._begun, None
        return begun or self._decoded()

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for packet in self._demuxed():
            if self._is_left_out():
                continue
            self._seen.corrupt_packets += packet.is_corrupt
            if self._places is not None:
                self._places.note(packet)
            pictures: Iterable[av.VideoFrame] = self._decoder.decode(packet, strictly=self._is_strict)
            if self._places is not None:
                pictures = self._places.placed(pictures)
            yield from pictures if self.lay_out is None else map(self.lay_out, pictures)
        self._seen.whole = True

    def enter(self, start: Moment, *, first_pts: int) -> DecodeStart | None:
        """Leave out what need not be decoded for the frames from `start` on; None if nothing is.

        Else pictures before that of the entry are to be thrown away. `first_pts` is the time of the source's
        first frame. What comes through a pipe or a playlist is read once and all decoded, and so is what has
        places instead of times.
        """
        if not isinstance(self._source, str) or self._protocols or self._places is not None:
            return None
        with open_container(self._source, name=self.name) as container:
            packets = container.demux(container.streams[self.stream.index])
            time_base = self.declared.time_base
            entry = find_decode_start(
                packets, self.declared.codec, start, first_pts=first_pts, time_base=time_base
            )
        if entry is not None and entry.packet >= self._seen.picture_packets:
            self._entry = entry
        return self._entry

    def _is_left_out(self) -> bool:
        """Tell whether the main stream's last packet lies before the entry; begin anew there."""
        entry = self._entry
        if entry is None:
            return False
        if self._seen.picture_packets <= entry.packet:
            self.forget(before_seconds=float(entry.last_pts * self.declared.time_base))
            self._decoder.skip()
            return True
        self._entry = None
        self._decoder.begin_anew()
        return False

    def holds_nothing(self, index: int) -> bool:
        """Say whether the index of a whole MP4 or MOV has no sample of a stream."""
        return self._ending.is_whole and not self.container.streams[index].frames

    def sample(self, packets: int) -> None:
        """Gather some packets of each claimed stream, of what lies near in the file, without decoding.

        Sound is looked for further on, where there is none near.
        """
        streams, wanted = self.container.streams, self._seen.packets_kept or frozenset()
        sound = [i for i in wanted if streams[i].type == "audio" and not self.holds_nothing(i)]
        for number, _ in enumerate(self._demuxed()):
            counts, few = Counter[int](), []
            for packet in self.packets:
                counts[packet.stream_index] += 1
                few += [packet] * (counts[packet.stream_index] <= packets)
            self.packets.clear()
            self.packets.extend(few)
            is_far = number >= _NEAR and all(counts[index] for index in sound)
            if is_far or all(counts[index] >= packets for index in wanted):
                return

    def stamps(self) -> array[int]:
        """Return when each frame of the file is shown, in order, read from packets without decoding.

        None are known of what comes through a pipe, which is read once.
        """
        if not isinstance(self._source, str):
            return array("q")
        with open_container(self._source, name=self.name, protocols=self._protocols) as container:
            packets = container.demux(container.streams[self.stream.index])
            found = (packet_stamp(packet, by_place=self._places is not None) for packet in packets)
            return array("q", sorted(stamp for stamp in found if stamp is not None))

    def last_duration(self, pts: int, told: int) -> int:
        """Return how long the last frame is shown, from `pts` on; its own packet `told` that of another one.

        Both are in the stream's time base. What is told stands where nothing else says it, and to the tick.
        """
        is_movie = isinstance(self._source, str) and "mp4" in self.declared.container
        length = track_length(Path(str(self._source)), self.stream.id) if is_movie else None
        if length is None or self.damage(corrupt_frames=0).texts:
            return told
        begin = 0 if length.is_from_start else (self.stream.start_time or 0) * self.declared.time_base
        left = begin + length.seconds - pts * self.declared.time_base
        is_told = abs(left - told * self.declared.time_base) <= length.tick
        return told if is_told or left <= 0 else round(left / self.declared.time_base)

    def seek(self, pts: int) -> bool:
        """Let the next pictures begin with a key frame before that time; tell whether that can be done.

        What the file says of times may be wrong: the picture of that time may not be among those that come,
        or be damaged because it needs others.
        """
        try:
            self.container.seek(pts, stream=self.stream)
        except (av.FFmpegError, ValueError):
            return False
        self._decoder.begin_anew(sought=pts)
        return True

    def read_on(self, *, seconds: float) -> None:
        """Collect the other streams' packets up to a time in the file, without decoding.

        What lies further behind the picture in the file comes with a later time.
        """
        for _ in self._demuxed():
            if self._seen.reached.get(self.stream.index, 0.0) > seconds + _LOOSE_SECONDS:
                return

    def read_rest(self, *, seconds: float) -> None:
        """Collect all that is left of the other streams before a time in the file, without decoding.

        Sound is looked for until it has come there, wherever that lies in the file.
        """
        sound = {stream.index for stream in self.container.streams.audio}
        sound &= self._seen.packets_kept or frozenset()
        self._seen.limit_seconds = seconds
        for _ in self._demuxed():
            reached = self._seen.reached
            is_past = reached.get(self.stream.index, 0.0) > seconds + _LOOSE_SECONDS
            if is_past and all(reached.get(index, -math.inf) >= seconds for index in sound):
                return

    def damage(self, *, corrupt_frames: int) -> Damage:
        """Say what was missing, as far as the file has been read."""
        missing_frames, missing_seconds = 0, 0.0
        if self._seen.whole and self._ending.missing_bytes:
            missing_frames = max(0, (self.declared.frame_count or 0) - self._seen.picture_packets)
        if self._seen.whole and self._declared_end is not None and not self._ending.is_whole:
            missing_seconds = self._declared_end - self._seen.end_seconds
        return describe(
            corrupt_packets=self._seen.corrupt_packets + self._decoder.refused,
            corrupt_frames=corrupt_frames,
            ending=self._ending,
            missing_seconds=missing_seconds if missing_seconds > _SLACK_SECONDS else 0.0,
            missing_frames=missing_frames,
        )

    def close(self) -> None:
        """Close the file."""
        self.packets.clear()
        self._decoder.close()
        self.container.close()

    def picture_packets(self) -> Iterator[AnyPacket]:
        """Yield the main stream's packets without decoding them, as far as they can be read."""
        packets = cast("Iterator[AnyPacket]", self.container.demux(self.stream))
        with suppress(av.FFmpegError):
            yield from (packet for packet in packets if packet.size)

    def _demuxed(self) -> Iterator[AnyPacket]:
        """Yield the main stream's packets, the empty last one too; put the others aside."""
        seen, main = self._seen, self.stream.index
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                seen.corrupt_packets += 1
                yield from self._last()
                return
            except IndexError:  # PyAV trips at the end over a stream that a damaged file has come up with
                yield from self._last()
                return
            if packet is None:
                return
            self._note_end(packet)
            index = packet.stream.index  # stream_index is 0 in the empty packets at the end
            if index == main:
                seen.picture_packets += bool(packet.size)
                yield packet
            elif packet.size and is_picture(packet.stream):
                self.covers.append(packet)
            elif packet.size and seen.wants(index, packet_time(packet)):
                self.packets.append(packet)

    def _last(self) -> Iterator[AnyPacket]:
        flush = Packet()
        flush.stream = self.stream
        yield flush

    def _note_end(self, packet: AnyPacket) -> None:
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self._seen.end_seconds = max(self._seen.end_seconds, end)
        stamp = packet.pts if packet.dts is None else packet.dts
        if stamp is not None and packet.time_base:
            self._seen.reached[packet.stream.index] = float(stamp * packet.time_base)
