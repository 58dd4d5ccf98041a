"""Colors where contrast grows much: what is strengthened there are the colors of things, not of codec blocks.

Where little light came through, colors are multiplied by 3 and more, and so are the squares in which a codec
has stored them. There they are replaced, before they are strengthened, by what follows the picture's
brightness: a guided filter's lines, found at the working size and read with the frame's own luma (He and Sun
2015).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vrestore.ops.filters.guided import guided_lines
from vrestore.ops.resample.resize import enlarged, reduced

RADIUS, EPSILON = 6, 1e-3
"""The filter's radius at the working size, and the variance of clear brightness that is an edge."""

FROM_GAIN, TO_GAIN = 1.5, 3.0
"""A color's distance from the air grows by so many times itself: between these its detail ceases to grow."""


def held(gain: Tensor) -> Tensor:
    """Return the share (H, W) of colors that is to follow brightness, where they grow by `gain` (H, W)."""
    return ((gain - FROM_GAIN) / (TO_GAIN - FROM_GAIN)).clamp_(0, 1)


def calmed(own: Tensor, small: Tensor, *, luma: Tensor, guide: Tensor, left: Tensor, share: Tensor) -> Tensor:
    """Return a color difference (h, w), of which a share follows the brightness.

    Args:
        own: the difference, at its own size.
        small: the same at the working size, (h', w').
        luma: brightness, (H, W) at full size, in the unit of `guide`.
        guide: brightness at the working size, (1, 1, h', w').
        left: the transmission there, by which haze has made edges weaker.
        share: (H, W), see `held`.
    """
    size = (own.shape[0], own.shape[1])
    epsilon = EPSILON * left.square()
    slope, offset = guided_lines(guide, small[None, None], radius=RADIUS, epsilon=epsilon)
    follows = enlarged(slope[0, 0], size).mul_(reduced(luma, size)).add_(enlarged(offset[0, 0], size))
    return torch.lerp(own, follows, reduced(share, size))
