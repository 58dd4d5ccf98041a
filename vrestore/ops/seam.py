"""Seam matching: carry a difference of brightness and tint seen around a hole smoothly into it.

The low-frequency part of Poisson blending (Pérez et al. 2003, section 3): the correction is the membrane
through the differences on the rim, solved on cells of a few pixels because it is smooth.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vrestore.ops.membrane import membrane
from vrestore.ops.warp import sample

CELL_PIXELS = 4
LARGEST_STEP = 0.2
"""A neighbour that differs by more than this is another object, not another brightness."""


def seam_offset(differences: Tensor, rim: Tensor, inner: Tensor, *, height: int, width: int) -> Tensor:
    """Give the offset (C, n) at `inner` (n, 2) that continues `differences` (C, k) seen at `rim` (k, 2).

    Points are (x, y) within a picture of `height` by `width`; with an empty rim the offset is zero.
    """
    if rim.shape[0] == 0:
        return differences.new_zeros(differences.shape[0], inner.shape[0])
    rows, columns = -(-height // CELL_PIXELS), -(-width // CELL_PIXELS)
    cells = (rim / CELL_PIXELS).long()
    index = cells[:, 1] * columns + cells[:, 0]
    total = differences.new_zeros(differences.shape[0], rows * columns)
    total.index_add_(1, index, differences.clamp(-LARGEST_STEP, LARGEST_STEP))
    count = torch.bincount(index, minlength=rows * columns).to(differences.dtype)
    mean = (total / count.clamp_min(1)).reshape(-1, rows, columns)
    surface = membrane(mean, (count > 0).reshape(rows, columns))
    return sample(surface, (inner + 0.5) / CELL_PIXELS - 0.5, padding="border")
