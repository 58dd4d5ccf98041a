"""What `cgidn-small` gives: the haze of a frame, read off the decoded features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vrestore.models.cgidn.align import SLOPE
from vrestore.models.cgidn.config import HazeConfig
from vrestore.ops.filters.dark_channel import LEAST_TRANSMISSION

OVERALL_GAIN = 2.0
"""The gain on numbers for the whole picture: they have few weights, and would learn late without."""

DARKEST_AIR, BRIGHTEST_AIR = 0.05, 0.97
"""The range that the air light is kept in before it is mended, so that it has a logit."""

MAX_TINT = 0.1
"""How far the air light of a place may be from that of the frame."""


@dataclass(frozen=True)
class Haze:
    """What lies between the camera and a frame."""

    depth: Tensor
    """Optical depth, 0 or more, (N, 1, h, w) at scale 0: transmission is exp(-depth)."""
    air: Tensor
    """Air light, (N, 3), in [0, 1]."""
    tint: Tensor
    """What is added to it from place to place, (N, 3, h', w')."""


class HazeHead(nn.Module):
    """Reads the haze off the decoded features.

    The dark channel's depth is among what the encoder sees and no more. Were it added here, its blocks would
    have to be cancelled pixel by pixel, and they stood in the result. An untrained network says that half of
    the light comes through everywhere, and its air light is the mean of the prior's and of the picture.
    """

    def __init__(self, config: HazeConfig) -> None:
        super().__init__()
        finest, deepest = config.channels[0], config.channels[-1]
        self.depth = nn.Sequential(
            nn.Conv2d(finest, 16, 3, 1, 1), nn.LeakyReLU(SLOPE), nn.Conv2d(16, 1, 3, 1, 1)
        )
        self.overall = nn.Sequential(nn.Linear(2 * deepest, 32), nn.LeakyReLU(SLOPE), nn.Linear(32, 1))
        self.air = AirHead(deepest)
        self.tint = nn.Conv2d(deepest, 3, 1)

    def forward(self, pictures: Tensor, prior: Tensor, decoded: Tensor, deepest: Tensor) -> Haze:
        """Return the haze of pictures (N, 3, H, W) from features at scale 0 and at the coarsest.

        `prior` (N, 3) is the air light that the dark channel sees.
        """
        # The mean for what is everywhere, the maximum for what is somewhere, such as a sky: (N, 2 * C).
        pooled = torch.cat([deepest.mean((-2, -1)), deepest.amax((-2, -1))], 1)
        overall = OVERALL_GAIN * self.overall(pooled).float()[..., None, None]  # (N, 1, 1, 1)
        # t = exp(-depth) lies in [LEAST_TRANSMISSION, 1], whatever the network says.
        through = (self.depth(decoded).float() + overall).sigmoid()
        depth = -(LEAST_TRANSMISSION + (1 - LEAST_TRANSMISSION) * through).log()
        air = self.air(pictures, prior, deepest, pooled)
        return Haze(depth, air, MAX_TINT * self.tint(deepest).float().tanh())


class AirHead(nn.Module):
    """Reads the color of the haze off where it is seen best, and mends it.

    Where that is the features say, as attention over cells; the dark channel's color has a say too. Lamps and
    windows are brighter than any haze, and the dark channel takes them for it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Conv2d(channels, 1, 1)
        self.mend = nn.Sequential(nn.Linear(2 * channels + 6, 64), nn.LeakyReLU(SLOPE), nn.Linear(64, 6))

    def forward(self, pictures: Tensor, prior: Tensor, deepest: Tensor, pooled: Tensor) -> Tensor:
        """Return the air light (N, 3) of pictures (N, 3, H, W).

        `prior` (N, 3) is the dark channel's, `pooled` (N, 2 C) what features (N, C, h, w) are in all.
        """
        cells = F.adaptive_avg_pool2d(pictures, (deepest.shape[-2], deepest.shape[-1])).flatten(2)
        weight = self.attention(deepest).float().flatten(2).softmax(-1)  # (N, 1, cells)
        seen = (cells * weight).sum(-1)  # (N, 3)
        said = torch.cat([pooled.float(), seen, prior], 1).to(pooled.dtype)
        share, more = self.mend(said).float().chunk(2, 1)  # (N, 3) each
        mixed = torch.lerp(prior, seen, share.sigmoid()).clamp(DARKEST_AIR, BRIGHTEST_AIR)
        return cast("Tensor", (mixed.logit() + OVERALL_GAIN * more).sigmoid())
