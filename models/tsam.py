"""TSAM: paints holes with features of neighbouring frames, aligned by flow, in two sizes.

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

from vrestore.models.blocks import AlignedConv, Block, Step, convolution, initialise, norm
from vrestore.models.timeline import Timeline, WholeClip
from vrestore.ops.shift_align import ClipEnd, Motion

IN_CHANNELS, OUT_CHANNELS = 5, 3
HEAD_START = 0.1
"""Share of the usual size that the last convolution starts with where the prediction is a correction."""


@dataclass(frozen=True)
class Stage:
    """Blocks of the encoder at one size."""

    inner_channels: int
    channels: int
    stride: int
    dilations: tuple[int, ...]
    """Of each block; there are as many blocks."""


@dataclass(frozen=True)
class Rise:
    """A step of the decoder to twice the size."""

    channels: int
    gates_skip: bool = False
    """The skip goes through an aligned gated convolution; else it has `channels` of its own."""
    merge: bool = True
    """A 3x3 convolution follows, aligned and gated but at full size."""


@dataclass(frozen=True)
class Config:
    """The shape of a network, and the arithmetic its weights are for."""

    name: str
    official: bool
    """Keep what is peculiar in the published network: see `vrestore.ops.shift_align`; further, the gates of
    the decoder see frames that are not shifted. The parameters are the same with and without."""
    clip_end: ClipEnd
    refines: bool
    """The pictures come filled, and the network corrects them; else it sees known pixels alone and paints."""
    multiple: int
    """Height and width are multiples of this."""
    stem_channels: int
    stem_kernel: int
    stem_pools: bool
    detail_channels: int | None
    """Channels at full size for the last step, None for none."""
    first_kernel: int
    stages: tuple[Stage, ...]
    rises: tuple[Rise, ...]
    """One for each stage, but where there is detail one more; the last ends at full size."""
    head_aligned: bool
    encoder_share: int
    """One channel in so many is read from the next frame, and as many from the previous."""
    decoder_share: int
    normed: bool
    slope: float
    """Of the encoder's leaky ReLU; zero is ReLU."""

    def __post_init__(self) -> None:
        if self.official and self.clip_end != "zeros":
            raise ValueError("the published network has zeros at the ends of a clip")


PAPER = Config(
    name="tsam",
    official=True,
    clip_end="zeros",
    refines=False,
    multiple=8,
    stem_channels=64,
    stem_kernel=7,
    stem_pools=True,
    detail_channels=None,
    first_kernel=1,
    stages=(
        Stage(64, 256, 1, (1, 1, 1)),
        Stage(128, 512, 2, (1, 1, 1, 1)),
        Stage(256, 1024, 1, (1, 2, 2, 2, 2, 2)),
        Stage(512, 2048, 1, (2, 4, 4)),
    ),
    rises=(Rise(256, gates_skip=True), Rise(256, gates_skip=True), Rise(256, merge=False)),
    head_aligned=True,
    encoder_share=8,
    decoder_share=4,
    normed=True,
    slope=0.0,
)

SMALL = Config(
    name="tsam-small",
    official=False,
    clip_end="own",
    refines=True,
    multiple=16,
    stem_channels=32,
    stem_kernel=5,
    stem_pools=False,
    detail_channels=16,
    first_kernel=3,
    stages=(
        Stage(32, 32, 1, (1,)),
        Stage(64, 64, 2, (1, 1)),
        Stage(128, 128, 2, (1, 1, 2)),
        Stage(256, 256, 2, (1, 2, 4)),
    ),
    rises=(Rise(128), Rise(64), Rise(32), Rise(16)),
    head_aligned=False,
    encoder_share=4,
    decoder_share=4,
    normed=False,
    slope=0.2,
)

CONFIGS = {config.name: config for config in (PAPER, SMALL)}


@dataclass(frozen=True)
class Clip:
    """What the network is given of T frames; several clips of one length stand one behind the other."""

    frames: Tensor
    """(T, 3, H, W) in [0, 1], with the holes filled as well as could be."""
    holes: Tensor
    """(T, 1, H, W), bool, True is to be filled."""
    confidence: Tensor
    """(T, 1, H, W) in [0, 1], how sure the filling is; 1 outside holes. Only a network that refines looks."""

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frames: slice) -> Clip:
        return Clip(self.frames[frames], self.holes[frames], self.confidence[frames])


class Tsam(nn.Module):
    """The network; its prediction is unbounded."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        initialise(self, slope=config.slope)
        if config.refines:
            with torch.no_grad():
                for parameter in self.decoder.head.parameters():
                    parameter.mul_(HEAD_START)

    def forward(self, clip: Clip, motion: Motion, *, clips: int = 1) -> Tensor:
        """Fill the holes of whole clips; gives (T, 3, H, W), outside the holes the frames as they came.

        Args:
            clip: The frames, `clips` times as many as a clip has.
            motion: Between neighbours of one clip, at any size: `clips` times (T - 1) pairs.
            clips: How many clips of one length there are.
        """
        config = self.config
        time = WholeClip(motion, clips=clips, official=config.official, clip_end=config.clip_end)
        return composite(self.predict(clip, time), clip)

    def predict(self, clip: Clip, time: Timeline) -> Tensor:
        """Give the bare prediction for the frames that `time` lets through."""
        known = (~clip.holes).to(clip.frames.dtype)
        if self.config.refines:
            seen = torch.cat([clip.frames, known, clip.confidence], dim=1)
        else:
            seen = torch.cat([clip.frames * known, known, torch.zeros_like(known)], dim=1)
        weight = self.encoder.stem.weight
        seen = seen.to(weight.dtype, memory_format=torch.channels_last)
        branches = self.encoder(seen, time)
        prediction = cast("Tensor", self.decoder(branches, time)).to(clip.frames.dtype)
        if self.config.refines:
            prediction = prediction + time.meet("frames", clip.frames, prediction)
        return prediction


def composite(prediction: Tensor, clip: Clip) -> Tensor:
    """Put the prediction into the holes."""
    return torch.where(clip.holes, prediction, clip.frames)


class Encoder(nn.Module):
    """The way down: a branch for each size, the finest first."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        bias = not config.normed
        self.slope = config.slope
        self.pools = config.stem_pools
        self.detail: nn.Module | None = None
        if config.detail_channels is not None:
            self.detail = convolution(IN_CHANNELS, config.detail_channels, 3, bias=True)
        self.stem = convolution(IN_CHANNELS, config.stem_channels, config.stem_kernel, stride=2, bias=bias)
        self.stem_norm = norm(config.stem_channels, normed=config.normed)
        self.stages = nn.ModuleList()
        channels = config.stem_channels
        for index, stage in enumerate(config.stages):
            self.stages.append(_stage(f"stage{index}", channels, stage, config))
            channels = stage.channels

    def forward(self, seen: Tensor, time: Timeline) -> list[Tensor]:
        """Give the detail, if there is any, and the output of each stage, for (N, 5, H, W)."""
        branches = [] if self.detail is None else [F.leaky_relu(self.detail(seen), self.slope)]
        frames = F.leaky_relu(self.stem_norm(self.stem(seen)), self.slope)
        if self.pools:
            frames = F.max_pool2d(frames, 3, 2, 1)
        for stage in self.stages:
            for block in cast("nn.ModuleList", stage):
                frames = block(frames, time)
            branches.append(frames)
        return branches


class Decoder(nn.Module):
    """The way up, from the coarsest branch by the others to a picture."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        detail = [] if config.detail_channels is None else [config.detail_channels]
        *skips, channels = [*detail, *(stage.channels for stage in config.stages)]
        self.steps = nn.ModuleList()
        for index, (rise, skip) in enumerate(zip(config.rises, reversed(skips), strict=True)):
            is_full_size = index == len(config.rises) - 1
            self.steps.append(_step(f"step{index}", channels, skip, rise, config, is_full_size=is_full_size))
            channels = rise.channels
        self.head = _merge("head", channels, OUT_CHANNELS, config, is_aligned=config.head_aligned)

    def forward(self, branches: list[Tensor], time: Timeline) -> Tensor:
        """Give (N, 3, H, W) from what the encoder gave."""
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
                stride=stage.stride if index == 0 else 1,
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
) -> Step:
    merge = None
    if rise.merge:
        merge = _merge(f"{name}.merge", rise.channels, rise.channels, config, is_aligned=not is_full_size)
    return Step(
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
