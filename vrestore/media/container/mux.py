"""One container being filled: the encoded picture, and the source's other packets beside it."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from vrestore.frames import VideoMeta
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.feed import AnyPacket, CopySource
from vrestore.media.container.streams import (
    MOVIES,
    Copies,
    add_copy,
    describe_stream,
    kind_read_back,
    moved_chapters,
    needs_free_tags,
    own_tags,
    packet_seconds,
)
from vrestore.media.container.verify import Expected
from vrestore.media.encode.containers import HAS_EMPTY_PLACES
from vrestore.media.encode.encoder import PIPE_CONTAINER
from vrestore.media.encode.encoding import Encoding, configure
from vrestore.media.encode.hdr import display_matrix
from vrestore.media.encode.packets import encoded
from vrestore.media.timing.frame_count import FrameCount
from vrestore.media.timing.target_clock import TargetClock
from vrestore.media.timing.timecode import later_timecode


class Mux:
    """A container whose header is written when this is made, so that what it refuses shows at once.

    `origin` is the time in the source, in seconds, that becomes 0. Streams keep the source's order. The other
    streams' packets come from `beside`, the source opened once more, or as the reader gives frames if None.
    Streams in `refusals` are left out, for the reason there. The picture is of `meta`, the reader's if None.
    """

    def __init__(
        self,
        file: Path | BinaryIO,
        container: str,
        reader: CopySource,
        encoding: Encoding,
        *,
        origin: Fraction,
        beside: FileFeed | None = None,
        refusals: Mapping[int, str] | None = None,
        meta: VideoMeta | None = None,
    ) -> None:
        self._meta = meta or reader.meta
        self._refusals = refusals or {}
        self.copies = Copies()
        self._origin, self._reader = origin, reader
        self._count = FrameCount(encoding.tick, encoding.time_base) if encoding.tick else None
        self._given, self._has_begun = 0, False
        self._is_in_order = container in HAS_EMPTY_PLACES and encoding.options.get("bf") == "0"
        self._waiting: deque[AnyPacket] = deque()
        self._gathered: deque[AnyPacket] = deque()
        source = reader.feed.container
        options = _muxer_options(container, source, encoding)
        name = f"file:{file}" if isinstance(file, Path) else file
        self._output = av.open(name, "w", format=container, container_options=options)
        try:
            self.video = self._add_streams(reader, encoding)
            if source is not None:
                self._output.metadata.update(own_tags(source.metadata))
                if not reader.is_picture_only:
                    self._output.set_chapters(moved_chapters(source, start=origin, stop=reader.expected_end))
            self._move_timecodes()
            self._output.start_encoding()
            kept = frozenset(self.copies.kept)
            if beside is None:
                self._gathered = reader.claim(kept)
            else:
                beside.claim(kept)
                self._gathered = beside.packets
            for cover in reader.feed.covers:
                if cover.stream.index in self.copies.kept:
                    self.copies.mux(self._output, cover, origin=Fraction(0))
        except BaseException:
            self.abandon()
            raise

    def expected(self, stamps: array[int], clock: TargetClock) -> Expected:
        """Say what the file must hold when it is read again; to be asked before it is closed."""
        container, empty = self._output.format.name, self.copies.empty(self._output.format.name).values()
        return Expected(
            stamps=stamps,
            time_base=clock.time_base,
            first_due=clock.first_due,
            kinds=tuple(kind_read_back(stream) for stream in self._output.streams if stream not in empty),
            video_index=self.copies.place(self.video, container),
            sound=self.copies.sound(container),
            container=container,
            tags=dict(self._output.metadata),
            chapter_count=len(self._output.chapters()),
        )

    def encode(self, picture: av.VideoFrame | None) -> None:
        """Encode a picture, None for the end, and write what is ready."""
        self._given += picture is not None
        if picture is not None and self._count is not None:
            self._count.count(picture)
        for packet in encoded(self.video, picture, count=self._given):
            if self._count is not None:
                self._count.time(packet)
            self.add(packet)
        if picture is None:
            self.end()

    def add(self, packet: AnyPacket) -> None:
        """Write a packet of the picture, and of the other streams what is due before it."""
        self._mux_waiting(until=packet_seconds(packet))
        if self._is_in_order:
            packet.dts = packet.pts  # MPEG-2 has it a frame earlier, which would be another place
        if not self._has_begun:
            self._has_begun = True
            self._leave_places_empty(packet)
        self._output.mux(packet)

    def end(self) -> None:
        """Write what is left of the other streams."""
        self._mux_waiting(until=None)

    def close(self) -> None:
        """Write the container's end."""
        self._output.close()

    def abandon(self) -> None:
        """Close without asking whether what was written makes sense."""
        with suppress(OSError, ValueError, av.FFmpegError):
            self._output.close()

    def _move_timecodes(self) -> None:
        """Let timecodes be those of the first frame that is written; tags have those of the first of all."""
        reader, begin = self._reader, self._reader.first_picture.pts
        if reader.start is None or begin is None:
            return
        passed = (reader.first_pts - begin) * reader.meta.time_base
        for tags in (self._output.metadata, *(stream.metadata for stream in self._output.streams)):
            for name in [key for key in tags if key.lower() == "timecode"]:
                tags[name] = later_timecode(tags[name], passed, reader.meta.rate)

    def _add_streams(self, reader: CopySource, encoding: Encoding) -> VideoStream:
        source, main = reader.feed.container, reader.feed.stream
        if source is None or main is None:
            return self._add_video(reader, encoding, None)
        video: VideoStream | None = None
        for stream in source.streams:
            if stream.index == main.index:
                video = self._add_video(reader, encoding, main)
            elif not reader.is_picture_only:
                covers = reader.feed.covers
                why = self._refusals.get(stream.index)
                add_copy(self._output, stream, source, covers=covers, copies=self.copies, refusal=why)
        if video is None:
            raise ValueError("the main stream is not among the container's")
        return video

    def _add_video(self, reader: CopySource, encoding: Encoding, source: Stream | None) -> VideoStream:
        stream = add_picture(self._output, self._meta, encoding)
        if encoding.encoder == "libx265" and self._output.format.name in MOVIES:
            stream.codec_context.codec_tag = "hvc1"  # the tag that Apple's players ask for
        matrix = display_matrix(reader.first_picture)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        if source is not None:
            describe_stream(stream, source)
        return stream

    def _leave_places_empty(self, first: AnyPacket) -> None:
        """Let AVI begin with an empty place where the first picture comes later, or it would come at once."""
        if self._output.format.name in HAS_EMPTY_PLACES and (first.dts or 0) > 0:
            empty = Packet(0)
            empty.stream, empty.time_base = self.video, first.time_base
            empty.pts = empty.dts = 0
            self._output.mux(empty)

    def _mux_waiting(self, *, until: Fraction | None) -> None:
        """Write the other streams' packets that are due; demuxing runs ahead of encoding."""
        while self._gathered:
            self._waiting.append(self._gathered.popleft())
        while self._waiting:
            due = packet_seconds(self._waiting[0])
            if until is not None and due is not None and due - self._origin > until:
                return
            packet = self._waiting.popleft()
            if packet.stream.type == "subtitle":
                self._cut(packet)
            if self._is_within(packet):
                self.copies.mux(self._output, packet, origin=self._origin)

    def _cut(self, packet: AnyPacket) -> None:
        """Let a subtitle be shown within the part that is written, where it begins before or ends behind."""
        if packet.pts is None or not packet.time_base or not packet.duration:
            return
        end = self._reader.end_seconds or self._reader.expected_end
        first, last = packet.pts, packet.pts + packet.duration
        if self._reader.start is not None and first * packet.time_base < self._origin:
            first = min(last, math.ceil(self._origin / packet.time_base))
        if end is not None and first * packet.time_base < end:
            last = min(last, math.ceil(end / packet.time_base))
        if first < last:
            packet.pts = packet.dts = first
            packet.duration = last - first

    def _is_within(self, packet: AnyPacket) -> bool:
        """Say whether the packet belongs to the part of the source that is written."""
        if packet.pts is None or not packet.time_base:
            return True
        shown, end = packet.pts * packet.time_base, self._reader.end_seconds
        return (self._reader.start is None or shown >= self._origin) and (end is None or shown < end)


def add_picture(output: OutputContainer, meta: VideoMeta, encoding: Encoding) -> VideoStream:
    """Add the picture's stream with its encoder set up."""
    stream = output.add_stream(encoding.encoder, rate=meta.rate)
    if not isinstance(stream, VideoStream):
        raise TypeError(f"{encoding.encoder} made a stream of type {stream.type}")
    configure(stream.codec_context, encoding, meta)
    stream.time_base = encoding.time_base
    return stream


def _muxer_options(container: str, source: InputContainer | None, encoding: Encoding) -> dict[str, str]:
    if container == PIPE_CONTAINER:
        return {"strict": "-1"}  # more than 8 bits are common but not in yuv4mpeg's own text
    if container in HAS_EMPTY_PLACES:
        return {"avoid_negative_ts": "disabled"}  # it would move sound by less than a place, frames by one
    if container not in MOVIES:
        return {}
    options = {}
    if source is not None and needs_free_tags(source.metadata):
        options["movflags"] = "+use_metadata_tags"
    if encoding.time_base.numerator == 1 and container != "ipod":
        options["video_track_timescale"] = str(encoding.time_base.denominator)
    return options
