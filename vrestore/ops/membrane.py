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

RELAXATIONS = 4
FINEST_RELAXATIONS = 3
"""Steps at coarse levels and at the finest, where a step costs most and has least left to do."""

SURROUNDINGS = 4
"""Known pixels around the unknown region that take part."""


def membrane(values: Tensor, known: Tensor) -> Tensor:
    """Continue `values` (C, H, W) smoothly into where `known` (H, W) is False.

    Known pixels come back unchanged, the others are between the least and the greatest known value.
    Where nothing is known the result is zero.
    """
    rows, columns = _extent(~known.all(1)), _extent(~known.all(0))
    if rows is None or columns is None:
        return values
    result = values.clone()
    result[..., rows, columns] = _solved(values[..., rows, columns], known[rows, columns])
    return result


def coarse_membrane(values: Tensor, known: Tensor, *, cell: int) -> Tensor:
    """Do as `membrane` on cells of `cell` x `cell` pixels, for what is no finer than these."""
    weight = known.to(values.dtype)[None, None]
    share = F.avg_pool2d(weight, cell, ceil_mode=True, count_include_pad=False)
    total = F.avg_pool2d(values[None] * weight, cell, ceil_mode=True, count_include_pad=False)
    surface = membrane((total / share.clamp_min(1e-6))[0], share[0, 0] > 0)
    height, width = known.shape
    fine = F.interpolate(surface[None], scale_factor=cell, mode="bilinear", align_corners=False)[0]
    return torch.where(known, values, fine[:, :height, :width])


def _solved(values: Tensor, known: Tensor) -> Tensor:
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
        is_known = weight > 0
        surface = torch.where(is_known, level, surface)
        for _ in range(FINEST_RELAXATIONS if level is pyramid[0][0] else RELAXATIONS):
            surface = torch.where(is_known, level, _neighbour_mean(surface))
    return surface[0]


def _neighbour_mean(x: Tensor) -> Tensor:
    """Give the mean of the four neighbours; at the border the pixel stands for the one beyond it."""
    mean = torch.empty_like(x)
    mean[..., 1:, :] = x[..., :-1, :]
    mean[..., :1, :] = x[..., :1, :]
    mean[..., :-1, :] += x[..., 1:, :]
    mean[..., -1:, :] += x[..., -1:, :]
    mean[..., :, 1:] += x[..., :, :-1]
    mean[..., :, :1] += x[..., :, :1]
    mean[..., :, :-1] += x[..., :, 1:]
    mean[..., :, -1:] += x[..., :, -1:]
    return mean.mul_(0.25)


def _extent(marked: Tensor) -> slice | None:
    """Give the stretch that holds all marked entries of a line and some SURROUNDINGS, None without any."""
    places = marked.nonzero()
    if places.numel() == 0:
        return None
    return slice(max(0, int(places[0]) - SURROUNDINGS), int(places[-1]) + 1 + SURROUNDINGS)
