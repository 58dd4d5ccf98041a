"""Haze by the dark channel prior: somewhere near every place, something is dark in one of the colours.

He, Sun and Tang, "Single image haze removal using dark channel prior" (CVPR 2009). It needs no weights, and
is what a network is measured against. Here it works on the small picture; what refines it, the guided filter,
is the render's. White walls, snow and lamps have no dark channel: they are taken for haze.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.restore.dehaze_haze import Veil
from vrestore.restore.dehaze_look import Look

KEPT = 0.95
"""Of the haze that the prior sees, this much is taken for haze (omega, eq. 12)."""

REACH = 1 / 32
"""Radius of the neighbourhood, as a share of the shorter side: 15 pixels across at 240 lines, as in the
paper."""

HAZIEST = 0.001
"""Share of the pixels with the brightest dark channel that the air light is read off (section 4.4)."""

CLIPPED = 0.98
"""A colour this bright is the camera's limit, not that of the air."""

LEAST_AIR = 0.2
LEAST_TRANSMISSION = 0.05


def estimate_dark(looks: Iterator[Look]) -> Iterator[Veil]:
    """Estimate the haze of each frame by itself."""
    for look in looks:
        air = air_light(look.picture)
        yield Veil(look, dark_depth(look.picture, air), air)


def dark_depth(pictures: Tensor, air: Tensor) -> Tensor:
    """Give the optical depth (N, 1, H, W) of pictures (N, 3, H, W) whose haze has the colour `air` (3,)."""
    transmission = 1 - KEPT * dark_channel(pictures / air[:, None, None].clamp(min=LEAST_AIR))
    return -transmission.clamp(LEAST_TRANSMISSION, 1).log()


def air_light(picture: Tensor) -> Tensor:
    """Give the colour (3,) of the haze in a picture (1, 3, H, W): the mean where it is thickest.

    Clipped pixels do not count, unless there are no others.
    """
    dark = dark_channel(picture)[0, 0].flatten()
    colours = picture[0].flatten(1)
    unclipped = colours.amax(0) < CLIPPED
    if unclipped.any():
        dark, colours = dark[unclipped], colours[:, unclipped]
    count = max(1, round(HAZIEST * picture[0, 0].numel()))
    haziest = dark.topk(min(count, dark.numel())).indices
    return colours[:, haziest].mean(1)


def dark_channel(pictures: Tensor) -> Tensor:
    """Give the darkest colour in the neighbourhood of each place, (N, 1, H, W)."""
    radius = max(1, round(REACH * min(pictures.shape[-2:])))
    darkest = pictures.amin(1, keepdim=True)
    side = 2 * radius + 1
    down = F.max_pool2d(-darkest, (side, 1), 1, (radius, 0))
    return -F.max_pool2d(down, (1, side), 1, (0, radius))


def local_air(picture: Tensor) -> Tensor:
    """Give the colour of the haze from place to place (1, 3, H, W) where lamps light it, as at night.

    The brightest of each colour nearby, smoothed: the maximum reflectance prior (Zhang et al., CVPR 2017).
    """
    radius = max(1, min(picture.shape[-2:]) // 12)
    side = 2 * radius + 1
    bright = F.max_pool2d(F.max_pool2d(picture, (side, 1), 1, (radius, 0)), (1, side), 1, (0, radius))
    for _ in range(2):
        bright = F.avg_pool2d(bright, 2 * side + 1, 1, side, count_include_pad=False)
    return torch.maximum(bright, torch.tensor(LEAST_AIR))
