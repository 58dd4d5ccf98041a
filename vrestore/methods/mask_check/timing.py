"""Whether a mask lies on the frames that it was made from, or on their neighbors.

The outline of what moves lies on edges of the picture that are edges of the motion too. The outline of the
mask of one frame is compared with the edges of others: where another fits better, the mask is off by as many
frames. A mask may be wider or narrower than what it marks, so outlines beside its own are tried as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import Box, MaskArray
from vrestore.methods.mask_check.windows import SmallMasks, Window

Field = NDArray[np.float32]
"""(h, w)."""

MAX_FRAMES = 10
"""Frames by which a mask may be off so that it is seen."""

WIDENED = (-4, -2, 0, 2, 4)
"""Pixels by which outlines are drawn outside the mask, or inside."""

LEAST_FIT, LEAST_GAIN = 0.15, 1.12
"""Correlation of outlines and edges that tells anything, and how much better another frame must fit.

Annotated objects of nine real clips fit with 0.23 to 0.54, and off by 2 frames they lose a factor of 1.14 or
more in all but one, whose object hardly moves; none gains more than 1.04 by an offset that is not there.
"""

_EDGE_SIGMA, _OUTLINE_SIGMA = 2.0, 1.4  # pixels
_DRAWN = 12  # pixels from a mask beyond which no outline of it can be told from nothing
_NO_EDGE = 1e3  # pixels, further than any outline is looked for
_STRONGEST_EDGES, _STRONGEST_MOTION = 95, 97  # percentiles; a few strong ones would decide all


def frames_late(windows: Sequence[Window], masks: SmallMasks, flow: FlowEstimator) -> int:
    """Return by how many frames the mask comes after what it marks, negative before, 0 where none is seen."""
    offsets = range(-MAX_FRAMES, MAX_FRAMES + 1)
    fits = [fit for window in windows if (fit := _fits(window, masks, flow, offsets)) is not None]
    if not fits:
        return 0
    stacked = np.stack(fits)  # (windows, widths, offsets)
    here = stacked[:, :, offsets.index(0)]
    found = []
    for column, offset in enumerate(offsets):
        # A window near an end has no masks so far away; both are judged by the same windows.
        known = ~np.isnan(stacked[:, 0, column])
        if 2 * np.count_nonzero(known) > len(fits):
            fit, usual = (each[known].mean(axis=0).max() for each in (stacked[:, :, column], here))
            found.append((fit - usual, fit, usual, offset))
    _, best, there, late = max(found, default=(0.0, 0.0, 0.0, 0))
    return late if best >= LEAST_FIT and best > LEAST_GAIN * there else 0


def _fits(
    window: Window, masks: SmallMasks, flow: FlowEstimator, offsets: range
) -> NDArray[np.float64] | None:
    """Return how well the masks of other frames fit a window's, (widths, offsets); None where none moves."""
    judged = range(window.start, window.stop)
    numbers = range(window.start + offsets.start, window.stop - 1 + offsets.stop)
    drawn = [(number, mask) for number in numbers if (mask := masks.drawn(number)) is not None]
    if all((mask == drawn[0][1]).all() for _, mask in drawn):
        return None
    edges = {number: edge for number in judged if (edge := _edges(window, number, flow)) is not None}
    if not edges:
        return None
    part = _around([mask for _, mask in drawn])
    depths = [_signed_distance(mask[part]) for _, mask in drawn]
    rows, columns = list(edges), {number: column for column, (number, _) in enumerate(drawn)}
    known = _normalized(list(edges.values()))[:, *part].reshape(len(edges), -1)  # (frames, h*w)
    fits = np.full((len(WIDENED), len(offsets)), np.nan)
    for width, widened in enumerate(WIDENED):
        # (frames, masks): Pearson's correlation of every outline with the edges of every frame.
        outlines = np.stack([_outline(depth, widened) for depth in depths]).reshape(len(depths), -1)
        fit = known @ outlines.T / _lengths(outlines, drawn[0][1].size)
        for place, offset in enumerate(offsets):
            pairs = [(row, columns.get(number + offset)) for row, number in enumerate(rows)]
            found = [fit[row, column] for row, column in pairs if column is not None]
            if 2 * len(found) > len(rows):
                fits[width, place] = np.mean(found)
    return fits


def _edges(window: Window, number: int, flow: FlowEstimator) -> Field | None:
    """Return the edges (h, w) of a frame's picture, weighted by those of its motion near them."""
    before, here, after = (window.picture(number + step) for step in (-1, 0, 1))
    if before is None or here is None or after is None:
        return None
    # What is covered or uncovered has no true flow; each is only on one side of time.
    motion = np.minimum(_motion_edges(flow(here, after)), _motion_edges(flow(here, before)))
    motion = np.minimum(motion, np.percentile(motion, _STRONGEST_MOTION))
    motion = cv2.GaussianBlur(motion, (0, 0), _EDGE_SIGMA).astype(np.float32)
    edges = _steepness(cv2.GaussianBlur(here, (3, 3), 0))
    edges = np.minimum(edges, np.percentile(edges, _STRONGEST_EDGES))
    return np.asarray(edges * motion, np.float32)


def _motion_edges(flow: NDArray[np.float32]) -> Field:
    return np.asarray(np.hypot(_steepness(flow[0]), _steepness(flow[1])), np.float32)


def _steepness(picture: NDArray[Any]) -> Field:
    values = picture.astype(np.float32)
    across, down = cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down), np.float32)


def _signed_distance(mask: MaskArray) -> Field:
    """Return how far each pixel is outside the mask, negative inside; far away where there is no edge."""
    inside = np.ascontiguousarray(mask).view(np.uint8)
    if not mask.any() or mask.all():
        return np.full(mask.shape, _NO_EDGE, np.float32)
    outer = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    inner = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(outer - inner, np.float32)


def _outline(distance: Field, widened: int) -> Field:
    """Return the outline, soft enough that a pixel beside it counts too."""
    return np.asarray(np.exp(-(((distance - widened) / _OUTLINE_SIGMA) ** 2) / 2), np.float32)


def _around(masks: Sequence[MaskArray]) -> tuple[slice, slice]:
    """Return the part of the picture that outlines are drawn in."""
    box = Box(*cv2.boundingRect(np.logical_or.reduce(masks).view(np.uint8)))
    height, width = masks[0].shape
    around = box.grown(_DRAWN, height=height, width=width)
    return around.rows, around.columns


def _normalized(fields: Sequence[Field]) -> Field:
    """Return fields (n, h, w) with mean 0 and length 1, so that products are correlations."""
    stacked = np.stack(fields)
    stacked -= stacked.mean(axis=(1, 2), keepdims=True)
    lengths = np.linalg.norm(stacked, axis=(1, 2), keepdims=True)
    return np.asarray(stacked / np.where(lengths > 0, lengths, 1), np.float32)


def _lengths(outlines: Field, pixels: int) -> Field:
    """Return how long outlines (n, k) are, less their mean over so many pixels, most of which are 0; (n)."""
    squared = np.square(outlines).sum(axis=1) - outlines.sum(axis=1) ** 2 / pixels
    return np.asarray(np.where(squared > 0, np.sqrt(np.maximum(squared, 0)), 1), np.float32)
