"""From a mask to a hole: grown, feathered, and told as boxes of nearby groups.

Distances are Euclidean, so growing is dilation by a disc. With d the distance to the mask, alpha is
255 where d <= grow, falls as a smoothstep from there, and is 0 where d > grow + feather.

Distances are exact (Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012, which
is OpenCV's DIST_MASK_PRECISE): a mask of 5x5 steps would make an octagon of the disc.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Hole, MaskArray, union_of

MOST_PARTS = 8
"""A hole is told as no more boxes than this, however many groups its mask has."""

NEAR = 8
"""Groups are one part when they are closer than the frame's height divided by this."""

_GRID = 64
"""Groups are looked for on a grid of at most about this many cells over the frame's height."""
_ROUNDING = 1e-3  # pixels; far below the step between distances on a grid of this size


def hole_of(mask: MaskArray, *, grow: int, feather: int) -> Hole | None:
    """Return the hole of a frame, None when nothing is to be filled.

    A negative `grow` shrinks the mask. The frame's edge is no edge of the mask.
    """
    if grow < 0:
        mask = shrunk(mask, -grow)
    reach = max(0, grow) + feather
    parts = part_boxes(mask, reach=reach)
    if not parts:
        return None
    box = union_of(parts)
    alpha = np.zeros((box.height, box.width), np.uint8)
    for part in parts:
        inner = part.relative_to(box)
        # Parts do not meet and each holds all that its pixels reach, so each is shaped alone.
        ramp = _ramp(mask[part.rows, part.columns], grow=max(0, grow), feather=feather)
        alpha[inner.rows, inner.columns] = ramp
    return Hole(box, alpha, parts)


def part_boxes(mask: MaskArray, *, reach: int = 0) -> tuple[Box, ...]:
    """Return at most MOST_PARTS boxes that hold every pixel of the mask grown by `reach`, sorted.

    Groups closer than a NEAR-th of the frame's height share a box.
    """
    height, width = mask.shape
    left, top, columns, rows = cv2.boundingRect(mask.view(np.uint8))
    if not columns:
        return ()
    gap = max(1, height // NEAR)
    inside = mask[top : top + rows, left : left + columns]
    boxes = [
        Box(left + group.x, top + group.y, group.width, group.height).grown(reach, height=height, width=width)
        for group in _groups(inside, cell=max(1, height // _GRID), join=gap)
    ]
    edges = np.array([(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes], np.int64)
    merged = _merge(edges, gap=gap, most=MOST_PARTS)
    return tuple(sorted(Box(int(x), int(y), int(r - x), int(b - y)) for x, y, r, b in merged))


def grown(mask: MaskArray, pixels: int) -> MaskArray:
    """Return the mask widened by a disc of that radius; the frame's edge is no edge of the mask."""
    return ~shrunk(~mask, pixels)


def shrunk(mask: MaskArray, pixels: int) -> MaskArray:
    """Return the mask narrowed by a disc of that radius; the frame's edge is no edge of the mask."""
    if pixels < 1:
        return mask
    # OpenCV measures the distance to the nearest 0, so inside the mask it is the depth.
    distance = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance > pixels + _ROUNDING)


def _ramp(mask: MaskArray, *, grow: int, feather: int) -> NDArray[np.uint8]:
    """Return alpha over a crop that holds at least one pixel of the mask."""
    if grow + feather == 0:
        return mask.view(np.uint8) * np.uint8(255)
    outside = np.ascontiguousarray(~mask).view(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # The ramp is only worked out in the band about the mask, a small part of a crop.
    alpha = np.multiply(mask.view(np.uint8), 255, dtype=np.uint8, order="C")
    band = np.flatnonzero((distance > 0) & (distance <= grow + feather + _ROUNDING))
    # From 1 at d = grow to 1 / (feather + 1) at d = grow + feather, so that the last pixel still has a share.
    rise = (grow + feather + 1 + _ROUNDING - distance.ravel()[band]) / (feather + 1)
    # Smoothstep 3r^2 - 2r^3: level at both ends, so that no edge of the ramp shows. 0 and 255 mean untouched
    # and replaced, so what is blended stays between.
    blended = np.clip(np.rint(255 * rise * rise * (3 - 2 * rise)), 1, 254)
    alpha.ravel()[band] = np.where(rise >= 1, 255, blended)
    return alpha


def _groups(mask: MaskArray, *, cell: int, join: int) -> list[Box]:
    """Return boxes of groups of pixels that are less than about `join` apart, found cell by cell."""
    rows, columns = np.arange(0, mask.shape[0], cell), np.arange(0, mask.shape[1], cell)
    # (H, W) to (cells down, cells across): a cell is occupied where one of its pixels is.
    occupied = np.bitwise_or.reduceat(mask.view(np.uint8), rows, axis=0)
    occupied = np.bitwise_or.reduceat(occupied, columns, axis=1)
    radius = -(-join // (2 * cell))  # in cells, rounded up: two groups so far apart meet when each grows
    if 2 * radius >= max(occupied.shape):
        return [_tight(mask, Box(0, 0, mask.shape[1], mask.shape[0]))]
    padded = np.pad(occupied, radius)
    joined = cv2.dilate(padded, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    groups = []
    for x, y, width, height, _ in stats[1:].tolist():
        # The padding and the dilation cancel: in cells, the group starts at x, y.
        right = min(mask.shape[1], (x + width - 2 * radius) * cell)
        bottom = min(mask.shape[0], (y + height - 2 * radius) * cell)
        groups.append(_tight(mask, Box(x * cell, y * cell, right - x * cell, bottom - y * cell)))
    return groups


def _tight(mask: MaskArray, box: Box) -> Box:
    inside = np.ascontiguousarray(mask[box.rows, box.columns]).view(np.uint8)
    x, y, width, height = cv2.boundingRect(inside)
    return Box(box.x + x, box.y + y, width, height)


def _merge(edges: NDArray[np.int64], *, gap: int, most: int) -> NDArray[np.int64]:
    """Unite boxes (N, 4) of left, top, right, bottom: those nearer than `gap`, then the cheapest."""
    while len(edges) > 1:
        # For each pair (N, N, 2): the corners of the box that holds both.
        low = np.minimum(edges[:, None, :2], edges[None, :, :2])
        high = np.maximum(edges[:, None, 2:], edges[None, :, 2:])
        sizes = edges[:, 2:] - edges[:, :2]
        # The gap between two boxes along an axis is the united length less both, below 0 where they overlap.
        apart = (high - low - sizes[:, None] - sizes[None]).max(axis=-1)
        areas = sizes.prod(axis=-1)
        # (N, N): what uniting two boxes adds to the area that is worked on.
        waste = (high - low).prod(axis=-1) - areas[:, None] - areas[None]
        pairs = np.triu(np.ones_like(apart, dtype=bool), 1)  # each pair once, none with itself
        near = pairs & (apart < gap)
        if not near.any() and len(edges) <= most:
            break
        chosen = near if near.any() else pairs
        first, second = np.unravel_index(np.where(chosen, waste, waste.max() + 1).argmin(), waste.shape)
        united = np.concatenate([low[first, second], high[first, second]])
        edges = np.concatenate([np.delete(edges, [first, second], axis=0), united[None]])
    return edges
