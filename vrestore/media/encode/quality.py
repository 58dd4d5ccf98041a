"""How well an encoder writes: near-transparent unless something else is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import av
import cv2

from vrestore.errors import UsageError

_AVX512_SKX = 256  # OpenCV's number of those parts of AVX-512 that x264 asks for
REPEATABLE = (
    {"x264-params": "asm=MMX2,SSE2Fast,SSSE3,SSE42,AVX,FMA3,BMI2,AVX2"}
    if cv2.checkHardwareSupport(_AVX512_SKX)
    else {}
)
"""Options by which x264 gives the same file for the same pictures.

With AVX-512 what its macroblock tree finds depends on what else lies in memory, as measured: at
some sizes one file in ten was another. Without AVX-512 none was, and encoding takes as long.
"""
_NEAR_TRANSPARENT: dict[str, dict[str, str]] = {
    "libx264": {"crf": "16", "preset": "medium", **REPEATABLE},
    "libx264rgb": {"crf": "16", "preset": "medium", **REPEATABLE},
    "libx265": {"crf": "18", "preset": "fast", "x265-params": "log-level=error"},
    "libsvtav1": {"crf": "20", "preset": "8"},
    "libvpx-vp9": {"crf": "20", "b": "0", "cpu-used": "4", "row-mt": "1"},
    "libvpx": {"crf": "8", "b": "60M", "cpu-used": "4"},
    "h264_nvenc": {"rc": "constqp", "qp": "16"},
    "hevc_nvenc": {"rc": "constqp", "qp": "18"},
    "av1_nvenc": {"rc": "constqp", "qp": "50"},
    "mjpeg": {"strict": "-1"},  # limited range in JPEG is common but not in its text
    "ffv1": {"level": "3", "slicecrc": "1"},
}
# NVENC's nearest to crf is a constant quantiser: of the same steps, or of AV1's 0 to 255, where libaom and
# SVT-AV1 also take 4 for one of crf.
_STEPS_OF_CRF = {"h264_nvenc": 1, "hevc_nvenc": 1, "av1_nvenc": 4}
_HIGHEST_CRF = {"h264_nvenc": 51, "hevc_nvenc": 51}
_NVENC_PRESETS = {
    "ultrafast": "p1",
    "superfast": "p1",
    "veryfast": "p2",
    "faster": "p3",
    "fast": "p3",
    "medium": "p4",
    "slow": "p5",
    "slower": "p6",
    "veryslow": "p7",
    "placebo": "p7",
}
"""x264's words for how thorough an encoder is, and NVENC's."""
# MPEG-style encoders have a quantiser instead of crf: 2 is the best that does not waste bits.
_QUANTISER = {"flags": "+qscale", "global_quality": str(2 * 118)}  # 118 is FFmpeg's FF_QP2LAMBDA
_LISTS = {"x264-params", "x265-params"}
_RATE_CONTROL = {"crf", "qp", "b", "rc", "cq", "global_quality", "flags"}
_WITH_QUANTISER = {"mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "msmpeg4", "wmv2", "flv", "h263", "h263p"}


def encoder_options(
    encoder: str,
    *,
    crf: float | None,
    preset: str | None,
    extra: Mapping[str, str],
    parameters: Mapping[str, str],
) -> dict[str, str]:
    """Return an encoder's options: near-transparent ones, changed by what was asked for.

    Args:
        encoder: FFmpeg's name of it.
        crf: the constant quality asked for, None for ours.
        preset: the preset asked for, None for ours.
        extra: the encoder's own options as asked for.
        parameters: options that the stream itself brings, such as mastering data.

    Raises:
        UsageError: the encoder does not have one of them.
    """
    chosen = dict(_NEAR_TRANSPARENT.get(encoder, {}))
    if encoder in _WITH_QUANTISER:
        chosen |= _QUANTISER
    if _RATE_CONTROL & set(extra):
        chosen = {name: value for name, value in chosen.items() if name not in _RATE_CONTROL}
    known = own_options(encoder)
    if crf is not None:
        chosen |= _constant_quality(encoder, crf, known)
    if preset is not None:
        if "preset" not in known:
            raise UsageError(f"{encoder} has no --preset; {_what_instead(encoder, known)}")
        chosen["preset"] = _NVENC_PRESETS.get(preset, preset) if encoder in _STEPS_OF_CRF else preset
    generic = av.CodecContext.create(encoder, "w").supported_options.generic
    everything = known | {option.name for option in generic}
    for name, value in extra.items():
        if name not in everything:
            raise UsageError(f"{encoder} has no option {name!r}")
        chosen[name] = f"{chosen[name]}:{value}" if name in _LISTS and name in chosen else value
    return _joined(chosen, parameters)


def own_options(encoder: str) -> set[str]:
    """Return the names of the options that an encoder has beside those that FFmpeg knows for all."""
    return {option.name for option in av.CodecContext.create(encoder, "w").supported_options.private}


def is_common_preset(preset: str) -> bool:
    """Tell whether a preset is one of x264's words, which x265 and NVENC also take."""
    return preset in _NVENC_PRESETS


def _constant_quality(encoder: str, crf: float, known: set[str]) -> dict[str, str]:
    steps = _STEPS_OF_CRF.get(encoder)
    if steps is None and "crf" not in known:
        raise UsageError(f"{encoder} has no --crf; {_what_instead(encoder, known)}")
    highest = _HIGHEST_CRF.get(encoder, 63)
    if not 0 <= crf <= highest:
        raise UsageError(f"--crf is between 0 and {highest}, got {crf:g}")
    return {"crf": f"{crf:g}"} if steps is None else {"rc": "constqp", "qp": str(round(steps * crf))}


def _what_instead(encoder: str, known: set[str]) -> str:
    lossless = av.Codec(encoder, "w").lossless and not av.Codec(encoder, "w").lossy
    if lossless:
        return "it is lossless"
    has = sorted(known & {"cq", "qp", "quality", "profile", "cpu-used", "speed"})
    return f"it has -e {'=, -e '.join([*has, 'b'])}="


def _joined(chosen: dict[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """Add the stream's parameters; those in colon lists go before the user's own."""
    for name, value in parameters.items():
        chosen[name] = f"{value}:{chosen[name]}" if name in chosen else value
    return chosen
