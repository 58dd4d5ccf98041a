"""Shift-and-align: features of the next and the previous frame, brought along the motion.

Zou, Yang, Liu and Lee, "Progressive Temporal Feature Alignment Network for Video Inpainting" (CVPR 2021).
Of C channels the first `fold` are read from frame t+1 and the next `fold` from frame t-1, each where the flow
says; where the flow is not to be trusted a frame keeps its own. The rest stays.

`shift_align` is the definition. `align_pairs` with the tables of `alignment` is the same for channels-last
features: reading and blending are a weighted sum of rows, so one table serves every layer of a scale.

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


@dataclass(frozen=True)
class Table:
    """What each of the H*W pixels of a frame is made of, for P pairs: n rows and their weights."""

    rows: Tensor
    """(P, H*W, n), int32: of the neighbor's H*W pixels, behind which the frame's own are counted."""
    weights: Tensor
    """(P, H*W, n)."""
    trust: Tensor | None
    """(P, 1, H, W), 1 or 0, where features have a say as well; None where the weights are all."""

    def __getitem__(self, pairs: slice) -> Table:
        trust = None if self.trust is None else self.trust[pairs]
        return Table(self.rows[pairs], self.weights[pairs], trust)


@dataclass(frozen=True)
class Alignment:
    """The tables of `Motion` at one scale and type: how t sees t+1, and how t+1 sees t."""

    forward: Table
    backward: Table

    def __len__(self) -> int:
        return len(self.forward.rows)

    def __getitem__(self, pairs: slice) -> Alignment:
        return Alignment(self.forward[pairs], self.backward[pairs])

    @staticmethod
    def join(parts: Sequence[Alignment]) -> Alignment:
        """Put pairs behind one another; one alone is not copied."""
        if len(parts) == 1:
            return parts[0]
        return Alignment(_join([part.forward for part in parts]), _join([part.backward for part in parts]))


def _join(tables: Sequence[Table]) -> Table:
    trusts = [table.trust for table in tables if table.trust is not None]
    rows, weights = [table.rows for table in tables], [table.weights for table in tables]
    return Table(torch.cat(rows), torch.cat(weights), torch.cat(trusts) if trusts else None)


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
    height, width = features.shape[-2:]
    future, past = features[:, :fold], features[:, fold : 2 * fold]
    left_points, left_trust = _points(motion.forward, motion.forward_doubt, height, width, official=official)
    right_points, right_trust = _points(
        motion.backward, motion.backward_doubt, height, width, official=official
    )
    left = _read(future[1:], left_points, official=official)
    right = _read(past[:-1], right_points, official=official)
    if official:
        is_reached = left.sum(1, keepdim=True) != 0
        left_trust, right_trust = left_trust * is_reached, right_trust * is_reached
    left = left * left_trust + future[:-1] * (1 - left_trust)
    right = right * right_trust + past[1:] * (1 - right_trust)
    last = end_channels(future[-1:], clip_end)
    first = end_channels(past[:1], clip_end)
    return torch.cat([torch.cat([left, last]), torch.cat([first, right]), features[:, 2 * fold :]], dim=1)


def end_channels(own: Tensor, clip_end: ClipEnd) -> Tensor:
    """Return what stands for the channels of a neighbor that the clip does not have."""
    return own if clip_end == "own" else torch.zeros_like(own)


def alignment(motion: Motion, height: int, width: int, *, official: bool, dtype: torch.dtype) -> Alignment:
    """Make the tables of `motion` for features of height x width and `dtype`."""
    flow = torch.cat([motion.forward, motion.backward])
    occlusion = torch.cat([motion.forward_doubt, motion.backward_doubt])
    both = _table(flow, occlusion, height, width, official=official, dtype=dtype)
    return Alignment(both[: len(motion)], both[len(motion) :])


def align_pairs(earlier: Tensor, later: Tensor, tables: Alignment, *, fold: int) -> tuple[Tensor, Tensor]:
    """Bring P pairs of frames (P, C, H, W) to each other.

    Gives the first `fold` channels of `later` as `earlier` sees them and the next `fold` of `earlier` as
    `later` sees them, each (P, fold, H, W) and channels-last.
    """
    own_left, own_right = earlier[:, :fold], later[:, fold : 2 * fold]
    left = _read_rows(later[:, :fold], own_left, tables.forward)
    right = _read_rows(earlier[:, fold : 2 * fold], own_right, tables.backward)
    if tables.forward.trust is None or tables.backward.trust is None:
        return left, right
    is_reached = left.sum(1, keepdim=True) != 0
    left = torch.where(is_reached & (tables.forward.trust > 0), left, own_left)
    return left, torch.where(is_reached & (tables.backward.trust > 0), right, own_right)


def _points(
    flow: Tensor, occlusion: Tensor, height: int, width: int, *, official: bool
) -> tuple[Tensor, Tensor]:
    """Return the places to read, (P, 2, H, W) in pixels, and the trust in them, (P, 1, H, W)."""
    flow, occlusion = flow.float(), occlusion.float()
    ratio = flow.new_tensor([width / flow.shape[-1], height / flow.shape[-2]])[:, None, None]
    if official:
        flow = F.interpolate(flow, size=(height, width), mode="nearest") * ratio
        occlusion = F.interpolate(occlusion, size=(height, width), mode="nearest")
        return _mixed_grid(flow), (occlusion < 1).float()
    trust = 1 - occlusion
    if flow.shape[-2:] != (height, width):
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
    x = torch.linspace(-1, 1, width, device=flow.device) + 2 * flow[:, 0] / width
    y = torch.linspace(-1, 1, height, device=flow.device)[:, None] + 2 * flow[:, 1] / height
    return torch.stack([((x + 1) * width - 1) / 2, ((y + 1) * height - 1) / 2], dim=1)


def _read(pictures: Tensor, points: Tensor, *, official: bool) -> Tensor:
    height, width = pictures.shape[-2:]
    size = points.new_tensor([width, height])
    grid = (points.permute(0, 2, 3, 1) * 2 + 1) / size - 1  # (P, H, W, 2)
    padding = "zeros" if official else "border"
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def _table(
    flow: Tensor, occlusion: Tensor, height: int, width: int, *, official: bool, dtype: torch.dtype
) -> Table:
    points, trust = _points(flow, occlusion, height, width, official=official)
    x, y = points.flatten(2).unbind(1)  # (P, H*W) each
    if not official:
        x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    (left, left_weight), (right, right_weight) = _ends(x, width)
    (top, top_weight), (bottom, bottom_weight) = _ends(y, height)
    top, bottom = top * width, bottom * width
    if not official:
        share = trust.flatten(1)
        top_weight, bottom_weight = top_weight * share, bottom_weight * share
    # Planes first, one stack in the end: arithmetic on a last axis of 4 is several times slower.
    rows = [top + left, top + right, bottom + left, bottom + right]
    weights = [
        weight * side for weight in (top_weight, bottom_weight) for side in (left_weight, right_weight)
    ]
    if not official:
        own = torch.arange(height * width, 2 * height * width, dtype=left.dtype, device=left.device)
        rows.append(own.expand_as(left))
        weights.append(1 - share)
    weight = torch.stack([weight.to(dtype) for weight in weights], dim=-1)
    return Table(torch.stack(rows, dim=-1), weight, trust if official else None)


def _ends(place: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
    """Return the two indices around each place (P, N) on a line of `count`, and weights; outside is zero."""
    below = place.floor()
    above_weight = place - below
    ends = [(below, 1 - above_weight), (below + 1, above_weight)]
    return [
        (index.clamp(0, count - 1).int(), weight * ((index >= 0) & (index < count))) for index, weight in ends
    ]


def _read_rows(neighbors: Tensor, own: Tensor, table: Table) -> Tensor:
    """Make frames (P, k, H, W) of rows by their table; returns the same shape, channels-last."""
    count, channels, height, width = own.shape
    pixels = height * width
    pictures = torch.stack([neighbors.permute(0, 2, 3, 1), own.permute(0, 2, 3, 1)], dim=1)
    first = torch.arange(count, dtype=torch.int32, device=own.device) * (2 * pixels)
    read = F.embedding_bag(
        (table.rows + first[:, None, None]).flatten(0, 1),
        pictures.view(count * 2 * pixels, channels),
        per_sample_weights=table.weights.flatten(0, 1),
        mode="sum",
    )
    return read.view(count, height, width, channels).permute(0, 3, 1, 2)
