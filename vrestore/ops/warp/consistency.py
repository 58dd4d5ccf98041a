"""Forward-backward consistency: how far a point is from itself after going there and back.

The test is Sundaram, Brox and Keutzer (2010), eq. 5, with a bound that grows with the motion; instead of a
yes or no it gives a confidence that falls off smoothly below the bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vrestore.ops.warp.warp import is_inside, sample


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The bound on the round trip's error, `pixels + share * length of the flow`.

    `softness` is the error in pixels at which confidence has fallen to exp(-1/2).
    """

    pixels: float
    softness: float
    share: float = 0.05

    def in_cells(self, cell: int) -> Tolerance:
        """Return the same bound for flow that counts in cells of so many pixels."""
        return replace(self, pixels=self.pixels / cell, softness=self.softness / cell)


def consistency(points: Tensor, displacement: Tensor, back: Tensor, *, tolerance: Tolerance) -> Tensor:
    """Return the confidence, [0, 1], of going from `points` by `displacement`, both (n, 2).

    `back` (2, H, W) is the flow of the other frame towards this one, in the other frame's pixels. A
    target outside that picture has confidence 0.
    """
    targets = points + displacement  # (n, 2)
    returned_x, returned_y = sample(back, targets, padding="border")  # (n) each
    x, y = displacement.unbind(-1)
    # There and back sum to nothing where both are right and the point is seen in both frames.
    error = torch.hypot(x + returned_x, y + returned_y)
    length = torch.hypot(x, y)
    # Longer flow is estimated less exactly (eq. 5 has squares of both sides).
    bound = tolerance.pixels + tolerance.share * length
    softness = tolerance.softness + 0.5 * tolerance.share * length
    # A Gaussian of the error, so that half trust can blend; eq. 5 says yes or no.
    confidence = (error / softness).square_().mul_(-0.5).exp_()
    inside = is_inside(targets, height=back.shape[-2], width=back.shape[-1])
    return confidence * ((error < bound) & inside)
