"""Cells: squares of pixels, as fine as flow is searched. A picture of cells holds the mean of each.

Their grid is the frame's, so that the cells of two boxes of a frame are the same cells.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, MaskArray

T = TypeVar("T", np.uint8, np.float32)


def cells_of(box: Box, cell: int) -> Box:
    """Return the cells of `cell` x `cell` pixels that a box of pixels touches."""
    # Rounded outwards: a cell touched by one pixel of the box is in.
    left, top = box.x // cell, box.y // cell
    right, bottom = -(-(box.x + box.width) // cell), -(-(box.y + box.height) // cell)
    return Box(left, top, right - left, bottom - top)


def pixels_of(cells: Box, cell: int) -> Box:
    """Return the box of all pixels of cells."""
    return Box(cells.x * cell, cells.y * cell, cells.width * cell, cells.height * cell)


def mean_of_cells(picture: NDArray[T], cell: int) -> NDArray[T]:
    """Return a picture (H, W), which starts with a whole cell, in cells; at its end its border goes on."""
    height, width = picture.shape
    # A last cell that the picture cuts is filled up by repeating the border, which moves as the border does.
    below, right = -height % cell, -width % cell
    whole = (
        cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE) if below or right else picture
    )
    size = whole.shape[1] // cell, whole.shape[0] // cell
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(picture.dtype, copy=False)


def any_of_cells(mask: MaskArray, cell: int) -> MaskArray:
    """Tell which cells hold a pixel of a mask (H, W), which starts with a whole cell."""
    # One pixel of a cell of 8 x 8 is 255 / 64, which a mean in bytes still shows.
    return mean_of_cells(mask.view(np.uint8) * np.uint8(255), cell) > 0
