"""A network in the style of CG-IDN: clears a frame of haze with the help of its neighbors.

After Zhang, Dong, Pan, Zhu, Tai, Wang, Li, Huang and Wang, "Learning to Restore Hazy Video" (CVPR 2021),
whose network was never published. Its parts are here: every frame is pre-dehazed with a confidence, neighbors
are aligned by deformable convolution whose offsets see a cost volume weighted by confidence, fused, and the
result is reconstructed by the boosted decoder of MSBDN (Dong et al., CVPR 2020). How they are joined is our
own: alignment as in EDVR (Wang et al. 2019), confidence taught to be exp(-10 |error|) of the pre-dehazed
picture. `cgidn` returns the clear picture; `cgidn-small` returns the haze, which is smooth and can be taken
away at any size: an optical depth, the color of the air, and by how much that differs from place to place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vrestore.models.cgidn.align import Align, DeformConv, Fuse
from vrestore.models.cgidn.config import HazeConfig
from vrestore.models.cgidn.haze_head import Haze, HazeHead
from vrestore.ops.dispatch import Backend
from vrestore.ops.filters.dark_channel import dark_air, dark_depth

SLOPE = 0.1
BRANCH_START = 0.1
"""The share of their usual size that residual branches start with, after EDVR's published code."""

PRIOR_CHANNELS = 4
"""The channels of transmission and air light, as the dark channel sees them."""


@dataclass(frozen=True)
class Prior:
    """The haze of frames as the dark channel sees it; see `vrestore.ops.filters.dark_channel`."""

    depth: Tensor
    """(N, 1, h, w) at scale 0."""
    air: Tensor
    """(N, 3)."""


@dataclass(frozen=True)
class Features:
    """What one frame is to every window it is in."""

    picture: Tensor
    """(N, 3, H, W) in [0, 1]."""
    scales: tuple[Tensor, ...]
    """The encoder's features, the finest first."""
    matched: tuple[Tensor, ...]
    """The features of the scales that are aligned, projected to as many channels each, the finest first."""
    air: Tensor
    """The air light (N, 3) as the dark channel sees it."""
    cleared: Tensor
    """The pre-dehazed frame, (N, 3, h, w) at scale 0."""
    confidence: Tensor
    """The confidence that it is right, as a logit, (N, 1, h, w) at scale 0."""

    def to(self, device: torch.device) -> Features:
        """Return them on a device."""

        def there(values: Tensor) -> Tensor:
            return values.to(device)

        return self._each(there)

    def frame(self, index: int, count: int) -> Features:
        """Return one of `count` frames of clips that were encoded in one batch, all first frames first."""

        def own(values: Tensor) -> Tensor:
            return values.chunk(count)[index]  # (count * N, ...) to (N, ...)

        return self._each(own)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Features:
        return Features(
            change(self.picture),
            tuple(change(each) for each in self.scales),
            tuple(change(each) for each in self.matched),
            change(self.air),
            change(self.cleared),
            change(self.confidence),
        )


class CgIdn(nn.Module):
    """The network. Frames are encoded one by one and cleared a window at a time."""

    def __init__(self, config: HazeConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        # Frames are encoded once each; a window aligns their features at scale `align_from` and below, fuses
        # them there, goes down to the coarsest scale again, and up to scale 0 with the middle frame's skips.
        self.encoder = Encoder(config)
        self.align = Align(config)
        self.fuse = Fuse(config, channels[config.align_from])
        self.down = nn.ModuleList()
        for scale in range(config.align_from, len(channels)):
            last = channels[max(scale - 1, config.align_from)]
            stride = 1 if scale == config.align_from else 2
            blocks = [Residual(channels[scale]) for _ in range(config.scale_blocks)]
            self.down.append(nn.Sequential(nn.Conv2d(last, channels[scale], 3, stride, 1), *blocks))
        self.bottleneck = nn.Sequential(*(Residual(channels[-1]) for _ in range(config.bottleneck_blocks)))
        self.up = nn.ModuleList(
            Boost(channels[scale + 1], channels[scale], config.decoder_blocks, boosted=config.boosted)
            for scale in reversed(range(len(channels) - 1))
        )
        self.head = HazeHead(config) if config.output == "haze" else _picture_head(config)
        _initialise(self)

    def use(self, backend: Backend) -> None:
        """Let deformable convolutions be served by a backend other than torch; see `vrestore.ops.select`."""
        for part in self.modules():
            if isinstance(part, DeformConv):
                part.backend = backend

    def encode(self, pictures: Tensor) -> Features:
        """Return what pictures (N, 3, H, W), each side a multiple of the configuration's, are to windows."""
        return cast("Features", self.encoder(pictures))

    def clear(self, window: Sequence[Features]) -> Haze | Tensor:
        """Return the haze of the middle one of as many frames as a window has, or that frame without it."""
        fused, middle = self.join(window)
        # Finer than the fusion there is the middle frame alone: each finer scale would cost four times as
        # much.
        skips = [*middle.scales[: self.config.align_from]]
        frames = fused
        for part in self.down:
            frames = part(frames)
            skips.append(frames)
        deepest = self.bottleneck(skips.pop())  # (N, channels[-1], h / 2^(scales - 1), w / 2^(scales - 1))
        decoded = deepest
        for part, skip in zip(self.up, reversed(skips), strict=True):
            decoded = part(decoded, skip)
        if isinstance(self.head, HazeHead):
            return cast("Haze", self.head(middle.picture, middle.air, decoded, deepest))
        # In 32 bits under autocast too: bfloat16 has 8 of them, too few for a smooth sky.
        cleared = cast("Tensor", self.head(decoded).float())
        return cleared + middle.picture if self.config.output == "residual" else cleared

    def join(self, window: Sequence[Features]) -> tuple[Tensor, Features]:
        """Return the features of the middle frame with what its neighbors add, and the middle frame."""
        middle = window[self.config.reach]
        aligned = [middle.matched[0] if each is middle else self.align(each, middle) for each in window]
        return self.fuse(aligned, window, middle), middle

    def forward(self, frames: Tensor) -> Haze | Tensor:
        """Clear the middle frame of windows (N, T, 3, H, W); T may be 1, for pictures without neighbors."""
        return self.clear(self.encode_windows(frames))

    def encode_windows(self, frames: Tensor) -> list[Features]:
        """Encode windows (N, T, 3, H, W), frame by frame; a picture alone is its own neighbors."""
        count = frames.shape[1]
        every = self.encode(frames.transpose(0, 1).flatten(0, 1))  # (T * N, 3, H, W), all first frames first
        if count == 1:
            return [every] * self.config.frames
        return [every.frame(index, count) for index in range(count)]


class Encoder(nn.Module):
    """What each frame passes once: scales of features, a pre-dehazed picture and its confidence."""

    def __init__(self, config: HazeConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        seen = 3 * config.shrink**2 + (PRIOR_CHANNELS if config.output == "haze" else 0)
        self.stem = nn.Conv2d(seen, channels[0], config.stem_kernel, 1, config.stem_kernel // 2)
        self.head = nn.Sequential(
            nn.Conv2d(channels[0], 16, 3, 1, 1), nn.LeakyReLU(SLOPE), nn.Conv2d(16, 4, 3, 1, 1)
        )
        self.scales = nn.ModuleList()
        for scale, wide in enumerate(channels):
            blocks: list[nn.Module] = [Residual(wide) for _ in range(config.encoder_blocks)]
            if scale:
                blocks.insert(0, nn.Conv2d(channels[scale - 1], wide, 3, 2, 1))
            self.scales.append(nn.Sequential(*blocks))
        self.project = nn.ModuleList(
            nn.Conv2d(wide, config.align_channels, 1) for wide in channels[config.align_from :]
        )

    def forward(self, pictures: Tensor) -> Features:
        """Encode pictures (N, 3, H, W)."""
        # Shi et al. 2016 ("ESPCN") backwards: no pixel is lost, and convolutions run on shrink^2 times fewer.
        seen = F.pixel_unshuffle(pictures, self.config.shrink) - 0.5  # (N, 3 * shrink^2, h, w)
        small = F.avg_pool2d(pictures, self.config.shrink)  # (N, 3, h, w)
        prior = _prior(pictures, self.config.shrink)
        if self.config.output == "haze":
            air = prior.air[:, :, None, None].expand(-1, -1, *seen.shape[-2:])  # (N, 3, h, w)
            seen = torch.cat([seen, torch.exp(-prior.depth), air - 0.5], 1)
        seen = seen.to(self.stem.weight.dtype, memory_format=torch.channels_last)
        frames = F.leaky_relu(self.stem(seen), SLOPE)
        scales = []
        for part in self.scales:
            frames = part(frames)
            scales.append(frames)
        estimate = self.head(scales[0]).float()  # (N, 4, h, w): what is added to the colors, confidence
        matched = [
            F.leaky_relu(project(each), SLOPE)
            for project, each in zip(self.project, scales[self.config.align_from :], strict=True)
        ]
        cleared = small + estimate[:, :3]
        return Features(pictures, tuple(scales), tuple(matched), prior.air, cleared, estimate[:, 3:])


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Return features of the same shape, (N, C, H, W)."""
        return cast("Tensor", frames + self.second(F.leaky_relu(self.first(frames), SLOPE)))


class Boost(nn.Module):
    """A step up of the decoder: strengthen by the skip, operate, subtract (MSBDN, eq. 4)."""

    def __init__(self, channels: int, skip_channels: int, blocks: int, *, boosted: bool) -> None:
        super().__init__()
        self.boosted = boosted
        self.rise = nn.Conv2d(channels, skip_channels, 1)
        self.operate = nn.Sequential(*(Residual(skip_channels) for _ in range(blocks)))

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Take `coarse` (N, C, h, w) up to the size of `skip`."""
        # A 1x1 convolution commutes with the upsampling and costs a quarter before it.
        up = F.interpolate(self.rise(coarse), size=skip.shape[-2:], mode="bilinear", align_corners=False)
        # MSBDN: j = G(i + up(j')) - up(j'), with i the encoder's features and j' the decoder's so far.
        strong = up + skip
        operated = self.operate(strong)
        # G is residual blocks around an identity, hence `operated + strong`, of which `up` is taken away.
        return cast("Tensor", operated + strong - up if self.boosted else operated)


def _prior(pictures: Tensor, shrink: int) -> Prior:
    air = dark_air(pictures)  # (N, 3)
    return Prior(F.avg_pool2d(dark_depth(pictures, air[:, :, None, None]), shrink), air)


def _picture_head(config: HazeConfig) -> nn.Sequential:
    # The stem's pixel_unshuffle backwards: (N, 3 * shrink^2, h, w) to (N, 3, H, W).
    return nn.Sequential(
        nn.Conv2d(config.channels[0], 3 * config.shrink**2, 3, 1, 1), nn.PixelShuffle(config.shrink)
    )


def _initialise(network: CgIdn) -> None:
    """Keep the variance (He et al. 2015); residual branches start small, offsets and what is added at 0."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, a=SLOPE)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    for part in network.modules():
        if isinstance(part, Residual):
            with torch.no_grad():
                part.second.weight.mul_(BRANCH_START)
    # With offsets at 0 an untrained network reads straight on. Offsets that start at random scatter what a
    # convolution reads, and learn slowly or run away (Chan et al. 2021, "Understanding deformable
    # alignment").
    zero = [*network.align.offset_heads(), network.encoder.head[-1]]
    if isinstance(network.head, HazeHead):
        zero += [network.head.tint, network.head.overall[-1], network.head.depth[-1]]
        zero += [network.head.air.attention, network.head.air.mend[-1]]
    elif network.config.output == "residual":
        zero.append(network.head[0])
    for part in zero:
        nn.init.zeros_(cast("Tensor", part.weight))
