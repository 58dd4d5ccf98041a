"""The tables of shift-and-align: its definition for channels-last features, several times as fast.

Reading and blending are a weighted sum of rows, so one table of rows and weights serves every layer of a
scale. See `vrestore.ops.warp.shift_align` for what is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.ops.warp.shift_align import Motion, read_points


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


def alignment(motion: Motion, height: int, width: int, *, official: bool, dtype: torch.dtype) -> Alignment:
    """Make the tables of `motion` for features of height x width and `dtype`."""
    flow = torch.cat([motion.forward, motion.backward])  # (2 * P, 2, h, w)
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
    # The published test, for both directions by what was read from t+1: see `shift_align`.
    is_reached = left.sum(1, keepdim=True) != 0
    left = torch.where(is_reached & (tables.forward.trust > 0), left, own_left)
    return left, torch.where(is_reached & (tables.backward.trust > 0), right, own_right)


def _table(
    flow: Tensor, occlusion: Tensor, height: int, width: int, *, official: bool, dtype: torch.dtype
) -> Table:
    points, trust = read_points(flow, occlusion, height, width, official=official)
    x, y = points.flatten(2).unbind(1)  # (P, H*W) each
    if not official:
        # Clamping the place repeats the border: then both ends lie inside and all weights count.
        x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    (left, left_weight), (right, right_weight) = _ends(x, width)
    (top, top_weight), (bottom, bottom_weight) = _ends(y, height)
    top, bottom = top * width, bottom * width
    if not official:
        share = trust.flatten(1)  # (P, H*W)
        # Trust blends with the frame's own pixel, which is one row more of the same sum.
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
    # Each pair has 2 * H*W rows of its own: the neighbor's, then the frame's.
    first = torch.arange(count, dtype=torch.int32, device=own.device) * (2 * pixels)
    read = F.embedding_bag(
        (table.rows + first[:, None, None]).flatten(0, 1),
        pictures.view(count * 2 * pixels, channels),
        per_sample_weights=table.weights.flatten(0, 1),
        mode="sum",
    )
    return read.view(count, height, width, channels).permute(0, 3, 1, 2)  # (P, k, H, W)
