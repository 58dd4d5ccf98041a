"""In which layout an encoder is given the samples: the source's own, or one that holds the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import av

from vrestore.errors import UsageError
from vrestore.frames import PixelFormat, VideoMeta
from vrestore.media.av_frames import can_relayout
from vrestore.media.formats import pixel_format

_PIPE_STEMS = ("gray", "yuv420p", "yuv422p", "yuv444p")
IN_PIPE = (
    *_PIPE_STEMS,
    *("yuv411p", "yuva444p", "yuvj420p", "yuvj422p", "yuvj444p"),
    *(
        f"{stem}{bits}le"
        for stem in _PIPE_STEMS
        for bits in (9, 10, 12, 14, 16)
        if (stem, bits) != ("gray", 14)
    ),
)
"""What yuv4mpeg has a word for."""


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
