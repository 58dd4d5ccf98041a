"""Read a finished file again and compare it with what was put in."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from vrestore.errors import InputError, TargetError
from vrestore.media.container.opening import open_container
from vrestore.media.timing.places import has_places_only, packet_stamp
from vrestore.media.timing.track import Track


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must hold: timestamps in order, streams by type, the packets of sound by index.

    `first_due` is when the first frame is to be shown, in seconds, also where it comes into another place.
    `container` is FFmpeg's name of what was written, `tags` are its tags that should be there again,
    `chapter_count` its chapters.
    """

    stamps: array[int]
    time_base: Fraction
    first_due: Fraction
    kinds: tuple[str, ...]
    video_index: int
    sound: Mapping[int, Track]
    container: str
    tags: Mapping[str, str]
    chapter_count: int


def verify(part: Path, expected: Expected, *, name: str, is_joined: bool = False) -> list[str]:
    """Raise TargetError where frames or timestamps are not those expected.

    Gives warnings about what is not the picture and was not kept as it is: streams, tags, chapters. Of a
    picture that `is_joined`, from segments that were verified, less is decoded.
    """
    try:
        with open_container(str(part), name=name) as container:
            warnings = _compare_streams(container, expected, name=name)
            found = read_again(container, expected.video_index)
            stamps, unit = found.stamps, found.unit
            _compare_stamps(stamps, unit, expected, name=name)
            warnings += sound_losses(found, expected)
            warnings += _compare_tags(container, expected)
        _decode_ends(part, expected, stamps, name=name, to_the_end=not is_joined)
    except (InputError, av.FFmpegError) as error:
        raise TargetError(f"{name!r} was not written as it should: {error}") from error
    return warnings


def _compare_streams(container: InputContainer, expected: Expected, *, name: str) -> list[str]:
    found = [stream.type for stream in container.streams]
    if expected.video_index >= len(found) or found[expected.video_index] != "video":
        raise TargetError(f"{name!r} was not written as it should: its picture is missing")
    missing = len(expected.kinds) - len(found)
    pairs = enumerate(zip(expected.kinds, [*found, *["nothing"] * max(0, missing)], strict=False))
    return [f"stream {index} ({kind}) came out as {other}" for index, (kind, other) in pairs if kind != other]


@dataclass(frozen=True, slots=True)
class Found:
    """What a container gives: when frames are shown, in `unit`, and the packets of each stream."""

    stamps: array[int]
    unit: Fraction
    tracks: Mapping[int, Track]


def read_again(container: InputContainer, video_index: int) -> Found:
    """Read all packets of a container, none decoded."""
    stamps, tracks = array("q"), {stream.index: Track() for stream in container.streams}
    codec = container.streams[video_index].codec_context.codec.canonical_name
    by_place = has_places_only(container.format.name, codec)
    for packet in container.demux():
        stamp = packet_stamp(packet, by_place=by_place)
        if packet.size:
            tracks[packet.stream_index].note(packet)
            if packet.stream_index == video_index and stamp is not None:
                stamps.append(stamp)
    unit = container.streams[video_index].time_base or Fraction(1, 1000)
    return Found(array("q", sorted(stamps)), unit, tracks)


def sound_losses(found: Found, expected: Expected) -> list[str]:
    """Say what came out otherwise of sound than it was put in, or at another time against the picture."""
    moved = found.stamps[0] * found.unit - expected.first_due
    return [
        text
        for index, track in expected.sound.items()
        for text in track.losses(found.tracks.get(index, Track()), moved=moved, container=expected.container)
    ]


def _compare_stamps(stamps: array[int], unit: Fraction, expected: Expected, *, name: str) -> None:
    """Compare timestamps; a container may move all by the same amount, and rounds to its own unit."""
    if len(stamps) != len(expected.stamps):
        raise TargetError(
            f"{name!r} was not written as it should: it holds {len(stamps)} frames of {len(expected.stamps)}"
        )
    scale = expected.time_base / unit
    tolerance = 0 if scale.denominator == 1 else 1
    wanted = [round(stamp * scale) for stamp in expected.stamps]
    moved = stamps[0] - wanted[0]
    for index, (found, stamp) in enumerate(zip(stamps, wanted, strict=True)):
        if abs(found - stamp - moved) > tolerance:
            raise TargetError(
                f"{name!r} was not written as it should: frame {index} is shown at "
                f"{float((found - moved) * unit):.4f} s instead of {float(stamp * unit):.4f} s"
            )


def _compare_tags(container: InputContainer, expected: Expected) -> list[str]:
    found = {key.lower() for key in container.metadata}
    warnings = [f"the container lost the tag {key!r}" for key in expected.tags if key.lower() not in found]
    chapters = len(container.chapters())
    if chapters != expected.chapter_count:
        warnings.append(f"the container holds {chapters} chapters of {expected.chapter_count}")
    return warnings


def _decode_ends(part: Path, expected: Expected, stamps: array[int], *, name: str, to_the_end: bool) -> None:
    """Decode the first frame and the last key frame, and from there `to_the_end` all others."""
    with open_container(str(part), name=name) as container:
        stream = container.streams[expected.video_index]
        if isinstance(stream, VideoStream):
            stream.thread_type = "AUTO"
        if not isinstance(stream, VideoStream) or next(container.decode(stream), None) is None:
            raise TargetError(f"{name!r} was not written as it should: its first frame cannot be decoded")
        # Containers without an index find a place only roughly: then try further back.
        count = len(stamps)
        for goal in (stamps[-1], stamps[-1 - count // 8], stamps[-1 - count // 2], min(0, stamps[0])):
            container.seek(goal, stream=stream)
            whole = (picture.pts or 0 for picture in container.decode(stream) if not picture.is_corrupt)
            if (max(whole, default=stamps[-1] - 1) >= stamps[-1]) if to_the_end else any(True for _ in whole):
                return
    raise TargetError(f"{name!r} was not written as it should: its last frame cannot be decoded")
