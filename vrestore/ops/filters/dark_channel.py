"""The dark channel prior: somewhere near every place, something is dark in one of the colors.

He, Sun and Tang, "Single image haze removal using dark channel prior" (CVPR 2009). Where nothing is dark,
haze has added light: the darkest color nearby tells how much. White walls, snow and lamps are taken for
haze.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

KEPT = 0.95
"""So much of the haze that the prior sees is taken for haze (omega, eq. 12)."""

REACH = 1 / 32
"""Radius of the neighborhood, as a share of the shorter side: 15 pixels across at 240 lines."""

HAZIEST = 0.001
"""Share of the pixels with the brightest dark channel that the air light is read off (section 4.4)."""

CLIPPED = 0.98
"""A color this bright is the camera's limit, not that of the air."""

LEAST_AIR = 0.2
LEAST_TRANSMISSION = 0.05


def dark_channel(pictures: Tensor) -> Tensor:
    """Return the darkest color in the neighborhood of each place of pictures (N, 3, H, W), (N, 1, H, W)."""
    radius = max(1, round(REACH * min(pictures.shape[-2:])))
    return min_nearby(pictures.amin(1, keepdim=True), radius)


def min_nearby(values: Tensor, radius: int) -> Tensor:
    """Return the least value up to `radius` away in rows and columns, of values (..., H, W).

    Stretches of 1, 2, 4 ... values, each the lesser of two halves: several times as fast as pooling.
    """
    # Beyond the border lies what is never the least.
    result, side = F.pad(values, (radius,) * 4, value=torch.inf), 2 * radius + 1
    for axis in (-1, -2):
        length = 1
        while length < side:
            # The last step is shorter, its two halves overlap: a minimum may see a value twice.
            step = min(length, side - length)
            kept = result.shape[axis] - step
            result = torch.minimum(result.narrow(axis, 0, kept), result.narrow(axis, step, kept))
            length += step
    return result


def dark_air(pictures: Tensor) -> Tensor:
    """Return the color (N, 3) of the haze in pictures (N, 3, H, W): the mean where it is thickest.

    Clipped pixels do not count, unless there are too few others.
    """
    dark, colors = dark_channel(pictures).flatten(1), pictures.flatten(2)
    # Below all others, which are 0 to 1, but still in an order: they serve where there are too few others.
    dark = dark - 2 * (colors.amax(1) >= CLIPPED).to(dark.dtype)
    haziest = dark.topk(max(1, round(HAZIEST * dark.shape[1])), 1).indices  # (N, k)
    return colors.gather(2, haziest[:, None].expand(-1, 3, -1)).mean(2)  # (N, 3, k) to (N, 3)


def dark_depth(pictures: Tensor, air: Tensor) -> Tensor:
    """Return the optical depth (N, 1, H, W) of pictures whose haze has the color `air`, (N, 3, 1, 1) or
    more."""
    # Eq. 12: the dark channel of the picture over the air, color by color, is 1 - t of clear dark things.
    transmission = 1 - KEPT * dark_channel(pictures / air.clamp(min=LEAST_AIR))
    return -transmission.clamp(LEAST_TRANSMISSION, 1).log()
