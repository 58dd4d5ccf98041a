"""Motion in the hole over time: the flow of pairs, corrected by what the frames around them know.

As in propagation, the past is carried on for ever, and the future anew for each chunk from as many frames as
the look-ahead allows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vrestore.flow.carry import Carried, Motion, Planes, carry, correction, motion_of
from vrestore.flow.cells import cells_of
from vrestore.flow.complete import homography_flow
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.methods.inpaint.propagation.pair_flow import Directed, PairFlow, hidden_in, hole_of

SURROUNDINGS = 24
"""Cells around the hole in which motion is known to the neighboring frames."""


def carry_motion(pairs: Iterator[PairFlow], *, cell: int, frames: int) -> Iterator[PairFlow]:
    """Correct the flow in the holes of a run, pair by pair; each begins with the view that ended the last.

    So many `frames` are corrected at a time, by at least as many of the future: twice as many are held.
    """
    window = _Window(cell)
    for pair in pairs:
        window.take(pair)
        if len(window) > 2 * frames:
            yield from window.give(frames)
    window.close()
    yield from window.give(len(window))


@dataclass(frozen=True, slots=True)
class _Held:
    """A frame's motion, and what the past knew of it; None where no flow is known."""

    motion: Motion | None
    past: Carried | None


@dataclass(frozen=True, slots=True)
class _Correction:
    """What is added to a frame's flow back and ahead, (4, h, w), in a box of the frame's cells."""

    box: Box
    planes: Planes


class _Window:
    """The frames that are seen at once; their pairs wait until both of their frames are corrected."""

    def __init__(self, cell: int) -> None:
        self._cell = cell
        self._held: list[_Held] = []
        self._pairs: deque[PairFlow] = deque()
        self._last: PairFlow | None = None
        self._is_first = True
        self._correction: _Correction | None = None

    def __len__(self) -> int:
        return len(self._held)

    def take(self, pair: PairFlow) -> None:
        """Take the next pair, with which all is known of its first frame."""
        self._hold(pair.before.patch, self._last, pair)
        self._pairs.append(pair)
        self._last = pair

    def close(self) -> None:
        """Take the last pair's second frame: none comes after it."""
        if self._last is not None:
            self._hold(self._last.after.patch, self._last, None)

    def give(self, count: int) -> Iterator[PairFlow]:
        """Correct the first `count` frames, hold them no longer, and yield the pairs that end with them."""
        for each in self._swept(count):
            if not self._is_first:
                yield _corrected(self._pairs.popleft(), self._correction, each)
            self._is_first, self._correction = False, each

    def _hold(self, patch: Patch, before: PairFlow | None, after: PairFlow | None) -> None:
        motion = _motion(patch, before, after, self._cell)
        past = None
        if motion is not None:
            source = self._held[-1].past if self._held else None
            past = carry(motion, source, motion.back)
        self._held.append(_Held(motion, past))

    def _swept(self, count: int) -> list[_Correction | None]:
        """Carry the future back through all that is held; return the corrections of the first `count`."""
        found: list[_Correction | None] = []
        future: Carried | None = None
        for position in range(len(self._held) - 1, -1, -1):
            motion, past = self._held[position].motion, self._held[position].past
            if motion is None or past is None:
                future = None
                planes = None
            else:
                future = carry(motion, future, motion.ahead)
                planes = correction(motion, past, future) if position < count else None
            if position < count:
                found.append(None if motion is None or planes is None else _Correction(motion.box, planes))
        # The past of the last frame given is where the next one's comes from: it is carried already.
        del self._held[:count]
        return found[::-1]


def _motion(patch: Patch, before: PairFlow | None, after: PairFlow | None, cell: int) -> Motion | None:
    """Return how a frame moves near its hole, None where flow leads neither to it nor away."""
    boxes = [pair.common for pair in (before, after) if pair is not None and pair.common is not None]
    box = boxes[0] if boxes else None
    for other in boxes[1:]:
        box = None if box is None else box.intersection(other)
    if box is not None and patch.hidden_count:
        near = cells_of(hole_of(patch), cell)
        right, bottom = box.x + box.width, box.y + box.height
        box = near.grown(SURROUNDINGS, height=bottom, width=right).intersection(box)
    if box is None:
        return None
    return motion_of(
        box,
        hidden_in(patch, box, cell),
        None if before is None else _part(before.back, before.common, box),
        None if after is None else _part(after.there, after.common, box),
    )


def _part(way: Directed, common: Box | None, box: Box) -> tuple[Planes, Planes] | None:
    """Return flow and the camera's, (2, h, w) each, in a box of the cells that are `common`."""
    if common is None:
        return None
    part = box.relative_to(common)
    flow = way.flow[:, part.rows, part.columns].numpy()
    return flow, homography_flow(way.camera, part).numpy()


def _corrected(pair: PairFlow, before: _Correction | None, after: _Correction | None) -> PairFlow:
    """Return a pair with the corrections of its two frames."""
    if pair.common is None:
        return pair
    there = _added(pair.there.flow, pair.common, before, slice(2, 4))
    return pair.with_flows(there, _added(pair.back.flow, pair.common, after, slice(0, 2)))


def _added(flow: Tensor, common: Box, add: _Correction | None, planes: slice) -> Tensor:
    if add is None:
        return flow
    part = add.box.relative_to(common)
    result = flow.clone()
    result[:, part.rows, part.columns] += torch.from_numpy(np.ascontiguousarray(add.planes[planes]))
    return result
