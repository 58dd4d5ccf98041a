"""Links: where the points of one patch lie in its neighbor, and how much that can be trusted.

Flow is estimated on threads (OpenCV and torch release the interpreter lock) a few pairs ahead of the pass
that uses it; only the flow at hole and rim is kept. For patches on a device it goes up in cells and is read
at the points there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain, pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.device.fallback import DeviceFallback
from vrestore.flow.cells import cells_of, pixels_of
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.methods.inpaint.propagation.motion import carry_motion
from vrestore.methods.inpaint.propagation.pair_flow import PairFlow, View, hole_of
from vrestore.ops.resample.upsample import enlarged
from vrestore.ops.warp.consistency import Tolerance, consistency
from vrestore.ops.warp.offsets import shift
from vrestore.ops.warp.warp import is_inside, pixel_grid
from vrestore.threads import mapped

PairEstimator = Callable[[View, View], PairFlow]
"""Estimates the flow of two neighboring views, both ways; may be called from several threads at once."""


@dataclass(frozen=True, slots=True)
class FetchMap:
    """How to fetch colors for a patch's points: `targets` (n, 2) in the other patch, `trust` (n)."""

    targets: Tensor
    trust: Tensor


@dataclass(frozen=True, slots=True)
class Linked:
    """A patch with its steps: into it from the frame before, and back out of that frame to it.

    Both are None at the first patch of a run.
    """

    patch: Patch
    from_previous: FetchMap | None
    previous_from_this: FetchMap | None


@dataclass(frozen=True, slots=True)
class _Way:
    """A step in cells: to be read at a patch's points where the patch is.

    `cells` (3, h, w) are displacement in pixels and trust, of `pixels` of the frame; `seen` is the part of
    the other patch, at `towards`, that flow was estimated on. Without cells nothing is known.
    """

    of: Patch
    towards: Box
    pixels: Box
    seen: Box
    cells: Tensor | None

    def step(self) -> FetchMap:
        """Read the cells at the points."""
        of = self.of
        if self.cells is None:
            return FetchMap(of.points, torch.zeros(of.points.shape[0], device=of.device))
        read = _between(self.cells.to(of.device), self.pixels, of)  # (3, n)
        targets = of.points + read[:2].T + _shift(of.box, self.towards, of.device)  # (n, 2)
        # Beyond what flow was estimated on it was never seen whether the way leads back.
        there = targets + _shift(self.towards, self.seen, of.device)
        return FetchMap(targets, read[2] * is_inside(there, height=self.seen.height, width=self.seen.width))


def link(
    views: Iterator[View],
    *,
    flow: PairEstimator,
    cell: int,
    tolerance: Tolerance,
    executor: Executor,
    fallback: DeviceFallback,
    ahead: int,
    carried_frames: int = 0,
) -> Iterator[Linked]:
    """Join each patch to the one before, estimating the flow of up to `ahead` pairs at once.

    Flow is judged on cells of `cell` x `cell` pixels, with a whole one of which the patches' boxes start, and
    read between them where a hole and its rim are. With `carried_frames` the flow of holes that are not
    filled is corrected by what so many frames around know of it. What the device of `fallback` has no memory
    for is read on the CPU.
    """
    first = next(views, None)
    if first is None:
        return
    yield Linked(first.patch, None, None)
    neighbors = pairwise(chain([first], views))
    if not carried_frames:
        # OpenCV lets go of the interpreter lock, so pairs are estimated side by side.
        steps = mapped(executor, lambda pair: _steps(flow(*pair), cell, tolerance), neighbors, ahead=ahead)
    else:
        pairs = mapped(executor, lambda pair: flow(*pair), neighbors, ahead=ahead)
        corrected = carry_motion(pairs, cell=cell, frames=carried_frames)
        steps = mapped(executor, lambda pair: _steps(pair, cell, tolerance), corrected, ahead=ahead)
    for step in steps:
        yield fallback.run(_read, *step)


_Steps = tuple[Patch, FetchMap | _Way, FetchMap | _Way]
"""A patch, the step into it from the one before, and back out of that; on a device still to be read."""


def _steps(pair: PairFlow, cell: int, tolerance: Tolerance) -> _Steps:
    # Devices are asked by one thread: what belongs there is left to be read.
    into, back = (way.step() if way.of.device.type == "cpu" else way for way in _ways(pair, cell, tolerance))
    return pair.after.patch, into, back


def _read(patch: Patch, into: FetchMap | _Way, back: FetchMap | _Way) -> Linked:
    """Read those steps of a patch that were left to be read on a device."""
    return Linked(patch, *(way.step() if isinstance(way, _Way) else way for way in (into, back)))


def _ways(pair: PairFlow, cell: int, tolerance: Tolerance) -> tuple[_Way, _Way]:
    before, after = pair.before.patch, pair.after.patch
    common = pair.common
    if common is None:
        return _lost(after, before), _lost(before, after)
    there, back = pair.there.flow, pair.back.flow
    return (
        # Into the later patch one reads the earlier, along the flow of the later: hence `back`.
        _way(after, before, common, back, there, cell, tolerance),
        _way(before, after, common, there, back, cell, tolerance),
    )


def _way(
    of: Patch, towards: Patch, common: Box, flow: Tensor, back: Tensor, cell: int, tolerance: Tolerance
) -> _Way:
    """Return what of the flow of the cells `common`, (2, h, w) in cells, is read for a patch.

    `back` is the flow of the other frame towards this one, which it is judged by.
    """
    right, bottom = common.x + common.width, common.y + common.height
    near = cells_of(hole_of(of), cell).intersection(common)
    if near is None or not of.hidden_count:
        return _lost(of, towards)
    # One cell more all round, for reading between the middles of cells.
    near = near.grown(1, height=bottom, width=right).intersection(common) or near
    part = near.relative_to(common)
    displacement = flow[:, part.rows, part.columns]
    trust = _trust(part, displacement, back, cell, tolerance)
    # The last cell may stand out of the patch.
    seen = pixels_of(common, cell).intersection(towards.box) or towards.box
    cells = torch.cat([displacement * cell, trust])  # (3, h, w), in pixels
    return _Way(of, towards.box, pixels_of(near, cell), seen, cells)


def _trust(part: Box, displacement: Tensor, back: Tensor, cell: int, tolerance: Tolerance) -> Tensor:
    """Return the confidence (1, h, w) of the displacement (2, h, w) of the cells `part` of a flow."""
    corner = torch.tensor([part.x + 1, part.y + 1])  # one more, for the flow back is widened by a cell
    points = pixel_grid(part.height, part.width).flatten(1).T + corner  # (h * w, 2)
    # What leaves the middles of the outermost cells may still be in the picture: so these go on by a cell.
    widened = F.pad(back[None], (1, 1, 1, 1), mode="replicate")[0]
    way = displacement.flatten(1).T  # (h * w, 2)
    trust = consistency(points, way, widened, tolerance=tolerance.in_cells(cell))
    return trust.view(1, part.height, part.width)


def _between(cells: Tensor, pixels: Box, patch: Patch) -> Tensor:
    """Read cells (C, h, w), those of a box of `pixels` of the frame, at the points of a patch; returns (C,
    n).

    Points outside are taken for the nearest inside.
    """
    x, y = (patch.points + _shift(patch.box, pixels, patch.device)).long().unbind(1)
    # Whole pixels: all of them are interpolated, then those of hole and rim are picked.
    places = y.clamp_(0, pixels.height - 1).mul_(pixels.width).add_(x.clamp_(0, pixels.width - 1))
    return enlarged(cells, pixels.width // cells.shape[2]).index_select(1, places)


def _lost(of: Patch, towards: Patch) -> _Way:
    return _Way(of, towards.box, of.box, towards.box, None)


def _shift(box: Box, other: Box, device: torch.device) -> Tensor:
    """Return what is added to points in `box` to have them in the coordinates of another one, (x, y)."""
    return shift(box.x - other.x, box.y - other.y, device)
