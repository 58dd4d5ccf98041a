"""Small H.264 clips and pictures for looking at: written whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vrestore.errors import TargetError
from vrestore.files import commit, part_beside, writing
from vrestore.frames import Box, Frame, Rotation, VideoMeta
from vrestore.media.color.convert import to_rgb
from vrestore.media.container.segment_files import SegmentDir
from vrestore.media.container.segment_series import Coder, Series
from vrestore.media.encode.quality import REPEATABLE
from vrestore.media.rotation import turned
from vrestore.media.write_result import Discarding

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

CLIP_SUFFIXES = frozenset({".mkv", ".mov", ".mp4"})
PICTURE_SUFFIXES = frozenset({".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})

_UNTURNED = Rotation()
_BT709 = 1  # H.273 code point
_ENCODER = {"crf": "18", "preset": "veryfast", **REPEATABLE}


def shown(frame: Frame, meta: VideoMeta) -> NDArray[np.float32]:
    """Return the whole frame as RGB (3, H, W) in [0, 1]."""
    whole = Box(0, 0, meta.width, meta.height)
    return to_rgb(frame, whole, format=meta.pixel_format, color=meta.color)


def as_picture(rgb: NDArray[np.float32], *, rotation: Rotation = _UNTURNED) -> Picture:
    """Return (3, H, W) in [0, 1] as a Picture turned for display; values beyond are cut."""
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
        commit(part, place)
    finally:
        part.unlink(missing_ok=True)


class ClipWriter(Discarding):
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
        self._size = (0, 0)
        self._reformatter = VideoReformatter()
        self._stream: VideoStream | None = None
        self._series: Series | None = None
        try:
            with writing(str(place)):
                self._container = av.open(f"file:{self._part}", "w")
        except BaseException:
            self._part.unlink(missing_ok=True)
            raise

    def begin(self, place: SegmentDir, *, first_pts: int) -> None:
        """Write segments, to be joined when the clip is finished; the video's first frame is at `first_pts`.

        Pictures of frames that finished segments hold are not to be written again.
        """
        coder = Coder(str(self._place), "nut", self._added, self._meta.time_base, has_header=True)
        self._series, self._first_pts = Series(place, coder), first_pts

    @property
    def series(self) -> Series | None:
        """The segments, None where it is written in one piece."""
        return self._series

    def write(self, picture: Picture, pts: int) -> None:
        """Add a picture at a time of the video's time base; times must increase."""
        height, width = picture.shape[:2]
        even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        self._first_pts = pts if self._first_pts is None else self._first_pts
        self._size = even.shape[:2]
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,  # with more, swscale 9.5 left rows of small pictures unwritten now and then
        )
        frame.pts, frame.time_base = pts - self._first_pts, self._meta.time_base
        if self._series is not None:
            self._series.write(frame, pts - self._first_pts)
            return
        with writing(str(self._place)):
            self._stream = self._stream or self._added(self._container)
            self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Finish the last segment, where there are segments."""
        if self._series is not None:
            self._series.end()

    def finish(self) -> None:
        """Finish the clip and let it have its name."""
        self.end()
        with writing(str(self._place)):
            if self._series is not None:
                self._series.join(self._container)
            elif self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
        commit(self._part, self._place)

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
        if self._series is not None:
            self._series.discard()
        with suppress(OSError, av.FFmpegError):  # closing writes the end of the file
            self._container.close()
        self._part.unlink(missing_ok=True)

    def _added(self, container: OutputContainer) -> VideoStream:
        """Add a stream for pictures of the size of the last one."""
        stream = container.add_stream("libx264", rate=self._meta.rate, options=_ENCODER)
        context, color = stream.codec_context, self._meta.color
        context.height, context.width = self._size
        context.pix_fmt, context.time_base = "yuv420p", self._meta.time_base
        aspect = self._meta.sample_aspect_ratio
        context.sample_aspect_ratio = aspect if self._meta.rotation.quarters % 2 == 0 else 1 / aspect
        context.colorspace, context.color_range = _BT709, int(ColorRange.MPEG)
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        return stream
