"""Open a video file safely and give its pictures and its other packets."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeAlias

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vrestore.errors import InputError
from vrestore.media.choices import PROTOCOLS
from vrestore.media.container.damage import Damage, Ending, describe, ending_of
from vrestore.media.container.seek_point import DecodeStart, find_decode_start
from vrestore.media.container.times import Moment

AnyPacket: TypeAlias = "Packet[Stream]"  # generic to type checkers only

# Demuxers that read one file and nothing that the file names. Playlists (hls, dash, concat, vobsub,
# image2), scripts and devices are left out on purpose.
VIDEO_DEMUXERS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,mxf,asf,flv,live_flv,ogg,nut,ivf,gif,apng,yuv4mpegpipe,"
    "dv,h264,hevc,vvc,av1,obu,m4v,mjpeg,mpjpeg,smjpeg,vc1,vc1test,dnxhd,dirac,cavsvideo,h261,h263,"
    "rm,wtv,gxf,nsv,nuv,pva,ty,cine,ser,r3d,lxf,dhav,kux,flic,smk,bink,film_cpk,thp,roq,amv,swf,"
    "webp,webp_anim,wav,mp3,flac,aac,ac3,aiff,w64,opus"
)
# Playlists, whose files and addresses are opened only by protocols that the user allows.
_PLAYLISTS = "hls,dash,concat"

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_FIELD_ORDERS = ("unknown", "progressive", "tt", "bb", "tb", "bt")
_SAY_THEIR_LENGTH = ("mov", "matroska", "flv", "asf")
# What the last audio packet of a container may overhang or lack without anything being lost.
_SLACK_SECONDS = 0.25


@dataclass(slots=True)
class Declared:
    """What a source says of itself before a picture is decoded; None where it is silent."""

    container: str
    codec: str
    time_base: Fraction
    rate: Fraction
    frame_count: int | None = None
    duration_seconds: float | None = None
    field_order: str = "unknown"
    sample_aspect_ratio: Fraction = Fraction(1)


@dataclass(slots=True)
class _Seen:
    corrupt_packets: int = 0
    picture_packets: int = 0
    end_seconds: float = 0.0
    whole: bool = False
    packets_kept: frozenset[int] | None = field(default=None)


def open_container(
    source: str | BinaryIO,
    *,
    name: str,
    protocols: Iterable[str] = (),
    accelerator: HWAccel | None = None,
) -> InputContainer:
    """Open a file, or a stream of bytes holding yuv4mpeg, with nothing but that file in reach.

    With `protocols`, keys of PROTOCOLS, it may be a playlist, and what that names is opened by them. An
    `accelerator` decodes what it can of the pictures.
    Raises InputError in one line for everything that cannot be opened.
    """
    options = _whitelists(protocols)
    try:
        if not isinstance(source, str):
            return av.open(source, "r", format="yuv4mpegpipe", container_options=options)
        check_source_file(source)
        # The prefix keeps a name with a colon or a pipe in it from being taken for a protocol.
        return av.open(
            f"file:{source}",
            "r",
            container_options=options,
            metadata_errors="replace",
            hwaccel=accelerator,
        )
    except (av.FFmpegError, ValueError) as error:
        if isinstance(source, str) and not ending_of(Path(source)).has_index:
            raise InputError(
                f"{name!r} has no index (moov): its recording was cut off; "
                "repair it first, for example with untrunc and a good file of the same camera"
            ) from error
        if not isinstance(source, str):
            raise InputError(
                f"{name} does not hold yuv4mpeg; pipe it with ffmpeg -f yuv4mpegpipe -"
            ) from error
        if isinstance(error, av.ArgumentError):  # what a format that is not on the list gives
            raise InputError(
                f"{name!r} is a playlist, a script or another kind that is not read; "
                "--allow-protocols file opens playlists and the files they name"
            ) from error
        raise InputError(f"{name!r} is not a video that can be read ({reason_of(error)})") from error


def _whitelists(protocols: Iterable[str]) -> dict[str, str]:
    needed = [PROTOCOLS[name] for name in protocols]
    demuxers = f"{VIDEO_DEMUXERS},{_PLAYLISTS}" if needed else VIDEO_DEMUXERS
    return {"format_whitelist": demuxers, "protocol_whitelist": ",".join(["file", *needed])}


def check_source_file(source: str) -> None:
    """Raise InputError unless `source` is a readable file with something in it."""
    path = Path(source)
    try:
        if path.is_dir():
            raise InputError(f"{source!r} is a folder; give a video file or a folder of images")
        if not path.exists():
            if _ADDRESS.match(source) and not path.anchor:
                raise InputError(f"{source!r} is not a file; download it first, only local files are read")
            raise InputError(f"{source!r} does not exist")
        if not path.is_file():
            raise InputError(f"{source!r} is not a regular file")
        if path.stat().st_size == 0:
            raise InputError(f"{source!r} is empty (0 bytes)")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise InputError(f"{source!r} cannot be read ({reason_of(error)})") from error


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
            self.stream = _main_stream(self.container, name=name)
            self.stream.thread_type = "AUTO"
            self.stream.codec_context.thread_count = threads
            self.declared = _declared(self.container, self.stream)
            self._declared_end = _declared_end(self.container)
        except BaseException:
            self.container.close()
            raise

    def again(self, *, accelerator: HWAccel | None = None) -> FileFeed:
        """Open the same file once more, from its beginning; what came through a pipe is gone."""
        return FileFeed(
            self._source, name=self.name, threads=1, protocols=self._protocols, accelerator=accelerator
        )

    def claim(self, indices: frozenset[int]) -> None:
        """Keep the packets of these streams and of no others."""
        self._seen.packets_kept = indices
        kept = [packet for packet in self.packets if packet.stream_index in indices]
        self.packets.clear()
        self.packets.extend(kept)

    def forget(self, *, before_seconds: float) -> None:
        """Drop what was gathered for the time before, in seconds of the file, as far as it is in order."""
        while self.packets and packet_time(self.packets[0]) < before_seconds:
            self.packets.popleft()

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
            try:
                pictures = self.stream.codec_context.decode(packet if packet.size else None)
                yield from pictures if self.lay_out is None else map(self.lay_out, pictures)
            except av.FFmpegError:
                if self._is_strict:
                    raise
                self._seen.corrupt_packets += not packet.is_corrupt
        self._seen.whole = True

    def enter(self, start: Moment, *, first_pts: int) -> DecodeStart | None:
        """Leave out what need not be decoded for the frames from `start` on; None if nothing is.

        Else pictures before that of the entry are to be thrown away. `first_pts` is the time of the source's
        first frame. What comes through a pipe or a playlist is read once and all decoded.
        """
        if not isinstance(self._source, str) or self._protocols:
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
            return True
        self._entry = None
        self.stream.codec_context.flush_buffers()
        return False

    def seek(self, pts: int) -> bool:
        """Let the next pictures begin with a key frame before that time; tell whether that can be done.

        What the file says of times may be wrong: the picture of that time may not be among those that come,
        or be damaged because it needs others.
        """
        try:
            self.container.seek(pts, stream=self.stream)
        except (av.FFmpegError, ValueError):
            return False
        return True

    def read_on(self, *, seconds: float) -> None:
        """Collect the other streams' packets up to a time in the file, without decoding."""
        late = 0.0
        for _ in self._demuxed():
            late = max(late, self._seen.end_seconds)
            # Interleaving may be loose: what belongs before the end can lie some seconds behind it.
            if late > seconds + 10:  # as much as FFmpeg's muxers allow (max_interleave_delta)
                return

    def damage(self, *, corrupt_frames: int) -> Damage:
        """Say what was missing, as far as the file has been read."""
        missing_frames, missing_seconds = 0, 0.0
        if self._seen.whole and self._ending.missing_bytes:
            missing_frames = max(0, (self.declared.frame_count or 0) - self._seen.picture_packets)
        if self._seen.whole and self._declared_end is not None:
            missing_seconds = self._declared_end - self._seen.end_seconds
        return describe(
            corrupt_packets=self._seen.corrupt_packets,
            corrupt_frames=corrupt_frames,
            ending=self._ending,
            missing_seconds=missing_seconds if missing_seconds > _SLACK_SECONDS else 0.0,
            missing_frames=missing_frames,
        )

    def close(self) -> None:
        """Close the file."""
        self.packets.clear()
        # Its decoder is freed under the interpreter's lock, for which the decoder's threads may be waiting to
        # say something (`ffmpeg_heard`). Flushing waits without that lock until they rest.
        self.stream.codec_context.flush_buffers()
        self.container.close()

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
            if packet is None:
                return
            self._note_end(packet)
            index = packet.stream.index  # stream_index is 0 in the empty packets at the end
            if index == main:
                seen.picture_packets += bool(packet.size)
                yield packet
            elif packet.size and is_picture(packet.stream):
                self.covers.append(packet)
            elif packet.size and (seen.packets_kept is None or index in seen.packets_kept):
                self.packets.append(packet)

    def _last(self) -> Iterator[AnyPacket]:
        flush = Packet()
        flush.stream = self.stream
        yield flush

    def _note_end(self, packet: AnyPacket) -> None:
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self._seen.end_seconds = max(self._seen.end_seconds, end)


def packet_time(packet: AnyPacket) -> float:
    """Return when a packet is shown or heard, in seconds of the file; 0 where it does not say."""
    return float(packet.pts * packet.time_base) if packet.pts is not None and packet.time_base else 0.0


def _main_stream(container: InputContainer, *, name: str) -> VideoStream:
    videos = [stream for stream in container.streams.video if not is_picture(stream)]
    if not videos:
        what = "only sound" if container.streams.audio else "no picture"
        raise InputError(f"{name!r} holds {what}; give a video")
    known = [stream for stream in videos if stream.codec_context is not None]
    if not known:
        raise InputError(f"{name!r}: there is no decoder for its picture")
    chosen = [stream for stream in known if stream.disposition & Disposition.default]
    return max(chosen or known, key=lambda stream: stream.width * stream.height)


def is_picture(stream: Stream) -> bool:
    """Say whether the stream is a still picture that accompanies the others, such as cover art."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _declared(container: InputContainer, stream: VideoStream) -> Declared:
    context = stream.codec_context
    if not context.width or not context.height:
        raise InputError(f"{container.name.removeprefix('file:')!r}: its picture has no size")
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    count = stream.frames or _tagged_count(stream)
    duration = container.duration
    return Declared(
        container=container.format.name,
        codec=context.codec.canonical_name,
        time_base=stream.time_base or 1 / rate,
        rate=rate,
        frame_count=count or None,
        duration_seconds=duration / av.time_base if duration else None,
        field_order=_FIELD_ORDERS[context.field_order] if context.field_order in range(6) else "unknown",
        sample_aspect_ratio=stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1),
    )


def _tagged_count(stream: VideoStream) -> int:
    """Return the frame count that Matroska writers leave in a tag, 0 without it."""
    words = (value for key, value in stream.metadata.items() if key.startswith("NUMBER_OF_FRAMES"))
    return next((int(word) for word in words if word.isdigit()), 0)


def _declared_end(container: InputContainer) -> float | None:
    """Return the time at which the file says it ends, None for formats where that is a guess."""
    if not container.duration or not any(name in container.format.name for name in _SAY_THEIR_LENGTH):
        return None
    return ((container.start_time or 0) + container.duration) / av.time_base


def reason_of(error: Exception) -> str:
    """Return the error in one line, without paths and codes."""
    if isinstance(error, av.FFmpegError | OSError) and error.strerror:
        return str(error.strerror).splitlines()[0].lower()
    return str(error).splitlines()[0] if str(error) else type(error).__name__
