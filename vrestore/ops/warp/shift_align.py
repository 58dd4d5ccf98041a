"""Shift-and-align: features of the next and the previous frame, brought along the motion.

Zou, Yang, Liu and Lee, "Progressive Temporal Feature Alignment Network for Video Inpainting" (CVPR 2021).
Of C channels the first `fold` are read from frame t+1 and the next `fold` from frame t-1, each where the flow
says; where the flow is not to be trusted a frame keeps its own. The rest stays.

`shift_align` is the definition. In torch `vrestore.ops.warp.align_tables` does the same faster; kernels do it
in two steps: `place`, once for all layers of a scale, then `align_placed` for a block of frames of each.

The published network has peculiarities that its weights were trained with; `official=True` keeps them:
- The reading grid mixes two conventions: column j is read at j*W/(W-1) - 0.5, rows alike.
- What lies outside is zero, which fades the border, and a place counts as outside where the `fold` channels
  read from t+1 sum to exactly zero. The very same test decides about what is read from t-1.
- Flow and trust are taken from the nearest pixel; only what is fully untrusted (1) is refused.
- At the ends of a clip the shifted channels are zero.
Without it the grid is consistent, the border is continued for half a pixel, each direction is tested by its
own points, flow is averaged over trusted pixels, trust blends, and ends may keep their own channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.kernels import shift_align as kernel
from vrestore.kernels.launch import Runner
from vrestore.ops.dispatch import widened
from vrestore.ops.warp.warp import pixel_grid

ClipEnd = Literal["zeros", "own"]
"""What stands for the frame before the first and after the last: nothing, or the frame itself."""


@dataclass(frozen=True)
class Motion:
    """The motion between P pairs of neighbors, frames t and t+1; flow is (dx, dy) in its own pixels.

    A clip of T frames has P = T-1 pairs. Several clips stand one behind the other.
    """

    forward: Tensor
    """Flow of t towards t+1, (P, 2, h, w)."""
    backward: Tensor
    """Flow of t+1 towards t, (P, 2, h, w)."""
    forward_doubt: Tensor
    """(P, 1, h, w) in [0, 1]; 1 where `forward` is not to be trusted."""
    backward_doubt: Tensor

    def __len__(self) -> int:
        return len(self.forward)

    def __getitem__(self, pairs: slice) -> Motion:
        return Motion(
            self.forward[pairs], self.backward[pairs], self.forward_doubt[pairs], self.backward_doubt[pairs]
        )

    def to(self, device: torch.device) -> Motion:
        """Return the same on a device."""
        return Motion(
            self.forward.to(device),
            self.backward.to(device),
            self.forward_doubt.to(device),
            self.backward_doubt.to(device),
        )

    @staticmethod
    def join(parts: Sequence[Motion]) -> Motion:
        """Put pairs behind one another."""
        return Motion(
            torch.cat([part.forward for part in parts]),
            torch.cat([part.backward for part in parts]),
            torch.cat([part.forward_doubt for part in parts]),
            torch.cat([part.backward_doubt for part in parts]),
        )


def shift_align(
    features: Tensor, motion: Motion, *, fold: int, official: bool, clip_end: ClipEnd = "zeros"
) -> Tensor:
    """Shift and align `features` (T, C, H, W) of one clip; returns the same shape.

    Args:
        features: The frames of one clip, in order.
        motion: Its T-1 pairs, at any scale; flow is rescaled with its sizes.
        fold: Channels read from t+1, and again as many from t-1.
        official: Keep the peculiarities of the published network.
        clip_end: What the last frame reads from t+1 and the first from t-1; "zeros" in the published network.
    """
    dtype, features = features.dtype, widened(features)
    height, width = features.shape[-2:]
    future, past = features[:, :fold], features[:, fold : 2 * fold]  # (T, fold, H, W) each
    left_points, left_trust = read_points(
        motion.forward, motion.forward_doubt, height, width, official=official
    )
    right_points, right_trust = read_points(
        motion.backward, motion.backward_doubt, height, width, official=official
    )
    left = _read(future[1:], left_points, official=official)
    right = _read(past[:-1], right_points, official=official)
    if official:
        is_reached = left.sum(1, keepdim=True) != 0
        left_trust, right_trust = left_trust * is_reached, right_trust * is_reached
    left = left * left_trust + future[:-1] * (1 - left_trust)  # (T-1, fold, H, W)
    right = right * right_trust + past[1:] * (1 - right_trust)
    last = end_channels(future[-1:], clip_end)  # (1, fold, H, W)
    first = end_channels(past[:1], clip_end)
    aligned = torch.cat([torch.cat([left, last]), torch.cat([first, right]), features[:, 2 * fold :]], dim=1)
    return aligned.to(dtype)


def place(motion: Motion, height: int, width: int, *, official: bool, runner: Runner) -> Tensor:
    """Return where a kernel reads features of height x width for a motion, (2, P, H, W, 4).

    See `vrestore.kernels.shift_align.place`.
    """
    return kernel.place(
        motion.forward,
        motion.backward,
        motion.forward_doubt,
        motion.backward_doubt,
        height=height,
        width=width,
        official=official,
        runner=runner,
    )


def align_placed(
    features: Tensor,
    placed: Tensor,
    *,
    fold: int,
    official: bool,
    clip_end: ClipEnd = "zeros",
    runner: Runner,
) -> Tensor:
    """Do what `shift_align` does by a kernel, with the motion that `place` gave; no gradients pass."""
    return kernel.shift_align(
        features, placed, fold=fold, official=official, keeps_ends=clip_end == "own", runner=runner
    )


def end_channels(own: Tensor, clip_end: ClipEnd) -> Tensor:
    """Return what stands for the channels of a neighbor that the clip does not have."""
    return own if clip_end == "own" else torch.zeros_like(own)


def read_points(
    flow: Tensor, occlusion: Tensor, height: int, width: int, *, official: bool
) -> tuple[Tensor, Tensor]:
    """Return the places to read, (P, 2, H, W) in pixels, and the trust in them, (P, 1, H, W)."""
    flow, occlusion = flow.float(), occlusion.float()
    ratio = flow.new_tensor([width / flow.shape[-1], height / flow.shape[-2]])[:, None, None]
    if official:
        flow = F.interpolate(flow, size=(height, width), mode="nearest") * ratio
        occlusion = F.interpolate(occlusion, size=(height, width), mode="nearest")
        return _mixed_grid(flow), (occlusion < 1).float()  # only what is fully untrusted is refused
    trust = 1 - occlusion
    if flow.shape[-2:] != (height, width):
        # The mean of trusted flow: of flow times trust over the mean of trust.
        share = F.interpolate(trust, size=(height, width), mode="area")
        flow = F.interpolate(flow * trust, size=(height, width), mode="area") * ratio
        flow, trust = flow / share.clamp_min(1e-6), share
    points = pixel_grid(height, width, device=flow.device) + flow
    x, y = points[:, :1], points[:, 1:]
    is_inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return points, trust * is_inside


def _mixed_grid(flow: Tensor) -> Tensor:
    """Add the published grid: corners aligned when it is made, not aligned when it is read."""
    height, width = flow.shape[-2:]
    # Not a slip of ours: the weights were trained with the two conventions mixed.
    x = torch.linspace(-1, 1, width, device=flow.device) + 2 * flow[:, 0] / width
    y = torch.linspace(-1, 1, height, device=flow.device)[:, None] + 2 * flow[:, 1] / height
    return torch.stack([((x + 1) * width - 1) / 2, ((y + 1) * height - 1) / 2], dim=1)


def _read(pictures: Tensor, points: Tensor, *, official: bool) -> Tensor:
    height, width = pictures.shape[-2:]
    # To [-1, 1] with the outermost pixel edges at the ends, align_corners=False.
    size = points.new_tensor([width, height])
    grid = (points.permute(0, 2, 3, 1) * 2 + 1) / size - 1  # (P, H, W, 2)
    padding = "zeros" if official else "border"
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode=padding, align_corners=False)
