"""Flow between two neighboring patches, in cells, completed where one hides what it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.flow.camera import fit_camera
from vrestore.flow.cells import cells_of
from vrestore.flow.choose import Sight, choose_flow
from vrestore.flow.complete import completed
from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import Box, MaskArray, union_of
from vrestore.methods.inpaint.patches.patch import Patch

FILLED_MARGIN = 72
"""Pixels around the holes that the flow of filled patches sees; no camera is fitted to it any more."""


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
class Directed:
    """Flow (2, h, w) in cells of one view towards the other, and the camera's homography in it, if known."""

    flow: Tensor
    camera: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class PairFlow:
    """Flow of a view towards the one after it, `there`, and of that towards the first, `back`.

    Both are of the cells `common` of the frame, None where the patches have nothing in common.
    """

    before: View
    after: View
    common: Box | None
    there: Directed
    back: Directed

    def with_flows(self, there: Tensor, back: Tensor) -> PairFlow:
        """Return the same with other flow."""
        return replace(self, there=replace(self.there, flow=there), back=replace(self.back, flow=back))


_NO_FLOW = Directed(torch.zeros(2, 0, 0))


def estimate_pair(
    before: View, after: View, *, estimate: FlowEstimator, cell: int, is_chosen: bool
) -> PairFlow:
    """Estimate the flow between neighboring views, in cells of `cell` x `cell` pixels.

    In a hole that is not filled it is completed, with `is_chosen` from what shows the picture best.
    """
    # Only what both patches show can be compared.
    common = cells_of(before.patch.box, cell).intersection(cells_of(after.patch.box, cell))
    are_filled = before.is_filled and after.is_filled
    if common is not None and are_filled:
        common = common.intersection(cells_of(_near_holes(before.patch, after.patch), cell))
    if common is None:
        return PairFlow(before, after, None, _NO_FLOW, _NO_FLOW)
    first, second = (_cut(view.gray, view.patch, common, cell) for view in (before, after))
    there, back = (torch.from_numpy(estimate(*pair)) for pair in ((first, second), (second, first)))
    if are_filled:
        return PairFlow(before, after, common, Directed(there), Directed(back))
    # The membrane in the hole moves nowhere in particular: its flow comes from around it.
    sights = [
        Sight(gray, hidden_in(view.patch, common, cell)) for gray, view in ((first, before), (second, after))
    ]
    if is_chosen:
        return PairFlow(before, after, common, _chosen(there, *sights), _chosen(back, *reversed(sights)))
    return PairFlow(before, after, common, _completed(there, sights[0]), _completed(back, sights[1]))


def hole_of(patch: Patch) -> Box:
    """Return the hole of a patch with its near surroundings, in frame coordinates."""
    hole = patch.hole
    return Box(patch.box.x + hole.x, patch.box.y + hole.y, hole.width, hole.height)


def hidden_in(patch: Patch, cells: Box, cell: int) -> MaskArray:
    """Tell which of some cells of the frame hold a hidden pixel of a patch, (h, w)."""
    part = cells.relative_to(cells_of(patch.box, cell))
    return patch.outline.hidden_cells(cell)[part.rows, part.columns].copy()


def _completed(flow: Tensor, of: Sight) -> Directed:
    found = completed(flow, torch.from_numpy(of.hidden))
    return Directed(flow) if found is None else Directed(found.put_into(flow), found.matrix)


def _chosen(flow: Tensor, of: Sight, towards: Sight) -> Directed:
    found = choose_flow(flow, of, towards)
    if found is None:
        return Directed(flow, fit_camera(flow.numpy(), ~of.hidden))
    return Directed(found.put_into(flow), found.matrix)


def _near_holes(before: Patch, after: Patch) -> Box:
    """Return the box, in frame coordinates, that the flow of filled patches is estimated in."""
    holes = [hole_of(patch) for patch in (before, after) if patch.hidden_count]
    around = union_of(holes or [before.box, after.box])
    right, bottom = around.x + around.width + FILLED_MARGIN, around.y + around.height + FILLED_MARGIN
    left, top = max(0, around.x - FILLED_MARGIN), max(0, around.y - FILLED_MARGIN)
    return Box(left, top, right - left, bottom - top)


def _cut(picture: NDArray[np.uint8], patch: Patch, cells: Box, cell: int) -> NDArray[np.uint8]:
    """Cut some cells out of all of a patch."""
    part = cells.relative_to(cells_of(patch.box, cell))
    return picture[part.rows, part.columns]
