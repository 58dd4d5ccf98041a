"""What a file says of itself before a picture is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vrestore.errors import InputError
from vrestore.frames import Rotation

_FIELD_ORDERS = ("unknown", "progressive", "tt", "bb", "tb", "bt")
_TICKS_WITHOUT_CONTAINER = Fraction(1200000)
"""The ticks of a second in which FFmpeg counts the time of elementary streams."""
_SAY_THEIR_LENGTH = ("mov", "matroska", "flv", "asf")


@dataclass(slots=True)
class Declared:
    """What a source says of itself before a picture is decoded; None where it is silent.

    Without a `rotation` the pictures say it themselves. `is_rate_assumed` says that nothing in the file tells
    the rate, nor any time.
    """

    container: str
    codec: str
    time_base: Fraction
    rate: Fraction
    frame_count: int | None = None
    duration_seconds: float | None = None
    field_order: str = "unknown"
    sample_aspect_ratio: Fraction = Fraction(1)
    rotation: Rotation | None = None
    is_rate_assumed: bool = False


def frame_ticks(rate: Fraction, time_base: Fraction) -> int:
    """Return of how many ticks of a time base a frame is, at least one, at so many frames a second."""
    return max(1, round(1 / (rate * time_base)))


def main_stream(container: InputContainer, *, name: str) -> VideoStream:
    """Return the stream to be restored: a default one, the largest of several; raises InputError."""
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


def declared_by(container: InputContainer, stream: VideoStream) -> Declared:
    """Return what a container says of its main stream; raises InputError for a picture without a size."""
    context = stream.codec_context
    if not context.width or not context.height:
        raise InputError(f"{container.name.removeprefix('file:')!r}: its picture has no size")
    # What has no container says its rate in its own header, if at all; FFmpeg calls it 25 on average.
    is_bare = stream.time_base == 1 / _TICKS_WITHOUT_CONTAINER
    rates = (
        (stream.guessed_rate, stream.average_rate) if is_bare else (stream.average_rate, stream.guessed_rate)
    )
    rate = rates[0] or rates[1] or Fraction(25)
    count = _frame_count(container, stream)
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
        is_rate_assumed=is_bare and not context.framerate,
    )


def declared_end(container: InputContainer) -> float | None:
    """Return the time at which the file says it ends, None for formats where that is a guess."""
    if not container.duration or not any(name in container.format.name for name in _SAY_THEIR_LENGTH):
        return None
    start, duration = container.start_time or 0, container.duration
    # Matroska's duration is counted from 0, whatever is shown first; others are not of one mind.
    end = start + duration if start <= 0 or duration <= start else duration
    return end / av.time_base


def _frame_count(container: InputContainer, stream: VideoStream) -> int:
    """Return how many frames the container counts, 0 where it does not; AVI's places may be empty."""
    if container.format.name == "avi" and stream.frames:
        return sum(entry.size > 0 for entry in stream.index_entries) or stream.frames
    return stream.frames or _tagged_count(stream)


def _tagged_count(stream: VideoStream) -> int:
    """Return the frame count that Matroska writers leave in a tag, 0 without it."""
    words = (value for key, value in stream.metadata.items() if key.startswith("NUMBER_OF_FRAMES"))
    return next((int(word) for word in words if word.isdigit()), 0)
