"""Pictures in another size: means of areas where they shrink, straight lines between pixels where they grow.

On the CPU OpenCV does it (INTER_AREA, INTER_LINEAR), on a device torch by the same rules, up to rounding.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Size = tuple[int, int]
"""Height and width."""

_LEAST_PART = 1e-3
"""A smaller part of a pixel at the end of an area does not count; OpenCV leaves it out, so we do."""


def reduced(picture: Tensor, size: Size) -> Tensor:
    """Return a picture (H, W) of float32 in a size that is no larger either way: the mean of each area."""
    if picture.shape == size:
        return picture
    if picture.device.type == "cpu":
        return _by_opencv(picture, size, cv2.INTER_AREA)
    return reduced_by_torch(picture, size)


def enlarged(picture: Tensor, size: Size) -> Tensor:
    """Return a picture (h, w) of float32 in another size, read bilinearly, the border repeated."""
    if picture.device.type == "cpu":
        return _by_opencv(picture, size, cv2.INTER_LINEAR)
    return enlarged_by_torch(picture, size)


def reduced_by_torch(picture: Tensor, size: Size) -> Tensor:
    """Do what `reduced` does, on any device."""
    height, width = picture.shape
    # Areas of whole pixels: pooling, which reads each pixel once.
    if height % size[0] == 0 and width % size[1] == 0:
        cell = (height // size[0], width // size[1])
        return F.avg_pool2d(picture[None], cell)[0]
    down = _areas(height, size[0], picture.device)
    across = _areas(width, size[1], picture.device)
    return down @ picture @ across.T  # (h, H) x (H, W) x (W, w)


def enlarged_by_torch(picture: Tensor, size: Size) -> Tensor:
    """Do what `enlarged` does, on any device."""
    return F.interpolate(picture[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]


@lru_cache(maxsize=16)
def _areas(before: int, after: int, device: torch.device) -> Tensor:
    """Return the share of each of so many pixels in each of fewer areas, (after, before)."""
    scale = before / after
    start = np.arange(after)[:, None] * scale
    stop = np.minimum(start + scale, before)
    pixel = np.arange(before)
    part = np.minimum(pixel + 1, stop) - np.maximum(pixel, start)  # (after, before), negative apart
    # Rows sum to 1; the last area may end at the picture, short of its full width.
    part = np.where(part > _LEAST_PART, part, 0) / np.minimum(scale, before - start)
    return torch.from_numpy(part.astype(np.float32)).to(device)


def _by_opencv(picture: Tensor, size: Size, way: int) -> Tensor:
    return torch.from_numpy(cv2.resize(picture.numpy(), size[::-1], interpolation=way))
