"""Seam matching: carry a difference of brightness and tint seen around a hole smoothly into it.

The low-frequency part of Poisson blending (Pérez et al. 2003, section 3). The correction is smooth, so it is
computed on cells of some pixels, each the mean of the rim's cells weighted by distance to the power of -4:
Shepard's interpolation (1968), which near the rim follows it and far inside is its mean. Cells of 8 pixels
in pictures of 240 lines, or a power of -3, lose up to 1.2 dB where the light changes fast.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vrestore.frames import Box
from vrestore.kernels import seam as kernel
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.resample.upsample import enlarged
from vrestore.ops.warp.offsets import corner_of

MOST_CELLS = 2048
LARGEST_STEP = 0.2
"""A neighbor that differs by more than this is another object, not another brightness."""


def match_seam_gain(
    colors: Tensor,
    confidence: Tensor,
    known: Tensor,
    points: Tensor,
    window: Box,
    *,
    cell: int,
    sure: float,
    backend: Backend = TORCH,
) -> Tensor:
    """Return the fetched colors of a hole (C, n), in [0, 1], made to meet those that are known of its rim.

    Args:
        colors: (C, n + k) as fetched, those of the hole, then those of the rim.
        confidence: (n + k) of them; the rim's of more than `sure` are compared.
        known: (C, k), what the rim shows.
        points: (n + k, 2), where they are, (x, y), whole pixels.
        window: the part of the picture that holds them all.
        cell: see `seam_offset`.
        sure: in [0, 1].
        backend: what serves; see `vrestore.ops.dispatch`.
    """
    runner = backend.runner_for(colors)
    if runner is not None:
        cell, rows, columns = cells_over(window.height, window.width, cell)
        return kernel.match_seam_gain(
            colors,
            confidence,
            known,
            points,
            left=window.x,
            top=window.y,
            rows=rows,
            columns=columns,
            cell=cell,
            sure=sure,
            largest=LARGEST_STEP,
            runner=runner,
        )
    hidden = points.shape[0] - known.shape[1]
    # What was fetched for the rim can be checked, for the rim is known; doubtful fetches would mislead.
    compared = (confidence[hidden:] > sure).nonzero().flatten()
    differences = known[:, compared] - colors[:, hidden + compared]
    points = points - corner_of(window, points.device)  # now in the window
    offset = seam_offset(
        differences,
        points[hidden + compared],
        points[:hidden],
        height=window.height,
        width=window.width,
        cell=cell,
    )
    return (colors[:, :hidden] + offset).clamp_(0, 1)


def cells_over(height: int, width: int, cell: int) -> tuple[int, int, int]:
    """Return the side of cells over a picture, at least `cell` pixels, and their rows and columns."""
    while (height // cell + 1) * (width // cell + 1) > MOST_CELLS:
        cell *= 2
    return cell, height // cell + 1, width // cell + 1


def seam_offset(
    differences: Tensor, rim: Tensor, inner: Tensor, *, height: int, width: int, cell: int
) -> Tensor:
    """Return the offset (C, n) at `inner` (n, 2) that continues `differences` (C, k) seen at `rim` (k, 2).

    Points are (x, y), whole pixels of a picture of `height` by `width`; with an empty rim the offset is zero.
    `cell` is the least side of a cell in pixels.
    """
    if rim.shape[0] == 0:
        return differences.new_zeros(differences.shape[0], inner.shape[0])
    cell, rows, columns = cells_over(height, width, cell)
    x, y = (rim / cell).long().unbind(1)  # (k) each
    index = y * columns + x
    total = differences.new_zeros(differences.shape[0], rows * columns)
    # Sums by cell, so that many rim pixels in one cell have one say.
    total.index_add_(1, index, differences.clamp(-LARGEST_STEP, LARGEST_STEP))
    count = torch.bincount(index, minlength=rows * columns).to(differences.dtype)
    seen = count.nonzero().flatten()
    # The last row is 1 for every cell seen; carried along, it gives the sum of the weights for free.
    mean = torch.cat([total, count[None]])[:, seen] / count[seen]
    lines, places = (torch.arange(float(side), device=rim.device)[:, None] for side in (rows, columns))
    # Squared distances; the 0.1 keeps a cell that was seen from an infinite weight of its own.
    down = (lines - seen // columns).square_().add_(0.1)
    across = (places - seen % columns).square_()
    apart = (down[:, None] + across).flatten(0, 1)  # (cells, seen)
    surface = mean @ apart.square_().reciprocal_().T  # squared once more: distance to the power of -4
    surface = surface[:-1] / surface[-1]  # (C, rows * columns)
    x, y = inner.long().unbind(1)
    return enlarged(surface.reshape(-1, rows, columns), cell).index_select(1, y * (columns * cell) + x)
