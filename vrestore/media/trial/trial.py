"""Write a little of a source's other streams into the target, and read it again, before the work.

A muxer may refuse a stream only when its packets come or when the file ends, and may take what nobody can
read again. A frame of the encoder and a few packets of each stream show that while nothing is lost yet.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
from av.stream import Stream

from vrestore.errors import InputError, TargetError
from vrestore.files import writing
from vrestore.frames import Frame, VideoMeta
from vrestore.media.av_frames import PictureMaker
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.mux import Mux
from vrestore.media.container.opening import open_container
from vrestore.media.container.streams import NO_PACKET, kind_of, kind_read_back
from vrestore.media.container.verify import Expected, Found, read_again, sound_losses
from vrestore.media.container.video_file import VideoFile
from vrestore.media.formats import plane_shapes

_PACKETS = 8
"""Packets of each stream that are tried."""
_ANY_SIZE = {"libx264", "libx264rgb", "libx265", "libsvtav1", "libvpx-vp9", "libvpx", "ffv1"}
_SIDE = 256
"""Pixels of a side: of 3840x2160 x265 may take seconds for one frame."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of some streams: why some cannot be kept, by index in the source, and what moves.

    `failure` says that there is no file at all.
    """

    refusals: dict[int, str] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    failure: TargetError | None = None


def try_streams(video: VideoFile) -> None:
    """Set what a video file leaves out of the source's other streams, and what it moves.

    Raises TargetError where even those that it holds one by one cannot be held together.
    """
    feed = video.reader.feed
    if not isinstance(feed, FileFeed) or feed.is_pipe or video.reader.is_picture_only:
        return
    if len(feed.container.streams) < 2:
        return
    others = [stream for stream in feed.container.streams if stream.index != feed.stream.index]
    result = _attempt(video, feed, {})
    if result.failure is not None or result.refusals:
        result = _sorted_out(video, feed, others)
    video.refusals, video.moved = result.refusals, result.moved


def _sorted_out(video: VideoFile, feed: FileFeed, others: list[Stream]) -> _Attempt:
    """Try each stream by itself, since a muxer's error may be of another stream than that at hand."""
    refusals: dict[int, str] = {}
    for stream in others:
        rest = {other.index: "not tried" for other in others if other is not stream}
        alone = _attempt(video, feed, rest)
        if alone.failure is not None:
            refusals[stream.index] = _reason(video, stream, "no file can be written with it")
        refusals |= alone.refusals
    together = _attempt(video, feed, refusals)
    if together.failure is not None:
        raise together.failure
    return _Attempt(refusals | together.refusals, together.moved)


def _attempt(video: VideoFile, feed: FileFeed, without: Mapping[int, str]) -> _Attempt:
    """Write a frame and packets of all streams but some, and compare what is read again."""
    with ExitStack() as closing:
        closing.callback(video.part.unlink, missing_ok=True)
        beside = feed.again()
        closing.callback(beside.close)
        if video.reader.start is not None:
            first = video.reader.first_pts * video.reader.meta.time_base
            beside.seek(round(first / feed.declared.time_base))
        try:
            meta = _small(video)
            mux = video.mux(beside=beside, refusals=without, meta=meta)
            closing.callback(mux.abandon)
            with writing(video.name):
                expected = _written(video, mux, beside, meta)
            with open_container(str(video.part), name=video.name) as container:
                count = len(container.streams)
                kinds = [(stream.type, getattr(stream, "name", None)) for stream in container.streams]
                found = read_again(container, expected.video_index) if count > expected.video_index else None
        except TargetError as error:
            return _Attempt(failure=error)
        except InputError as error:
            return _Attempt(failure=TargetError(f"{video.name!r} cannot be written: {error}"))
    if found is None or not found.stamps:
        return _Attempt(
            failure=TargetError(f"{video.name!r} cannot be written: its picture is not there again")
        )
    refusals = {
        index: _reason(video, feed.container.streams[index], why)
        for index, stream in mux.copies.kept.items()
        if (why := _why_lost(video, mux, index, kinds, found)) is not None
    }
    return _Attempt(refusals, sound_losses(found, expected))


def _small(video: VideoFile) -> VideoMeta:
    """Return what the picture is, in a size that is soon encoded where the encoder takes any."""
    meta = video.reader.meta
    if video.encoding.encoder not in _ANY_SIZE:
        return meta
    return replace(meta, width=min(meta.width, _SIDE), height=min(meta.height, _SIDE))


def _written(video: VideoFile, mux: Mux, beside: FileFeed, meta: VideoMeta) -> Expected:
    """Write a black frame and what there is of the other streams; return what the file must hold."""
    beside.sample(_PACKETS)
    shapes = plane_shapes(meta.pixel_format, height=meta.height, width=meta.width)
    planes = tuple(np.zeros(shape, meta.pixel_format.dtype) for shape in shapes)
    frame = Frame(planes, video.reader.first_pts, 1, video.reader.first_index)
    stamp, duration = video.clock.read(frame)
    picture = PictureMaker(meta, video.encoding.layout).picture(frame)
    picture.pts, picture.duration, picture.time_base = stamp, duration, video.clock.time_base
    mux.encode(picture)
    mux.encode(None)
    expected = mux.expected(array("q", [stamp]), video.clock)
    mux.close()
    return expected


def _why_lost(
    video: VideoFile, mux: Mux, index: int, kinds: Sequence[tuple[str, str | None]], found: Found
) -> str | None:
    """Say why a copied stream is of no use in the target, None where it is, or where that is not known."""
    copies, stream, feed = mux.copies, mux.copies.kept[index], video.reader.feed
    if copies.refused.get(index):
        return "its packets are refused"
    if index in copies.empty(video.container):  # there are none so near, or none at all
        return NO_PACKET if isinstance(feed, FileFeed) and feed.holds_nothing(index) else None
    place = copies.place(stream, video.container)
    if place >= len(kinds):
        return "it is not there again"
    kind, name = kinds[place]
    if kind != kind_read_back(stream):
        return f"it comes back as {kind}"
    if kind == "data" and name != stream.name:
        return "what it is does not come back"
    track = mux.copies.tracks.get(index)
    is_empty = stream.type == "audio" and track is not None and not found.tracks[place].packet_count
    return "none of it comes back" if is_empty else None


def _reason(video: VideoFile, stream: Stream, why: str) -> str:
    return f"{video.container} cannot hold {kind_of(stream)}: {why}"
