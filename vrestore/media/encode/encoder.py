"""Which encoder writes the picture, in which layout, how well."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial

import av
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext

from vrestore.errors import DeviceError, UsageError
from vrestore.frames import PixelFormat, VideoMeta
from vrestore.media.av_frames import can_relayout, range_number
from vrestore.media.container.containers import CONSTANT_RATE, can_hold, extension_for
from vrestore.media.container.ffmpeg_log import ffmpeg_heard
from vrestore.media.encode.quality import encoder_options, is_common_preset, own_options
from vrestore.media.formats import pixel_format

ENCODERS = {
    "av1": "libsvtav1",
    "dvvideo": "dvvideo",
    "h264": "libx264",
    "hevc": "libx265",
    "vp8": "libvpx",
    "vp9": "libvpx-vp9",
    "prores": "prores_ks",
    "x264": "libx264",
    "x265": "libx265",
    "h265": "libx265",
}
"""A codec's encoder, where it is not of the codec's name."""

IN_SOFTWARE = {"h264_nvenc": "libx264", "hevc_nvenc": "libx265", "av1_nvenc": "libsvtav1"}
"""Encoders of graphics devices, and those that do the same work on any machine."""

PIPE_CONTAINER = "yuv4mpegpipe"
_PIPE_STEMS = ("gray", "yuv420p", "yuv422p", "yuv444p")
_IN_PIPE = (
    *_PIPE_STEMS,
    *("yuv411p", "yuva444p", "yuvj420p", "yuvj422p", "yuvj444p"),
    *(
        f"{stem}{bits}le"
        for stem in _PIPE_STEMS
        for bits in (9, 10, 12, 14, 16)
        if (stem, bits) != ("gray", 14)
    ),
)

# Sources whose codec says nothing about how a video should be kept: raw samples and single images.
_NO_FAMILY = {"rawvideo", "wrapped_avframe", "png", "tiff", "bmp", "mjpeg", "exr", "webp", "gif", "apng"}
_FALLBACKS = ("libx264", "libx264rgb", "libx265", "libvpx-vp9", "ffv1")

# What FFmpeg says of an option before it looks for a device.
_WRONG_VALUE = "Error setting option"

_RGB_ADVICE = (
    "RGB is kept as RGB, which few players show in H.264; ffmpeg -i TARGET -pix_fmt yuv420p makes a copy for "
    "all of them"
)

# MPEG-1 and 2 know a few frame rates and no other time.
_MPEG2_FAMILY = {"mpeg2video", "mpeg1video"}
# MPEG-4 part 2 counts time in a denominator of 16 bits.
_MPEG4_FAMILY, _MPEG4_TICKS = {"mpeg4", "msmpeg4", "h263p"}, 65535


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """What the user asks of the encoder; None leaves the choice to the source.

    `codec` is an encoder of FFmpeg or one of the words h264, hevc, av1, vp9, ...; `extra` are the
    encoder's own options.
    """

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def for_encoder(self, encoder: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Return FFmpeg's options for one encoder; `parameters` are those the stream itself brings."""
        return encoder_options(
            encoder, crf=self.crf, preset=self.preset, extra=self.extra, parameters=parameters
        )


@dataclass(frozen=True, slots=True)
class Encoding:
    """The choice: FFmpeg's encoder, the layout it is given, its options and what to say about it."""

    encoder: str
    layout: PixelFormat
    options: dict[str, str]
    time_base: Fraction
    warnings: tuple[str, ...] = ()


def choose_encoding(
    meta: VideoMeta,
    options: EncodeOptions,
    *,
    container: str,
    parameters: Mapping[str, Mapping[str, str]],
    strict: bool = False,
) -> Encoding:
    """Choose the encoder and try it at the picture's size, so that nothing fails after the work.

    A device's encoder is never chosen by itself: at the same size those of IN_SOFTWARE look better. One that
    was asked for and cannot be opened gives way to its counterpart there, with a warning.

    Args:
        meta: the picture.
        options: what is asked of the encoder.
        container: FFmpeg's name of what is to hold the result.
        parameters: options by encoder for what the stream carries (mastering data).
        strict: whether a device's encoder that cannot be opened is an error.

    Raises:
        UsageError: the codec asked for does not exist, does not fit the container, cannot hold the
            pixel format or the size, or does not have an option asked for.
        DeviceError: `strict`, and the device's encoder asked for cannot be opened.
    """
    if container == PIPE_CONTAINER:
        return _for_pipe(meta, options)
    if options.codec:
        try:
            return _asked_for(meta, options, container, parameters)
        except DeviceError as error:
            if strict:
                software = IN_SOFTWARE[options.codec.lower()]
                raise DeviceError(f"{error}; pass --codec {software}, or drop --strict") from error
            return _in_software(meta, options, container, parameters, why_not=str(error))
    wanted = _family_encoder(meta.codec)
    reasons = []
    for encoder in dict.fromkeys((wanted, *_FALLBACKS) if wanted else _FALLBACKS):
        try:
            found = _asked_for(meta, replace(options, codec=encoder), container, parameters)
        except UsageError as error:
            reasons.append(str(error))
            continue
        if encoder == wanted or (wanted is None and meta.codec in _NO_FAMILY):
            return found
        why = reasons[0].partition(";")[0] if wanted else f"there is no encoder for {meta.codec}"
        return replace(found, warnings=(*found.warnings, f"encoded with {encoder}: {why}"))
    raise UsageError(reasons[0])


def _for_pipe(meta: VideoMeta, options: EncodeOptions) -> Encoding:
    if options.codec or options.crf is not None or options.preset or options.extra:
        raise UsageError("yuv4mpeg holds raw samples; no --codec, --crf, --preset or -e applies to it")
    layout = layout_for(_IN_PIPE, meta.pixel_format, holder="yuv4mpeg")
    return Encoding("wrapped_avframe", layout, {}, 1 / meta.rate, relayout_warnings(meta, layout))


def _family_encoder(codec: str) -> str | None:
    if codec in _NO_FAMILY and codec != "mjpeg":
        return None
    name = ENCODERS.get(codec, codec)
    return name if _is_encoder(name) else None


def _is_encoder(name: str) -> bool:
    try:
        return av.Codec(name, "w").type == "video"
    except UnknownCodecError:
        return False


def _asked_for(
    meta: VideoMeta, options: EncodeOptions, container: str, parameters: Mapping[str, Mapping[str, str]]
) -> Encoding:
    word = (options.codec or "").lower()
    encoder = ENCODERS.get(word, word)
    if not _is_encoder(encoder):
        raise UsageError(f"unknown codec {options.codec!r}; try h264, hevc, av1, vp9, prores or ffv1")
    if encoder == "libx264" and meta.pixel_format.model == "rgb":
        encoder = "libx264rgb"
    if not can_hold(container, encoder):
        raise UsageError(f"{container} cannot hold {encoder}; {extension_for(encoder)}")
    layout = layout_for(layouts_of(encoder), meta.pixel_format, holder=encoder)
    chosen = options.for_encoder(encoder, parameters.get(encoder, {}))
    if container == "avi":
        chosen.setdefault("bf", "0")  # AVI has no timestamps to put reordered frames in their place
    warnings = relayout_warnings(meta, layout)
    if encoder == "libx264rgb" and meta.codec != "h264":
        warnings = (*warnings, _RGB_ADVICE)
    encoding = Encoding(encoder, layout, chosen, _time_base(encoder, container, meta), warnings)
    _try(encoding, meta)
    return encoding


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


def _in_software(
    meta: VideoMeta,
    options: EncodeOptions,
    container: str,
    parameters: Mapping[str, Mapping[str, str]],
    *,
    why_not: str,
) -> Encoding:
    """Return the counterpart of a device's encoder, without the options that are that one's own."""
    device_encoder = (options.codec or "").lower()
    encoder, own = IN_SOFTWARE[device_encoder], own_options(device_encoder)
    has_preset = encoder != "libsvtav1" and options.preset is not None and is_common_preset(options.preset)
    dropped = [f"-e {name}" for name in options.extra if name in own]
    dropped += ["--preset"] if options.preset is not None and not has_preset else []
    asked = EncodeOptions(
        codec=encoder,
        crf=options.crf,
        preset=options.preset if has_preset else None,
        extra={name: value for name, value in options.extra.items() if name not in own},
    )
    found = _asked_for(meta, asked, container, parameters)
    without = f" without {', '.join(dropped)}" if dropped else ""
    return replace(found, warnings=(*found.warnings, f"encoded with {encoder}{without}: {why_not}"))


def layouts_of(encoder: str) -> list[str] | None:
    """Return the names of the layouts an encoder takes, None when it takes any."""
    formats = av.Codec(encoder, "w").video_formats
    return None if formats is None else [item.name for item in formats]


def layout_for(names: Sequence[str] | None, layout: PixelFormat, *, holder: str) -> PixelFormat:
    """Return the source's layout or one of `names` that holds the same samples.

    Raises UsageError when there is neither; `holder` is who refuses.
    """
    if names is None or layout.name in names:
        return layout
    held = (found for name in names if (found := pixel_format(name)) and can_relayout(layout, found))
    best = min(held, key=partial(_strangeness, layout), default=None)
    if best is None:
        some = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        raise UsageError(f"{holder} cannot hold {layout.name} (it holds {some}); try --codec ffv1 and .mkv")
    return best


def _strangeness(layout: PixelFormat, other: PixelFormat) -> tuple[bool, bool, bool]:
    return (
        (layout.alpha is None) != (other.alpha is None),
        layout.name.startswith("yuvj") != other.name.startswith("yuvj"),
        layout.plane_count != other.plane_count,
    )


def relayout_warnings(meta: VideoMeta, layout: PixelFormat) -> tuple[str, ...]:
    """Say that samples lie differently in the target, nothing when they do not."""
    if layout.name == meta.pixel_format.name:
        return ()
    return (f"samples were laid out as {layout.name} instead of {meta.pixel_format.name}",)


def _time_base(encoder: str, container: str, meta: VideoMeta) -> Fraction:
    too_fine = encoder in _MPEG4_FAMILY and meta.time_base.denominator > _MPEG4_TICKS
    by_rate = encoder in _MPEG2_FAMILY or container in CONSTANT_RATE
    return 1 / meta.rate if too_fine or by_rate else meta.time_base


def _try(encoding: Encoding, meta: VideoMeta) -> None:
    context = av.CodecContext.create(encoding.encoder, "w")
    if not isinstance(context, VideoCodecContext):
        raise UsageError(f"{encoding.encoder} does not encode pictures")
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


def configure(context: VideoCodecContext, encoding: Encoding, meta: VideoMeta) -> None:
    """Set up an encoder for the picture: size, layout, time, shape of a pixel and color."""
    context.width, context.height = meta.width, meta.height
    context.pix_fmt = encoding.layout.name
    context.time_base = encoding.time_base
    context.framerate = meta.rate
    context.sample_aspect_ratio = meta.sample_aspect_ratio
    color = meta.color
    context.colorspace, context.color_primaries = color.matrix, color.primaries
    context.color_trc = color.transfer
    context.color_range = range_number(color)
    context.thread_count = 0
    context.thread_type = "AUTO"  # PyAV's default is by slices, a quarter slower and larger in x264
    context.flags |= av.codec.context.Flags.frame_duration
    context.options = {**encoding.options, "chroma_sample_location": str(color.chroma_location)}


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
