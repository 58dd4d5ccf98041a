"""The guided filter: a smooth map that has edges where a picture has them.

He, Sun and Tang, "Guided image filtering" (ECCV 2010): within every square the map is a linear function
of the guide. Found at a small size and read at a large one it is the fast guided filter (He and Sun 2015).
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

GRAY = (0.299, 0.587, 0.114)


def gray(pictures: Tensor) -> Tensor:
    """Return the luma of pictures (N, 3, H, W) as (N, 1, H, W)."""
    red, green, blue = pictures[:, 0:1], pictures[:, 1:2], pictures[:, 2:3]
    return GRAY[0] * red + GRAY[1] * green + GRAY[2] * blue


def guided_lines(
    guide: Tensor, maps: Tensor, *, radius: int, epsilon: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Return slope and offset, (N, C, H, W) each, by which each place of `maps` follows the guide.

    Args:
        guide: (N, 1, H, W).
        maps: (N, C, H, W).
        radius: of the squares, whose side is 2 * radius + 1.
        epsilon: variance of the guide below which the map is smoothed, (N, 1, H, W) if it differs from place
            to place.
    """
    mean = box_mean(guide, radius)
    mean_maps = box_mean(maps, radius)
    variance = box_mean(guide * guide, radius) - mean * mean  # (N, 1, H, W)
    covariance = box_mean(guide * maps, radius) - mean * mean_maps
    # Least squares in each square; where the guide is flat the slope is 0 and the offset the mean.
    slope = covariance / (variance + epsilon)
    offset = mean_maps - slope * mean
    # A place lies in many squares and follows the mean of their lines.
    return box_mean(slope, radius), box_mean(offset, radius)


def guided_filter(guide: Tensor, maps: Tensor, *, radius: int, epsilon: float) -> Tensor:
    """Filter `maps` (N, C, H, W) by a guide (N, 1, H, W)."""
    slope, offset = guided_lines(guide, maps, radius=radius, epsilon=epsilon)
    return slope * guide + offset


def box_mean(maps: Tensor, radius: int) -> Tensor:
    """Return the mean over squares of side 2 * radius + 1; beyond the border there is nothing to count."""
    if maps.device.type == "cpu" and maps.dtype == torch.float32:
        return _BoxMean.apply(maps, radius)  # type: ignore[no-any-return, no-untyped-call]  # torch's own
    side = 2 * radius + 1
    # Down, then across: 2 * side reads a place instead of side * side.
    down = F.avg_pool2d(maps, (side, 1), 1, (radius, 0), count_include_pad=False)
    return F.avg_pool2d(down, (1, side), 1, (0, radius), count_include_pad=False)


class _Context(Protocol):
    radius: int


class _BoxMean(torch.autograd.Function):
    """`box_mean` on the CPU by running sums, whose time does not depend on the radius (OpenCV's box filter).

    `avg_pool2d` takes 17 times as long.
    """

    @staticmethod
    def forward(context: _Context, maps: Tensor, radius: int) -> Tensor:
        context.radius = radius
        return _summed(maps, radius) / _counts(maps, radius)

    @staticmethod
    def backward(context: _Context, *above: Tensor) -> tuple[Tensor, None]:
        # A sum over squares is its own transpose: a place is in the squares of those that are in its own.
        return _summed(above[0] / _counts(above[0], context.radius), context.radius), None


def _summed(maps: Tensor, radius: int) -> Tensor:
    """Return sums over squares (N, C, H, W); there is nothing beyond the border."""
    side = (2 * radius + 1, 2 * radius + 1)
    planes = maps.detach().contiguous().numpy().reshape(-1, *maps.shape[-2:])
    sums = [
        cv2.boxFilter(plane, -1, side, normalize=False, borderType=cv2.BORDER_CONSTANT) for plane in planes
    ]
    return torch.from_numpy(np.stack(sums)).reshape(maps.shape)


def _counts(maps: Tensor, radius: int) -> Tensor:
    """Return how many places of maps (..., H, W) are in each square, (H, W)."""
    rows, columns = (_in_reach(length, radius) for length in maps.shape[-2:])
    return torch.from_numpy(rows[:, None] * columns)


def _in_reach(length: int, radius: int) -> NDArray[np.float32]:
    place = np.arange(length)
    reach = np.minimum(place + radius, length - 1) - np.maximum(place - radius, 0) + 1
    return reach.astype(np.float32)
