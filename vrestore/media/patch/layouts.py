"""Which encoder, and in which layout, holds a picture together with alpha."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from vrestore.errors import UsageError
from vrestore.frames import PixelFormat, VideoMeta
from vrestore.media.encode.encoder import ENCODERS
from vrestore.media.encode.layouts import layouts_of
from vrestore.media.formats import pixel_format

WITH_ALPHA = "prores_ks", "ffv1", "qtrle", "png"
"""Encoders whose alpha comes back as it was written; that of VP9 would be lossy, and few decoders see it."""

_IN_MOVIE = "prores_ks", "qtrle", "ffv1"
"""What editors read of a MOV, the most common first."""

_WORDS = "prores, ffv1, qtrle or png"


def patch_encoder(codec: str | None, container: str, meta: VideoMeta) -> tuple[str, PixelFormat]:
    """Return the encoder of a patch, the one asked for or one for the container, and its layout.

    Raises UsageError where what is asked for holds no alpha, or not beside samples of that many bits.
    """
    if codec is not None:
        encoder = ENCODERS.get(codec.lower(), codec.lower())
        if encoder not in WITH_ALPHA:
            raise UsageError(f"{codec} holds no alpha; --patch-only takes --codec {_WORDS}")
        found = layout_with_alpha(layouts_of(encoder) or (), meta, encoder=encoder)
        if found is None:
            raise UsageError(
                f"{encoder} cannot hold {meta.pixel_format.name} with alpha; --patch-only takes --codec ffv1"
            )
        return encoder, found
    for encoder in _IN_MOVIE if container == "mov" else ("ffv1",):
        found = layout_with_alpha(layouts_of(encoder) or (), meta, encoder=encoder)
        # By itself nothing is chosen that makes RGB of what is none.
        if found is not None and (
            found.model == meta.pixel_format.model or meta.pixel_format.model == "gray"
        ):
            return encoder, found
    raise UsageError(f"no encoder holds {meta.pixel_format.name} with alpha; drop --patch-only")


def layout_with_alpha(names: Sequence[str], meta: VideoMeta, *, encoder: str = "") -> PixelFormat | None:
    """Return which of these layouts holds the picture's samples beside alpha, None where none does.

    The nearest is that of the picture itself; chroma may become as fine as luma, and all may become RGB.
    """
    layouts = (found for name in names if (found := pixel_format(name)) and found.alpha)
    able = [layout for layout in layouts if _can_hold(layout, meta, encoder)]
    return min(able, key=partial(_distance, meta.pixel_format), default=None)


def patch_meta(meta: VideoMeta, layout: PixelFormat) -> VideoMeta:
    """Return what is said of a patch in a layout: all that is said of the source, but for its layout."""
    color = meta.color
    if meta.pixel_format.name.startswith("yuvj"):
        color = replace(color, full_range=True)  # no layout with alpha says it by its name
    if layout.model == "rgb" and meta.pixel_format.model != "rgb":
        color = replace(color, matrix=0, full_range=True, chroma_location=0)
    return replace(meta, pixel_format=layout, color=color)


def _can_hold(layout: PixelFormat, meta: VideoMeta, encoder: str) -> bool:
    own = meta.pixel_format
    if layout.bits < own.bits or (own.model == "rgb" and layout.model != "rgb"):
        return False
    is_full = own.model == "gray" or meta.color.full_range or own.name.startswith("yuvj")
    if encoder == "prores_ks" and is_full:
        return False  # its decoders take every picture for one of limited range
    if layout.model == "gray":
        return own.model == "gray"
    is_as_fine = own.model == "yuv" and layout.chroma_shift in {own.chroma_shift, (0, 0)}
    return layout.model == "rgb" or is_as_fine


def _distance(own: PixelFormat, layout: PixelFormat) -> tuple[bool, bool, int]:
    return layout.model != own.model, layout.chroma_shift != own.chroma_shift, layout.bits
