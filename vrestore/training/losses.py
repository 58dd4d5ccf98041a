"""What the painting network is asked to be good at."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

ROUNDING = 0.04
"""Differences, in shares of full scale, below which the loss turns from absolute to squared: what lies in a
hole that no frame shows can only be guessed, and the square's best guess is the mean, which shows least."""

SCALES = (1, 2, 4)


def charbonnier(difference: Tensor, weight: Tensor) -> Tensor:
    """Give the weighted mean of sqrt(d^2 + e^2) - e (Charbonnier et al. 1994), a rounded absolute value.

    Args:
        difference: (N, C, H, W).
        weight: (N, 1, H, W).
    """
    rounded = (difference.square() + ROUNDING**2).sqrt() - ROUNDING
    return (rounded * weight).sum() / (weight.sum() * difference.shape[1]).clamp_min(1)


def gradient_loss(picture: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Compare the slopes of two pictures (N, C, H, W) where `weight` (N, 1, H, W) is, at several scales."""
    total = picture.new_zeros(())
    for scale in SCALES:
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
