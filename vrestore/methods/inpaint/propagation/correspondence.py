"""Links: where the points of one patch lie in its neighbor, and how much that can be trusted.

Flow is estimated on threads (OpenCV and torch release the interpreter lock) a few pairs ahead of the pass
that uses it; only the flow at hole and rim is kept. For patches on a device it goes up in cells and is read
at the points there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vrestore.device.fallback import DeviceFallback
from vrestore.flow.cells import any_of_cells, cells_of, pixels_of
from vrestore.flow.complete import complete_flow
from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import Box, union_of
from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.ops.resample.upsample import enlarged
from vrestore.ops.warp.consistency import Tolerance, consistency
from vrestore.ops.warp.offsets import shift
from vrestore.ops.warp.warp import is_inside, pixel_grid

FILLED_MARGIN = 72
"""Pixels around the holes that the flow of filled patches sees; no camera is fitted to it any more."""


@dataclass(frozen=True, slots=True)
class FetchMap:
    """How to fetch colors for a patch's points: `targets` (n, 2) in the other patch, `trust` (n)."""

    targets: Tensor
    trust: Tensor


@dataclass(frozen=True, slots=True)
class View:
    """A patch as the flow estimator sees it: `gray` in cells, `is_filled` True if its hole was filled.

    With a mere guess in the hole flow near it is replaced by completion; once the hole holds propagated
    content, the estimated flow itself is used.
    """

    patch: Patch
    gray: NDArray[np.uint8]
    is_filled: bool


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


_Both = tuple[FetchMap | _Way, FetchMap | _Way]
"""The step into a patch from the one before, and the one back out of that; on a device still to be read."""


def link(
    views: Iterator[View],
    *,
    estimate: FlowEstimator,
    cell: int,
    tolerance: Tolerance,
    executor: Executor,
    fallback: DeviceFallback,
    ahead: int,
) -> Iterator[Linked]:
    """Join each patch to the one before, estimating the flow of up to `ahead` pairs at once.

    Flow is estimated and judged on cells of `cell` x `cell` pixels, with a whole one of which the patches'
    boxes start, and read between them where a hole and its rim are. What the device of `fallback` has no
    memory for is read on the CPU.
    """
    pending: deque[tuple[Patch, Future[_Both] | None]] = deque()
    previous: View | None = None
    for view in views:
        job = None
        if previous is not None:
            # OpenCV lets go of the interpreter lock, so pairs are estimated side by side.
            job = executor.submit(_linking, previous, view, estimate, cell, tolerance)
        pending.append((view.patch, job))
        previous = view
        # In order, and no more at once than were asked for: each holds two gray pictures.
        if len(pending) > ahead:
            yield _linked(*pending.popleft(), fallback)
    while pending:
        yield _linked(*pending.popleft(), fallback)


def _linked(patch: Patch, job: Future[_Both] | None, fallback: DeviceFallback) -> Linked:
    if job is None:
        return Linked(patch, None, None)
    return fallback.run(_read, patch, *job.result())


def _read(patch: Patch, into: FetchMap | _Way, back: FetchMap | _Way) -> Linked:
    """Read those steps of a patch that were left to be read on a device."""
    return Linked(patch, *(way.step() if isinstance(way, _Way) else way for way in (into, back)))


def _linking(before: View, after: View, estimate: FlowEstimator, cell: int, tolerance: Tolerance) -> _Both:
    """Return the step into `after` from `before` and the one into `before` from `after`.

    Devices are asked by one thread: what belongs there is left to be read.
    """
    into, back = _ways(before, after, estimate, cell, tolerance)
    return (
        into.step() if into.of.device.type == "cpu" else into,
        back.step() if back.of.device.type == "cpu" else back,
    )


def _ways(
    before: View, after: View, estimate: FlowEstimator, cell: int, tolerance: Tolerance
) -> tuple[_Way, _Way]:
    # Only what both patches show can be compared.
    common = cells_of(before.patch.box, cell).intersection(cells_of(after.patch.box, cell))
    are_filled = before.is_filled and after.is_filled
    if common is not None and are_filled:
        common = common.intersection(cells_of(_near_holes(before.patch, after.patch), cell))
    if common is None:
        return _lost(after.patch, before.patch), _lost(before.patch, after.patch)
    first, second = (_cut(view.gray, view.patch, common, cell) for view in (before, after))
    there, back = (torch.from_numpy(estimate(*pair)) for pair in ((first, second), (second, first)))
    if not are_filled:
        # The membrane in the hole moves nowhere in particular: its flow comes from around it.
        there = complete_flow(there, _hidden_in(before.patch, common, cell))
        back = complete_flow(back, _hidden_in(after.patch, common, cell))
    return (
        # Into the later patch one reads the earlier, along the flow of the later: hence `back`.
        _way(after.patch, before.patch, common, back, there, cell, tolerance),
        _way(before.patch, after.patch, common, there, back, cell, tolerance),
    )


def _near_holes(before: Patch, after: Patch) -> Box:
    """Return the box, in frame coordinates, that the flow of filled patches is estimated in."""
    holes = [_hole(patch) for patch in (before, after) if patch.hidden_count]
    around = union_of(holes or [before.box, after.box])
    right, bottom = around.x + around.width + FILLED_MARGIN, around.y + around.height + FILLED_MARGIN
    left, top = max(0, around.x - FILLED_MARGIN), max(0, around.y - FILLED_MARGIN)
    return Box(left, top, right - left, bottom - top)


def _hole(patch: Patch) -> Box:
    """Return the hole of a patch with its near surroundings, in frame coordinates."""
    hole = patch.hole
    return Box(patch.box.x + hole.x, patch.box.y + hole.y, hole.width, hole.height)


def _way(
    of: Patch, towards: Patch, common: Box, flow: Tensor, back: Tensor, cell: int, tolerance: Tolerance
) -> _Way:
    """Return what of the flow of the cells `common`, (2, h, w) in cells, is read for a patch.

    `back` is the flow of the other frame towards this one, which it is judged by.
    """
    right, bottom = common.x + common.width, common.y + common.height
    near = cells_of(_hole(of), cell).intersection(common)
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


def _cut(picture: NDArray[np.uint8], patch: Patch, cells: Box, cell: int) -> NDArray[np.uint8]:
    """Cut some cells out of all of a patch."""
    part = cells.relative_to(cells_of(patch.box, cell))
    return picture[part.rows, part.columns]


def _hidden_in(patch: Patch, cells: Box, cell: int) -> Tensor:
    """Tell which of some cells hold a hidden pixel of a patch, (h, w)."""
    part = cells.relative_to(cells_of(patch.box, cell))
    return torch.from_numpy(any_of_cells(patch.hidden, cell)[part.rows, part.columns].copy())
