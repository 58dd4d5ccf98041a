"""Alignment of features by deformable convolution that sees a cost volume, and their fusion.

The pyramid, the cascade and the fusion by likeness are EDVR's (Wang et al. 2019, section 3.2 and 3.3); the
cost volume and the confidence that weighs it are what CG-IDN's title and summary name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vrestore.models.cgidn.config import HazeConfig
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.warp.deform import deform_conv

SLOPE = 0.1
"""The slope of leaky ReLU below zero, as in EDVR's published code."""

TAPS = 9
"""How many places a kernel of 3x3 reads."""


class Aligned(Protocol):
    """What of a frame's features this module reads."""

    @property
    def matched(self) -> tuple[Tensor, ...]: ...

    @property
    def confidence(self) -> Tensor: ...


class Align(nn.Module):
    """Brings a neighbor's features to where the middle frame's are, from the coarsest scale to the finest.

    It is EDVR's PCD (Wang et al. 2019, section 3.2, figure 3) with a cost volume among what offsets are read
    off.
    """

    def __init__(self, config: HazeConfig) -> None:
        super().__init__()
        self.config = config
        count = len(config.channels) - config.align_from
        self.levels = nn.ModuleList(Level(config, is_coarsest=index == count - 1) for index in range(count))
        channels = config.align_channels
        self.cascade = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, 1, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, channels, 3, 1, 1),
        )
        self.cascade_conv = DeformConv(channels, config.offset_groups)

    def forward(self, neighbor: Aligned, middle: Aligned) -> Tensor:
        """Return the neighbor's features of the finest scale, (N, C, h, w), brought to the middle frame."""
        above: tuple[Tensor, Tensor] | None = None
        for index in reversed(range(len(self.levels))):
            theirs, ours = neighbor.matched[index], middle.matched[index]
            # A likeness of two features says something only where both frames' features say something.
            trust = None
            if self.config.confidence_in_matching:
                trust = _pooled(neighbor.confidence, ours) * _pooled(middle.confidence, ours)
            above = self.levels[index](theirs, ours, trust, above)
        assert above is not None
        aligned = above[1]
        # The cascade: once more at the finest scale, for what the pyramid left (EDVR, the last stage of PCD).
        seen = F.leaky_relu(self.cascade(torch.cat([aligned, middle.matched[0]], 1)), SLOPE)
        return F.leaky_relu(self.cascade_conv(aligned, seen), SLOPE)

    def offset_heads(self) -> list[nn.Conv2d]:
        """List the convolutions that offsets are read off with."""
        return [part.offset for part in self.modules() if isinstance(part, DeformConv)]


class Level(nn.Module):
    """Alignment at one scale."""

    def __init__(self, config: HazeConfig, *, is_coarsest: bool) -> None:
        super().__init__()
        channels, costs = config.align_channels, (2 * config.radius + 1) ** 2
        self.radius = config.radius
        self.match = nn.Conv2d(2 * channels + costs, channels, 3, 1, 1)
        self.conv = DeformConv(channels, config.offset_groups)
        self.refine = None if is_coarsest else nn.Conv2d(2 * channels, channels, 3, 1, 1)
        self.blend = None if is_coarsest else nn.Conv2d(2 * channels, channels, 3, 1, 1)

    def forward(
        self, theirs: Tensor, ours: Tensor, trust: Tensor | None, above: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """Return what offsets are made from, and the aligned features; both join those of the scale above."""
        costs = cost_volume(ours, theirs, radius=self.radius)
        if trust is not None:
            # The geometric mean of both confidences: (N, 1, h, w) times (N, costs, h, w).
            costs = costs * trust.sqrt().to(costs.dtype)
        matched = F.leaky_relu(self.match(torch.cat([theirs, ours, costs], 1)), SLOPE)
        if self.refine is None or self.blend is None or above is None:
            return matched, F.leaky_relu(self.conv(theirs, matched), SLOPE)
        # EDVR, eq. 3 and 4: offsets of a scale begin with those of the scale above, twice as long in pixels
        # that are half as large; the aligned features of both scales are joined.
        offsets, aligned = (
            F.interpolate(each, size=ours.shape[-2:], mode="bilinear", align_corners=False) for each in above
        )
        matched = F.leaky_relu(self.refine(torch.cat([matched, 2 * offsets], 1)), SLOPE)
        own = self.conv(theirs, matched)
        return matched, F.leaky_relu(self.blend(torch.cat([own, aligned], 1)), SLOPE)


class DeformConv(nn.Module):
    """A deformable convolution whose offsets and masks are read off other features."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.offset = nn.Conv2d(channels, 3 * groups * TAPS, 3, 1, 1)
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        nn.init.kaiming_normal_(self.weight, a=SLOPE)
        self.backend: Backend = TORCH

    def forward(self, frames: Tensor, seen: Tensor) -> Tensor:
        """Convolve frames (N, C, h, w) at the taps that `seen`, of the same shape, sends them to."""
        # Coordinates in half precision would be off by whole pixels.
        first, second, mask = self.offset(seen).float().chunk(3, 1)  # each (N, groups * TAPS, h, w)
        # Nothing moves by more than a quarter of the picture; what is farther is an offset that ran away.
        max_offset = max(frames.shape[-2:]) / 4
        offset = torch.cat([first, second], 1).clamp(-max_offset, max_offset)  # (N, 2 * groups * TAPS, h, w)
        # The mask is from 0 to 2 so that a layer whose offset convolution is zero begins as a plain one.
        with torch.autocast(frames.device.type, enabled=False):
            moved = deform_conv(
                frames.float().contiguous(),
                offset,
                2 * mask.sigmoid(),
                self.weight,
                self.bias,
                padding=1,
                backend=self.backend,
            )
        return moved.to(frames.dtype, memory_format=torch.channels_last)


class Fuse(nn.Module):
    """Joins the aligned frames, each as far as it is like the middle one and believed."""

    def __init__(self, config: HazeConfig, out_channels: int) -> None:
        super().__init__()
        channels = config.align_channels
        self.config = config
        self.embed_theirs = nn.Conv2d(channels, channels, 3, 1, 1)
        self.embed_ours = nn.Conv2d(channels, channels, 3, 1, 1)
        self.mix = nn.Conv2d(config.frames * channels, channels, 1)
        self.join = nn.Conv2d(2 * channels, out_channels, 3, 1, 1)

    def forward(self, aligned: Sequence[Tensor], window: Sequence[Aligned], middle: Aligned) -> Tensor:
        """Return (N, out_channels, h, w) of aligned features (N, C, h, w) of each frame of the window."""
        ours = self.embed_ours(middle.matched[0])
        parts = []
        for features, frame in zip(aligned, window, strict=True):
            # EDVR, eq. 5: the likeness of two embeddings at each place. A mean instead of their sum keeps the
            # sigmoid from saturating, however many channels there are.
            like = (self.embed_theirs(features) * ours).mean(1, keepdim=True).sigmoid()
            if self.config.confidence_in_fusion:
                like = like * _pooled(frame.confidence, ours).to(like.dtype)
            parts.append(features * like)
        mixed = F.leaky_relu(self.mix(torch.cat(parts, 1)), SLOPE)  # (N, frames * C, h, w) to (N, C, h, w)
        return F.leaky_relu(self.join(torch.cat([mixed, middle.matched[0]], 1)), SLOPE)


def cost_volume(ours: Tensor, theirs: Tensor, *, radius: int) -> Tensor:
    """Return how alike each place is to those up to `radius` away in the other frame, in [-1, 1].

    Takes features (N, C, h, w) and returns (N, (2 * radius + 1)**2, h, w), the shifts in rows; 0 beyond the
    border.
    """
    # PWC-Net's cost volume (Sun et al. 2018) but of unit vectors, or strong features would be like all
    # others.
    height, width = ours.shape[-2:]
    ours, theirs = F.normalize(ours, dim=1), F.normalize(theirs, dim=1)
    around = F.pad(theirs, (radius,) * 4)  # (N, C, h + 2 radius, w + 2 radius)
    side = range(2 * radius + 1)
    costs = [(ours * around[..., dy : dy + height, dx : dx + width]).sum(1) for dy in side for dx in side]
    return torch.stack(costs, 1)


def _pooled(confidence: Tensor, like: Tensor) -> Tensor:
    """Return confidence (N, 1, ...) in [0, 1] at the size of `like`, from a logit."""
    return F.adaptive_avg_pool2d(confidence.sigmoid(), (like.shape[-2], like.shape[-1]))
