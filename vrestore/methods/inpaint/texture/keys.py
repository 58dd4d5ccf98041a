"""Keys: pictures of which parts were painted, and where in them the pixels of later holes lie.

A key is painted once. What lies behind the hole moves with the flow, as all else does; so later frames read
the same texture, at full sharpness, and it does not flicker.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from vrestore.frames import Box
from vrestore.methods.inpaint.painted import SMOOTH, Key, Kinds
from vrestore.methods.inpaint.patches.patch import SCALE
from vrestore.methods.inpaint.texture.pyramid import Floats
from vrestore.ops.resample.quantize import as_codes
from vrestore.ops.warp.cubic import Readable, read_cubic


def as_key(box: Box, picture: Floats, kinds: Kinds) -> Key:
    """Keep a picture (h, w, 3) in [0, 1] of a box of a frame."""
    codes = np.rint(picture.transpose(2, 0, 1) * np.float32(SCALE)).astype(np.uint16)
    return Key(box, np.ascontiguousarray(codes), kinds)


def read_keys(
    keys: Mapping[int, Key], frames: NDArray[np.int32], x: Floats, y: Floats
) -> tuple[Floats, Kinds]:
    """Read keys at places (n) of their frames; returns colors (n, 3) in [0, 1] and what is there, (n).

    Where there is no key to read it is SMOOTH.
    """
    colors = np.zeros((len(frames), 3), np.float32)
    kinds = np.full(len(frames), SMOOTH, np.uint8)
    for number in np.unique(frames[frames >= 0]).tolist():
        key = keys[number]
        (which,) = np.nonzero(frames == number)
        points = np.stack([x[which] - key.box.x, y[which] - key.box.y], 1)
        values, is_read = read_cubic([Readable(as_codes(key.codes))], torch.from_numpy(points), [len(which)])
        column, row = np.rint(points.T).astype(np.int64)
        row, column = row.clip(0, key.box.height - 1), column.clip(0, key.box.width - 1)
        colors[which] = values.numpy().T / np.float32(SCALE)
        kinds[which] = np.where(is_read.numpy(), key.kinds[row, column], SMOOTH)
    return colors, kinds
