"""A temporal PatchGAN: a critic that judges patches of three neighboring frames at once.

Chang, Liu, Lee and Hsu, "Free-form video inpainting with 3D gated convolution and temporal PatchGAN"
(ICCV 2019), with hinge losses and feature matching (Wang et al. 2018, "pix2pixHD", eq. 4). Frames are stacked
as channels instead of convolved in three dimensions: on a processor that is many times faster.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NEIGHBORS = 3
"""How many frames a patch is judged by."""

WIDTHS = (32, 64, 96, 96)
"""The channels of the layers; each halves the size, so a verdict sees 93 pixels across."""


class Critic(nn.Module):
    """Says of each patch whether it is real (high) or filled (low)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (NEIGHBORS * 4, *WIDTHS)
        self.layers = nn.ModuleList(
            # Spectral normalisation (Miyato et al. 2018) keeps the critic's slope bounded, so that it cannot
            # win by shouting: the fillings always get a gradient.
            nn.utils.parametrizations.spectral_norm(nn.Conv2d(inner, outer, 5, stride=2, padding=2))
            for inner, outer in pairwise(widths)
        )
        self.verdict = nn.utils.parametrizations.spectral_norm(nn.Conv2d(WIDTHS[-1], 1, 3, padding=1))

    def forward(self, frames: Tensor, holes: Tensor, *, clips: int) -> list[Tensor]:
        """Return the features of each layer and, last, the verdict.

        Args:
            frames: (clips * T, 3, H, W) in [0, 1], T at least 3.
            holes: (clips * T, 1, H, W).
            clips: How many clips stand one behind the other.
        """
        seen = torch.cat([frames * 2 - 1, holes.to(frames.dtype)], dim=1)  # (clips * T, 4, H, W)
        seen = seen.reshape(clips, -1, *seen.shape[1:])  # (clips, T, 4, H, W)
        count = seen.shape[1] - NEIGHBORS + 1
        # Frames t, t+1, t+2 as channels of one: (clips, T - 2, 12, H, W).
        triples = torch.cat([seen[:, place : place + count] for place in range(NEIGHBORS)], dim=2)
        features = triples.flatten(0, 1).to(memory_format=torch.channels_last)
        outputs = []
        for layer in self.layers:
            features = F.leaky_relu(layer(features), 0.2)
            outputs.append(features)
        return [*outputs, cast("Tensor", self.verdict(features))]


def critic_loss(real: list[Tensor], filled: list[Tensor]) -> Tensor:
    """Return what the critic minimises: the hinge loss of its verdicts."""
    # Verdicts beyond 1 and -1 cost nothing more: what is told apart already teaches nothing.
    return F.relu(1 - real[-1].float()).mean() + F.relu(1 + filled[-1].float()).mean()


def generator_loss(real: list[Tensor], filled: list[Tensor]) -> Tensor:
    """Return what the painting network minimises: to be taken for real, with features like the truth's."""
    matching = torch.stack(
        [(a.detach().float() - b.float()).abs().mean() for a, b in zip(real[:-1], filled[:-1], strict=True)]
    )
    return matching.mean() - filled[-1].float().mean()
