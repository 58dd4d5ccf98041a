"""Links: where the points of one patch lie in its neighbour, and how much that can be trusted.

Flow is estimated on threads (OpenCV and torch release the interpreter lock) a few pairs ahead of the pass
that uses it; only the flow at hole and rim is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.flow.complete import complete_flow
from vrestore.frames import Box, union_of
from vrestore.ops.consistency import Tolerance, consistency
from vrestore.restore.patch import Patch

FILLED_MARGIN = 72
"""Pixels around the holes that the flow of filled patches sees; no camera is fitted to it any more."""

Estimator = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Step:
    """How to fetch colours for a patch's points: `targets` (n, 2) in the other patch, `trust` (n)."""

    targets: Tensor
    trust: Tensor


@dataclass(frozen=True, slots=True)
class View:
    """A patch with the grey picture the flow is estimated on; `closed` True if its hole holds a guess.

    With a mere guess flow near the hole is replaced by completion; once the hole holds propagated
    content, the estimated flow itself is used.
    """

    patch: Patch
    grey: NDArray[np.uint8]
    is_filled: bool


@dataclass(frozen=True, slots=True)
class Linked:
    """A patch with its steps: into it from the frame before, and back out of that frame to it.

    Both are None at the first patch of a run.
    """

    patch: Patch
    from_previous: Step | None
    previous_from_this: Step | None


def link(
    views: Iterator[View],
    *,
    estimate: Estimator,
    scale: int,
    tolerance: Tolerance,
    executor: Executor,
    ahead: int,
) -> Iterator[Linked]:
    """Join each patch to the one before, estimating the flow of up to `ahead` pairs at once.

    `scale` says that the estimator's flow is no finer than 2**scale pixels.
    """
    pending: deque[tuple[Patch, Future[tuple[Step, Step]] | None]] = deque()
    previous: View | None = None
    for view in views:
        job = None
        if previous is not None:
            job = executor.submit(_steps, previous, view, estimate, scale, tolerance)
        pending.append((view.patch, job))
        previous = view
        if len(pending) > ahead:
            yield _linked(*pending.popleft())
    while pending:
        yield _linked(*pending.popleft())


def _linked(patch: Patch, job: Future[tuple[Step, Step]] | None) -> Linked:
    if job is None:
        return Linked(patch, None, None)
    return Linked(patch, *job.result())


def _steps(
    before: View, after: View, estimate: Estimator, scale: int, tolerance: Tolerance
) -> tuple[Step, Step]:
    """Give the step into `after` from `before` and the one into `before` from `after`."""
    common = before.patch.box.intersection(after.patch.box)
    are_filled = before.is_filled and after.is_filled
    if common is not None and are_filled:
        common = common.intersection(_near_holes(before.patch, after.patch))
    if common is None:
        return _lost(after.patch), _lost(before.patch)
    cut = [_cut(view, common) for view in (before, after)]
    there = torch.from_numpy(estimate(cut[0], cut[1]))
    back = torch.from_numpy(estimate(cut[1], cut[0]))
    if not are_filled:
        there = complete_flow(there, torch.from_numpy(_hidden_in(before.patch, common)), scale=scale)
        back = complete_flow(back, torch.from_numpy(_hidden_in(after.patch, common)), scale=scale)
    return (
        _step(after.patch, before.patch, common, back, there, tolerance),
        _step(before.patch, after.patch, common, there, back, tolerance),
    )


def _near_holes(before: Patch, after: Patch) -> Box:
    """Give the box, in frame coordinates, that the flow of filled patches is estimated in."""
    holes = [
        Box(patch.box.x + patch.hole.x, patch.box.y + patch.hole.y, patch.hole.width, patch.hole.height)
        for patch in (before, after)
        if patch.hidden_count
    ]
    around = union_of(holes or [before.box, after.box])
    right, bottom = around.x + around.width + FILLED_MARGIN, around.y + around.height + FILLED_MARGIN
    left, top = max(0, around.x - FILLED_MARGIN), max(0, around.y - FILLED_MARGIN)
    return Box(left, top, right - left, bottom - top)


def _step(of: Patch, towards: Patch, common: Box, flow: Tensor, back: Tensor, tolerance: Tolerance) -> Step:
    shift = torch.tensor([of.box.x - common.x, of.box.y - common.y], dtype=torch.float32)
    points = of.points + shift
    displacement = _read(flow, points).T
    trust = consistency(points, displacement, back, tolerance=tolerance)
    offset = torch.tensor([common.x - towards.box.x, common.y - towards.box.y], dtype=torch.float32)
    return Step(points + displacement + offset, trust)


def _read(flow: Tensor, points: Tensor) -> Tensor:
    """Read a flow (2, H, W) at whole-pixel points (n, 2), from its border where they are outside; (2, n)."""
    height, width = flow.shape[1:]
    x, y = points.long().unbind(-1)
    return flow.flatten(1).index_select(1, y.clamp_(0, height - 1).mul_(width).add_(x.clamp_(0, width - 1)))


def _lost(patch: Patch) -> Step:
    return Step(patch.points, torch.zeros(patch.points.shape[0]))


def _cut(view: View, box: Box) -> NDArray[np.uint8]:
    inner = box.relative_to(view.patch.box)
    return view.grey[inner.rows, inner.columns]


def _hidden_in(patch: Patch, box: Box) -> NDArray[np.bool_]:
    inner = box.relative_to(patch.box)
    return np.ascontiguousarray(patch.hidden[inner.rows, inner.columns])
