"""One step of propagation: fetch colours for points from a neighbouring frame, with their confidence."""

from __future__ import annotations

import torch
from torch import Tensor

from vrestore.ops.warp import sample

LEAST_CONFIDENCE = 0.02
"""Below this a fetched colour counts as unknown: it is mostly a rest of interpolation at a border."""


def fetch(
    picture: Tensor, confidence: Tensor, targets: Tensor, trust: Tensor, *, decay: float
) -> tuple[Tensor, Tensor]:
    """Fetch colours of `picture` (C, H, W) at `targets` (n, 2); gives (C, n) and confidence (n).

    `confidence` (H, W) says how far each pixel of `picture` is known; unknown pixels take no part in
    the interpolation. The result's confidence is that of its sources times `trust` (n), the flow's,
    times `decay` for growing a frame older.
    """
    read = sample(torch.cat([picture * confidence, confidence[None]]), targets)
    known = read[-1]
    colours = read[:-1] / known.clamp_min(1e-4)
    carried = known * trust * decay
    return colours, carried * (carried > LEAST_CONFIDENCE)
