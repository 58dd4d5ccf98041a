"""A first guess at texture: a small picture filled layer by layer, from its rim inward.

Efros and Leung, "Texture Synthesis by Non-parametric Sampling" (1999), a layer at a time. A smooth guess
would match the smoothest sources there are.
"""

from __future__ import annotations

import cv2
import numpy as np

from vrestore.methods.inpaint.texture.pyramid import Floats, Ints, Level

MOST_SOURCES = 8000
"""Patches that are copied from at most, evenly many of them where there are more."""

_AROUND = np.ones((3, 3), np.uint8)


def peeled(level: Level, side: int) -> Floats:
    """Return the picture (H, W, 3) with its open pixels filled from the rim inward.

    Each pixel of a layer is copied from the source whose patch is most like what is known of its own, of
    `side` x `side` pixels.
    """
    reach = side // 2
    around = (reach, reach), (reach, reach)
    picture = np.pad(np.where(level.is_open[..., None], 0, level.picture), (*around, (0, 0)))
    is_left, is_known = np.pad(level.is_open, around), np.pad(~level.is_open, around)
    sources = np.argwhere(np.pad(level.whole_patches(side), around))
    sources = sources[:: len(sources) // MOST_SOURCES + 1]
    theirs = _patches(picture, sources, side)
    squares = np.square(theirs)
    while is_left.any():
        is_front = is_left & (cv2.dilate(is_known.view(np.uint8), _AROUND) > 0)
        front = np.argwhere(is_front)
        known = np.repeat(_patches(is_known[..., None].astype(np.float32), front, side), 3, 1)
        ours = _patches(picture, front, side) * known
        # Squared distances over what is known of ours, less what is the same for all sources.
        best = (known @ squares.T - 2 * ours @ theirs.T).argmin(1)
        picture[is_front] = picture[tuple(sources[best].T)]
        is_left &= ~is_front
        is_known |= is_front
    return np.ascontiguousarray(picture[reach:-reach, reach:-reach])


def _patches(picture: Floats, centers: Ints, side: int) -> Floats:
    """Return patches (n, side * side * C) of a picture (H, W, C) around centers (n, 2), row and column."""
    steps = np.arange(side) - side // 2
    rows = centers[:, :1, None] + steps[:, None]
    columns = centers[:, 1:, None] + steps
    patches: Floats = picture[rows, columns].reshape(len(centers), -1)
    return patches
