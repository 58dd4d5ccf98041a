"""Scene cuts: where nothing may be carried from one frame to the next.

A cut changes the picture much more than the motion around it does and does not come back: a flash differs
from both neighbors while they resemble each other. Hidden pixels are left out of every comparison.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Frame, Hole, MaskedFrame, PixelFormat

THUMB_HEIGHT, THUMB_WIDTH = 36, 64
LEAST_CHANGE = 0.08
"""Mean change of a cut, of the range black to white; calm scenes lie below 0.02, fast pans below 0.08."""

LEAST_RATIO = 3.0
"""A cut changes this many times more than the frames around it do."""

REACH = 2
"""Frames before and after a change that it is compared with; the stage's latency."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame with its hole; `starts_scene` True if nothing before it may be used for it."""

    frame: Frame
    hole: Hole | None
    starts_scene: bool


@dataclass(frozen=True, slots=True)
class _Thumb:
    luma: NDArray[np.float32]  # (THUMB_HEIGHT, THUMB_WIDTH), [0, 1]
    known: NDArray[np.bool_]


def mark_cuts(items: Iterator[MaskedFrame], *, format: PixelFormat) -> Iterator[Shot]:
    """Tell which frames start a scene; the first one does."""
    window: deque[tuple[MaskedFrame, _Thumb]] = deque()
    history: deque[_Thumb] = deque(maxlen=REACH + 1)
    is_first = True
    for item in items:
        window.append((item, _thumb(item, format)))
        if len(window) > REACH:
            yield _judged(window, history, is_first=is_first)
            is_first = False
    while window:
        yield _judged(window, history, is_first=is_first)
        is_first = False


def _judged(window: deque[tuple[MaskedFrame, _Thumb]], history: deque[_Thumb], *, is_first: bool) -> Shot:
    item, thumb = window.popleft()
    coming = [later for _, later in window]
    starts = is_first or _is_cut(list(history), thumb, coming)
    if starts:
        history.clear()
    history.append(thumb)
    return Shot(item.frame, item.hole, starts)


def _is_cut(past: list[_Thumb], this: _Thumb, coming: list[_Thumb]) -> bool:
    before = past[-1]
    change = _change(before, this)
    if change < LEAST_CHANGE:
        return False
    if any(_change(before, later) < change / 2 for later in coming):
        return False  # a flash: the old picture comes back
    if any(_change(earlier, this) < change / 2 for earlier in past[:-1]):
        return False  # and here it is back
    around = [_change(a, b) for a, b in pairwise(past)]
    around += [_change(a, b) for a, b in pairwise([this, *coming])]
    return not around or change > LEAST_RATIO * max(float(np.median(around)), 0.01)


def _change(a: _Thumb, b: _Thumb) -> float:
    both = a.known & b.known
    if not both.any():
        return 0.0
    return float(np.abs(a.luma - b.luma)[both].mean())


def _thumb(item: MaskedFrame, format: PixelFormat) -> _Thumb:
    """Return the first component (luma, gray, red) averaged over coarse cells, without hidden pixels."""
    component = format.components[0]
    plane = item.frame.planes[component.plane][:, component.offset :: component.step]
    step = max(1, min(plane.shape[0] // (2 * THUMB_HEIGHT), plane.shape[1] // (2 * THUMB_WIDTH)))
    coarse = plane[::step, ::step].astype(np.float32)
    luma = coarse / float(format.peak << component.shift)
    size = (THUMB_WIDTH, THUMB_HEIGHT)
    if item.hole is None:
        small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
        return _Thumb(np.asarray(small, np.float32), np.ones((THUMB_HEIGHT, THUMB_WIDTH), np.bool_))
    known = _known(item.hole, luma.shape, step)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(luma * known, size, interpolation=cv2.INTER_AREA)
    is_known = np.asarray(weight > 0.5, np.bool_)
    return _Thumb(np.where(is_known, total / np.maximum(weight, 1e-6), 0).astype(np.float32), is_known)


def _known(hole: Hole, shape: tuple[int, ...], step: int) -> NDArray[np.float32]:
    """Return 1 where a picture read at every `step`-th pixel is not hidden, else 0."""
    known = np.ones(shape, np.float32)
    row, column = -(-hole.box.y // step), -(-hole.box.x // step)
    alpha = hole.alpha[row * step - hole.box.y :: step, column * step - hole.box.x :: step]
    known[row : row + alpha.shape[0], column : column + alpha.shape[1]] = alpha == 0
    return known
