"""The shapes that the dehazing network comes in: `CGIDN`, the paper's as far as known, and `CGIDN_SMALL`,
ours.

What the paper leaves open is a field here: how many frames, where confidence counts, how many levels, whether
the decoder is boosted, what the output is added to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Output = Literal["image", "residual", "haze"]
"""The clear picture itself, what is added to the center frame, or the haze: depth, air light and its tint."""


@dataclass(frozen=True)
class HazeConfig:
    """The shape of a network. Scales are counted from 0, each half the size of the one before."""

    name: str
    frames: int
    """How many frames a window has, odd; the middle one is cleared."""
    shrink: int
    """Pixels of a square that become channels before the first convolution, so scale 0 is 1/shrink."""
    stem_kernel: int
    channels: tuple[int, ...]
    """The channels of each scale. Sides of pictures are multiples of shrink * 2^(scales - 1): 16 and
    32 here, see `vrestore.methods.dehaze.thumbnail.MULTIPLE`."""
    encoder_blocks: int
    """Residual blocks of each scale that every frame passes."""
    align_channels: int
    align_from: int
    """The finest scale that neighbors are aligned at, and fused; every coarser one is aligned first."""
    offset_groups: int
    radius: int
    """How far the cost volume looks, in pixels of each scale."""
    confidence_in_matching: bool
    confidence_in_fusion: bool
    scale_blocks: int
    """Residual blocks of each scale on the way down from the fused features."""
    bottleneck_blocks: int
    decoder_blocks: int
    boosted: bool
    """Whether the decoder strengthens, operates and subtracts (MSBDN); else it is a plain U-Net's."""
    output: Output

    def __post_init__(self) -> None:
        if self.frames % 2 == 0:
            raise ValueError(f"a window has an odd number of frames, got {self.frames}")
        if not 0 < self.align_from < len(self.channels):
            raise ValueError(f"alignment is at scales 1 to {len(self.channels) - 1}, got {self.align_from}")

    @property
    def reach(self) -> int:
        """Frames before and after the one that is cleared."""
        return self.frames // 2


CGIDN = HazeConfig(
    name="cgidn",
    frames=5,
    shrink=1,
    stem_kernel=11,
    channels=(16, 32, 64, 128, 256),
    encoder_blocks=1,
    align_channels=64,
    align_from=2,
    offset_groups=8,
    radius=4,
    confidence_in_matching=True,
    confidence_in_fusion=True,
    scale_blocks=2,
    bottleneck_blocks=16,
    decoder_blocks=3,
    boosted=True,
    output="image",
)

CGIDN_SMALL = HazeConfig(
    name="cgidn-small",
    frames=3,
    shrink=4,
    stem_kernel=5,
    channels=(32, 64, 96, 128),
    encoder_blocks=1,
    align_channels=32,
    align_from=1,
    offset_groups=4,
    radius=3,
    confidence_in_matching=True,
    confidence_in_fusion=True,
    scale_blocks=1,
    bottleneck_blocks=6,
    decoder_blocks=2,
    boosted=True,
    output="haze",
)

HAZE_CONFIGS = {config.name: config for config in (CGIDN, CGIDN_SMALL)}
