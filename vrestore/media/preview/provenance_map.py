"""The reveal map: a clip that shows of each filled pixel whether it was copied, blended or painted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Frame, VideoMeta
from vrestore.media.preview.display import ClipWriter, as_picture, shown

COPIED, BLENDED, PAINTED = (60, 180, 75), (0, 130, 200), (230, 25, 75)
"""RGB: fetched from the past or the future, from both, from no frame."""

_PICTURE_SHARE = 0.35
"""The share of the restored picture that shines through, gray and dimmed, so that the colors stand out."""


class RevealMap:
    """Draws the map while frames pass, one picture for each."""

    def __init__(self, clip: ClipWriter, meta: VideoMeta) -> None:
        self._clip, self._meta = clip, meta
        self._noted: list[tuple[Box, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]] = []

    def note(
        self, box: Box, hidden: NDArray[np.bool_], fetched: NDArray[np.bool_], blended: NDArray[np.bool_]
    ) -> None:
        """Tell of a hole of the frame that comes next.

        Args:
            box: Where it is in the frame.
            hidden: Its pixels, (H, W) of that box.
            fetched: Which of them, (n) row by row, were taken from another frame.
            blended: Which of them from two.
        """
        self._noted.append((box, hidden, fetched, blended))

    def drawn(
        self, frames: Iterator[Frame], *, first: int = 0, start: int = 0, stop: int | None = None
    ) -> Iterator[Frame]:
        """Let restored frames from number `first` on through, drawing those from `start` to before `stop`."""
        for number, frame in enumerate(frames, first):
            if number < start or (stop is not None and number >= stop):
                yield frame
                continue
            self._clip.write(as_picture(self._picture(frame), rotation=self._meta.rotation), frame.pts)
            self._noted.clear()
            yield frame

    def _picture(self, frame: Frame) -> NDArray[np.float32]:
        gray = shown(frame, self._meta).mean(0, keepdims=True) * _PICTURE_SHARE
        picture = np.repeat(gray, 3, axis=0)
        for box, hidden, fetched, blended in self._noted:
            colors = np.where(blended, _column(BLENDED), np.where(fetched, _column(COPIED), _column(PAINTED)))
            inside = picture[:, box.rows, box.columns]
            inside[:, hidden] += (1 - _PICTURE_SHARE) * colors
        return picture


def _column(color: tuple[int, int, int]) -> NDArray[np.float32]:
    return np.array(color, np.float32)[:, None] / np.float32(255)
