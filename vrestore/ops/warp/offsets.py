"""Shifts of points, kept on their device: to bring two numbers there takes as long as to add them."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from vrestore.frames import Box

_KEPT = 256
"""Holes that stay have few, those that move have more with every frame."""


def corner_of(box: Box, device: torch.device) -> Tensor:
    """Return where a box begins, (x, y) float32."""
    return shift(box.x, box.y, device)


@lru_cache(_KEPT)
def shift(across: float, down: float, device: torch.device) -> Tensor:
    """Return (across, down) float32 on a device; not to be written to."""
    return torch.tensor([across, down], dtype=torch.float32, device=device)
