"""Launches `shift_align.cu`: where pixels are read, once a motion and scale, then shift-and-align."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vrestore.kernels.launch import (
    THREADS,
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
    tiles_of,
    vector_of,
)
from vrestore.kernels.runtime import run

TILE = (4, 16)
"""Height and width of what a block takes; in `shift_align.cu` by the same names."""

_MOST_LANES = 32


def place(
    forward: Array,
    backward: Array,
    forward_doubt: Array,
    backward_doubt: Array,
    *,
    height: int,
    width: int,
    official: bool,
    runner: Runner = run,
) -> Tensor:
    """Return where the pixels of features of height x width are read: x, y, trust, 0, (2, P, H, W, 4).

    The four are those of `ops.warp.shift_align.Motion`, at any size. One result serves all layers of a
    scale. Raises ValueError for shapes, types and devices that do not fit.
    """
    flows = [as_tensor(forward), as_tensor(backward)]
    doubts = [as_tensor(forward_doubt), as_tensor(backward_doubt)]
    pairs, _, rows, columns = flows[0].shape  # (P, 2, h, w)
    for flow, occlusion in zip(flows, doubts, strict=True):
        check("flow", flow, (pairs, 2, rows, columns), beside=flows[0])
        check("doubt", occlusion, (pairs, 1, rows, columns), beside=flows[0])
    # Four floats, so that a pixel is one read of 16 bytes; the fourth is not used.
    placed = torch.empty(2, pairs, height, width, 4, device=flows[0].device)
    if not placed.numel():
        return placed
    runner(
        Launch(
            kernel="shift_align",
            function="place",
            defines=(),
            # A thread for each pixel, rounded up to whole blocks.
            blocks=blocks_for(-(-placed.numel() // 4 // THREADS)),
            threads=(THREADS, 1),
            arguments=(
                *(floats(tensor) for tensor in (*flows, *doubts)),
                placed,
                *(np.int32(size) for size in (pairs, height, width, rows, columns, official)),
            ),
        )
    )
    return placed


def shift_align(
    features: Array, placed: Array, *, fold: int, official: bool, keeps_ends: bool, runner: Runner = run
) -> Tensor:
    """Do what `ops.warp.shift_align.shift_align` does, with the motion `placed`; returns channels-last.

    Features in another layout are copied first. Raises ValueError for shapes, types and devices that do
    not fit, among them pictures of 2**31 elements and more.
    """
    features, placed = as_tensor(features).detach(), as_tensor(placed)
    element = element_of("features", features)
    frames, channels, height, width = features.shape
    check("placed", placed, (2, max(frames - 1, 0), height, width, 4), beside=features)
    if not 0 < 2 * fold <= channels:
        raise ValueError(f"fold is 1 to {channels // 2} of {channels} channels, got {fold}")
    features = channels_last(features)
    aligned = torch.empty_like(features)
    if not aligned.numel():
        return aligned
    index = index_of(channels * height * width)
    # A word lies in one of the three parts: read from t+1, read from t-1, or left.
    vector = vector_of(features, aligned, dividing=(channels, fold))
    # A power of two, so that rows of lanes fill whole warps.
    lanes = min(_MOST_LANES, 1 << (fold // vector - 1).bit_length())
    runner(
        Launch(
            kernel="shift_align",
            function="shift_align",
            defines=(("ELEMENT", element), ("VECTOR", vector), ("INDEX", index)),
            blocks=blocks_for(frames * tiles_of(height, width, TILE)),
            threads=(lanes, min(THREADS // lanes, TILE[0] * TILE[1])),
            arguments=(
                features,
                # Read as float4.
                floats(placed, alignment=16),
                aligned,
                *(np.int32(size) for size in (frames, channels, height, width, fold, official, keeps_ends)),
            ),
        )
    )
    return aligned
