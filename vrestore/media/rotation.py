"""Between the picture as a player shows it and the picture as it is decoded.

What a rotation is, `vrestore.frames.Rotation` says.
"""

from __future__ import annotations

import math
from typing import TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Rotation
from vrestore.media.encode.hdr import display_matrix

Sample = TypeVar("Sample", bound=np.generic)


def rotation_of(picture: av.VideoFrame) -> Rotation:
    """Return how a decoded picture is turned for display, by its display matrix."""
    # x' = a x + c y and y' = b x + d y; a matrix that mirrors has a negative determinant.
    a, b, _, c, d = (display_matrix(picture) or (1, 0, 0, 0, 1))[:5]
    is_mirrored = a * d - b * c < 0
    return Rotation(-round(math.degrees(math.atan2(b, -a if is_mirrored else a))), is_mirrored)


def displayed_size(height: int, width: int, *, rotation: Rotation) -> tuple[int, int]:
    """Return height and width of the picture that a player shows."""
    return (width, height) if rotation.quarters % 2 else (height, width)


def turned(picture: NDArray[Sample], *, rotation: Rotation) -> NDArray[Sample]:
    """Turn a decoded picture, (H, W) or (H, W, 3), for display; contiguous."""
    shown = np.rot90(picture, rotation.quarters)
    return np.ascontiguousarray(shown[:, ::-1] if rotation.is_mirrored else shown)


def turned_back(picture: NDArray[Sample], *, rotation: Rotation) -> NDArray[Sample]:
    """Turn a picture as displayed, (H, W) or (H, W, 3), to where the decoded one has it; contiguous."""
    shown = picture[:, ::-1] if rotation.is_mirrored else picture
    return np.ascontiguousarray(np.rot90(shown, -rotation.quarters))


def box_turned_back(box: Box, *, height: int, width: int, rotation: Rotation) -> Box:
    """Turn a box of a displayed picture of `height` by `width` to where the decoded one has it."""
    if rotation.is_mirrored:
        box = Box(width - box.x - box.width, box.y, box.width, box.height)
    for _ in range(rotation.quarters):  # each a quarter clockwise
        box = Box(height - box.y - box.height, box.x, box.height, box.width)
        height, width = width, height
    return box


def box_turned(box: Box, *, height: int, width: int, rotation: Rotation) -> Box:
    """Turn a box of a decoded picture of `height` by `width` to where a player shows it."""
    for _ in range(rotation.quarters):  # each a quarter counterclockwise
        box = Box(box.y, width - box.x - box.width, box.height, box.width)
        height, width = width, height
    if rotation.is_mirrored:
        box = Box(width - box.x - box.width, box.y, box.width, box.height)
    return box
