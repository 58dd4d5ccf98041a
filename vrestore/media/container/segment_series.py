"""A picture written in segments, each a file that is whole by itself, and joined without encoding it anew.

Each segment has an encoder of its own, so that it begins with a key frame and needs nothing of the others.
NUT keeps packets byte for byte as the encoder gave them, and as the target's header describes them; Matroska
writes those of H.264, HEVC and AV1 anew. What NUT has no name for goes into a container that does not.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from vrestore.errors import TargetError
from vrestore.files import synchronise, writing
from vrestore.media.container.feed import AnyPacket
from vrestore.media.container.opening import open_container
from vrestore.media.container.segment_files import CONTAINERS, Segment, SegmentDir
from vrestore.media.container.verify import Expected, verify
from vrestore.media.encode.packets import encoded


@dataclass(frozen=True, slots=True)
class Coder:
    """How a picture is encoded: `add` gives a container its stream, `time_base` is that of the stamps.

    With `has_header` its parameter sets go into the container's header, else before key frames. An encoder
    with a `tick` is given the numbers of frames in it; they get their stamps when segments are joined.
    """

    name: str
    container: str
    add: Callable[[OutputContainer], VideoStream]
    time_base: Fraction
    has_header: bool
    tick: Fraction | None = None


class Series:
    """A picture as a series of segments. `name` in errors is the coder's, that of the target."""

    def __init__(self, place: SegmentDir, coder: Coder) -> None:
        self.finished = list(place.finished)
        self._place, self._coder = place, coder
        self._open: _Open | None = None
        self._position = self.start

    @property
    def start(self) -> int:
        """The number of the first frame that no finished segment holds."""
        return self.finished[-1].stop if self.finished else self._place.start

    def is_wanted(self, index: int) -> bool:
        """Tell whether the frame of a number is still to be written, and here."""
        stop = self._place.stop
        return index >= self._position and (stop is None or index < stop)

    def write(self, picture: av.VideoFrame, stamp: int) -> None:
        """Encode the next frame, to be shown at that time."""
        if self._place.is_border(self._position):
            self.end()
        self._position += 1
        with writing(self._coder.name):
            if self._open is None:
                number = self._place.number + len(self.finished)
                name = f"{self._place.label}.{number:06}{CONTAINERS[self._coder.container]}"
                self._open = _Open(self._place.folder / name, self._position - 1, self._coder)
            self._open.encode(picture, stamp)

    def end(self) -> None:
        """Finish the open segment, if any."""
        if self._open is None:
            return
        with writing(self._coder.name):
            segment = self._open.finish()
        self._open = None
        self.finished.append(segment)
        self._place.keep(segment)

    def discard(self) -> None:
        """Remove the segment that is not finished; those that are stay."""
        if self._open is not None:
            self._open.discard()
            self._open = None

    def stamps(self) -> array[int]:
        """Return when all frames are shown."""
        return _stamps(self.finished)

    def packets(self) -> Iterator[AnyPacket]:
        """Yield the packets of all segments with their times in the target.

        The decoding times of a segment begin anew; here the i-th packet is decoded when the frame `delay`
        places before the i-th is shown, which is before it is shown itself, and increases throughout.
        """
        decoding = _decoding_stamps(self.finished)
        for segment in self.finished:
            with open_container(str(segment.path), name=self._coder.name) as container:
                packets = (packet for packet in container.demux() if packet.size)
                for packet, rank, duration in zip(packets, segment.ranks, segment.durations, strict=True):
                    packet.pts, packet.dts = segment.stamps[rank], next(decoding)
                    packet.duration, packet.time_base = duration, self._coder.time_base
                    yield packet

    def join(self, output: OutputContainer) -> None:
        """Write all packets as the only stream of a container."""
        stream: Stream | None = None
        for packet in self.packets():
            stream = stream or output.add_stream_from_template(packet.stream)
            packet.stream = stream
            output.mux(packet)


class _Open:
    """A segment being written: an encoder and a file with nothing but its packets."""

    def __init__(self, path: Path, first: int, coder: Coder) -> None:
        self._path, self._first, self._coder = path, first, coder
        self._stamps, self._order, self._durations = array("q"), array("q"), array("q")
        self._output = av.open(f"file:{path}", "w", format=coder.container)
        try:
            self._stream = coder.add(self._output)
            context = self._stream.codec_context
            context.flags = (context.flags & ~Flags.global_header) | (Flags.global_header * coder.has_header)
            self._output.start_encoding()
        except BaseException:
            self.discard()
            raise

    def encode(self, picture: av.VideoFrame, stamp: int) -> None:
        """Encode a frame; an encoder's time begins with its segment."""
        self._stamps.append(stamp)
        picture.pts, picture.time_base = stamp - self._stamps[0], self._coder.time_base
        if self._coder.tick is not None:
            picture.pts, picture.duration, picture.time_base = len(self._stamps) - 1, 1, self._coder.tick
        self._take(picture)

    def finish(self) -> Segment:
        """Close the file, wait until it is on the disk, and read it again."""
        self._take(None)
        self._output.close()
        synchronise(self._path)
        tick = self._coder.tick
        times = range(len(self._stamps)) if tick else (stamp - self._stamps[0] for stamp in self._stamps)
        verify(
            self._path,
            Expected(
                stamps=array("q", times),
                time_base=tick or self._coder.time_base,
                first_due=Fraction(0),
                kinds=("video",),
                video_index=0,
                sound={},
                container=self._coder.container,
                tags={},
                chapter_count=0,
            ),
            name=self._coder.name,
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
        for packet in encoded(self._stream, picture, count=len(self._stamps)):
            if packet.pts is None or packet.time_base is None:
                raise TargetError(f"{self._stream.codec_context.name} gave a picture without a time")
            self._order.append(packet.pts)
            ticks = (packet.duration or 0) * packet.time_base / self._coder.time_base
            self._durations.append(round(ticks))
            self._output.mux(packet)


def _stamps(segments: Sequence[Segment]) -> array[int]:
    stamps = array("q")
    for segment in segments:
        stamps.extend(segment.stamps)
    return stamps


def _decoding_stamps(segments: Sequence[Segment]) -> Iterator[int]:
    """Yield increasing times: all frames' in order, `delay` more before them, as many less at the end."""
    delay = max((segment.delay for segment in segments), default=0)
    stamps = _stamps(segments)
    gap = min((after - before for before, after in pairwise(stamps)), default=1)
    yield from (stamps[0] - gap * (delay - number) for number in range(delay))
    yield from stamps[: len(stamps) - delay]
