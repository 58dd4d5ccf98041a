"""Which encoder writes the picture, in which layout, how well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext

from vrestore.errors import UsageError
from vrestore.frames import PixelFormat, VideoMeta
from vrestore.media.containers import can_hold
from vrestore.media.formats import pixel_format
from vrestore.media.pictures import can_relayout

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

# Sources whose codec says nothing about how a video should be kept: raw samples and single images.
_NO_FAMILY = {"rawvideo", "wrapped_avframe", "png", "tiff", "bmp", "mjpeg", "exr", "webp", "gif", "apng"}
_FALLBACKS = ("libx264", "libx264rgb", "libx265", "libvpx-vp9", "ffv1")

_NEAR_TRANSPARENT: dict[str, dict[str, str]] = {
    "libx264": {"crf": "16", "preset": "veryfast"},
    "libx264rgb": {"crf": "16", "preset": "veryfast"},
    "libx265": {"crf": "18", "preset": "fast"},
    "libsvtav1": {"crf": "20", "preset": "8"},
    "libvpx-vp9": {"crf": "20", "b": "0", "cpu-used": "4", "row-mt": "1"},
    "libvpx": {"crf": "8", "b": "60M", "cpu-used": "4"},
    "h264_nvenc": {"rc": "constqp", "qp": "16"},
    "hevc_nvenc": {"rc": "constqp", "qp": "18"},
    "av1_nvenc": {"rc": "constqp", "qp": "50"},
    "ffv1": {"level": "3", "slices": "16", "slicecrc": "1", "coder": "1", "context": "1"},
}
# MPEG-style encoders have a quantiser instead of crf: 2 is the best that does not waste bits.
_QUANTISER = {"flags": "+qscale", "global_quality": str(2 * 118)}  # 118 is FFmpeg's FF_QP2LAMBDA
_WITH_QUANTISER = {"mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "msmpeg4", "wmv2", "flv", "h263", "h263p"}
# What MPEG-4 part 2 allows as a denominator of time.
_MPEG4_TICKS = 65535


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


@dataclass(frozen=True, slots=True)
class Encoding:
    """The choice: FFmpeg's encoder, the layout it is given, its options and what to say about it."""

    encoder: str
    layout: PixelFormat
    options: dict[str, str]
    time_base: Fraction
    warnings: tuple[str, ...] = ()


def choose_encoding(
    meta: VideoMeta, options: EncodeOptions, *, container: str, parameters: Mapping[str, Mapping[str, str]]
) -> Encoding:
    """Choose the encoder and try it at the picture's size, so that nothing fails after the work.

    `parameters` are options by encoder for what the stream carries (mastering data).

    Raises:
        UsageError: the codec asked for does not exist, does not fit the container, cannot hold the
            pixel format or the size, or does not have an option asked for.
    """
    if options.codec:
        return _asked_for(meta, options, container, parameters)
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
        why = reasons[0] if wanted else f"there is no encoder for {meta.codec}"
        return replace(found, warnings=(*found.warnings, f"encoded with {encoder}: {why}"))
    raise UsageError(reasons[0])


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
        raise UsageError(f"{container} cannot hold {encoder}; give the output the extension .mkv")
    layout = _layout_for(encoder, meta.pixel_format)
    warnings: tuple[str, ...] = ()
    if layout.name != meta.pixel_format.name:
        warnings = (f"samples were laid out as {layout.name} instead of {meta.pixel_format.name}",)
    chosen = _options(encoder, options, parameters.get(encoder, {}))
    encoding = Encoding(encoder, layout, chosen, _time_base(encoder, meta), warnings)
    _try(encoding, meta)
    return encoding


def _layout_for(encoder: str, layout: PixelFormat) -> PixelFormat:
    """Give the source's layout or one that holds the same samples; raise UsageError without either."""
    formats = av.Codec(encoder, "w").video_formats
    names = [layout.name] if formats is None else [item.name for item in formats]
    if layout.name in names:
        return layout
    held = (found for name in names if (found := pixel_format(name)) and can_relayout(layout, found))
    best = min(held, key=lambda other: (other.alpha is not None, other.name.startswith("yuvj")), default=None)
    if best is None:
        some = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        raise UsageError(f"{encoder} cannot hold {layout.name} (it holds {some}); try --codec ffv1 and .mkv")
    return best


def _options(encoder: str, asked: EncodeOptions, parameters: Mapping[str, str]) -> dict[str, str]:
    chosen = dict(_NEAR_TRANSPARENT.get(encoder, {}))
    if encoder in _WITH_QUANTISER and "b" not in asked.extra:
        chosen |= _QUANTISER
    context = av.CodecContext.create(encoder, "w")
    known = {option.name for option in context.supported_options.private}
    if asked.crf is not None:
        if "crf" not in known:
            raise UsageError(f"{encoder} has no --crf; {_what_instead(encoder, known)}")
        if not 0 <= asked.crf <= 63:
            raise UsageError(f"--crf is between 0 and 63, got {asked.crf:g}")
        chosen["crf"] = f"{asked.crf:g}"
    if asked.preset is not None:
        if "preset" not in known:
            raise UsageError(f"{encoder} has no --preset; {_what_instead(encoder, known)}")
        chosen["preset"] = asked.preset
    everything = known | {option.name for option in context.supported_options.generic}
    for name, value in asked.extra.items():
        if name not in everything:
            raise UsageError(f"{encoder} has no option {name!r}")
        chosen[name] = value
    return _joined(chosen, parameters)


def _what_instead(encoder: str, known: set[str]) -> str:
    lossless = av.Codec(encoder, "w").lossless and not av.Codec(encoder, "w").lossy
    if lossless:
        return "it is lossless"
    has = sorted(known & {"cq", "qp", "quality", "profile", "cpu-used", "speed"})
    return f"it has -e {'=, -e '.join([*has, 'b'])}="


def _joined(chosen: dict[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """Add the stream's parameters; those in x265's colon lists go before the user's own."""
    for name, value in parameters.items():
        chosen[name] = f"{value}:{chosen[name]}" if name in chosen else value
    return chosen


def _time_base(encoder: str, meta: VideoMeta) -> Fraction:
    if encoder in {"mpeg4", "msmpeg4", "h263p"} and meta.time_base.denominator > _MPEG4_TICKS:
        return 1 / meta.rate.limit_denominator(1001)
    return meta.time_base


def _try(encoding: Encoding, meta: VideoMeta) -> None:
    context = av.CodecContext.create(encoding.encoder, "w")
    if not isinstance(context, VideoCodecContext):
        raise UsageError(f"{encoding.encoder} does not encode pictures")
    configure(context, encoding, meta)
    try:
        context.open()
    except (av.FFmpegError, ValueError) as error:
        raise UsageError(_refusal(encoding, meta)) from error


def configure(context: VideoCodecContext, encoding: Encoding, meta: VideoMeta) -> None:
    """Set up an encoder for the picture: size, layout, time, shape of a pixel and colour."""
    context.width, context.height = meta.width, meta.height
    context.pix_fmt = encoding.layout.name
    context.time_base = encoding.time_base
    context.framerate = meta.rate
    context.sample_aspect_ratio = meta.sample_aspect_ratio
    colour = meta.colour
    context.colorspace, context.color_primaries = colour.matrix, colour.primaries
    context.color_trc = colour.transfer
    context.color_range = {None: 0, False: 1, True: 2}[colour.full_range]
    context.thread_count = 0
    context.flags |= av.codec.context.Flags.frame_duration
    context.options = {**encoding.options, "chroma_sample_location": str(colour.chroma_location)}


def _refusal(encoding: Encoding, meta: VideoMeta) -> str:
    size = f"{meta.width}x{meta.height}"
    if any(size % 2 for size in (meta.width, meta.height)) and encoding.layout.chroma_shift != (0, 0):
        return (
            f"{encoding.encoder} cannot hold {size} in {encoding.layout.name}: sizes must be even; "
            "try --codec ffv1 and .mkv"
        )
    words = " ".join(f"{name}={value}" for name, value in encoding.options.items())
    return f"{encoding.encoder} refuses {size} {encoding.layout.name} with {words or 'no options'}"
