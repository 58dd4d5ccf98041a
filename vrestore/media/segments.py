"""A picture written in segments, each a file that is whole by itself, and joined without encoding it anew.

Each segment has an encoder of its own, so that it begins with a key frame and needs nothing of the others.
NUT keeps packets byte for byte as the encoder gave them, and as the target's header describes them; Matroska
writes those of H.264, HEVC and AV1 anew. What NUT has no name for goes into a container that does not.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.codec.context import Flags

from vrestore.errors import TargetError
from vrestore.frames import Frame
from vrestore.media.containers import can_hold
from vrestore.media.demux import AnyPacket, FileFeed, open_container
from vrestore.media.encode import Encoding
from vrestore.media.mux import Mux, add_picture
from vrestore.media.target import synchronise, writing
from vrestore.media.verify import Expected, verify
from vrestore.media.video_file import VideoFile
from vrestore.media.written import Written

CONTAINERS = {"nut": ".nut", "matroska": ".mkv", "mov": ".mov"}
"""In order of preference, with the extension of a segment."""

_VPX = {"libvpx", "libvpx-vp9"}

Keep = Callable[["Segment"], None]
"""Is told of a segment that is whole, read again, and on the disk."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished part of a target's picture.

    `first` is the number of its first frame in the target, `stamps` are when its frames are shown there, in
    order. Of its packets, in the order of the file, `ranks` tell which of the frames each is, and `durations`
    how long it is shown, 0 where the encoder does not say.
    """

    path: Path
    first: int
    stamps: array[int]
    ranks: array[int]
    durations: array[int]

    @property
    def stop(self) -> int:
        """The number of the frame after its last one."""
        return self.first + len(self.stamps)

    @property
    def delay(self) -> int:
        """How many packets later than its turn a frame may come."""
        return max(position - rank for position, rank in enumerate(self.ranks))


def segment_container(encoding: Encoding) -> str | None:
    """Give the container for segments of this encoding, None where there is none that keeps all of it."""
    if encoding.encoder in _VPX and encoding.layout.alpha is not None:
        return None  # its transparency lies beside the packets
    return next((name for name in CONTAINERS if can_hold(name, encoding.encoder)), None)


class SegmentWriter:
    """A video file whose picture is written in segments; see `vrestore.media.write.open_writer`.

    Until `begin` is called it has no place for them and takes no frames.
    """

    def __init__(self, video: VideoFile, container: str) -> None:
        self._video, self._container = video, container
        rehearsal = video.mux()  # what the target refuses is to show before the work
        self.losses = video.losses(rehearsal)
        self._has_header = bool(rehearsal.video.codec_context.flags & Flags.global_header)
        rehearsal.abandon()
        video.reader.claim(frozenset())
        video.part.unlink(missing_ok=True)
        self.warnings = list(video.encoding.warnings)
        self._finished: list[Segment] = []
        self._open: _Open | None = None
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    @property
    def codec(self) -> str:
        """The encoder's name."""
        return self._video.encoding.encoder

    @property
    def start(self) -> int:
        """The number of the first frame that is still to be written; those before it are let pass."""
        return self._finished[-1].stop if self._finished else 0

    def begin(
        self,
        folder: Path,
        finished: Sequence[Segment],
        *,
        is_border: Callable[[int], bool],
        keep: Keep,
    ) -> None:
        """Say where segments go, which there are, and at which frames a new one begins.

        Args:
            folder: where they lie, under numbers.
            finished: the first ones, from an earlier run that wrote the same.
            is_border: whether the frame of that number begins a segment; asked once for each, in order.
            keep: is told of each finished segment, in the thread that writes.
        """
        self._folder, self._finished = folder, list(finished)
        self._is_border, self._keep = is_border, keep
        self._first = self.start

    def write(self, frame: Frame) -> None:
        """Encode one frame, unless a finished segment holds it."""
        stamp, duration = self._video.clock.read(frame)
        position, self._position = self._position, self._position + 1
        if position < self._first:
            return
        if self._is_border(position):
            self._end()
        with writing(self._video.name):
            if self._open is None:
                path = self._folder / f"{len(self._finished):06}{CONTAINERS[self._container]}"
                self._open = _Open(
                    path, position, self._video, container=self._container, has_header=self._has_header
                )
            self._open.encode(frame, stamp, duration)

    def finish(self) -> Written:
        """End the last segment, join all, and give the file its name once it was read again."""
        self._end()
        with ExitStack() as opened:
            opened.callback(self._video.part.unlink, missing_ok=True)
            feed = self._video.reader.feed
            beside = feed.again() if isinstance(feed, FileFeed) else None
            if beside is not None:
                opened.callback(beside.close)
            mux = self._video.mux(beside=beside)
            opened.callback(mux.abandon)
            with writing(self._video.name):
                self._join(mux, beside)
            return self._video.settle(mux, _stamps(self._finished), warnings=self.warnings)

    def discard(self) -> None:
        """Remove the segment that is not finished; those that are stay."""
        if self._open is not None:
            self._open.discard()
            self._open = None

    def _end(self) -> None:
        """Finish the open segment, if any."""
        if self._open is None:
            return
        with writing(self._video.name):
            segment = self._open.finish()
        self._keep(segment)
        self._finished.append(segment)
        self._open = None

    def _join(self, mux: Mux, beside: FileFeed | None) -> None:
        """Write all packets of the picture, and those of the other streams as their time comes."""
        origin, end = self._video.clock.origin, self._video.reader.end_seconds
        for packet, seconds in _joined(self._finished, self._video.clock.time_base, name=self._video.name):
            if beside is not None:
                beside.read_on(seconds=float(origin + seconds))
            packet.stream = mux.video
            mux.add(packet)
        if beside is not None:
            beside.read_on(seconds=math.inf if end is None else float(end))
        mux.end()


class _Open:
    """A segment being written: an encoder and a file with nothing but its packets."""

    def __init__(self, path: Path, first: int, video: VideoFile, *, container: str, has_header: bool) -> None:
        self._path, self._first, self._video = path, first, video
        self._stamps, self._order, self._durations = array("q"), array("q"), array("q")
        self._output = av.open(f"file:{path}", "w", format=container)
        try:
            self._stream = add_picture(self._output, video.reader.meta, video.encoding)
            context = self._stream.codec_context
            # Parameter sets go where the target wants them: into its header, or before key frames.
            context.flags = (context.flags & ~Flags.global_header) | (Flags.global_header * has_header)
            self._output.start_encoding()
        except BaseException:
            self.discard()
            raise

    def encode(self, frame: Frame, stamp: int, duration: int) -> None:
        """Encode a frame; an encoder's time begins with its segment."""
        self._stamps.append(stamp)
        self._take(self._video.picture(frame, stamp - self._stamps[0], duration))

    def finish(self) -> Segment:
        """Close the file, wait until it is on the disk, and read it again."""
        self._take(None)
        self._output.close()
        synchronise(self._path)
        stamps = array("q", [stamp - self._stamps[0] for stamp in self._stamps])
        verify(
            self._path,
            Expected(
                stamps=stamps,
                time_base=self._video.clock.time_base,
                kinds=("video",),
                video_index=0,
                packet_counts={},
                tags={},
                chapter_count=0,
            ),
            name=self._video.name,
        )
        place = {pts: rank for rank, pts in enumerate(sorted(self._order))}
        ranks = array("q", [place[pts] for pts in self._order])
        return Segment(self._path, self._first, self._stamps, ranks, self._durations)

    def discard(self) -> None:
        """Remove the file."""
        with suppress(OSError, ValueError, av.FFmpegError):
            self._output.close()
        self._path.unlink(missing_ok=True)

    def _take(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            if packet.pts is None or packet.time_base is None:
                raise TargetError(f"{self._video.encoding.encoder} gave a picture without a time")
            self._order.append(packet.pts)
            ticks = (packet.duration or 0) * packet.time_base / self._video.clock.time_base
            self._durations.append(round(ticks))
            self._output.mux(packet)


def _joined(
    segments: Sequence[Segment], time_base: Fraction, *, name: str
) -> Iterator[tuple[AnyPacket, Fraction]]:
    """Give the packets of all segments with their times in the target, and when each is decoded, in seconds.

    The decoding times of a segment begin anew; here the i-th packet is decoded when the frame `delay` places
    before the i-th is shown, which is before it is shown itself, and increases throughout.
    """
    delay = max((segment.delay for segment in segments), default=0)
    decoding = _decoding_stamps(segments, delay)
    for segment in segments:
        with open_container(str(segment.path), name=name) as container:
            packets = (packet for packet in container.demux() if packet.size)
            for packet, rank, duration in zip(packets, segment.ranks, segment.durations, strict=True):
                packet.pts, packet.dts = segment.stamps[rank], next(decoding)
                packet.duration, packet.time_base = duration, time_base
                yield packet, packet.dts * time_base


def _stamps(segments: Sequence[Segment]) -> array[int]:
    """Give when all frames are shown."""
    stamps = array("q")
    for segment in segments:
        stamps.extend(segment.stamps)
    return stamps


def _decoding_stamps(segments: Sequence[Segment], delay: int) -> Iterator[int]:
    """Give increasing times: all frames' in order, `delay` more before them, as many less at the end."""
    stamps = _stamps(segments)
    gap = min((after - before for before, after in pairwise(stamps)), default=1)
    yield from (stamps[0] - gap * (delay - number) for number in range(delay))
    yield from stamps[: len(stamps) - delay]
