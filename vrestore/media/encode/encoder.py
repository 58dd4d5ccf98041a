"""Which encoder writes the picture, in which layout, how well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
from av.codec.codec import UnknownCodecError

from vrestore.errors import DeviceError, UsageError
from vrestore.frames import VideoMeta
from vrestore.media.encode.containers import CONSTANT_RATE, can_hold, extension_for
from vrestore.media.encode.encoding import IN_SOFTWARE, Encoding, try_encoding
from vrestore.media.encode.layouts import IN_PIPE, layout_for, layouts_of, relayout_warnings
from vrestore.media.encode.quality import encoder_options, is_common_preset, own_options

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

PIPE_CONTAINER = "yuv4mpegpipe"
# Sources whose codec says nothing about how a video should be kept: raw samples and single images.
_NO_FAMILY = {"rawvideo", "wrapped_avframe", "png", "tiff", "bmp", "mjpeg", "exr", "webp", "gif", "apng"}
_FALLBACKS = ("libx264", "libx264rgb", "libx265", "libvpx-vp9", "ffv1")

_RGB_ADVICE = (
    "RGB is kept as RGB, which few players show in H.264; ffmpeg -i TARGET -pix_fmt yuv420p makes a copy for "
    "all of them"
)
_FFV1_ADVICE = (
    "FFV1 keeps all of the picture, but hardly any player shows it in mp4; "
    "ffmpeg -i TARGET -c:v libx264 -pix_fmt yuv420p makes a copy for all of them"
)

# MPEG-1 and 2 know a few frame rates and no other time (ITU-T H.262, table 6-4).
_MPEG2_FAMILY = {"mpeg2video", "mpeg1video"}
_MPEG2_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
)
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
    wanted = family_encoder(meta.codec)
    reasons = []
    for encoder in dict.fromkeys((wanted, *_FALLBACKS) if wanted else _FALLBACKS):
        try:
            found = _asked_for(meta, replace(options, codec=encoder), container, parameters)
        except UsageError as error:
            reasons.append(str(error))
            continue
        if (encoder, container) == ("ffv1", "mp4") and encoder != wanted:
            found = replace(found, warnings=(*found.warnings, _FFV1_ADVICE))
        if encoder == wanted or (wanted is None and meta.codec in _NO_FAMILY):
            return found
        why = reasons[0].partition(";")[0] if wanted else f"there is no encoder for {meta.codec}"
        return replace(found, warnings=(*found.warnings, f"encoded with {encoder}: {why}"))
    raise UsageError(reasons[0])


def _for_pipe(meta: VideoMeta, options: EncodeOptions) -> Encoding:
    if options.codec or options.crf is not None or options.preset or options.extra:
        raise UsageError("yuv4mpeg holds raw samples; no --codec, --crf, --preset or -e applies to it")
    layout = layout_for(IN_PIPE, meta.pixel_format, holder="yuv4mpeg")
    return Encoding("wrapped_avframe", layout, {}, 1 / meta.rate, relayout_warnings(meta, layout))


def family_encoder(codec: str) -> str | None:
    """Return the encoder that keeps a source's codec, None where there is none, or none is to be kept."""
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
    time_base = 1 / meta.rate if container in CONSTANT_RATE else meta.time_base
    tick = _tick(encoder, meta.rate, time_base)
    encoding = Encoding(encoder, layout, chosen, time_base, warnings, tick)
    try_encoding(encoding, meta, container)
    return encoding


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


def _tick(encoder: str, rate: Fraction, time_base: Fraction) -> Fraction | None:
    """Return the tick of an encoder that cannot count in the time base, None where it can."""
    if encoder in _MPEG2_FAMILY:
        return 1 / min(_MPEG2_RATES, key=lambda known: abs(known - rate))
    if encoder in _MPEG4_FAMILY and time_base.denominator > _MPEG4_TICKS:
        near = rate.limit_denominator(1001)
        return 1 / (near if near.numerator <= _MPEG4_TICKS else Fraction(max(1, round(rate))))
    return None
