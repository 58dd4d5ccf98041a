"""Say what a source is: its picture, every stream, and what a run would do with each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from vrestore.errors import InputError, UsageError, VRestoreError
from vrestore.frames import Color, Rotation
from vrestore.media.color.color_tags import color_of
from vrestore.media.container.declared import is_picture
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.feed import Feed
from vrestore.media.container.streams import copy_refusal_reason, is_chapter_text, is_timecode
from vrestore.media.container.video_file import VideoFile
from vrestore.media.encode.containers import container_for
from vrestore.media.encode.encoder import EncodeOptions, family_encoder
from vrestore.media.encode.losses import losses_of
from vrestore.media.formats import REPLACEMENTS, pixel_format
from vrestore.media.images.sequence import SequenceFeed, is_sequence, open_sequence
from vrestore.media.reader import open_video
from vrestore.media.rotation import rotation_of
from vrestore.media.trial.trial import try_streams

# Rec. ITU-T H.273, by FFmpeg's names.
_MATRICES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco"}
_MATRICES |= {9: "bt2020nc", 10: "bt2020c", 14: "ictcp"}
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"}
_PRIMARIES |= {11: "smpte431", 12: "smpte432"}
_TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear"}
_TRANSFERS |= {11: "xvycc", 13: "srgb", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67"}
_CHROMA_LOCATIONS = ("unknown", "left", "center", "topleft", "top", "bottomleft", "bottom")


def probe(source: str | Path) -> dict[str, object]:
    """Describe a source in values that JSON can hold.

    Works for what a run would refuse too, as long as it is a video: `refused` says why, or is None.
    Raises InputError for what is no video at all.
    """
    with _opened(source) as feed:
        picture = next(feed.pictures(), None)
        if picture is None:
            raise InputError(f"{feed.name!r} holds no frame that can be decoded")
        stamps = feed.stamps()
        declared, container = feed.declared, feed.container
        rotation = declared.rotation or rotation_of(picture)
        target = _tried(feed)
        return {
            "source": feed.name,
            "container": declared.container,
            "duration_seconds": declared.duration_seconds,
            "refused": _why_refused(feed, picture),
            "picture": {
                "codec": declared.codec,
                "width": picture.width,
                "height": picture.height,
                **_format(picture),
                **_color_names(picture),
                "field_order": declared.field_order,
                "rotation": rotation.degrees,
                "is_mirrored": rotation.is_mirrored,
                "sample_aspect_ratio": str(declared.sample_aspect_ratio),
                "frame_count": len(stamps),
                "rate": str(declared.rate),
                "time_base": str(feed.declared.time_base),
                "timestamps": "even" if _is_even(stamps) else "uneven",
            },
            "losses": [*(target.time_losses() if target else []), *_losses(feed, picture, rotation)],
            "streams": [_stream(item, feed, container, target) for item in container.streams]
            if container
            else [],
            "chapters": _chapters(container) if container else [],
            "tags": dict(container.metadata) if container else {},
        }


@contextmanager
def _opened(source: str | Path) -> Iterator[Feed]:
    feed: Feed = (
        open_sequence(source, rate=Fraction(25))
        if is_sequence(source)
        else FileFeed(str(source), name=str(source), threads=0)
    )
    try:
        yield feed
    finally:
        feed.close()


def _is_even(stamps: array[int]) -> bool:
    """Say whether frames follow each other evenly, to the tick that a coarse time base rounds to."""
    steps = [after - before for before, after in pairwise(stamps)]
    return not steps or max(steps) - min(steps) <= 1


def _why_refused(feed: Feed, picture: av.VideoFrame) -> str | None:
    name = picture.format.name
    if picture.interlaced_frame or feed.declared.field_order in {"tt", "bb", "tb", "bt"}:
        return "interlaced"
    if pixel_format(name) is None and name not in REPLACEMENTS:
        return f"pixel format {name}"
    return None


def _format(picture: av.VideoFrame) -> dict[str, object]:
    layout = pixel_format(picture.format.name)
    bits = layout.bits if layout else max(component.bits for component in picture.format.components)
    return {"pixel_format": picture.format.name, "bits": bits}


def _color_names(picture: av.VideoFrame) -> dict[str, object]:
    layout = pixel_format(picture.format.name)
    color = color_of(picture, layout) if layout else Color()
    return {
        "range": {None: "unknown", False: "limited", True: "full"}[color.full_range],
        "matrix": _MATRICES.get(color.matrix, "unknown"),
        "primaries": _PRIMARIES.get(color.primaries, "unknown"),
        "transfer": _TRANSFERS.get(color.transfer, "unknown"),
        "chroma_location": _CHROMA_LOCATIONS[color.chroma_location],
    }


def _stream(
    stream: Stream, feed: Feed, container: InputContainer, target: VideoFile | None
) -> dict[str, object]:
    context = stream.codec_context
    return {
        "index": stream.index,
        "type": stream.type,
        "codec": context.codec.canonical_name if context else getattr(stream, "name", None),
        "language": stream.language,
        "disposition": [flag.name for flag in Disposition if flag in Disposition(stream.disposition)],
        "tags": dict(stream.metadata),
        "treatment": _treatment(stream, feed, container, target),
    }


def _losses(feed: Feed, picture: av.VideoFrame, rotation: Rotation) -> list[str]:
    """Name what would be lost of the picture when the target is of the same kind as the source."""
    codec = feed.declared.codec
    if isinstance(feed, SequenceFeed):
        holder, encoder = feed.files[0].suffix.lower().removeprefix("."), codec
    else:
        holder, encoder = _target_container(feed), family_encoder(codec) or codec
    return losses_of(picture, rotation, [], encoder=encoder, holder=holder)


def _tried(feed: Feed) -> VideoFile | None:
    """Try a target of the same kind as the source; None where a run would refuse that."""
    suffix = "" if _target_container(feed) == "matroska" else Path(feed.name).suffix
    if not isinstance(feed, FileFeed):
        return None
    with TemporaryDirectory() as folder, suppress(VRestoreError), open_video(feed.name) as reader:
        place = Path(folder) / f"result{suffix or '.mkv'}"
        video = VideoFile(place, reader, options=EncodeOptions(), overwrite=False)
        try_streams(video)
        return video
    return None


def _target_container(feed: Feed) -> str:
    try:
        return container_for(Path(feed.name))
    except UsageError:
        return "matroska"


def _treatment(stream: Stream, feed: Feed, container: InputContainer, tried: VideoFile | None) -> str:
    """Say what becomes of a stream when the target is of the same kind as the source."""
    if feed.stream is not None and stream.index == feed.stream.index:
        return "restored"
    if is_chapter_text(stream, container):
        return "written anew as chapters"
    if is_timecode(stream):
        return "written anew from the timecode"
    target = _target_container(feed)
    refusal = tried.refusals.get(stream.index) if tried else None
    if refusal is not None:
        return f"dropped: {refusal}"
    if is_picture(stream) and target == "matroska":
        return "copied"
    reason = copy_refusal_reason(target, stream)
    return "copied" if reason is None else f"dropped: {reason}"


def _chapters(container: InputContainer) -> list[dict[str, object]]:
    return [
        {
            "start_seconds": float(chapter["start"] * (chapter["time_base"] or 0)),
            "end_seconds": float(chapter["end"] * (chapter["time_base"] or 0)),
            "title": chapter["metadata"].get("title"),
        }
        for chapter in container.chapters()
    ]
