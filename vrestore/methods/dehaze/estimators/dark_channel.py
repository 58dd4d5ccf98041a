"""Haze by the dark channel prior, on the small picture; it needs no weights.

What refines it, the guided filter, is the render's.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor

from vrestore.methods.dehaze.estimators.estimate import HazeEstimate
from vrestore.methods.dehaze.thumbnail import Thumbnail
from vrestore.ops.filters.dark_channel import LEAST_AIR, dark_air, dark_depth, min_nearby


def estimate_dark(looks: Iterator[Thumbnail]) -> Iterator[HazeEstimate]:
    """Estimate the haze of each frame by itself."""
    for look in looks:
        yield look.run(_estimate, look)


def _estimate(look: Thumbnail) -> HazeEstimate:
    air = dark_air(look.picture)  # (1, 3)
    return HazeEstimate(look, dark_depth(look.picture, air[:, :, None, None]), air[0])


def local_air(picture: Tensor) -> Tensor:
    """Return the color of the haze from place to place (1, 3, H, W) where lamps light it, as at night.

    The brightest of each color nearby, smoothed: the maximum reflectance prior (Zhang et al., CVPR 2017).
    """
    radius = max(1, min(picture.shape[-2:]) // 12)
    side = 2 * radius + 1
    # The greatest is the least of the negative.
    bright = -min_nearby(-picture, radius)
    for _ in range(2):
        # Twice a box is nearly a Gaussian; maxima alone would show as squares.
        bright = F.avg_pool2d(bright, 2 * side + 1, 1, side, count_include_pad=False)
    return bright.clamp(min=LEAST_AIR)
