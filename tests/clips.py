"""Fixtures drawn by code: small clips, masks and what a video says of itself."""

from __future__ import annotations

from fractions import Fraction

from vrestore.frames import VideoMeta
from vrestore.media.formats import pixel_format


def mask_meta(
    *, height: int = 45, width: int = 67, frame_count: int | None = None, rate: Fraction | int = 25
) -> VideoMeta:
    """Give what a made video of that size says of itself; without a count it says no duration."""
    layout = pixel_format("yuv420p")
    assert layout is not None
    return VideoMeta(
        source="made.mp4",
        container="mov,mp4",
        codec="h264",
        width=width,
        height=height,
        pixel_format=layout,
        time_base=Fraction(1, 12800),
        rate=Fraction(rate),
        frame_count=frame_count,
        duration_seconds=None if frame_count is None else float(frame_count / Fraction(rate)),
    )
