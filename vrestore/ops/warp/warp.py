"""Backward warping: read a picture at displaced places, bilinearly or by cubic convolution.

Points are (x, y) in pixels with integer values at pixel centers; flow is (dx, dy). `flow` of a towards b
reads b at p + flow(p).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.kernels import warp as kernel
from vrestore.ops.dispatch import TORCH, Backend, widened

Padding = Literal["zeros", "border"]


def pixel_grid(height: int, width: int, *, device: torch.device | None = None) -> Tensor:
    """Return the coordinates of every pixel, (2, H, W), x before y."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float32, device=device),
        torch.arange(width, dtype=torch.float32, device=device),
        indexing="ij",
    )
    return torch.stack([x, y])


def sample(picture: Tensor, points: Tensor, *, padding: Padding = "zeros", is_cubic: bool = False) -> Tensor:
    """Read `picture` (C, H, W) at `points` (..., 2) in pixels; returns (C, ...).

    Bilinearly, or by the cubic convolution of Keys (1981) with a = -3/4 over 4x4 pixels.
    """
    height, width = picture.shape[-2:]
    scale = points.new_tensor([2 / max(width - 1, 1), 2 / max(height - 1, 1)])
    grid = (points * scale - 1).reshape(1, 1, -1, 2)
    mode = "bicubic" if is_cubic else "bilinear"
    read = F.grid_sample(picture[None], grid, mode=mode, padding_mode=padding, align_corners=True)
    return read.reshape(picture.shape[0], *points.shape[:-1])


def warp(pictures: Tensor, flow: Tensor, *, padding: Padding = "zeros", backend: Backend = TORCH) -> Tensor:
    """Read `pictures` (N, C, H, W) at p + `flow` (N, 2, H, W); the result has the pictures' type."""
    runner = backend.runner_for(pictures, flow)
    if runner is not None:
        return kernel.warp(pictures, flow, padding=padding, runner=runner)
    return _warp(widened(pictures), widened(flow), padding=padding).to(pictures.dtype)


def _warp(pictures: Tensor, flow: Tensor, *, padding: Padding) -> Tensor:
    height, width = flow.shape[-2:]
    points = pixel_grid(height, width, device=flow.device) + flow
    scale = points.new_tensor([2 / max(width - 1, 1), 2 / max(height - 1, 1)])
    grid = points.permute(0, 2, 3, 1) * scale - 1  # (N, H, W, 2)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode=padding, align_corners=True)


def is_inside(points: Tensor, *, height: int, width: int) -> Tensor:
    """Tell which `points` (..., 2) lie in the picture, borders included; returns (...)."""
    x, y = points.unbind(-1)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
