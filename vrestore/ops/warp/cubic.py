"""Reading a picture once, between its pixels, at full sharpness.

By the cubic convolution of Keys (1981) with a = -1/2, which keeps more detail than bilinear reading and
overshoots at edges; so values are held within those of the four pixels around, widened by a quarter of what
lies between the least and the greatest of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vrestore.ops.resample.quantize import unsigned

OVERSHOOT = 0.25
"""Share of the range of the four pixels around by which a value may lie outside it."""

LEAST_KNOWN = 0.6
"""Of the weights of the pixels that are read at least this much must be of known ones."""

_UNKNOWN = 1e6


def read_cubic(codes: Tensor, points: Tensor, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Read `codes` (C, H, W), int16 of the bits of uint16, at `points` (m, 2); returns (C, m) in [0, 65535].

    Pixels where `known` (H, W) is False take no part. Also tells which points could be read, (m): those in
    the picture around which enough is known. Beyond its border the picture goes on as it ends.
    """
    channels, height, width = codes.shape
    x, y = points.unbind(1)
    left, top = x.floor(), y.floor()
    across, down = _weights(x - left), _weights(y - top)
    columns = [(left.long() + step).clamp_(0, width - 1) for step in range(-1, 3)]
    rows = [(top.long() + step).clamp_(0, height - 1) * width for step in range(-1, 3)]
    flat = codes.flatten(1)
    total, weights = torch.zeros(channels, len(x), device=codes.device), torch.zeros_like(x)
    least, greatest = torch.full_like(total, _UNKNOWN), torch.full_like(total, -_UNKNOWN)
    for j, row in enumerate(rows):
        for i, column in enumerate(columns):
            place = row + column
            value = unsigned(flat.index_select(1, place)).float()
            weight = down[j] * across[i]
            if known is not None:
                seen = known.flatten().index_select(0, place)
                weight = weight * seen
            total += value * weight
            weights += weight
            if i in (1, 2) and j in (1, 2):
                low = high = value
                if known is not None:
                    low, high = value.masked_fill(~seen, _UNKNOWN), value.masked_fill(~seen, -_UNKNOWN)
                least, greatest = torch.minimum(least, low), torch.maximum(greatest, high)
    is_inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    is_read = is_inside & (weights > LEAST_KNOWN) & (greatest[0] >= least[0])
    margin = OVERSHOOT * (greatest - least)
    held = torch.minimum(torch.maximum(total / weights.clamp_min(0.1), least - margin), greatest + margin)
    return held.clamp_(0, 65535), is_read


def _weights(part: Tensor) -> list[Tensor]:
    """Return Keys' weights of the four pixels around, for the `part` (m) of the way from the second on."""
    rest = 1 - part
    return [_far(1 + part), _near(part), _near(rest), _far(1 + rest)]


def _near(distance: Tensor) -> Tensor:
    return (1.5 * distance - 2.5) * distance * distance + 1


def _far(distance: Tensor) -> Tensor:
    return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
