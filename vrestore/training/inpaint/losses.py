"""What the painting network is asked to be good at."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

ROUNDING = 0.04
"""Differences, in shares of full scale, below which the loss turns from absolute to squared: what lies in a
hole that no frame shows can only be guessed, and the square's best guess is the mean, which shows least."""

FLOOR = 0.01
"""Root mean square error of a clip, in shares of full scale, that is as good as none."""

SCALES = (1, 2, 4)


def charbonnier(difference: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean of sqrt(d^2 + e^2) - e (Charbonnier et al. 1994), a rounded absolute value.

    Args:
        difference: (N, C, H, W).
        weight: (N, 1, H, W).
    """
    # For |d| much below e it is d^2 / (2 e), much above it |d| - e.
    rounded = (difference.square() + ROUNDING**2).sqrt() - ROUNDING
    return (rounded * weight).sum() / (weight.sum() * difference.shape[1]).clamp_min(1)


def log_error(difference: Tensor, weight: Tensor, *, clips: int) -> Tensor:
    """Return ln(mean d^2 + f^2) for each clip, their mean: PSNR (dB) is -10/ln 10 of it.

    A clip counts by the share of its error that goes, whatever the error is: hard clips do not rule.

    Args:
        difference: (clips * T, C, H, W).
        weight: (clips * T, 1, H, W), 0 or 1; clips where it is 0 throughout do not count.
        clips: how many there are, one behind the other.
    """
    # In 32 bits: a sum of squares over a window is beyond what bfloat16 adds up to.
    squares = (difference.float().square() * weight).sum((1, 2, 3)).view(clips, -1).sum(1)  # (clips,)
    counts = weight.sum((1, 2, 3)).view(clips, -1).sum(1)
    means = squares / (counts * difference.shape[1]).clamp_min(1)
    # f^2 bounds the slope at 1 / f^2: a clip that is nearly right cannot outweigh all others.
    present = (counts > 0).float()
    return ((means + FLOOR**2).log() * present).sum() / present.sum().clamp_min(1)


def gradient_loss(picture: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Compare the slopes of two pictures (N, C, H, W) where `weight` (N, 1, H, W) is, at several scales."""
    total = picture.new_zeros(())
    for scale in SCALES:
        # At half and a quarter of the size the slopes of wider edges are compared, and of shading.
        difference, share = (
            (picture - truth, weight)
            if scale == 1
            else (
                F.avg_pool2d(picture - truth, scale),
                F.avg_pool2d(weight, scale),
            )
        )
        across = difference[..., 1:] - difference[..., :-1]
        down = difference[..., 1:, :] - difference[..., :-1, :]
        total = total + charbonnier(across, share[..., 1:]) + charbonnier(down, share[..., 1:, :])
    return total / len(SCALES)
