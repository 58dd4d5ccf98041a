"""The shapes that TSAM comes in: `PAPER`, the published network, and `SMALL`, ours."""

from __future__ import annotations

from dataclasses import dataclass

from vrestore.ops.warp.shift_align import ClipEnd


@dataclass(frozen=True)
class Stage:
    """Blocks of the encoder at one size."""

    inner_channels: int
    channels: int
    stride: int
    dilations: tuple[int, ...]
    """The dilation of each block; there are as many blocks."""


@dataclass(frozen=True)
class Rise:
    """A step of the decoder to twice the size."""

    channels: int
    gates_skip: bool = False
    """Whether the skip goes through an aligned gated convolution; else it has `channels` of its own."""
    merge: bool = True
    """Whether a 3x3 convolution follows, aligned and gated except at full size."""


@dataclass(frozen=True)
class Config:
    """The shape of a network, and the arithmetic its weights are for."""

    name: str
    official: bool
    """Keep what is peculiar in the published network: see `vrestore.ops.warp.shift_align`; further, the gates
    of the decoder see frames that are not shifted. The parameters are the same with and without."""
    clip_end: ClipEnd
    refines: bool
    """Whether the pictures come filled and the network corrects them; else it sees known pixels alone."""
    hint_channels: int
    """Channels beside colors, mask and confidence that a network that refines is given."""
    stem_channels: int
    stem_kernel: int
    stem_pools: bool
    detail_channels: int | None
    """Channels at full size for the last step, None for none."""
    first_kernel: int
    stages: tuple[Stage, ...]
    rises: tuple[Rise, ...]
    """From the coarsest on, each with a skip: the other stages and the detail, if any. The last ends at full
    size."""
    head_aligned: bool
    encoder_share: int
    """One channel in so many is read from the next frame, and as many from the previous."""
    decoder_share: int
    normed: bool
    slope: float
    """The slope of the encoder's leaky ReLU; zero is ReLU."""

    def __post_init__(self) -> None:
        if self.official and self.clip_end != "zeros":
            raise ValueError("the published network has zeros at the ends of a clip")


# ResNet-50 with its last two stages dilated instead of strided, as torchvision's
# `replace_stride_with_dilation` does it: the coarsest features have an eighth of the picture's size and still
# see far around a hole.
PAPER = Config(
    name="tsam",
    official=True,
    clip_end="zeros",
    refines=False,
    hint_channels=0,
    stem_channels=64,
    stem_kernel=7,
    stem_pools=True,
    detail_channels=None,
    first_kernel=1,
    # (inner, outer channels, stride, dilations) at 1/4, 1/8, 1/8 and 1/8.
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

# What makes it 12 times cheaper: few channels at full and half size, where pixels are many, two 3x3
# convolutions a block instead of bottlenecks, and real strides down to a sixteenth.
SMALL = Config(
    name="tsam-small",
    official=False,
    clip_end="own",  # a frame keeps its own channels where there is no neighbor, so none are lost
    refines=True,
    hint_channels=4,
    stem_channels=24,
    stem_kernel=5,
    stem_pools=False,
    detail_channels=8,
    first_kernel=3,
    stages=(
        Stage(24, 24, 1, (1,)),
        Stage(48, 48, 2, (1, 1)),
        Stage(96, 96, 2, (1, 2)),
        Stage(160, 160, 2, (1, 2)),
    ),
    rises=(Rise(96), Rise(48), Rise(24), Rise(8)),
    head_aligned=False,
    # A quarter each way, so half of the channels see a neighbor; TSM found an eighth best for recognition.
    encoder_share=4,
    decoder_share=4,
    normed=False,  # a norm is a pass over the features; `initialise` keeps their scale without it
    slope=0.2,
)

CONFIGS = {config.name: config for config in (PAPER, SMALL)}
