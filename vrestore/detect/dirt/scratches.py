"""Vertical scratches of film: narrow lines that stand in one column for many frames.

A scratch is an extremum across the rows that goes on down the picture (Kokaram, "Motion Picture Restoration",
1998, chapter 5, whose model is a damped wave across the line; here it is what a top-hat leaves). It stays
while the scene moves: what moves with the scene, such as a pole, is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import MaskArray
from vrestore.media.preview.luma import Luma

_WIDTH_LINES = 55  # a scratch is narrower than one pixel for so many lines
_BAND = 1 / 8  # of the height, over which a line is averaged
_AROUND = 4  # widths to each side, of which the mean is what texture leaves
_LEAST = 5.0  # levels by which a line stands out in every frame
_SHARE = 0.45  # of a line's strength, that its pixels have
_GAP = 1 / 8  # of the height, over which a line may be hidden
_LEAST_LONG, _WHOLE = 0.5, 0.6  # of the height: where the scene moves, and where it does not
_MOVES = 1.6  # pixels a frame across: then a line of the scene would not stay in its column
_FAR = 24  # pixels from a line, within which the scene is looked at


def line_strengths(picture: Luma) -> NDArray[np.float32]:
    """Return how bright, and how dark, a narrow vertical line stands out at each pixel, (2, h, w) levels."""
    height = picture.shape[0]
    wide = max(5, round(height / _WIDTH_LINES)) | 1
    kernel = np.ones((1, wide), np.uint8)
    found = []
    for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        lines = cv2.morphologyEx(picture, kind, kernel).astype(np.float32)
        along = cv2.blur(lines, (1, max(3, round(_BAND * height)) | 1))
        found.append(along - cv2.blur(along, (2 * _AROUND * wide + 1, 1)))
    return np.stack(found)


def find_scratches(
    strengths: NDArray[np.float32], others: Sequence[NDArray[np.float32]], across: NDArray[np.float32]
) -> MaskArray:
    """Return the pixels (h, w) of scratches of a frame.

    Args:
        strengths: of its lines, see `line_strengths`.
        others: those of the frames around it.
        across: pixels by which the scene moves to the right till the next frame, (h, w).
    """
    height, width = strengths.shape[1:]
    marked = np.zeros((height, width), np.bool_)
    near = np.ones((1, 3), np.uint8)
    for kind, own in enumerate(strengths):
        # In the next frame it may be a pixel beside, and in one of them something may lie before it.
        in_each = np.sort([cv2.dilate(other[kind], near) for other in others], axis=0)
        lasting = in_each[1 if len(others) > 2 else 0]
        lines = (np.minimum(lasting, own) > _LEAST).astype(np.uint8)
        lines = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((round(_GAP * height) | 1, 1), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
        for number in range(1, count):
            left, top, wide, high, _ = stats[number].tolist()
            if high < _LEAST_LONG * height or wide > high / 4:
                continue
            rows, columns = slice(top, top + high), slice(max(0, left - 2), left + wide + 2)
            around = across[rows, max(0, left - _FAR) : left + wide + _FAR]
            if abs(float(np.median(around))) < _MOVES and high < _WHOLE * height:
                continue
            part = own[rows, columns]
            is_here = cv2.dilate((labels[rows, columns] == number).astype(np.uint8), near) > 0
            strongest = np.where(is_here, part, 0).max(axis=1, keepdims=True)  # (rows, 1)
            marked[rows, columns] |= is_here & (part > _SHARE * strongest)
    return marked
