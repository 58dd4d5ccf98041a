"""From edges that stay to what they enclose: the picture of the overlay, solved from its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.detect.logo.statics import Statics
from vrestore.frames import Box, MaskArray
from vrestore.masks.shapes import grown

LEAST_ENCLOSED = 0.6
"""Share of a support's outline that lies on edges that stay: a horizon or a pole encloses nothing."""

LEAST_CONTRAST = 5.0
"""Levels by which an overlay stands out of what is behind it, on average."""

MOST_COVERED = 0.25
"""Share of the picture that an overlay covers at most."""

_JOIN_LINES = 64  # one pixel of closing for so many lines: what stands so close belongs together
_LEAST_EDGE_LINES = 20  # one pixel of edge for so many lines is needed
_STRONGEST = 80  # percentile of the overlay's brightness beside edges that stands for it


@dataclass(frozen=True, slots=True)
class Support:
    """The pixels of an overlay, (h, w), and the edges that it was found by, within a box."""

    box: Box
    pixels: MaskArray
    edges: MaskArray


def find_supports(statics: Statics) -> Iterator[Support]:
    """Yield the overlays whose edges stay."""
    height, width = statics.sure.shape
    for edges in _groups(statics.sure):
        join = _join(height)
        box = Box(*cv2.boundingRect(edges.view(np.uint8))).grown(6 * join, height=height, width=width)
        inside = edges[box.rows, box.columns]
        near = grown(inside, 2)
        use = near & statics.likely[box.rows, box.columns]
        overlay = from_gradients(
            statics.across[box.rows, box.columns] * use, statics.down[box.rows, box.columns] * use
        )
        contrast = float(np.percentile(np.abs(overlay[near]), _STRONGEST))
        marked = np.abs(overlay) > contrast / 2
        is_small = np.count_nonzero(marked) <= MOST_COVERED * height * width
        if contrast < LEAST_CONTRAST or not is_small or _enclosed(marked, inside) < LEAST_ENCLOSED:
            continue
        pixels = np.zeros((height, width), np.bool_)
        pixels[box.rows, box.columns] = marked
        yield Support(box, pixels, edges)


def from_gradients(across: NDArray[np.float32], down: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the picture (h, w), 0 all around, whose gradients come closest to these.

    Poisson's equation with sines, which the discrete Laplacian turns into a product: with u(i) = sin(pi i k /
    (n + 1)), u(i - 1) - 2 u(i) + u(i + 1) = (2 cos(pi k / (n + 1)) - 2) u(i).
    """
    divergence = (across + down).astype(np.float64)
    divergence[:, 1:] -= across[:, :-1]
    divergence[1:] -= down[:-1]
    height, width = divergence.shape
    waves = _sines(_sines(divergence, 0), 1)
    vertical = 2 * np.cos(np.pi * np.arange(1, height + 1) / (height + 1)) - 2
    horizontal = 2 * np.cos(np.pi * np.arange(1, width + 1) / (width + 1)) - 2
    waves /= vertical[:, None] + horizontal
    return np.asarray(_sines(_sines(waves, 0), 1) / (4 * (height + 1) * (width + 1)), np.float32)


def _sines(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the discrete sine transform, of which a second one is 2 (n + 1) times the values."""
    count = values.shape[axis]
    zero = np.zeros_like(values.take([0], axis))
    odd = np.concatenate([zero, values, zero, -np.flip(values, axis)], axis)
    return -np.fft.rfft(odd, axis=axis).imag.take(range(1, count + 1), axis)


def _groups(edges: MaskArray) -> Iterator[MaskArray]:
    """Yield the edges that are close together, each group that is large enough."""
    height = edges.shape[0]
    join = _join(height)
    closed = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, _disc(join))
    count, labels = cv2.connectedComponents(cv2.dilate(closed, _disc(2 * join)))
    for label in range(1, count):
        group = edges & (labels == label)
        if np.count_nonzero(group) * _LEAST_EDGE_LINES >= height:
            yield group


def _enclosed(marked: MaskArray, edges: MaskArray) -> float:
    """Return the share of an outline that lies on edges, or beside."""
    inner = cv2.erode(marked.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    outline = marked & ~inner
    return np.count_nonzero(outline & grown(edges, 1)) / max(1, int(np.count_nonzero(outline)))


def _join(height: int) -> int:
    return max(2, round(height / _JOIN_LINES))


def _disc(radius: int) -> NDArray[np.uint8]:
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
