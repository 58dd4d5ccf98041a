"""The brightness of frames, small, for who looks at many of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Frame, PixelFormat

Luma = NDArray[np.uint8]
"""(h, w)."""


def small_luma(frame: Frame, format: PixelFormat, *, lines: int) -> Luma:
    """Return the first component (luma, gray, red) as 8 bits, by the means of areas at most `lines` high."""
    component = format.components[0]
    plane = frame.planes[component.plane][:, component.offset :: component.step]
    height, width = small_size(*plane.shape, lines=lines)
    if plane.dtype == np.uint8:
        codes = np.ascontiguousarray(plane, np.uint8)
        if plane.shape == (height, width):
            return codes
        return np.asarray(cv2.resize(codes, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    small = cv2.resize(plane.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint(small * (255 / float(format.peak << component.shift))), np.uint8)


def small_size(height: int, width: int, *, lines: int) -> tuple[int, int]:
    """Return height and width of a picture that is made at most `lines` high."""
    scale = min(1.0, lines / height)
    return max(1, round(height * scale)), max(1, round(width * scale))
