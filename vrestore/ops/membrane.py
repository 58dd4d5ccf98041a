"""Membrane interpolation: the smoothest surface through what is known.

Solves Laplace's equation in the unknown region with the known pixels as boundary (Pérez, Gangnet and
Blake 2003, eq. 2, with zero guidance) coarse to fine: the pyramid's top starts from averages, each level
relaxes by Jacobi steps. Far from the rim the few steps leave the coarse levels' answer, which is what a
smooth surface looks like there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

RELAXATIONS = 8


def membrane(values: Tensor, known: Tensor, *, relaxations: int = RELAXATIONS) -> Tensor:
    """Continue `values` (C, H, W) smoothly into where `known` (H, W) is False.

    Known pixels come back unchanged, the others are between the least and the greatest known value.
    Where nothing is known the result is zero.
    """
    weight = known.to(values.dtype)[None, None]
    level = values[None] * weight
    pyramid = [(level, weight)]
    while weight.min() < 1 and min(weight.shape[-2:]) > 2:
        total = F.avg_pool2d(level, 2, ceil_mode=True, count_include_pad=False)
        share = F.avg_pool2d(weight, 2, ceil_mode=True, count_include_pad=False)
        weight = (share > 0).to(values.dtype)
        level = total / share.clamp_min(1e-6) * weight
        pyramid.append((level, weight))
    level, weight = pyramid.pop()
    mean = level.sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp_min(1)
    surface = level + mean * (1 - weight)
    for level, weight in reversed(pyramid):
        surface = F.interpolate(surface, size=level.shape[-2:], mode="bilinear", align_corners=False)
        surface = torch.where(weight > 0, level, surface)
        for _ in range(relaxations):
            surface = torch.where(weight > 0, level, _neighbour_mean(surface))
    return torch.where(known, values, surface[0])


def _neighbour_mean(x: Tensor) -> Tensor:
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    down = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    return (across + down) * 0.25
