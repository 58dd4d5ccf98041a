"""A frame's native planes as tensors: codes as numbers, and numbers as codes.

Planes of 16 bits are int16 of the same bits, see `vrestore.ops.resample.quantize`; codes are read as what
they mean. On the CPU a plane is the frame's own memory."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.frames import Component, Frame, Plane
from vrestore.ops.resample.quantize import as_array, as_codes, resized, unsigned, weighted_sum
from vrestore.ops.resample.resize import Size

Planes = dict[int, Tensor]
"""Planes by their number, (rows, samples a row) each, uint8 or int16."""


def planes_of(frame: Frame, numbers: Iterable[int]) -> Planes:
    """Return some planes of a frame, over its own memory where that may be written."""
    return {number: as_codes(frame.planes[number]) for number in numbers}


def plane_from(tensor: Tensor, like: Plane) -> Plane:
    """Return a tensor of the CPU as the plane that it is, of the type of another."""
    return as_array(tensor).astype(like.dtype, copy=False)


def samples_of(plane: Tensor, component: Component) -> Tensor:
    """Return a view of one component's samples."""
    return plane[:, component.offset :: component.step]


def codes_of(
    plane: Tensor, component: Component, rows: slice = slice(None), columns: slice = slice(None)
) -> Tensor:
    """Return one component's code values as float32, all of them or those of a part."""
    # Formats such as p010 keep their bits at the top of a word.
    samples = unsigned(samples_of(plane, component)[rows, columns])
    return (samples >> component.shift if component.shift else samples).float()


def write_codes(plane: Tensor, component: Component, codes: Tensor) -> None:
    """Write code values, which are rounded, into a plane; they must be in its range."""
    rounded = codes.round_().to(torch.int32 if plane.dtype == torch.int16 else plane.dtype)
    samples_of(plane, component)[...] = rounded << component.shift if component.shift else rounded


def small_codes(plane: Tensor, component: Component, size: Size) -> Tensor:
    """Return one component's code values in another size (h, w): rounded means, or between pixels."""
    return resized(samples_of(plane, component), size) / float(1 << component.shift)


def weighted(weights: NDArray[np.float32], planes: Tensor) -> Tensor:
    """Return weighted sums of planes (N, h, w) by weights (..., N), (..., h, w)."""
    if planes.device.type == "cpu":
        return torch.from_numpy(np.tensordot(weights, planes.numpy(), 1))  # (..., N) by (N, h, w)
    # Not by a matrix product, whose precision on a device is a setting.
    rows = weights.reshape(-1, weights.shape[-1]).tolist()
    sums = [weighted_sum(row, planes) for row in rows]
    return torch.stack(sums).reshape(*weights.shape[:-1], *planes.shape[1:])  # (..., h, w)
