"""How the parts of a hole move from one frame to another: each as a whole, by its center."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, MaskArray
from vrestore.methods.leftovers.moments import grid

MOST_PARTS = 6
_JOIN = 4  # pixels; parts closer than twice this move together
_NOWHERE = -1e4  # pixels
_MOST_LARGER = 2.0  # times that a part may be larger in one of two frames


@dataclass(frozen=True, slots=True)
class Outlines:
    """The largest parts of a hole: `nearest` (h, w) says which of them is the nearest of a pixel.

    `centers` (n, 2) x, y and `areas` (n) are theirs.
    """

    nearest: NDArray[np.intp]
    centers: NDArray[np.float64]
    areas: NDArray[np.float64]


def outlines_of(hole: MaskArray) -> Outlines | None:
    """Return the parts of a hole, None where there is none."""
    joined = cv2.dilate(hole.view(np.uint8), np.ones((2 * _JOIN + 1,) * 2, np.uint8))
    count, labels, stats, centers = cv2.connectedComponentsWithStats(joined, connectivity=8)
    if count < 2:
        return None
    largest = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:MOST_PARTS]
    if len(largest) == 1:
        nearest = np.zeros(hole.shape, np.intp)
    else:
        away = [
            cv2.distanceTransform((labels != label).astype(np.uint8), cv2.DIST_L2, 3) for label in largest
        ]
        nearest = np.argmin(np.stack(away), axis=0)
    return Outlines(
        nearest, np.asarray(centers[largest], np.float64), stats[largest, cv2.CC_STAT_AREA].astype(np.float64)
    )


def moves(of: Outlines, towards: Outlines) -> NDArray[np.float64]:
    """Return how each part of one hole moves to the nearest like it in another, (n, 2); NaN where none is."""
    apart = towards.centers[None] - of.centers[:, None]  # (n, m, 2)
    larger = np.maximum(towards.areas[None] / of.areas[:, None], of.areas[:, None] / towards.areas[None])
    distance = np.where(larger <= _MOST_LARGER, np.hypot(apart[..., 0], apart[..., 1]), np.inf)
    best = distance.argmin(1)
    found: NDArray[np.float64] = apart[np.arange(len(best)), best]
    found[np.isinf(distance.min(1))] = np.nan
    return found


def moved_with(of: Outlines, towards: Outlines, box: Box) -> NDArray[np.float32]:
    """Return where each pixel of a part of the picture lies once moved as its nearest outline, (h, w, 2).

    Far outside of any picture where there is no such outline.
    """
    moved = np.nan_to_num(moves(of, towards), nan=_NOWHERE).astype(np.float32)
    places = grid(box.height, box.width) + np.array([box.x, box.y], np.float32)
    places += moved[0] if len(moved) == 1 else moved[of.nearest[box.rows, box.columns]]
    return places
