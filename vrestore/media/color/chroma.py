"""Chroma between its own grid and that of the pixels, at the position the stream says.

`place` is where a sample sits in its cell, in pixels from the cell's first one; a cell is 2**shift
pixels. `spread` and `gather` work along both axes of (rows, columns) float32 arrays.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def spread(samples: Samples, *, shift: tuple[int, int], place: tuple[float, float]) -> Samples:
    """Interpolate linearly to pixels; `samples` has one more on each side than the cells wanted."""
    # Separable: rows first, then the transposed picture's rows, which are the columns.
    rows = _spread_rows(samples, shift[1], place[1])
    return _spread_rows(rows.T, shift[0], place[0]).T


def gather(picture: Samples, *, shift: tuple[int, int], place: tuple[float, float]) -> Samples:
    """Average to samples by a box one cell wide about each; `picture` has `margin(shift)` on each side."""
    rows = _gather_rows(picture, shift[1], place[1])
    return _gather_rows(rows.T, shift[0], place[0]).T


def margin(shift: tuple[int, int]) -> tuple[int, int]:
    """Return how far `gather` looks outside a cell, (x, y)."""
    return (1 << shift[0]) >> 1, (1 << shift[1]) >> 1


def phases(shift: int, place: float) -> list[tuple[int, float]]:
    """Return for each pixel of a cell which sample is below it, its own being 0, and how far it is beyond."""
    step = 1 << shift
    # A pixel is (phase - place) / step cells beyond its own sample; below 0 it lies before that one.
    positions = [(phase - place) / step for phase in range(step)]
    return [(math.floor(position), position - math.floor(position)) for position in positions]


def weights(shift: int, place: float) -> list[tuple[int, float]]:
    """Return the pixels that have a say in a sample, counted from the cell's first, and how much."""
    step = 1 << shift
    half = step // 2
    # The box covers [place - step/2, place + step/2] and a pixel [row - 1/2, row + 1/2]. What lies in both is
    # half + 1/2 - |row - place| wide, between nothing and the whole pixel. The shares sum to 1.
    shares = (
        (row, min(max(half + 0.5 - abs(row - place), 0), 1) / step) for row in range(-half, step + half)
    )
    return [(row, share) for row, share in shares if share > 0]


def nearest_known(hidden: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Return for each place the flat index of the nearest one not hidden, None where all are."""
    if hidden.all():
        return None
    indices = np.arange(hidden.size).reshape(hidden.shape)
    if not hidden.any():
        return indices
    # OpenCV measures the distance to 0, so what is known is 0, and gives each known place a label of its own.
    _, labels = cv2.distanceTransformWithLabels(
        hidden.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place_of = np.zeros(int(labels.max()) + 1, np.intp)  # by label; labels begin at 1
    place_of[labels[~hidden]] = indices[~hidden]
    nearest: NDArray[np.intp] = place_of[labels]
    return nearest


def _spread_rows(samples: Samples, shift: int, place: float) -> Samples:
    count, step = samples.shape[0] - 2, 1 << shift
    if step == 1:
        return samples[1:-1]
    result = np.empty_like(samples, shape=(count * step, samples.shape[1]))  # (pixels, columns)
    for phase, (below, away) in enumerate(phases(shift, place)):
        part = np.float32(away)
        # The first row of `samples` lies before the first cell, so that the own sample of cell 0 is row 1.
        first, second = (samples[1 + row : 1 + row + count] for row in (below, below + 1))
        result[phase::step] = first if part == 0 else first + part * (second - first)
    return result


def _gather_rows(picture: Samples, shift: int, place: float) -> Samples:
    step = 1 << shift
    if step == 1:
        return picture
    half = step // 2
    count = (picture.shape[0] - 2 * half) // step
    result = np.zeros_like(picture, shape=(count, picture.shape[1]))  # (samples, columns)
    for row, weight in weights(shift, place):
        # The picture begins `half` rows before the first cell: row `half` is its first pixel.
        result += np.float32(weight) * picture[half + row :: step][:count]
    return result
