"""An encoder that was chosen: set up for a picture, and tried while nothing depends on it yet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vrestore.errors import DeviceError, UsageError
from vrestore.frames import PixelFormat, VideoMeta
from vrestore.media.av_frames import range_number
from vrestore.media.encode.containers import extension_for, scratch
from vrestore.media.ffmpeg_log import ffmpeg_heard

IN_SOFTWARE = {"h264_nvenc": "libx264", "hevc_nvenc": "libx265", "av1_nvenc": "libsvtav1"}
"""Encoders of graphics devices, and those that do the same work on any machine."""

# What FFmpeg says of an option before it looks for a device.
_WRONG_VALUE = "Error setting option"


@dataclass(frozen=True, slots=True)
class Encoding:
    """The choice: FFmpeg's encoder, the layout it is given, its options and what to say about it.

    `time_base` is that of the frames' times. An encoder with a `tick` counts frames by it instead, and its
    packets are given their times afterwards (`vrestore.media.timing.frame_count`).
    """

    encoder: str
    layout: PixelFormat
    options: dict[str, str]
    time_base: Fraction
    warnings: tuple[str, ...] = ()
    tick: Fraction | None = None


def configure(context: VideoCodecContext, encoding: Encoding, meta: VideoMeta) -> None:
    """Set up an encoder for the picture: size, layout, time, shape of a pixel and color."""
    context.width, context.height = meta.width, meta.height
    context.pix_fmt = encoding.layout.name
    context.time_base = encoding.tick or encoding.time_base
    context.framerate = 1 / encoding.tick if encoding.tick else meta.rate
    context.sample_aspect_ratio = meta.sample_aspect_ratio
    color = meta.color
    context.colorspace, context.color_primaries = color.matrix, color.primaries
    context.color_trc = color.transfer
    context.color_range = range_number(color)
    context.thread_count = 0
    context.thread_type = "AUTO"  # PyAV's default is by slices, a quarter slower and larger in x264
    context.flags |= av.codec.context.Flags.frame_duration
    context.options = {**encoding.options, "chroma_sample_location": str(color.chroma_location)}


def try_encoding(encoding: Encoding, meta: VideoMeta, container: str) -> None:
    """Open the encoder once at the size of the picture, and let a container describe it.

    Raises UsageError, or DeviceError for a device.
    """
    output = scratch(container)
    stream = output.add_stream(encoding.encoder)
    if not isinstance(stream, VideoStream):
        raise UsageError(f"{encoding.encoder} does not encode pictures")
    context = stream.codec_context
    configure(context, encoding, meta)
    if encoding.encoder == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # or the library prints a page; it has no other switch
    try:
        with ffmpeg_heard(av.logging.ERROR) as said:
            context.open()
    except (av.FFmpegError, ValueError) as error:
        is_of_device = encoding.encoder in IN_SOFTWARE and not any(_WRONG_VALUE in line for line in said)
        refused = DeviceError if is_of_device else UsageError
        raise refused(_refusal(encoding, meta, said="".join(said[:1]))) from error
    try:
        output.start_encoding()
    except (av.FFmpegError, ValueError) as error:
        advice = extension_for(encoding.encoder)
        raise UsageError(f"{container} cannot hold {encoding.encoder}; {advice}") from error


def _refusal(encoding: Encoding, meta: VideoMeta, *, said: str) -> str:
    size = f"{meta.width}x{meta.height}"
    is_odd = any(length % 2 for length in (meta.width, meta.height))
    if is_odd and encoding.layout.chroma_shift != (0, 0) and encoding.encoder != "ffv1":
        return (
            f"{encoding.encoder} cannot hold {size} in {encoding.layout.name}: sizes must be even; "
            "try --codec ffv1 and .mkv"
        )
    words = " ".join(f"{name}={value}" for name, value in encoding.options.items())
    because = f" ({' '.join(said.split())})" if said else ""
    return f"{encoding.encoder} refuses {size} {encoding.layout.name} with {words or 'no options'}{because}"


def encoder_unavailable_reason(encoder: str) -> str | None:
    """Say why a device's encoder cannot be opened here, None if it can; it is asked for 640x360."""
    context = av.CodecContext.create(encoder, "w")
    if not isinstance(context, VideoCodecContext):
        raise ValueError(f"{encoder} does not encode pictures")
    context.width, context.height, context.pix_fmt = 640, 360, "yuv420p"
    context.time_base = Fraction(1, 25)
    try:
        with ffmpeg_heard(av.logging.ERROR) as said:
            context.open()
    except (av.FFmpegError, ValueError) as error:
        return " ".join("".join(said[:1]).split()) or str(error)
    return None
