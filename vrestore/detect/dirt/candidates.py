"""What differs from both neighbors in the same direction, and what is known of each such part.

That is the test of SDIp (Kokaram, "Motion Picture Restoration", 1998, section 6.1) together with the
rank-ordered differences of Nadenau and Mitra (1997). Errors of the flow pass it too, many more of them than
there is dirt, but they look otherwise: around them more differs, and the neighbors disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.detect.dirt.neighbors import Field

LEAST_DIFFERENCE, LEAST_RANK = 8.0, 6.0
"""Levels by which all pixels of a part differ from both neighbors, and one from all that is near there."""

MOST_COVERED, MOST_PIXELS = 0.0005, 200
"""Share of the picture that a part covers at most, or pixels, whichever is more."""

FEATURES = (
    *("contrast", "spread", "around", "around rms", "ratio", "disagreement", "area", "doubt"),
    *("rank", "detail", "detail around", "fill", "crowd", "crowd of the picture"),
)
"""Names of the columns of `Candidates.features`."""

_CROWD_LINES, _CROWD_FLOOR = 12, 1e-3  # half a side of the window for so many lines; share of pixels
_RING = (1.5, 5.0)  # pixels from a part, between which its surroundings lie


@dataclass(frozen=True, slots=True)
class Candidates:
    """Parts of a frame: `labels` (h, w) is 0 outside and i + 1 in the part of row i of `features` (n, 14)."""

    labels: NDArray[np.int32]
    features: NDArray[np.float64]


def find_candidates(picture: Field, moved: Mapping[int, Field], doubt: Field) -> Candidates:
    """Return the parts of a frame (h, w) that differ from its neighbors, which are moved to its time.

    Of `moved` the nearest on each side count first; where one side has none, the two nearest of the other.
    """
    near = sorted(moved, key=lambda step: (abs(step) > 1, abs(step)))[:2]
    one, other = (moved[step] for step in near)
    usual, disagreement = _usual(list(moved.values()))
    kernel = np.ones((3, 3), np.uint8)
    high = np.maximum(cv2.dilate(one, kernel), cv2.dilate(other, kernel))
    low = np.minimum(cv2.erode(one, kernel), cv2.erode(other, kernel))
    rank = np.maximum(picture - high, low - picture)
    above, below = np.minimum(picture - one, picture - other), np.minimum(one - picture, other - picture)
    labels = _labelled(above > LEAST_DIFFERENCE, below > LEAST_DIFFERENCE, rank)
    count = int(labels.max())
    difference = np.abs(picture - usual)
    detail = np.hypot(cv2.Sobel(usual, cv2.CV_32F, 1, 0), cv2.Sobel(usual, cv2.CV_32F, 0, 1)) / 8
    ring = _rings(labels)
    # Where the flow is wrong, or a picture is all noise, parts crowd.
    side = 2 * (len(picture) // _CROWD_LINES) + 1
    crowd = cv2.blur((labels > 0).astype(np.float32), (side, side))

    # Parts cover a few of all pixels: only these are added up.
    within, about = (_places(numbers, count) for numbers in (labels, ring))
    contrast = np.maximum(within.mean(difference), 1)
    around, squares = about.mean(difference), about.mean(difference, power=2)
    highest = np.zeros(count + 1, np.float32)
    np.maximum.at(highest, within.numbers, rank.ravel()[within.pixels])
    columns = [
        np.log(contrast),
        np.sqrt(np.maximum(0, within.mean(difference, power=2) - contrast**2)) / contrast,
        np.log1p(around),
        np.log1p(np.sqrt(squares)),
        np.log(contrast / (np.sqrt(squares) + 2)),
        within.mean(disagreement) / contrast,
        np.log(within.counts),
        np.log1p(about.mean(doubt)),
        np.log1p(np.maximum(0, highest[1:])),
        np.log1p(within.mean(detail)),
        np.log1p(about.mean(detail)),
        within.counts / _boxes(labels, count),
        np.log(within.mean(crowd) + _CROWD_FLOOR),
        np.full(count, np.log(float((labels > 0).mean()) + _CROWD_FLOOR)),
    ]
    return Candidates(labels, np.stack(columns, axis=1))


@dataclass(frozen=True, slots=True)
class _Places:
    """The pixels (k,) that parts cover, which part each is of, from 1 on, and how many each has (n,)."""

    pixels: NDArray[np.intp]
    numbers: NDArray[np.int32]
    counts: NDArray[np.intp]

    def mean(self, values: NDArray[Any], *, power: int = 1) -> NDArray[np.float64]:
        """Return the mean over each part (n,) of values (h, w), or of their squares; 0 without pixels."""
        weights = values.ravel()[self.pixels] ** power
        sums = np.bincount(self.numbers, weights=weights, minlength=len(self.counts) + 1)[1:]
        return np.asarray(sums / np.maximum(1, self.counts), np.float64)


def _places(labels: NDArray[np.int32], count: int) -> _Places:
    pixels = np.flatnonzero(labels)
    numbers = labels.ravel()[pixels]
    return _Places(pixels, numbers, np.bincount(numbers, minlength=count + 1)[1:])


def _usual(pictures: list[Field]) -> tuple[Field, Field]:
    """Return the median of pictures (h, w) and how far they are apart at most."""
    if len(pictures) != 4:
        everything = np.stack(pictures)
        apart = everything.max(axis=0) - everything.min(axis=0)
        return np.asarray(np.median(everything, axis=0), np.float32), apart
    # The two in the middle of four, without sorting: many times faster.
    one, other, third, last = pictures
    low, high = np.minimum(one, other), np.maximum(one, other)
    lower, higher = np.minimum(third, last), np.maximum(third, last)
    middle = np.maximum(low, lower) + np.minimum(high, higher)
    return np.asarray(middle / 2, np.float32), np.maximum(high, higher) - np.minimum(low, lower)


def _labelled(above: NDArray[np.bool_], below: NDArray[np.bool_], rank: Field) -> NDArray[np.int32]:
    """Number the parts of both signs that are small enough and stand out somewhere, from 1 on."""
    height, width = rank.shape
    labels = np.zeros((height, width), np.int32)
    found = 0
    for marked in (above, below):
        count, parts, stats, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
        stands_out = np.zeros(count, np.bool_)
        stands_out[np.unique(parts[marked & (rank > LEAST_RANK)])] = True
        stands_out &= stats[:, cv2.CC_STAT_AREA] <= max(MOST_PIXELS, MOST_COVERED * height * width)
        stands_out[0] = False
        numbers = np.zeros(count, np.int32)
        numbers[stands_out] = found + 1 + np.arange(np.count_nonzero(stands_out))
        labels = np.maximum(labels, numbers[parts])
        found += int(np.count_nonzero(stands_out))
    return labels


def _rings(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return for pixels in the surroundings of parts the number of the nearest one, else 0."""
    if not labels.any():
        return np.zeros_like(labels)
    outside = (labels == 0).astype(np.uint8)
    apart, nearest = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # OpenCV numbers the pixels at distance 0; what part each is of is looked up.
    owner = np.zeros(int(nearest.max()) + 1, np.int32)
    owner[nearest[labels > 0]] = labels[labels > 0]
    low, high = _RING
    return np.where((apart > low) & (apart <= high), owner[nearest], 0).astype(np.int32)


def _boxes(labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Return the areas of the boxes about the parts."""
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns]
    edges = []
    for places in (rows, columns):
        first, last = np.full(count + 1, np.iinfo(np.int32).max), np.zeros(count + 1, np.int64)
        np.minimum.at(first, numbers, places)
        np.maximum.at(last, numbers, places)
        edges.append(last[1:] - first[1:] + 1)
    return np.asarray(edges[0] * edges[1], np.float64)
