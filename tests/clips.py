"""Fixtures drawn by code: small clips, masks and what a video says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

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


def write_pictures(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    *,
    codec: str = "ffv1",
    layout: str = "gray",
    rate: Fraction | int = 25,
    full_range: bool | None = None,
) -> Path:
    """Write pictures, (H, W) grey or (H, W, 3) RGB or (H, W, 4) RGBA, as a video; ffv1 loses nothing."""
    formats = {2: "gray", 3: "rgb24", 4: "rgba"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        for number, picture in enumerate(pictures):
            name = formats[picture.shape[-1] if picture.ndim == 3 else 2]
            if number == 0:
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], layout
                if full_range is not None:
                    stream.codec_context.color_range = 2 if full_range else 1
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=name)
            frame = frame.reformat(format=layout, dst_color_range=2 if full_range else None)
            frame.pts, frame.time_base = number, 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
