"""A frame's neighbors as they would look at its time: moved along the flow."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.detect.dirt.scratches import find_scratches, line_strengths
from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import MaskArray
from vrestore.media.preview.luma import Luma

Field = NDArray[np.float32]
"""(h, w)."""

REACH = 2
"""Frames before and after one that it is compared with."""

_SPECKS = 5  # pixels of the median that keeps dirt from steering the flow


@dataclass(slots=True)
class Neighborhood:
    """The pictures (h, w) of consecutive frames of one scene by number, and the flows between them."""

    flow: FlowEstimator
    executor: Executor
    has_lines: bool = False
    pictures: dict[int, Luma] = field(default_factory=dict)
    _smooth: dict[int, Luma] = field(default_factory=dict)
    _lines: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    _flows: dict[tuple[int, int], NDArray[np.float32]] = field(default_factory=dict)

    def anew(self) -> Neighborhood:
        """Return one without frames, for the next scene."""
        return Neighborhood(self.flow, self.executor, self.has_lines)

    def add(self, number: int, picture: Luma) -> None:
        """Take a frame; those far before it are let go, and the flows to the one before are begun."""
        self.pictures[number] = picture
        self._smooth[number] = np.asarray(cv2.medianBlur(picture, _SPECKS), np.uint8)
        if self.has_lines:
            self._lines[number] = line_strengths(picture)
        for old in [each for each in self.pictures if each < number - 2 * REACH]:
            del self.pictures[old], self._smooth[old]
            self._lines.pop(old, None)
        for pair in [pair for pair in self._flows if min(pair) < number - 2 * REACH]:
            del self._flows[pair]
        if number - 1 in self.pictures:
            pairs = (number, number - 1), (number - 1, number)
            for pair, found in zip(pairs, self.executor.map(self._estimated, pairs), strict=True):
                self._flows[pair] = found

    def around(self, number: int) -> Window:
        """Return a frame with those around it, which stays as it is when others are added."""
        return Window(number, dict(self.pictures), dict(self._flows), dict(self._lines))

    def _estimated(self, pair: tuple[int, int]) -> NDArray[np.float32]:
        found = self.flow(self._smooth[pair[0]], self._smooth[pair[1]])  # (2, h, w)
        return np.ascontiguousarray(found.transpose(1, 2, 0))


@dataclass(frozen=True, slots=True)
class Window:
    """A frame, `number`, among others: by number their pictures (h, w) and the flows (h, w, 2) between."""

    number: int
    pictures: Mapping[int, Luma]
    flows: Mapping[tuple[int, int], NDArray[np.float32]]
    lines: Mapping[int, NDArray[np.float32]]

    def scratches(self) -> MaskArray:
        """Return the pixels (h, w) of vertical lines that stand in their place, whatever the scene does."""
        steps = (step for step in range(-REACH, REACH + 1) if step)
        others = [self.lines[self.number + step] for step in steps if self.number + step in self.lines]
        forward = (self.number, self.number + 1) in self.flows
        flow = self.flows[self.number, self.number + (1 if forward else -1)]
        return find_scratches(self.lines[self.number], others, flow[:, :, 0])

    def moved(self) -> Mapping[int, Field]:
        """Return up to REACH frames on each side, by their distance, as the frame sees them."""
        found = {}
        for sign in (-1, 1):
            path: NDArray[np.float32] | None = None
            for step in range(1, REACH + 1):
                other = self.number + sign * step
                if other not in self.pictures:
                    break
                following = self.flows[other - sign, other]
                path = following if path is None else path + along(following, path)
                found[sign * step] = along(self.pictures[other].astype(np.float32), path)
        return found

    def doubt(self) -> Field:
        """Return how many pixels flow there and back to the neighbors misses where it began."""
        doubt = np.zeros(self.pictures[self.number].shape, np.float32)
        for other in (self.number - 1, self.number + 1):
            if other in self.pictures:
                there, back = self.flows[self.number, other], self.flows[other, self.number]
                missed = there + along(back, there)
                doubt = np.maximum(doubt, cv2.magnitude(missed[:, :, 0], missed[:, :, 1]))
        return doubt


def along(values: Field, flow: NDArray[np.float32]) -> Field:
    """Return values (h, w) or (h, w, 2) read at p + flow(p), (h, w, 2); beyond the edge those of the edge."""
    height, width = values.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    at = x + flow[:, :, 0], y + flow[:, :, 1]
    moved = cv2.remap(values, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)
