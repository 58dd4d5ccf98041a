"""Where lines of writing are in a single picture: by a network, or by what strokes look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from vrestore.detect.text.strokes import Field, stroke_marks
from vrestore.frames import Box
from vrestore.media.preview.luma import Luma

LineFinder = Callable[[Luma], list[Box]]
"""Returns the boxes of lines of writing in a picture (h, w)."""

WITHOUT_NETWORK = (
    "words are told by the look of their strokes, which is less sure: "
    "the network that finds them is not here; pip install 'vrestore[text]'"
)

_LONGEST_SIDE = 960  # pixels of the picture that the network sees; half as large ones are enlarged
_LEAST_LINES, _HIGHEST = 5, 1 / 4  # pixels, and heights of the picture, of what the network takes for a line
_LEAST_HEIGHT, _MOST_HEIGHT = 1 / 60, 1 / 8  # of a line told by its strokes
_LEAST_LONG = 2.0  # heights in the length of a line
_SPACE = 4.0  # heights of a line between two words that are found; shorter ones may be between
_LEAST_CONTRAST = 45.0  # levels between a stroke and what is beside it
_CROSSINGS = 1.0, 5.0  # strokes that a row crosses, for each height in a line's length
_INKED = 0.12, 0.65  # share of a line's box that its strokes cover
_CLEAR = 0.65  # of the contrast of the clearest strokes of a line, that others have
_MOST_UNEVEN = 24.0  # levels by which the strokes of a line differ from each other


def line_finder(*, threads: int) -> LineFinder | None:
    """Return what finds lines by a network, or None where it is not installed.

    That is the detector of PP-OCR (Du et al. 2020) as the package `rapidocr` brings it, weights and all.
    """
    words = {
        "Det.limit_type": "max",
        "Det.limit_side_len": _LONGEST_SIDE,
        "EngineConfig.onnxruntime.intra_op_num_threads": threads,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Global.log_level": "critical",
    }
    try:
        from rapidocr import RapidOCR

        network = RapidOCR(params=words)
    except ImportError:  # of the package, or of ONNX Runtime when it is first needed
        return None
    return lambda picture: _boxes_read(network, picture)


def _boxes_read(network: Any, picture: Luma) -> list[Box]:  # noqa: ANN401 - the package has no types
    colors = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    larger = 2 if 2 * max(picture.shape) <= _LONGEST_SIDE else 1
    if larger > 1:
        colors = cv2.resize(colors, None, fx=larger, fy=larger, interpolation=cv2.INTER_CUBIC)
    corners = network(colors, use_det=True, use_cls=False, use_rec=False).boxes  # (N, 4, 2), or None
    if corners is None:
        return []
    height, width = picture.shape
    boxes = []
    for each in np.asarray(corners) / larger:
        left, top = (max(0, int(value)) for value in np.floor(each.min(axis=0)))
        right, bottom = (int(value) for value in np.ceil(each.max(axis=0)))
        right, bottom = min(right, width), min(bottom, height)
        high = bottom - top
        if _LEAST_LINES <= high <= _HIGHEST * height and right - left >= high:
            boxes.append(Box(left, top, right - left, high))
    return boxes


def find_by_strokes(picture: Luma) -> list[Box]:
    """Return boxes of what looks like a line of writing: many thin strokes of one brightness in a row."""
    height = picture.shape[0]
    boxes = []
    for marks in stroke_marks(picture, size=height / 16):
        inked = (marks > _LEAST_CONTRAST).astype(np.uint8)
        reach = max(3, round(height / 40)) | 1
        joined = cv2.morphologyEx(inked, cv2.MORPH_CLOSE, np.ones((1, reach), np.uint8))
        joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((3, reach), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        for left, top, wide, high, _ in stats[1:count].tolist():
            box = Box(left, top, wide, high)
            if _looks_written(marks[box.rows, box.columns], picture[box.rows, box.columns], height):
                boxes.append(box)
    width = picture.shape[1]
    return [line.grown(line.height // 4, height=height, width=width) for line in _joined(boxes)]


def _joined(boxes: list[Box]) -> list[Box]:
    """Return the lines that words side by side make up."""
    lines: list[Box] = []
    for box in sorted(boxes, key=lambda each: each.x):
        for number, line in enumerate(lines):
            if _is_beside(line, box):
                lines[number] = line.union(box)
                break
        else:
            lines.append(box)
    return lines


def _is_beside(line: Box, word: Box) -> bool:
    """Return whether a word stands in a line's row, with no more than a space between."""
    space = _SPACE * max(line.height, word.height)
    overlap = min(line.y + line.height, word.y + word.height) - max(line.y, word.y)
    return word.x < line.x + line.width + space and 2 * overlap > min(line.height, word.height)


def _looks_written(marks: Field, picture: Luma, whole: int) -> bool:
    """Return whether what is marked in a box, (h, w) levels, is strokes side by side, all of one color."""
    height, width = marks.shape
    if not _LEAST_HEIGHT * whole <= height <= _MOST_HEIGHT * whole or width < _LEAST_LONG * height:
        return False
    clear = marks[marks > _LEAST_CONTRAST]
    # The edges of strokes are paler; small ones are hardly more than edges.
    inked = marks > max(_LEAST_CONTRAST, _CLEAR * float(np.percentile(clear, 90)))
    share = float(inked.mean())
    if not _INKED[0] <= share <= _INKED[1]:
        return False
    crossings = float((np.diff(inked.astype(np.int8), axis=1) == 1).sum(axis=1).mean()) * height / width
    if not _CROSSINGS[0] <= crossings <= _CROSSINGS[1]:
        return False
    return float(picture[inked].std()) <= _MOST_UNEVEN
