"""The strokes of a line of writing, with their outline or the plate that they stand on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, MaskArray

Field = NDArray[np.float32]
"""(h, w), levels."""

STROKE = 0.45
"""Of a line's height: a stroke is narrower."""

RIM, _LEAST_RIM = 0.11, 3
"""Of a line's height, and at least so many pixels: how far outlines and what the encoder smears reach."""

_BESIDE, _ABOVE = 0.8, 0.2
"""Of a line's height: how far from its box a dash or a comma may be."""

_LEAST_CONTRAST = 12.0  # levels
_SHARE_OF_STRONGEST = 0.35  # of the contrast of the clearest strokes that fainter ones have
_MOST_UNEVEN, _MOST_CHANGE = 7.0, 6.0  # levels on a plate, from place to place and over time
_NEAR_COLOR = 14.0  # levels, of a plate with its blurred rim
_PLATE_EDGE, _PLATE_CONTRAST = 3, 20.0  # pixels beyond its sides, and levels by which these differ from it
_PLATE_RIM = 3  # pixels of its edge, as the encoder leaves it
_LEAST_FILLED = 0.8  # share of a plate's rows and columns that has its color, or ink
_OTHER_COLOR = 40.0  # levels between strokes and what is none


def stroke_marks(picture: NDArray[np.generic], *, size: float) -> tuple[Field, Field]:
    """Return by how much pixels are brighter, and darker, than what is beyond strokes of less than a size.

    These are the top-hats of mathematical morphology (Serra 1982).
    """
    side = max(3, round(size)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    values = picture.astype(np.float32)
    bright = cv2.morphologyEx(values, cv2.MORPH_TOPHAT, kernel)
    dark = cv2.morphologyEx(values, cv2.MORPH_BLACKHAT, kernel)
    return np.asarray(bright, np.float32), np.asarray(dark, np.float32)


def stroke_mask(mean: Field, change: Field, line: Box) -> MaskArray:
    """Return the pixels (h, w) of a line's strokes, and of the plate that they stand on if there is one.

    Args:
        mean: the picture while the line stands, averaged: what moves behind it is blurred, the line is not.
        change: the deviation over time of each pixel.
        line: the box of the line in it; around it lies twice as much as the line is high, or the edge.
    """
    marks = [_steady(each, change) for each in stroke_marks(mean, size=STROKE * line.height)]
    strengths = [_strength(each[line.rows, line.columns]) for each in marks]
    best = int(np.argmax(strengths))
    least = max(_LEAST_CONTRAST, _SHARE_OF_STRONGEST * strengths[best])
    ink = _of_one_color(marks[best] > least, mean, line)
    reach = max(_LEAST_RIM, round(RIM * line.height))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    wide: MaskArray = cv2.dilate(ink.view(np.uint8), kernel).astype(np.bool_)
    plate = _plate(mean, change, line, wide)
    if plate is not None:
        wide[plate.rows, plate.columns] = True
    return wide


def _of_one_color(marked: MaskArray, mean: Field, line: Box) -> MaskArray:
    """Return the parts of what is marked that lie in or beside a line and have its strokes' color."""
    inside = marked[line.rows, line.columns]
    if not inside.any():
        return np.zeros_like(marked)
    color = np.median(mean[line.rows, line.columns][inside])
    left, right = line.x - _BESIDE * line.height, line.x + line.width + _BESIDE * line.height
    top, bottom = line.y - _ABOVE * line.height, line.y + (1 + _ABOVE) * line.height
    count, parts, _, middles = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
    pixels = np.maximum(1, np.bincount(parts.ravel(), minlength=count))
    colors = np.bincount(parts.ravel(), weights=mean.ravel(), minlength=count) / pixels
    x, y = middles.T
    is_ink = (np.abs(colors - color) < _OTHER_COLOR) & (x > left) & (x < right) & (y > top) & (y < bottom)
    is_ink[0] = False
    return np.asarray(is_ink[parts], np.bool_)


def _steady(marks: Field, change: Field) -> Field:
    """Return marks less what pixels change: strokes have the same color all the time."""
    return np.asarray(marks - 1.5 * change, np.float32)


def _strength(marks: Field) -> float:
    """Return the contrast of the clearest strokes of a line."""
    return float(np.percentile(marks, 92))


def _plate(mean: Field, change: Field, line: Box, ink: MaskArray) -> Box | None:
    """Return the rectangle of one color that a line stands on, or None."""
    between = ~ink[line.rows, line.columns]
    if not ink.any() or np.count_nonzero(between) < line.height:
        return None
    values = mean[line.rows, line.columns][between]
    color = float(np.median(values))
    if float(np.median(np.abs(values - color))) > _MOST_UNEVEN:
        return None
    if float(np.median(change[line.rows, line.columns][between])) > _MOST_CHANGE:
        return None
    of_plate = (np.abs(mean - color) < _NEAR_COLOR) & (change < 2 * _MOST_CHANGE) | ink
    inked_rows, inked_columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    # The box of a line may reach a little beyond a plate.
    core = slice(line.y + line.height // 5, line.y + line.height - line.height // 5)
    left, right = _run_around(of_plate[core].mean(axis=0) > _LEAST_FILLED, inked_columns)  # (w,)
    top, bottom = _run_around(of_plate[:, left:right].mean(axis=1) > _LEAST_FILLED, inked_rows)  # (h,)
    height, width = mean.shape
    sides = [
        (left == 0, mean[core, max(0, left - _PLATE_EDGE)]),
        (right == width, mean[core, min(width, right + _PLATE_EDGE) - 1]),
        (top == 0, mean[max(0, top - _PLATE_EDGE), left:right]),
        (bottom == height, mean[min(height, bottom + _PLATE_EDGE) - 1, left:right]),
    ]
    is_sharp = [float(np.median(np.abs(beyond - color))) > _PLATE_CONTRAST for _, beyond in sides]
    is_cut = [is_cut for is_cut, _ in sides]
    if sum(is_sharp) < 2 or not all(map(max, is_sharp, is_cut)):
        return None
    return Box(left, top, right - left, bottom - top).grown(_PLATE_RIM, height=height, width=width)


def _run_around(flags: NDArray[np.bool_], inked: NDArray[np.intp]) -> tuple[int, int]:
    """Return where the run of flags that are set about what is inked begins and ends."""
    unset = np.flatnonzero(~flags)
    before, after = unset[unset < inked[0]], unset[unset > inked[-1]]
    return (int(before[-1]) + 1 if len(before) else 0), (int(after[0]) if len(after) else len(flags))
