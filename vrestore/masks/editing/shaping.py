"""What can be done to the mask of one frame, and to those of many in a row."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain, repeat

import cv2
import numpy as np

from vrestore.frames import MaskArray
from vrestore.masks.editing.options import EditOptions
from vrestore.masks.shapes import grown, shrunk


def shaped(mask: MaskArray, options: EditOptions) -> MaskArray:
    """Return the mask (H, W) of a frame inverted, filled, narrowed, sorted out and widened, in this order."""
    if options.invert:
        mask = ~mask
    if options.fill_holes:
        mask = without_holes(mask)
    mask = shrunk(mask, options.shrink)
    if options.keep:
        mask = largest_parts(mask, options.keep)
    return grown(mask, options.grow)


def without_holes(mask: MaskArray) -> MaskArray:
    """Return the mask with all that it encloses; what reaches the picture's edge is not enclosed."""
    # A rim of one unmarked pixel joins all that is outside, at whatever edge.
    outside = np.pad(~mask, 1, constant_values=True).view(np.uint8)
    _, labels = cv2.connectedComponents(outside, connectivity=4)
    return np.asarray(labels[1:-1, 1:-1] != labels[0, 0])


def largest_parts(mask: MaskArray, count: int) -> MaskArray:
    """Return the `count` parts with the most pixels; pixels that touch at a corner are of one part."""
    found, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if found - 1 <= count:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = 1 + np.argsort(areas, kind="stable")[::-1][:count]
    return np.isin(labels, largest)


def smoothed(masks: Iterator[MaskArray], frames: int) -> Iterator[MaskArray]:
    """Yield what more than half of an odd number of frames around mark, `frames // 2` masks behind.

    Before the first and after the last mask there are others like them.
    """
    first = next(masks, None)
    if first is None:
        return
    last = first
    window: deque[MaskArray] = deque(repeat(first, frames // 2))
    counts = np.sum(window, axis=0, dtype=np.uint16) if window else np.zeros(first.shape, np.uint16)
    for mask in chain([first], masks, repeat(None, frames // 2)):
        last = last if mask is None else mask
        window.append(last)
        counts += last
        if len(window) == frames:
            yield counts > frames // 2
            counts -= window.popleft()


def shifted(masks: Iterator[MaskArray], frames: int) -> Iterator[MaskArray]:
    """Yield as many masks, each `frames` later, or earlier if negative; beyond the ends nothing is marked."""
    first = next(masks, None)
    if first is None:
        return
    empty = np.zeros_like(first)
    waiting = deque(repeat(empty, max(0, frames)))
    left = max(0, -frames)
    for mask in chain([first], masks):
        waiting.append(mask)
        if left:
            waiting.pop()
            left -= 1
            continue
        yield waiting.popleft()
    yield from repeat(empty, max(0, -frames) - left)
