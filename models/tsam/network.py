"""TSAM: paints holes with features of neighboring frames, aligned by flow, in two sizes.

Zou, Yang, Liu and Lee, "Progressive Temporal Feature Alignment Network for Video Inpainting" (CVPR 2021): a
residual encoder whose blocks each begin with shift-and-align and a gated convolution, and a decoder of
aligned gated convolutions with skips. `PAPER` is the published network. `SMALL` is ours: the same principle,
12 times cheaper, a U-Net down to a sixteenth, without norms, gated at half size and below, correcting a
picture that was propagated along the flow instead of painting on black.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vrestore.models.blocks import AlignedConv, Block, DecoderStep, convolution, initialise, norm
from vrestore.models.temporal_context import Timeline, WholeClip
from vrestore.models.tsam.config import Config, Rise, Stage
from vrestore.ops.warp.shift_align import Motion

PICTURE_CHANNELS, OUT_CHANNELS = 5, 3
"""What goes in is colors, what is known, and confidence, with hints behind them; colors come out."""

HEAD_START = 0.01
"""The share of its usual size that the last convolution starts with where the prediction is a correction."""


@dataclass(frozen=True)
class Clip:
    """What the network is given of T frames; several clips of one length stand one behind the other."""

    frames: Tensor
    """(T, 3, H, W) in [0, 1], with the holes filled as well as could be."""
    holes: Tensor
    """(T, 1, H, W), bool, True is to be filled."""
    confidence: Tensor
    """(T, 1, H, W) in [0, 1], how sure the filling is; 1 outside holes. Only a network that refines looks."""
    hints: Tensor
    """(T, k, H, W), what else such a network is told: `Config.hint_channels` of them."""

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frames: slice) -> Clip:
        return Clip(self.frames[frames], self.holes[frames], self.confidence[frames], self.hints[frames])

    def to(self, device: torch.device) -> Clip:
        """Return the same on a device."""
        return Clip(
            self.frames.to(device), self.holes.to(device), self.confidence.to(device), self.hints.to(device)
        )


class Tsam(nn.Module):
    """The network; its prediction is unbounded."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        initialise(self, slope=config.slope)
        if config.refines:
            # So an untrained network leaves the propagated picture nearly as it is, and learning begins
            # there.
            with torch.no_grad():
                for parameter in self.decoder.head.parameters():
                    parameter.mul_(HEAD_START)

    def forward(self, clip: Clip, motion: Motion, *, clips: int = 1) -> Tensor:
        """Fill the holes of whole clips; returns (T, 3, H, W), outside the holes the frames as they came.

        Args:
            clip: The frames, `clips` times as many as a clip has.
            motion: Between neighbors of one clip, at any size: `clips` times (T - 1) pairs.
            clips: How many clips of one length there are.
        """
        return self.fill(clip, self.timeline(motion, clips=clips))

    def timeline(self, motion: Motion, *, clips: int = 1) -> WholeClip:
        """Return the time of whole clips; see `forward`."""
        return WholeClip(motion, clips=clips, official=self.config.official, clip_end=self.config.clip_end)

    def fill(self, clip: Clip, time: Timeline) -> Tensor:
        """Return the frames that `time` lets through, holes filled with the prediction."""
        # In a stream the prediction is late by a frame for each shift; the frames it is for were kept
        # meanwhile.
        prediction = self.predict(clip, time)  # (N, 3, H, W)
        holes = time.meet("holes", clip.holes, prediction)
        return torch.where(holes, prediction, time.meet("composite", clip.frames, prediction))

    def predict(self, clip: Clip, time: Timeline) -> Tensor:
        """Return the bare prediction for the frames that `time` lets through."""
        known = (~clip.holes).to(clip.frames.dtype)  # (T, 1, H, W)
        if self.config.refines:
            seen = torch.cat([clip.frames, known, clip.confidence, clip.hints], dim=1)  # (T, 5 + hints, H, W)
        else:
            # The published network has a fifth channel for guidance, such as edges; zero stands for none.
            seen = torch.cat([clip.frames * known, known, torch.zeros_like(known)], dim=1)
        weight = self.encoder.stem.weight
        # The precision is that of the weights, whatever the frames have.
        seen = seen.to(weight.dtype, memory_format=torch.channels_last)
        branches = self.encoder(seen, time)
        # In the frames' own precision before anything is added: half precision would round the picture
        # itself.
        prediction = cast("Tensor", self.decoder(branches, time)).to(clip.frames.dtype)
        if self.config.refines:
            prediction = prediction + time.meet("frames", clip.frames, prediction)
        return prediction


class Encoder(nn.Module):
    """The way down: a branch for each size, the finest first."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        bias = not config.normed
        self.slope = config.slope
        self.pools = config.stem_pools
        self.detail: nn.Module | None = None
        in_channels = PICTURE_CHANNELS + config.hint_channels
        if config.detail_channels is not None:
            # What the stem's stride would lose: lines of one pixel for the last step, at 8 channels' cost.
            self.detail = convolution(in_channels, config.detail_channels, 3, bias=True)
        self.stem = convolution(in_channels, config.stem_channels, config.stem_kernel, stride=2, bias=bias)
        self.stem_norm = norm(config.stem_channels, normed=config.normed)
        self.stages = nn.ModuleList()
        channels = config.stem_channels
        for index, stage in enumerate(config.stages):
            self.stages.append(_stage(f"stage{index}", channels, stage, config))
            channels = stage.channels

    def forward(self, seen: Tensor, time: Timeline) -> list[Tensor]:
        """Return the detail, if there is any, and the output of each stage, for (N, 5 + hints, H, W)."""
        branches = [] if self.detail is None else [F.leaky_relu_(self.detail(seen), self.slope)]
        frames = F.leaky_relu_(self.stem_norm(self.stem(seen)), self.slope)  # (N, stem_channels, H/2, W/2)
        if self.pools:
            frames = F.max_pool2d(frames, 3, 2, 1)  # (N, stem_channels, H/4, W/4), as in ResNet
        for stage in self.stages:
            for block in cast("nn.ModuleList", stage):
                frames = block(frames, time)  # in a stream each block has one frame less ready at first
            branches.append(frames)
        return branches


class Decoder(nn.Module):
    """The way up, from the coarsest branch by the others to a picture."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        detail = [] if config.detail_channels is None else [config.detail_channels]
        # From fine to coarse; the coarsest is where the way up begins and is no skip.
        *skips, channels = [*detail, *(stage.channels for stage in config.stages)]
        self.steps = nn.ModuleList()
        for index, (rise, skip) in enumerate(zip(config.rises, reversed(skips), strict=True)):
            # Pixels are most at full size, and a plain convolution is half of a gated one, without alignment.
            is_full_size = index == len(config.rises) - 1
            self.steps.append(_step(f"step{index}", channels, skip, rise, config, is_full_size=is_full_size))
            channels = rise.channels
        self.head = _merge("head", channels, OUT_CHANNELS, config, is_aligned=config.head_aligned)

    def forward(self, branches: list[Tensor], time: Timeline) -> Tensor:
        """Return (N, 3, H, W) from what the encoder gave."""
        *skips, frames = branches
        for step, skip in zip(self.steps, reversed(skips), strict=True):
            frames = step(frames, skip, time)
        is_aligned = isinstance(self.head, AlignedConv)
        return cast("Tensor", self.head(frames, time) if is_aligned else self.head(frames))


def _stage(name: str, channels: int, stage: Stage, config: Config) -> nn.ModuleList:
    blocks = nn.ModuleList()
    for index, dilation in enumerate(stage.dilations):
        blocks.append(
            Block(
                f"{name}.{index}",
                channels,
                stage.inner_channels,
                stage.channels,
                first_kernel=config.first_kernel,
                stride=stage.stride if index == 0 else 1,  # a stage has one size, which its first block makes
                dilation=dilation,
                share=config.encoder_share,
                slope=config.slope,
                normed=config.normed,
            )
        )
        channels = stage.channels
    return blocks


def _step(
    name: str, channels: int, skip_channels: int, rise: Rise, config: Config, *, is_full_size: bool
) -> DecoderStep:
    merge = None
    if rise.merge:
        merge = _merge(f"{name}.merge", rise.channels, rise.channels, config, is_aligned=not is_full_size)
    return DecoderStep(
        name,
        channels,
        skip_channels,
        rise.channels,
        gates_skip=rise.gates_skip,
        merge=merge,
        share=config.decoder_share,
        official=config.official,
    )


def _merge(name: str, channels: int, out_channels: int, config: Config, *, is_aligned: bool) -> nn.Module:
    if not is_aligned:
        return convolution(channels, out_channels, 3, bias=True)
    return AlignedConv(name, channels, out_channels, 3, share=config.decoder_share, official=config.official)
