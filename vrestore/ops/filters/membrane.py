"""Membrane interpolation: the smoothest surface through what is known.

Solves Laplace's equation in the unknown region with the known pixels as boundary (Pérez, Gangnet and
Blake 2003, eq. 2, with zero guidance) coarse to fine: the pyramid's top starts from averages, each level
relaxes by Jacobi steps. Far from the rim the few steps leave the coarse levels' answer, which is what a
smooth surface looks like there.

On the CPU in OpenCV, whose filters are several times as fast on small pictures as the same steps in torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vrestore.kernels import membrane as kernel
from vrestore.ops.dispatch import TORCH, Backend

RELAXATIONS = 4
FINEST_RELAXATIONS = 3
"""Steps at coarse levels and at the finest, where a step costs most and has least left to do."""

SURROUNDINGS = 4
"""Known pixels around the unknown region that take part."""

Picture = NDArray[np.float32]
"""(h, w), or (h, w, C) for more than one channel."""

_CROSS = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)


def membrane(values: Tensor, known: Tensor, *, backend: Backend = TORCH) -> Tensor:
    """Continue `values` (C, H, W) float32 smoothly into where `known` (H, W) is False; C is at most 4.

    Known pixels come back unchanged, the others are between the least and the greatest known value.
    Where nothing is known the result is zero.
    """
    runner = backend.runner_for(values)
    if runner is not None:
        return kernel.membrane(
            values,
            known,
            surroundings=SURROUNDINGS,
            relaxations=RELAXATIONS,
            finest_relaxations=FINEST_RELAXATIONS,
            runner=runner,
        )
    if values.device.type != "cpu":
        return _membrane_on_device(values, known)
    # OpenCV writes into planes that lie one behind the other.
    result = values.clone(memory_format=torch.contiguous_format)
    _continue(result.numpy(), np.ascontiguousarray(known.numpy()))
    return result


def _continue(planes: NDArray[np.float32], known: NDArray[np.bool_]) -> None:
    """Set the unknown pixels of `planes` (C, H, W)."""
    # Only the box around what is unknown is solved: a hole is small, its frame is not.
    left, top, width, height = cv2.boundingRect((~known).view(np.uint8))
    if not width:
        return
    rows = slice(max(0, top - SURROUNDINGS), top + height + SURROUNDINGS)
    columns = slice(max(0, left - SURROUNDINGS), left + width + SURROUNDINGS)
    picture = _joined([np.ascontiguousarray(plane[rows, columns]) for plane in planes])
    solved = _solved(picture, np.ascontiguousarray(known[rows, columns]).view(np.uint8), len(planes))
    planes[:, rows, columns] = cv2.split(solved)


def _solved(values: Picture, known: NDArray[np.uint8], channels: int) -> Picture:
    levels, masks = [_masked(values, known)], [known]
    while not masks[-1].all() and min(masks[-1].shape) > 2:
        # A cell known in part has the mean of what is known of it: unknown pixels are 0 in both means.
        share = _halved(masks[-1].astype(np.float32))
        masks.append((share > 0).view(np.uint8))
        levels.append(_halved(levels[-1]) / _joined([np.maximum(share, 1e-6)] * channels))
    level, mask = levels.pop(), masks.pop()
    # At the top two lines are left at most, which the mean of what is known fills.
    mean = level.sum((0, 1), keepdims=True) / max(1, np.count_nonzero(mask))
    surface = cv2.copyTo(level, mask, _float(np.broadcast_to(mean, level.shape).copy()))
    while levels:
        level, mask = levels.pop(), masks.pop()
        # The coarser answer is where relaxing begins; known pixels stay what they are (Dirichlet boundary).
        surface = cv2.copyTo(level, mask, _enlarged(_float(surface), *mask.shape))
        for _ in range(RELAXATIONS if levels else FINEST_RELAXATIONS):
            # At the border the pixel stands for the one beyond it.
            # A Jacobi step of Laplace's equation: the mean of the four neighbors.
            near = cv2.filter2D(surface, -1, _CROSS, borderType=cv2.BORDER_REPLICATE)
            surface = cv2.copyTo(level, mask, near)
    return _float(surface)


def _joined(planes: Sequence[Picture]) -> Picture:
    return _float(cv2.merge(planes))


def _masked(picture: Picture, mask: NDArray[np.uint8]) -> Picture:
    return _float(cv2.copyTo(picture, mask, np.zeros_like(picture)))


def _halved(picture: Picture) -> Picture:
    """Return the means of cells of 2 x 2; those that the border cuts are filled up with zeros."""
    below, right = picture.shape[0] % 2, picture.shape[1] % 2
    if below or right:
        picture = _float(cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_CONSTANT))
    size = picture.shape[1] // 2, picture.shape[0] // 2
    return _float(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _enlarged(picture: Picture, height: int, width: int) -> Picture:
    return _float(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR))


def _float(picture: cv2.typing.MatLike) -> Picture:
    """Tell the type checker what OpenCV gives for float32."""
    return picture.astype(np.float32, copy=False)


def _membrane_on_device(values: Tensor, known: Tensor) -> Tensor:
    """Do what `membrane` does, in torch: the same cut, the same pyramid, the same steps.

    In 64 bits, as devices may round what a convolution of 32 multiplies to 10 bits (TF32): a step is one.
    """
    unknown = (~known).nonzero()
    if not len(unknown):
        return values.clone()
    height, width = known.shape
    # Four numbers in one tensor: a device is waited for once.
    top, left, bottom, right = torch.cat([unknown.amin(0), unknown.amax(0)]).tolist()
    rows = slice(max(0, top - SURROUNDINGS), min(height, bottom + 1 + SURROUNDINGS))
    columns = slice(max(0, left - SURROUNDINGS), min(width, right + 1 + SURROUNDINGS))
    result = values.clone()
    solved = _solved_on_device(values[:, rows, columns].double(), known[rows, columns])
    result[:, rows, columns] = solved.to(result.dtype)
    return result


def _solved_on_device(values: Tensor, known: Tensor) -> Tensor:
    mask = known[None, None]  # (1, 1, H, W)
    levels = [(torch.where(mask, values[:, None], 0), mask)]  # channels as a batch, (C, 1, H, W)
    while min(mask.shape[-2:]) > 2:
        share = _halved_on_device(mask.double())
        level = _halved_on_device(levels[-1][0]) / share.clamp_min(1e-6)
        mask = share > 0
        levels.append((level, mask))
    level, mask = levels.pop()
    surface = torch.where(mask, level, level.sum((2, 3), keepdim=True) / mask.sum().clamp_min(1))
    cross = torch.from_numpy(_CROSS).to(surface)[None, None]
    while levels:
        level, mask = levels.pop()
        size = mask.shape[-2:]
        surface = F.interpolate(surface, size=size, mode="bilinear", align_corners=False)
        surface = torch.where(mask, level, surface)
        for _ in range(RELAXATIONS if levels else FINEST_RELAXATIONS):
            near = F.conv2d(F.pad(surface, (1, 1, 1, 1), mode="replicate"), cross)
            surface = torch.where(mask, level, near)
    return surface[:, 0]


def _halved_on_device(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    # Zeros at the end, counted: they are 0 in the share as well and fall out of the quotient.
    return F.avg_pool2d(F.pad(picture, (0, width % 2, 0, height % 2)), 2)
