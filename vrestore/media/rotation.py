"""Between the picture as a player shows it and the picture as it is decoded.

A rotation is FFmpeg's: degrees counterclockwise by which the decoded picture is turned for display.
Other angles than quarter turns are not turned at all, which is what most players do.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box

Sample = TypeVar("Sample", bound=np.generic)


def displayed_size(height: int, width: int, *, rotation: int) -> tuple[int, int]:
    """Return height and width of the picture that a player shows."""
    return (width, height) if _quarters(rotation) % 2 else (height, width)


def turned(picture: NDArray[Sample], *, rotation: int) -> NDArray[Sample]:
    """Turn a decoded picture, (H, W) or (H, W, 3), for display; contiguous."""
    return np.ascontiguousarray(np.rot90(picture, _quarters(rotation)))


def turned_back(picture: NDArray[Sample], *, rotation: int) -> NDArray[Sample]:
    """Turn a picture as displayed, (H, W) or (H, W, 3), to where the decoded one has it; contiguous."""
    return np.ascontiguousarray(np.rot90(picture, -_quarters(rotation)))


def box_turned_back(box: Box, *, height: int, width: int, rotation: int) -> Box:
    """Turn a box of a displayed picture of `height` by `width` to where the decoded one has it."""
    for _ in range(_quarters(rotation)):  # each a quarter clockwise
        box = Box(height - box.y - box.height, box.x, box.height, box.width)
        height, width = width, height
    return box


def box_turned(box: Box, *, height: int, width: int, rotation: int) -> Box:
    """Turn a box of a decoded picture of `height` by `width` to where a player shows it."""
    for _ in range(_quarters(rotation)):  # each a quarter counterclockwise
        box = Box(box.y, width - box.x - box.width, box.height, box.width)
        height, width = width, height
    return box


def _quarters(rotation: int) -> int:
    return rotation // 90 % 4 if rotation % 90 == 0 else 0
