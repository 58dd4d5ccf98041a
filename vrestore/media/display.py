"""Small H.264 clips and pictures for looking at: written whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from vrestore.errors import TargetError
from vrestore.frames import Box, Frame, VideoMeta
from vrestore.media.colour import to_rgb
from vrestore.media.target import part_beside, settle, writing
from vrestore.media.turning import turned

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

CLIP_SUFFIXES = frozenset({".mkv", ".mov", ".mp4"})
PICTURE_SUFFIXES = frozenset({".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})

_BT709 = 1  # H.273 code point
_ENCODER = {"crf": "18", "preset": "veryfast"}


def shown(frame: Frame, meta: VideoMeta) -> NDArray[np.float32]:
    """Give the whole frame as RGB (3, H, W) in [0, 1]."""
    whole = Box(0, 0, meta.width, meta.height)
    return to_rgb(frame, whole, format=meta.pixel_format, colour=meta.colour)


def as_picture(rgb: NDArray[np.float32], *, rotation: int = 0) -> Picture:
    """Give (3, H, W) in [0, 1] as a Picture turned for display; values beyond are cut."""
    codes = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return turned(codes.transpose(1, 2, 0), rotation=rotation)


def save_picture(picture: Picture, place: Path) -> None:
    """Write an image file; raises TargetError for a suffix that is no image's."""
    if place.suffix.lower() not in PICTURE_SUFFIXES:
        raise TargetError(f"{str(place)!r} is no image; known are {', '.join(sorted(PICTURE_SUFFIXES))}")
    _, data = cv2.imencode(place.suffix.lower(), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    part = part_beside(place)
    try:
        with writing(str(place)):
            part.write_bytes(data.tobytes())
        settle(part, place)
    finally:
        part.unlink(missing_ok=True)


class ClipWriter:
    """An H.264 clip of pictures of one size, which appears under its name when it is finished.

    The pictures are turned for display. The video that they are of gives time base, pixel shape,
    primaries and transfer. Odd sizes
    are made even by repeating the last row or column.
    """

    def __init__(self, place: Path, meta: VideoMeta) -> None:
        if place.suffix.lower() not in CLIP_SUFFIXES:
            raise TargetError(f"{str(place)!r} is no video; known are {', '.join(sorted(CLIP_SUFFIXES))}")
        self._place, self._part, self._meta = place, part_beside(place), meta
        self._first_pts: int | None = None
        self._reformatter = VideoReformatter()
        try:
            with writing(str(place)):
                self._container = av.open(f"file:{self._part}", "w")
        except BaseException:
            self._part.unlink(missing_ok=True)
            raise
        self._stream = self._container.add_stream("libx264", rate=meta.rate, options=_ENCODER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def write(self, picture: Picture, pts: int) -> None:
        """Add a picture at a time of the video's time base; times must increase."""
        height, width = picture.shape[:2]
        even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._first_pts is None:
            self._first_pts = pts
            self._describe(even)
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts, frame.time_base = pts - self._first_pts, self._meta.time_base
        with writing(str(self._place)):
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Give the clip its name."""
        with writing(str(self._place)):
            if self._first_pts is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
        settle(self._part, self._place)

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
        with suppress(OSError, av.FFmpegError):  # closing writes the end of the file
            self._container.close()
        self._part.unlink(missing_ok=True)

    def _describe(self, picture: Picture) -> None:
        context, colour = self._stream.codec_context, self._meta.colour
        context.height, context.width = picture.shape[:2]
        context.pix_fmt, context.time_base = "yuv420p", self._meta.time_base
        aspect = self._meta.sample_aspect_ratio
        context.sample_aspect_ratio = aspect if self._meta.rotation % 180 == 0 else 1 / aspect
        context.colorspace, context.color_range = _BT709, int(ColorRange.MPEG)
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
