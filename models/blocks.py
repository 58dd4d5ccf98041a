"""Building blocks: gated convolutions that see the neighboring frames."""

from __future__ import annotations

from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vrestore.models.temporal_context import Timeline

Network = TypeVar("Network", bound=nn.Module)

DECODER_SLOPE = 0.2
"""The slope of the decoder's leaky ReLU below zero, as in the published code."""

BRANCH_START = 0.2
"""The share of its usual size that the last convolution of a branch without norm starts with."""


class GatedConv(nn.Module):
    """A convolution times the sigmoid of another (Yu et al. 2019, "Free-form image inpainting")."""

    def __init__(self, channels: int, out_channels: int, kernel: int, *, stride: int = 1, bias: bool) -> None:
        super().__init__()
        # Two convolutions are 10 to 20 % faster than one of double width that is split.
        self.feature = convolution(channels, out_channels, kernel, stride=stride, bias=bias)
        self.gate = convolution(channels, out_channels, kernel, stride=stride, bias=bias)

    def forward(self, frames: Tensor, gated_by: Tensor) -> Tensor:
        """Convolve `frames`, let through what `gated_by` opens."""
        # There it is phi(feature) * sigmoid(gate); phi is left to the block here, which has it after its
        # norm. The sigmoid overwrites the gate: autograd keeps its result, never what went in.
        return cast("Tensor", self.feature(frames) * self.gate(gated_by).sigmoid_())


class AlignedConv(nn.Module):
    """A gated convolution after shift-and-align, as decoders have it.

    In the published network the gate sees the frames as they were.
    """

    def __init__(
        self, name: str, channels: int, out_channels: int, kernel: int, *, share: int, official: bool
    ) -> None:
        super().__init__()
        self.name = name
        self.fold = channels // share  # channels that are read from the next frame, and from the previous
        self.official = official
        self.conv = GatedConv(channels, out_channels, kernel, bias=True)

    def forward(self, frames: Tensor, time: Timeline) -> Tensor:
        """Convolve frames (N, C, H, W), in time."""
        aligned, own = time.shift(self.name, frames, fold=self.fold)  # both (N', C, H, W), N' of them ready
        return cast("Tensor", self.conv(aligned, own if self.official else aligned))


class Block(nn.Module):
    """A residual block (He et al. 2016) whose first convolution is gated and sees the neighboring frames.

    With `first_kernel` 1 it is ResNet's bottleneck, three convolutions, else it has two of 3x3. The stride is
    in the first that is larger than 1x1, the dilation in the second.
    """

    def __init__(
        self,
        name: str,
        channels: int,
        inner_channels: int,
        out_channels: int,
        *,
        first_kernel: int,
        stride: int,
        dilation: int,
        share: int,
        slope: float,
        normed: bool,
    ) -> None:
        super().__init__()
        self.name = name
        self.fold = channels // share
        self.slope = slope
        # In a bottleneck the 3x3 convolution has the stride, as in torchvision's ResNet: a 1x1 convolution
        # with a stride of 2 would never look at three of four pixels.
        is_bottleneck = first_kernel == 1
        first_stride, second_stride = (1, stride) if is_bottleneck else (stride, 1)
        second_channels = inner_channels if is_bottleneck else out_channels
        bias = not normed  # a batch norm takes the mean away, and has a bias of its own
        self.first = GatedConv(channels, inner_channels, first_kernel, stride=first_stride, bias=bias)
        self.first_norm = norm(inner_channels, normed=normed)
        self.second = convolution(
            inner_channels, second_channels, 3, stride=second_stride, dilation=dilation, bias=bias
        )
        self.second_norm = norm(second_channels, normed=normed)
        self.expand: nn.Module | None = None
        if is_bottleneck:
            # ResNet's bottleneck: 1x1 down to few channels, 3x3 among those, 1x1 up again.
            self.expand = convolution(second_channels, out_channels, 1, bias=bias)
            self.expand_norm = norm(out_channels, normed=normed)
        self.shortcut: nn.Module | None = None
        if stride > 1 or channels != out_channels:
            self.shortcut = convolution(channels, out_channels, 1, stride=stride, bias=bias)
            self.shortcut_norm = norm(out_channels, normed=normed)

    def forward(self, frames: Tensor, time: Timeline) -> Tensor:
        """Return (N, out_channels, H/stride, W/stride) of frames (N, channels, H, W), in time."""
        aligned, own = time.shift(self.name, frames, fold=self.fold)
        # Only the branch sees the neighbors. The shortcut passes the frame on as it is (Lin et al. 2019,
        # "TSM", figure 3: a residual shift), so that what is shifted away is not lost to the layers above.
        branch = F.leaky_relu_(self.first_norm(self.first(aligned, aligned)), self.slope)
        branch = self.second_norm(self.second(branch))
        if self.expand is not None:
            branch = self.expand_norm(self.expand(F.leaky_relu_(branch, self.slope)))
        if self.shortcut is not None:
            own = self.shortcut_norm(self.shortcut(own))
        return F.leaky_relu_(branch + own, self.slope)


class DecoderStep(nn.Module):
    """A step up: twice the size, a branch of the encoder added, merged by a convolution."""

    def __init__(
        self,
        name: str,
        channels: int,
        skip_channels: int,
        out_channels: int,
        *,
        gates_skip: bool,
        merge: nn.Module | None,
        share: int,
        official: bool,
    ) -> None:
        super().__init__()
        self.name = name
        self.rise = convolution(channels, out_channels, 1, bias=True)
        self.skip: nn.Module | None = None
        if gates_skip:
            self.skip = AlignedConv(
                f"{name}.skip", skip_channels, out_channels, 1, share=share, official=official
            )
        self.merge = merge

    def forward(self, frames: Tensor, skip: Tensor, time: Timeline) -> Tensor:
        """Take frames (N, C, H, W) up to (N, out_channels, 2H, 2W), with `skip` of at most that size."""
        # A 1x1 convolution commutes with the nearest upsampling and costs a quarter before it.
        risen = F.leaky_relu_(self.rise(frames), DECODER_SLOPE)
        risen = F.interpolate(risen, scale_factor=2, mode="nearest")
        if self.skip is not None:
            skip = F.leaky_relu_(self.skip(skip, time), DECODER_SLOPE)
        # In a stream the way down and up again is later than the skip by a frame for each shift on it.
        skip = time.meet(f"{self.name}.skip", skip, risen)
        if skip.shape[-2:] != risen.shape[-2:]:
            # The last stages of the published encoder all have an eighth of the picture's size.
            skip = F.interpolate(skip, size=risen.shape[-2:], mode="nearest")
        # Added and not concatenated: a sum costs no channels in the convolution that follows.
        joined = risen + skip  # (N, out_channels, 2H, 2W)
        if self.merge is None:
            return joined
        is_aligned = isinstance(self.merge, AlignedConv)
        return F.leaky_relu_(self.merge(joined, time) if is_aligned else self.merge(joined), DECODER_SLOPE)


def convolution(
    channels: int, out_channels: int, kernel: int, *, stride: int = 1, dilation: int = 1, bias: bool
) -> nn.Conv2d:
    """Make a convolution that keeps the size but for its stride."""
    padding = dilation * (kernel // 2)  # half of what an odd kernel spans, so the middle tap is the pixel
    return nn.Conv2d(channels, out_channels, kernel, stride, padding, dilation, bias=bias)


def norm(channels: int, *, normed: bool) -> nn.Module:
    """Make what follows a convolution of the encoder: batch norm, or nothing."""
    return nn.BatchNorm2d(channels) if normed else nn.Identity()


def in_channels_last(network: Network) -> Network:
    """Lay the weights of convolutions out channels-last, the fastest on CPU and GPU; returns the network.

    Features follow the weights' layout, so that nothing is copied between two layers.
    """
    for parameter in network.parameters():
        if parameter.dim() == 4:  # (out, in, kernel, kernel): of a convolution
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def initialise(network: nn.Module, *, slope: float) -> None:
    """Set every convolution to keep the variance (He et al. 2015), residual branches to start small.

    Gates start at one, open by 0.73: a network without norms would fade with every half-shut gate.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            # Eq. 15 there: deviation sqrt(2 / ((1 + slope^2) * fan_in)).
            nn.init.kaiming_normal_(part.weight, a=slope)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    for part in network.modules():
        if isinstance(part, GatedConv):
            # No ReLU follows a gate, so nothing halves its variance: Glorot and Bengio 2010, eq. 12.
            nn.init.xavier_normal_(part.gate.weight)
            if part.gate.bias is not None:
                nn.init.ones_(part.gate.bias)
        if isinstance(part, Block) and part.expand is None:
            with torch.no_grad():
                part.second.weight.mul_(BRANCH_START)
