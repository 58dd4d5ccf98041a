"""Launches `deform.cu`: modulated deformable convolution, columns by the kernel, then a matrix product."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vrestore.kernels.launch import (
    Array,
    Launch,
    Runner,
    as_tensor,
    blocks_for,
    channels_last,
    check,
    element_of,
    index_of,
    lanes_for,
    vector_of,
)
from vrestore.kernels.runtime import run

_MOST_TAPS = 2**30
"""Of all pixels of a launch: they are counted by an int."""

COLUMN_BYTES = 2**28
"""Columns that are made at once; more output pixels than give so many are taken in turns."""


def deform_conv(
    frames: Array,
    offset: Array,
    mask: Array | None,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    column_bytes: int = COLUMN_BYTES,
    runner: Runner = run,
) -> Tensor:
    """Do what `vrestore.ops.deform.deform_conv` does, up to rounding; gives channels-last.

    Frames in another layout are copied first. Offset and mask share a type, which may be wider than that of
    the frames; the weights are brought to that of the frames.

    Raises:
        ValueError: Shapes, types or devices do not fit together.
    """
    frames, offset, weight = (as_tensor(array).detach() for array in (frames, offset, weight))
    count, channels, height, width = frames.shape
    outputs, depth, tall, wide = weight.shape
    taps = tall * wide
    if min(stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"stride and dilation are 1 or more, padding 0 or more, got {stride, dilation, padding}"
        )
    out_height = (height + 2 * padding - dilation * (tall - 1) - 1) // stride + 1
    out_width = (width + 2 * padding - dilation * (wide - 1) - 1) // stride + 1
    groups = offset.shape[1] // (2 * taps)
    if groups < 1 or channels % groups or channels % depth or outputs % (channels // depth):
        raise ValueError(
            f"{channels} channels, {groups} groups of offsets and weight {tuple(weight.shape)} do not divide"
        )
    check("offset", offset, (count, 2 * groups * taps, out_height, out_width), beside=frames)
    offset, is_last = _dense(offset)
    if mask is not None:
        mask = as_tensor(mask).detach().to(offset.dtype)
        check("mask", mask, (count, groups * taps, out_height, out_width), beside=frames)
        mask = channels_last(mask) if is_last else mask.contiguous()
    frames = channels_last(frames)
    vector = vector_of(frames, dividing=(channels // groups,))
    defines = (
        ("ELEMENT", element_of("frames", frames)),
        ("OFFSET", element_of("offset", offset)),
        ("VECTOR", vector),
        ("INDEX", index_of(channels * height * width)),
        ("LAST", int(is_last)),
        ("MASKED", int(mask is not None)),
    )
    kernel = weight.to(frames.dtype).reshape(channels // depth, -1, depth, taps)
    places = count * out_height * out_width
    at_once = min(max(1, column_bytes // (taps * channels * frames.element_size())), _MOST_TAPS // taps)
    threads = lanes_for(channels // vector, most=64)
    parts = []
    for first in range(0, places, at_once):
        pixels = min(at_once, places - first)
        columns = frames.new_empty(pixels, taps, channels)
        sizes = (pixels, channels, height, width, out_height, out_width, groups, tall, wide)
        runner(
            Launch(
                kernel="deform",
                function="deform",
                defines=defines,
                blocks=blocks_for(-(-pixels * taps // threads[1])),
                threads=threads,
                arguments=(
                    frames,
                    offset,
                    mask,
                    columns,
                    *(np.int32(size) for size in (first, *sizes, stride, padding, dilation)),
                ),
            )
        )
        parts.append(_product(columns, kernel))
    result = torch.cat(parts) if parts else frames.new_empty(0, outputs)
    if bias is not None:
        result = result + as_tensor(bias).detach().to(result.dtype)
    return result.reshape(count, out_height, out_width, outputs).permute(0, 3, 1, 2)


def _dense(offset: Tensor) -> tuple[Tensor, bool]:
    """Give offsets without gaps, channels-last if that costs nothing, and whether they are."""
    if offset.stride(1) == 1:
        return channels_last(offset), True
    return offset.contiguous(), False


def _product(columns: Tensor, kernel: Tensor) -> Tensor:
    """Multiply columns (n, K, C) by weights (groups, Cout / groups, C / groups, K); gives (n, Cout)."""
    grouped = columns.reshape(*columns.shape[:2], kernel.shape[0], kernel.shape[2])
    return torch.einsum("pkgc,gock->pgo", grouped, kernel).flatten(1)
