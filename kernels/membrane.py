"""Launches `membrane.cu`: the smoothest surface through what is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vrestore.kernels.launch import Array, Launch, Runner, as_tensor, check, floats
from vrestore.kernels.runtime import run

THREADS = 1024
"""A block, which does all of a channel, has as many threads as any may have."""


def membrane(
    values: Array,
    known: Array,
    *,
    surroundings: int,
    relaxations: int,
    finest_relaxations: int,
    runner: Runner = run,
) -> Tensor:
    """Do what `vrestore.ops.filters.membrane.membrane` does, for any number of channels.

    Args:
        values: (C, H, W).
        known: (H, W), bool.
        surroundings: known pixels around the unknown region that take part.
        relaxations, finest_relaxations: steps at coarse levels and at the finest.
        runner: what launches.

    Raises:
        ValueError: shapes and devices do not fit.
    """
    values, known = as_tensor(values), as_tensor(known)
    channels, height, width = values.shape
    check("known", known, (height, width), beside=values)
    values = floats(values)
    result = torch.empty_like(values)
    if not result.numel():
        return result
    levels = pyramid_size(height, width)
    # For a channel: all levels of the pyramid, and two pictures between which Jacobi steps go to and fro.
    room = torch.empty(channels, levels + 2 * height * width, device=values.device)
    numbers = height, width, levels, surroundings, relaxations, finest_relaxations
    runner(
        Launch(
            kernel="membrane",
            function="membrane",
            defines=(),
            # Steps wait for each other, which only the threads of one block can do.
            blocks=channels,
            threads=(THREADS, 1),
            arguments=(
                values,
                known.bool().contiguous(),
                result,
                room,
                *(np.int32(number) for number in numbers),
            ),
        )
    )
    return result


def pyramid_size(height: int, width: int) -> int:
    """Return how many pixels all levels of a picture have, the finest among them."""
    size = height * width
    while min(height, width) > 2:
        height, width = -(-height // 2), -(-width // 2)  # what the border cuts is a cell too
        size += height * width
    return size
