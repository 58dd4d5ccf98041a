"""Write masks: as a small lossless video with the frames' own times, or united as one picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from vrestore.errors import UsageError
from vrestore.files import commit, part_beside, writing
from vrestore.frames import MaskArray, VideoMeta
from vrestore.media.rotation import turned

VIDEO_SUFFIXES, PICTURE_SUFFIXES = (".mkv", ".mov", ".avi"), (".png", ".bmp", ".tif", ".tiff")


class MaskWriter:
    """A mask file under way; what is written is turned as a player shows the video, white is what is meant.

    A video is gray FFV1, or PNG in a MOV, with the times of the frames; a picture holds what any of the masks
    marks. Nothing has the target's name before `finish`. Raises UsageError for a name that is neither."""

    def __init__(self, target: Path, meta: VideoMeta) -> None:
        suffix = target.suffix.lower()
        if suffix not in (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES):
            kinds = ", ".join((*VIDEO_SUFFIXES, *PICTURE_SUFFIXES))
            raise UsageError(f"a mask is written as one of {kinds}, got {str(target)!r}")
        self._target, self._meta, self._part = target, meta, part_beside(target)
        self._is_picture = suffix in PICTURE_SUFFIXES
        self._union: MaskArray | None = None
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        if not self._is_picture:
            with writing(str(target)):
                self._open()
        self.frames = self.marked_frames = self.marked_pixels = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._part.unlink(missing_ok=True)

    @property
    def covered(self) -> float:
        """The share of all pixels that the masks mark."""
        pixels = self.frames * self._meta.width * self._meta.height
        return self.marked_pixels / pixels if pixels else 0.0

    def write(self, mask: MaskArray, pts: int) -> None:
        """Take the mask of the next frame, (H, W) of the decoded picture."""
        marked = int(np.count_nonzero(mask))
        self.frames += 1
        self.marked_frames += marked > 0
        self.marked_pixels += marked
        if self._is_picture:
            self._union = mask.copy() if self._union is None else self._union | mask
            return
        frame = av.VideoFrame.from_ndarray(self._shown(mask), "gray")
        frame.pts, frame.time_base = pts, self._meta.time_base
        with writing(str(self._target)):
            self._put(frame)

    def finish(self) -> None:
        """Give the file its name."""
        with writing(str(self._target)):
            if self._is_picture:
                self._write_picture()
            else:
                self._put(None)
                self._close()
        commit(self._part, self._target)

    def _open(self) -> None:
        container = av.open(str(self._part), "w", format=_MUXERS[self._target.suffix.lower()])
        self._container = container
        codec = _CODECS[self._target.suffix.lower()]
        stream = container.add_stream(codec, rate=self._meta.rate or Fraction(25))
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{codec} encodes pictures")
        height, width = self._shown(np.zeros((self._meta.height, self._meta.width), np.bool_)).shape
        stream.height, stream.width, stream.pix_fmt = height, width, "gray"
        stream.codec_context.time_base = self._meta.time_base
        self._stream = stream

    def _put(self, frame: av.VideoFrame | None) -> None:
        if self._container is not None and self._stream is not None:
            self._container.mux(self._stream.encode(frame))

    def _close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def _write_picture(self) -> None:
        size = self._meta.height, self._meta.width
        union = np.zeros(size, np.bool_) if self._union is None else self._union
        _, coded = cv2.imencode(self._target.suffix, self._shown(union))
        self._part.write_bytes(coded.tobytes())

    def _shown(self, mask: MaskArray) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return np.ascontiguousarray(turned(mask.astype(np.uint8) * 255, rotation=self._meta.rotation))


_CODECS = {".mkv": "ffv1", ".mov": "png", ".avi": "ffv1"}
"""Lossless ones that the containers take; MOV has no ffv1."""

_MUXERS = {".mkv": "matroska", ".mov": "mov", ".avi": "avi"}
