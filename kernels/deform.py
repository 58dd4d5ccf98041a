"""Launches `deform.cu`: modulated deformable convolution, columns by the kernel, then a matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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

COLUMN_BYTES = 2**28
"""Columns that are made at once; more output pixels than give so many are taken in turns."""

_MOST_TAPS = 2**30
"""A launch has at most so many taps of all its pixels, for an int counts them."""


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
    """Do what `vrestore.ops.warp.deform.deform_conv` does, up to rounding; returns channels-last.

    Frames in another layout are copied first. Offset and mask share a type, which may be wider than that of
    the frames; the weights are brought to that of the frames.

    Raises:
        ValueError: Shapes, types or devices do not fit together.
    """
    # Channels of a pixel together: all of a group are read at one displaced place, in whole words.
    frames, weight = channels_last(as_tensor(frames).detach()), as_tensor(weight).detach()
    offset, is_last = _dense(as_tensor(offset).detach())
    shape = _shape_of(frames, offset, weight, (stride, padding, dilation))
    if mask is not None:
        mask = as_tensor(mask).detach().to(offset.dtype)
        check("mask", mask, (len(mask), offset.shape[1] // 2, *offset.shape[2:]), beside=frames)
        mask = channels_last(mask) if is_last else mask.contiguous()
    depth = weight.shape[1]
    # (groups, Cout / groups, C / groups, K)
    kernel = weight.to(frames.dtype).reshape(shape.channels // depth, -1, depth, shape.taps)
    # Columns are K times as large as the frames; taken in turns they need a bounded room.
    at_once = max(1, column_bytes // (shape.taps * shape.channels * frames.element_size()))
    columns = _columns(frames, offset, mask, shape, is_last=is_last, at_once=at_once, runner=runner)
    parts = [_product(part, kernel) for part in columns]
    result = torch.cat(parts) if parts else frames.new_empty(0, len(weight))  # (N*Ho*Wo, Cout)
    if bias is not None:
        result = result + as_tensor(bias).detach().to(result.dtype)
    # (N, Ho, Wo, Cout) seen as (N, Cout, Ho, Wo): that is channels-last as it lies.
    return result.reshape(len(frames), *offset.shape[2:], len(weight)).permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The sizes of a call, in the order of the kernel."""

    channels: int
    height: int
    width: int
    out_height: int
    out_width: int
    groups: int
    tall: int
    wide: int
    stride: int
    padding: int
    dilation: int

    @property
    def taps(self) -> int:
        return self.tall * self.wide

    def to_tuple(self) -> tuple[int, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


def _shape_of(frames: Tensor, offset: Tensor, weight: Tensor, steps: tuple[int, int, int]) -> _Shape:
    stride, padding, dilation = steps
    count, channels, height, width = frames.shape
    outputs, depth, tall, wide = weight.shape
    if min(stride, dilation) < 1 or padding < 0:
        raise ValueError(f"stride and dilation are 1 or more, padding 0 or more, got {steps}")
    groups = offset.shape[1] // (2 * tall * wide)
    if groups < 1 or channels % groups or channels % depth or outputs % (channels // depth):
        raise ValueError(
            f"{channels} channels, {groups} groups of offsets and weight {tuple(weight.shape)} do not divide"
        )
    out_height = (height + 2 * padding - dilation * (tall - 1) - 1) // stride + 1
    out_width = (width + 2 * padding - dilation * (wide - 1) - 1) // stride + 1
    check("offset", offset, (count, 2 * groups * tall * wide, out_height, out_width), beside=frames)
    check("weight", weight, tuple(weight.shape), beside=frames)
    return _Shape(channels, height, width, out_height, out_width, groups, tall, wide, *steps)


def _columns(
    frames: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    shape: _Shape,
    *,
    is_last: bool,
    at_once: int,
    runner: Runner,
) -> Iterator[Tensor]:
    """Yield the columns (n, K, C) of up to `at_once` output pixels after the other."""
    # A word must not reach into the channels of another group, which are read elsewhere.
    vector = vector_of(frames, dividing=(shape.channels // shape.groups,))
    defines = (
        ("ELEMENT", element_of("frames", frames)),
        ("OFFSET", element_of("offset", offset)),
        ("VECTOR", vector),
        ("INDEX", index_of(shape.channels * shape.height * shape.width)),
        ("LAST", int(is_last)),
        ("MASKED", int(mask is not None)),
    )
    threads = lanes_for(shape.channels // vector, most=64)
    pixels = len(frames) * shape.out_height * shape.out_width
    # Whatever room there is, the taps of a launch are counted by an int.
    at_once = min(at_once, _MOST_TAPS // shape.taps)
    for first in range(0, pixels, at_once):
        columns = frames.new_empty(min(at_once, pixels - first), shape.taps, shape.channels)
        runner(
            Launch(
                kernel="deform",
                function="deform",
                defines=defines,
                blocks=blocks_for(-(-len(columns) * shape.taps // threads[1])),
                threads=threads,
                arguments=(
                    frames,
                    offset,
                    mask,
                    columns,
                    *(np.int32(size) for size in (first, len(columns), *shape.to_tuple())),
                ),
            )
        )
        yield columns


def _dense(offset: Tensor) -> tuple[Tensor, bool]:
    """Return offsets without gaps, channels-last if that costs nothing, and whether they are."""
    # A convolution that was asked for channels-last gave them so; the kernel reads either.
    if offset.stride(1) == 1:
        return channels_last(offset), True
    return offset.contiguous(), False


def _product(columns: Tensor, kernel: Tensor) -> Tensor:
    """Multiply columns (n, K, C) by weights (groups, Cout / groups, C / groups, K); returns (n, Cout)."""
    # (n, K, groups, C / groups)
    grouped = columns.reshape(*columns.shape[:2], kernel.shape[0], kernel.shape[2])
    return torch.einsum("pkgc,gock->pgo", grouped, kernel).flatten(1)
