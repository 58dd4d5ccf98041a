"""Launches `warp.cu`: backward warping of pictures by flow."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from vrestore.kernels.launch import (
    Array,
    Launch,
    Runner,
    as_tensor,
    blocks_for,
    channels_last,
    check,
    element_of,
    floats,
    index_of,
    lanes_for,
    tiles_of,
    vector_of,
)
from vrestore.kernels.runtime import run

TILE = (4, 16)
"""Height and width of what a block takes of channels-last pictures; in `warp.cu` by the same names."""

ROWS = (8, 32)
"""The same of channels-first pictures."""

CHANNELS = 16
"""What a thread takes of channels-first pictures."""


def warp(
    pictures: Array, flow: Array, *, padding: Literal["zeros", "border"] = "zeros", runner: Runner = run
) -> torch.Tensor:
    """Do what `vrestore.ops.warp.warp.warp` does, in the layout that `pictures` have; gradients do not pass.

    Raises ValueError for shapes, types and devices that do not fit.
    """
    pictures, flow = as_tensor(pictures).detach(), as_tensor(flow)
    element = element_of("pictures", pictures)
    count, channels, height, width = pictures.shape
    check("flow", flow, (count, 2, height, width), beside=pictures)
    # With one channel both layouts are the same memory; the channels-first kernel reads it by rows.
    is_last = channels > 1 and pictures.stride(1) == 1
    pictures = channels_last(pictures) if is_last else pictures.contiguous()
    warped = torch.empty_like(pictures)
    if not warped.numel():
        return warped
    index = index_of(channels * height * width)
    # Channels-first, neighbors in memory are neighboring pixels, which are read at different places.
    vector = vector_of(pictures, warped, dividing=(channels,)) if is_last else 1
    tile = TILE if is_last else ROWS
    # Channels-first, a place is found once for CHANNELS planes, so planes are shared out as well.
    shares = count * tiles_of(height, width, tile) * (1 if is_last else -(-channels // CHANNELS))
    runner(
        Launch(
            kernel="warp",
            function="warp_last" if is_last else "warp_first",
            defines=(("ELEMENT", element), ("VECTOR", vector), ("INDEX", index)),
            blocks=blocks_for(shares),
            # At most a warp side by side over the channels of a pixel.
            threads=lanes_for(channels // vector, most=32) if is_last else (ROWS[1], ROWS[0]),
            arguments=(
                pictures,
                floats(flow),
                warped,
                *(np.int32(size) for size in (count, channels, height, width)),
                np.int32(padding == "border"),
            ),
        )
    )
    return warped
