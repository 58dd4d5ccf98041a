"""Whether something of what is removed is left outside the mask: a rim, a shadow, the edge of a logo.

Some frames later the camera has moved on. Around the hole, where the background is seen in both frames, the
later picture, moved back as the camera moved, resembles the earlier one as it does further away. Where a rim
of the object was left outside, it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.flow.camera import fit_camera
from vrestore.flow.estimator import FlowEstimator
from vrestore.media.preview.luma import Luma
from vrestore.methods.mask_check.windows import SmallMasks, Window

RING = 9
"""Pixels around the hole that are looked at."""

STEPS = (-8, -4, -2, 2, 4, 8)
"""Frames between two pictures that are compared."""

LEAST_RATIO, LEAST_DIFFERENCE = 1.6, 0.4
"""How much more the two nearest pixels differ than those further out, and how much at all.

Annotated objects of nine real clips with the default widths have ratios from 0.7 to 1.5; narrowed by 9 pixels
of 480 lines, all have 1.7 or more."""

_NEAR = 2  # pixels that are judged
_FAR = 5  # pixels from which on the ring is what the near ones are compared with
_SPOILED = 5  # pixels by which flow is wrong around what moves by itself
_DETAIL = 2.0  # levels; what a difference is measured against, together with the steepness of the picture
_MOST, _MOST_FAR = 8.0, 3.0  # of single differences, and of their mean further away: the camera is not known
_LEAST_PIXELS = 100


def rim_pixels(windows: Sequence[Window], masks: SmallMasks, flow: FlowEstimator) -> int:
    """Return how many small pixels of a rim are left outside the holes, 0 where none is seen."""
    rings: list[list[NDArray[np.float32]]] = [[] for _ in range(RING)]
    for window in windows:
        for number in range(window.start, window.stop, 3):
            for step in STEPS:
                for distance, found in enumerate(_compared(window, masks, flow, number, number + step)):
                    rings[distance].append(found)
    if not rings[0]:
        return 0
    joined = [np.concatenate(ring) for ring in rings]
    if sum(each.size for each in joined[:_NEAR]) < _LEAST_PIXELS or any(each.size == 0 for each in joined):
        return 0
    means = np.array([each.mean() for each in joined])
    near, usual = means[:_NEAR].mean(), float(np.median(means[_FAR - 1 :]))
    if near < LEAST_DIFFERENCE or near < LEAST_RATIO * usual:
        return 0
    # The rim ends where the difference has fallen most of the way.
    return 1 + int(np.argmax(means < usual + (near - usual) / 4))


def _compared(
    window: Window, masks: SmallMasks, flow: FlowEstimator, number: int, other: int
) -> Iterator[NDArray[np.float32]]:
    """Yield how much two frames differ in the pixels at each distance from the hole, 1 to RING."""
    here, there = window.picture(number), window.picture(other)
    hole, hole_there = masks.hole(number), masks.hole(other)
    if here is None or there is None or hole is None or hole_there is None or not hole.any():
        return
    apart, apart_there = _distance(hole), _distance(hole_there)
    matrix = fit_camera(flow(here, there), apart > _SPOILED)
    if matrix is None:
        return
    background = _moved(apart_there, matrix, outside=0) > RING + _NEAR
    one, two = _soft(here), _moved(_soft(there), matrix, outside=-1)
    shown = background & (two >= 0)
    steepness = np.hypot(cv2.Sobel(one, cv2.CV_32F, 1, 0), cv2.Sobel(one, cv2.CV_32F, 0, 1)) / 8
    # Relative to detail: where a picture is steep, a small error of the motion is a large difference.
    difference = np.minimum(np.abs(one - two) / (_DETAIL + steepness), _MOST).astype(np.float32)
    far = difference[shown & (apart > RING) & (apart <= 3 * RING)]
    if far.size < _LEAST_PIXELS or far.mean() > _MOST_FAR:
        return
    for distance in range(1, RING + 1):
        yield difference[shown & (apart > distance - 1) & (apart <= distance)]


def _distance(hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how far each pixel is from the hole, 0 inside."""
    if not hole.any():
        return np.full(hole.shape, np.inf, np.float32)
    outside = np.ascontiguousarray(~hole).view(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def _soft(picture: Luma) -> NDArray[np.float32]:
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1.0).astype(np.float32)


def _moved(
    values: NDArray[np.float32], matrix: NDArray[np.float64], *, outside: float
) -> NDArray[np.float32]:
    """Return values of the second picture where the camera shows their places in the first."""
    height, width = values.shape
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    finite = np.minimum(values, 1e6)  # a mean with infinity is none
    moved = cv2.warpPerspective(
        finite, matrix, (width, height), flags=how, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
    )
    return np.asarray(moved, np.float32)
