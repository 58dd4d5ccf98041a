"""A line of writing as it is marked, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import cv2
import numpy as np

from vrestore.frames import Box, MaskArray

Place = tuple[int, int]
"""(x, y), pixels from where a line was first seen."""


@dataclass(frozen=True, slots=True)
class Found:
    """A line as it is marked: `pixels` in `box`, moved by `path` in each frame from `start` on.

    It `comes_or_goes` where a frame of its scene was seen without it, and `is_before_still` where the camera
    never moved meanwhile.
    """

    box: Box
    pixels: MaskArray
    start: int
    path: tuple[Place, ...]
    moves: bool
    comes_or_goes: bool
    is_before_still: bool

    @property
    def stop(self) -> int:
        return self.start + len(self.path)

    def place(self, number: int) -> Box:
        """Return where its pixels are in a frame."""
        return box_at(self.box, self.path[number - self.start])


def box_at(box: Box, place: Place) -> Box:
    """Return a box moved to a place."""
    return Box(box.x + place[0], box.y + place[1], box.width, box.height)


def enlarged(found: Found, *, scale: float, height: int, width: int) -> Found:
    """Return a line of a picture that was made smaller in one of height by width, `scale` times larger."""
    if scale == 1:
        return found

    def larger(value: int) -> int:
        return int(value * scale)

    box = found.box
    right, bottom = min(width, larger(box.x + box.width)), min(height, larger(box.y + box.height))
    left, top = larger(box.x), larger(box.y)
    grown = Box(left, top, right - left, bottom - top)
    pixels = cv2.resize(found.pixels.astype(np.float32), (grown.width, grown.height)) > 0.5
    path = tuple((larger(x), larger(y)) for x, y in found.path)
    return replace(found, box=grown, pixels=pixels, path=path)


def as_box(found: Found) -> Found:
    """Return a line as the one box around all its pixels in all its frames."""
    x, y, width, height = cv2.boundingRect(found.pixels.view(np.uint8))
    inner = box_at(Box(x, y, width, height), (found.box.x, found.box.y))
    whole = reduce(Box.union, (box_at(inner, place) for place in set(found.path)))
    pixels = np.ones((whole.height, whole.width), np.bool_)
    return replace(found, box=whole, pixels=pixels, path=((0, 0),) * len(found.path))
