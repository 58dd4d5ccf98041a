"""The reveal map: a clip that shows of each filled pixel where its color comes from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Frame, VideoMeta
from vrestore.media.preview.display import ClipWriter, as_picture, shown

COPIED, BLENDED, PAINTED = (60, 180, 75), (0, 130, 200), (230, 25, 75)
"""RGB: fetched from the past or the future, from both, from no frame."""

TEXTURE = (240, 50, 230)
"""RGB of what no frame shows and is painted with texture; smooth paint is PAINTED."""

PAST, FUTURE = (60, 180, 75), (245, 160, 40)
"""RGB of what was read once, at full sharpness, from an earlier and from a later frame."""

OLDEST_FRAMES, OLDEST_SHARE = 48, 0.35
"""From so many frames away on a pixel has this share of its color's brightness, nearer ones more."""

_PICTURE_SHARE = 0.35
"""The share of the restored picture that shines through, gray and dimmed, so that the colors stand out."""


class RevealMap:
    """Draws the map while frames pass, one picture for each."""

    def __init__(self, clip: ClipWriter, meta: VideoMeta) -> None:
        self._clip, self._meta = clip, meta
        self._noted: list[tuple[Box, NDArray[np.bool_], NDArray[np.float32]]] = []

    def note(
        self,
        box: Box,
        hidden: NDArray[np.bool_],
        fetched: NDArray[np.bool_],
        blended: NDArray[np.bool_],
        age: NDArray[np.int32] | None = None,
        texture: NDArray[np.bool_] | None = None,
    ) -> None:
        """Tell of a hole of the frame that comes next.

        Args:
            box: Where it is in the frame.
            hidden: Its pixels, (H, W) of that box.
            fetched: Which of them, (n) row by row, were taken from another frame.
            blended: Which of them from two.
            age: How many frames later the one is that a pixel was read from, (n): below 0 earlier, 0 for
                those that were not read from one frame.
            texture: Which were painted with texture.
        """
        self._noted.append((box, hidden, _colors(fetched, blended, age, texture)))

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
        for box, hidden, colors in self._noted:
            inside = picture[:, box.rows, box.columns]
            inside[:, hidden] += (1 - _PICTURE_SHARE) * colors
        return picture


def _colors(
    fetched: NDArray[np.bool_],
    blended: NDArray[np.bool_],
    age: NDArray[np.int32] | None = None,
    texture: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the colors of hidden pixels, (3, n)."""
    colors = np.where(blended, _column(BLENDED), np.where(fetched, _column(COPIED), _column(PAINTED)))
    if texture is not None:
        colors = np.where(texture, _column(TEXTURE), colors)
    if age is None:
        return colors
    share = 1 - (1 - OLDEST_SHARE) * np.minimum(np.abs(age) / OLDEST_FRAMES, 1)
    read = np.where(age < 0, _column(PAST), _column(FUTURE)) * share
    return np.where(age == 0, colors, read).astype(np.float32)


def _column(color: tuple[int, int, int]) -> NDArray[np.float32]:
    return np.array(color, np.float32)[:, None] / np.float32(255)
