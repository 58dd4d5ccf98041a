"""The band of known pixels beside a hole, and where its pixels lie in the frames beside."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.flow.cells import mean_of_cells
from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import Box, Hole, MaskedFrame, PixelFormat
from vrestore.media.color.convert import samples_of

FLOW_REACH = 32
"""Pixels beyond the band in which motion is estimated."""

_BAND_SHARE, _LEAST_BAND = 40, 8
"""The band is a fortieth of the lines wide, and not less than so many pixels."""

_MOST_POINTS = 3000
_STILL_PIXELS = 0.25

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Matched:
    """Samples of a component in a band, (n), and the whole samples that they move to in another frame.

    All have neighbors within both pictures. `is_known` tells which are known there, `is_still` which move by
    less than a quarter of a pixel.
    """

    x: Places
    y: Places
    to_x: Places
    to_y: Places
    is_known: NDArray[np.bool_]
    is_still: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Way:
    """How the pixels of a band move to another frame, (2, n), and which are known and which still there."""

    pixels: NDArray[np.float32]
    is_known: NDArray[np.bool_]
    is_still: NDArray[np.bool_]


class Band:
    """The band around a frame's hole, as some of its pixels; frames are looked at without what holes hide."""

    def __init__(self, item: MaskedFrame, format: PixelFormat, cell: int) -> None:
        if item.hole is None:
            raise ValueError("a frame without a hole has no band around it")
        self._format, self._cell = format, cell
        # Green stands for the luma of RGB.
        self._main = format.components[1 if format.model == "rgb" else 0]
        self._height, self._width = samples_of(item.frame.planes[self._main.plane], self._main).shape
        # So far beside a hole no sample that is read, or one beside it, has seen what the hole hides.
        self._beside = (2 << max(format.chroma_shift)) + 1
        band = self._beside + max(_LEAST_BAND, self._height // _BAND_SHARE)
        around = item.hole.box.grown(band + FLOW_REACH, height=self._height, width=self._width)
        left, top = around.x // cell * cell, around.y // cell * cell
        self._window = Box(left, top, around.x + around.width - left, around.y + around.height - top)
        hidden = (item.hole.alpha_in(self._window) > 0).view(np.uint8)
        near, far = (
            cv2.dilate(hidden, np.ones((2 * r + 1, 2 * r + 1), np.uint8)) for r in (self._beside, band)
        )
        places = np.flatnonzero(far > near)
        places = places[:: max(1, -(-places.size // _MOST_POINTS))]
        y, x = np.divmod(places, self._window.width)
        self._x, self._y = x + left, y + top
        self._gray = self._cells(item)

    def way_to(self, other: MaskedFrame, flow: FlowEstimator) -> Way:
        """Return how the pixels move to another frame."""
        cells = flow(self._gray, self._cells(other)) * np.float32(self._cell)  # (2, h, w)
        window, cell = self._window, self._cell
        way = cells[:, (self._y - window.y) // cell, (self._x - window.x) // cell]
        known = np.ones(self._x.shape, np.bool_)
        if other.hole is not None:
            to_x, to_y = (
                places + np.rint(each).astype(np.intp)
                for places, each in zip((self._x, self._y), way, strict=True)
            )
            known = ~_hidden(other.hole, to_x, to_y, beside=self._beside)
        return Way(way, known, np.abs(way).max(axis=0, initial=0) < _STILL_PIXELS)

    def matched(self, way: Way, shift: tuple[int, int]) -> Matched:
        """Return the samples of a component with this subsampling, and where they lie in the other frame."""
        across, down = shift
        width, height = -(-self._width >> across), -(-self._height >> down)
        x, y, moved, known, still = self._x, self._y, way.pixels, way.is_known, way.is_still
        if (across, down) != (0, 0):
            chosen = (x & (1 << across) - 1 == 0) & (y & (1 << down) - 1 == 0)
            x, y, moved = x[chosen] >> across, y[chosen] >> down, moved[:, chosen]
            known, still = known[chosen], still[chosen]
        to_x = x + np.rint(moved[0] / (1 << across)).astype(np.intp)
        to_y = y + np.rint(moved[1] / (1 << down)).astype(np.intp)
        inside = (np.minimum(x, to_x) > 0) & (np.maximum(x, to_x) < width - 1)
        inside &= (np.minimum(y, to_y) > 0) & (np.maximum(y, to_y) < height - 1)
        # What leaves the picture is not known; it is read somewhere, and does not count.
        x, to_x = (np.clip(places, 1, max(1, width - 2)) for places in (x, to_x))
        y, to_y = (np.clip(places, 1, max(1, height - 2)) for places in (y, to_y))
        return Matched(x, y, to_x, to_y, inside & known, still)

    def _cells(self, item: MaskedFrame) -> NDArray[np.uint8]:
        """Return the window in gray cells; in a hole they are gray, at its rim what is known of them."""
        window, cell = self._window, self._cell
        samples = samples_of(item.frame.planes[self._main.plane], self._main)[window.rows, window.columns]
        codes = (samples >> self._main.shift).astype(np.float32) * np.float32(255 / self._format.peak)
        if item.hole is None:
            return np.rint(mean_of_cells(codes, cell)).astype(np.uint8)
        known = (item.hole.alpha_in(window) == 0).astype(np.float32)
        weight, gray = mean_of_cells(known, cell), mean_of_cells(codes * known, cell)
        mean = np.float32(gray.sum() / max(float(weight.sum()), 1e-6))
        return np.rint(np.where(weight > 0, gray / np.maximum(weight, np.float32(1e-6)), mean)).astype(
            np.uint8
        )


def _hidden(hole: Hole, x: Places, y: Places, *, beside: int) -> NDArray[np.bool_]:
    """Tell which pixels of a frame lie in its hole, or less than so many beside it."""
    box = hole.box
    around = Box(box.x - beside, box.y - beside, box.width + 2 * beside, box.height + 2 * beside)
    near = cv2.dilate(hole.alpha_in(around), np.ones((2 * beside + 1,) * 2, np.uint8)) > 0
    column, row = x - around.x, y - around.y
    inside = (column >= 0) & (row >= 0) & (column < around.width) & (row < around.height)
    result = np.zeros(x.shape, np.bool_)
    result[inside] = near[row[inside], column[inside]]
    return result
