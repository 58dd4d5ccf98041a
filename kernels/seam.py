"""Launches `seam.cu`: fetched colors made to meet the rim of their hole."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vrestore.kernels.launch import Array, Launch, Runner, as_tensor, check, floats
from vrestore.kernels.runtime import run

THREADS, MOST_CELLS = 1024, 2048
MOST_CHANNELS = 3
"""What a block's shared memory holds on every device."""

_PIXELS_OF_A_BLOCK = 8 * THREADS
_MOST_BLOCKS = 64
"""Each finds the surface anew."""


def match_seam_gain(
    colors: Array,
    confidence: Array,
    known: Array,
    points: Array,
    *,
    left: int,
    top: int,
    rows: int,
    columns: int,
    cell: int,
    sure: float,
    largest: float,
    runner: Runner = run,
) -> Tensor:
    """Do what `vrestore.ops.filters.seam.match_seam_gain` does, on `rows` by `columns` cells of `cell`
    pixels.

    `largest` is the difference beyond which it is taken for no more. Raises ValueError for shapes and devices
    that do not fit, for more than 3 channels and for more than 2048 cells.
    """
    colors, confidence, known, points = (as_tensor(each) for each in (colors, confidence, known, points))
    channels, count = colors.shape
    rim = known.shape[1]
    check("confidence", confidence, (count,), beside=colors)
    check("known", known, (channels, rim), beside=colors)
    check("points", points, (count, 2), beside=colors)
    if channels > MOST_CHANNELS or rows * columns > MOST_CELLS:
        got = f"{channels} channels on {rows} x {columns} cells"
        raise ValueError(f"{got}, the kernel holds {MOST_CHANNELS} on {MOST_CELLS}")
    # Points of the hole come first, those of the rim after them.
    hidden = count - rim
    result = torch.empty(channels, hidden, device=colors.device)
    if not hidden:  # nothing to correct, and no block to launch
        return result
    # The finest steps in which the differences of all of the rim, in one cell, stay below 2^31.
    steps = 2.0 ** np.floor(np.log2(2**31 / (largest * max(1, rim))) - 1)
    numbers = hidden, rim, left, top, rows, columns, cell
    runner(
        Launch(
            kernel="seam",
            function="seam",
            defines=(("CHANNELS", channels),),
            # Few blocks with much to do each, for the surface is found anew by each of them.
            blocks=min(-(-hidden // _PIXELS_OF_A_BLOCK), _MOST_BLOCKS),
            threads=(THREADS, 1),
            arguments=(
                floats(colors),
                floats(confidence),
                floats(known),
                # Coordinate by coordinate: neighboring threads read neighboring numbers.
                floats(points.T),
                result,
                *(np.int32(number) for number in numbers),
                np.float32(sure),
                np.float32(largest),
                np.float32(steps),
            ),
        )
    )
    return result
