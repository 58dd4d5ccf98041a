"""How much of the haze goes at full strength, at every place of the small picture.

What departs from the law, and why: a sky that is nothing but air is held back, for there is nothing to see
but noise; no color can come out darker than black; contrast grows only as far as the noise allows; and where
haze is thick nowhere, there may be none at all, and the picture is changed only so far.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.methods.dehaze.estimators.estimate import HazeEstimate
from vrestore.methods.dehaze.settings import DehazeSettings
from vrestore.methods.dehaze.thumbnail import Thumbnail
from vrestore.ops.filters.guided import box_mean

LEAST_TRANSMISSION = 0.08
"""Contrast grows at most by 1 over this."""

NOISE_AFTER = 0.05
"""Standard deviation of the noise that contrast may grow to."""

LEAST_MOST_GAIN = 2.0
"""Contrast may grow by this however noisy the picture is."""

NOTHING, SOMETHING = 0.02, 0.1
"""Distances from the air's color: nearer there is nothing but noise to see, farther there is something."""

HELD = 0.4
"""Share of the depth that is taken away where there is nothing to see."""

SMOOTH, ROUGH = 0.006, 0.03
"""Standard deviations of luma nearby: where it is smooth there is nothing to see either, if haze is thick."""

THICK = 1.0
"""Optical depth over which smoothness begins to count; twice that it counts in full."""

HOLD_RADIUS = 4

KEPT_DEPTH = 0.7
"""Optical depth beyond which nearly no more haze is taken away where distance is to stay visible."""

TYPICAL = 0.75
"""The quantile of optical depth that tells whether there is haze: most of a picture may be near."""

DOUBTED, CERTAIN = 0.25, 0.35
"""Optical depths there: below there may be no haze at all, above there is."""

MOST_CHANGE = 0.035
"""Root mean square of the change at full strength of a picture that may have no haze, of black to white."""

SKY_BRIGHT, SKY_ROUGH = 0.4, 0.02


def depth_to_go(veil: HazeEstimate, settings: DehazeSettings) -> Tensor:
    """Return the depth (1, 1, h, w) of the haze that may go, at the size of the picture."""
    picture = veil.look.picture
    depth = F.interpolate(veil.depth, size=picture.shape[-2:], mode="bilinear", align_corners=False)
    if settings.keep_depth:
        # Slope 1 at 0, never beyond KEPT_DEPTH: near haze goes, far haze stays as the sign of distance.
        depth = KEPT_DEPTH * (1 - torch.exp(-depth / KEPT_DEPTH))
    if settings.protect_sky:
        depth = depth * (1 - sky(veil.look.luma, picture))
    return depth


def left_over(look: Thumbnail, depth: Tensor, air: Tensor, *, noise: float) -> Tensor:
    """Return the transmission (1, 1, h, w) of the haze that goes: 1 where none does.

    `depth` is of what may go; `air` is (1, 3, 1, 1) or (1, 3, h, w), `noise` the standard deviation of the
    picture's.
    """
    picture = look.picture
    left = torch.exp(-depth * _hold(look, air, depth))  # (1, 1, h, w)
    least = (1 - picture / air.clamp(min=1e-3)).amax(1, keepdim=True)  # I >= A (1 - t)
    # Noise grows as contrast does, by 1 / t.
    gain = min(1 / LEAST_TRANSMISSION, max(LEAST_MOST_GAIN, NOISE_AFTER / max(noise, 1e-6)))
    return torch.maximum(left, least).clamp(1 / gain, 1)


def believed(veil: HazeEstimate, clear: Tensor) -> float:
    """Return the share of the change to a `clear` picture that is right where haze is not certain.

    A faded picture of clear air looks like thin haze everywhere, but like thick haze nowhere.
    """
    typical = float(_quantile(veil.depth, TYPICAL))
    doubt = (CERTAIN - typical) / (CERTAIN - DOUBTED)
    if doubt <= 0:
        return 1.0
    change = float((clear - veil.look.picture).square().mean().sqrt())
    # The less there may be no haze, the more may change.
    return min(1.0, MOST_CHANGE / max(min(doubt, 1.0) * change, 1e-6))


def _quantile(values: Tensor, share: float) -> Tensor:
    """Return the value that this share of all are no greater than; `torch.quantile` sorts them all."""
    return values.flatten().kthvalue(max(1, round(share * values.numel()))).values


def cleared(picture: Tensor, air: Tensor, left: Tensor) -> Tensor:
    """Return a picture (1, 3, h, w) without the haze of transmission `left`, in [0, 1]."""
    return ((picture - air) / left + air).clamp(0, 1)


def sky(luma: Tensor, picture: Tensor) -> Tensor:
    """Guess where the sky is, (1, 1, h, w) in [0, 1]: bright, smooth, not green or red, joined to the top.

    What is joined, the CPU finds out, wherever the picture is.
    """
    y = luma[0, 0].cpu().numpy()
    # Blurred first, or noise would be roughness.
    rough = cv2.blur(np.abs(cv2.Laplacian(cv2.blur(y, (3, 3)), cv2.CV_32F)), (5, 5))
    blue = (picture[0, 2] > picture[0].amax(0) - 0.08).cpu().numpy()
    smooth = (rough < SKY_ROUGH) & blue & (y > SKY_BRIGHT)
    _, labels = cv2.connectedComponents(smooth.astype(np.uint8), connectivity=4)
    # Sky is what hangs together with the upper edge.
    top = np.unique(labels[:2][smooth[:2]])
    found = np.isin(labels, top[top > 0]).astype(np.float32)
    soft = torch.from_numpy(cv2.blur(cv2.dilate(found, np.ones((5, 5))), (9, 9)))
    return soft[None, None].to(picture.device)


def _hold(look: Thumbnail, air: Tensor, depth: Tensor) -> Tensor:
    """Return how far depth counts, (1, 1, h, w): less where all is air, as in a foggy sky.

    Whatever is there, hardly any of its light came through; what contrast there is, is the codec's.
    """
    away = (look.picture - air).abs().amax(1, keepdim=True)  # (1, 1, h, w)
    seen = (box_mean(away, HOLD_RADIUS) - NOTHING) / (SOMETHING - NOTHING)
    mean = box_mean(look.luma, HOLD_RADIUS)
    # E[y^2] - E[y]^2, which rounding can make negative.
    rough = (box_mean(look.luma.square(), HOLD_RADIUS) - mean.square()).clamp(min=0).sqrt()
    smooth = (1 - (rough - SMOOTH) / (ROUGH - SMOOTH)).clamp(0, 1) * ((depth - THICK) / THICK).clamp(0, 1)
    return HELD + (1 - HELD) * seen.clamp(0, 1) * (1 - box_mean(smooth, HOLD_RADIUS))
