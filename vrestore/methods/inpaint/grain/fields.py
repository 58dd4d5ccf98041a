"""Fields of noise: the same for a frame's number, wherever and whenever they are asked for."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box

Field = NDArray[np.float32]

_RADIUS = 6
_SIGMAS = np.linspace(0.2, 2.4, 45)


def noise_field(box: Box, seed: tuple[int, int], alike: tuple[float, float], shared: float = 0.0) -> Field:
    """Return normal noise of deviation 1 for a box of samples, (h, w).

    Args:
        box: the samples, on the grid of their component.
        seed: the frame's number in the source, and the component's.
        alike: how alike samples side by side are, across and down, 0 (each by itself) to 0.9.
        shared: how much of the variance all components have in common, 0 to 1.
    """
    frame, component = seed
    field = _white(box, (frame, component + 1), alike)
    if not shared:
        return field
    common = _white(box, (frame, 0), alike)
    return np.asarray(np.sqrt(shared) * common + np.sqrt(1 - shared) * field, np.float32)


def _white(box: Box, seed: tuple[int, int], alike: tuple[float, float]) -> Field:
    rng = np.random.Generator(np.random.SFC64([*seed, box.x, box.y]))
    across, down = (_taps(round(each, 2)) for each in alike)
    wide = rng.standard_normal((box.height + 2 * _RADIUS, box.width + 2 * _RADIUS), np.float32)
    if across.size > 1 or down.size > 1:
        wide = np.asarray(cv2.sepFilter2D(wide, -1, across, down), np.float32)
    return wide[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]


@lru_cache(64)
def _taps(alike: float) -> Field:
    """Return the Gaussian taps, of energy 1, that make samples side by side so alike."""
    if alike < 0.03:
        return np.ones(1, np.float32)
    sigma = float(np.interp(alike, _table(), _SIGMAS))
    return _gaussian(sigma).astype(np.float32)


@lru_cache(1)
def _table() -> tuple[float, ...]:
    rows = (_gaussian(sigma) for sigma in _SIGMAS)
    return tuple(float((taps[1:] * taps[:-1]).sum()) for taps in rows)


def _gaussian(sigma: float) -> NDArray[np.float64]:
    places = np.arange(-_RADIUS, _RADIUS + 1)
    taps = np.exp(-np.square(places) / (2 * sigma * sigma))
    return np.asarray(taps / np.sqrt(np.square(taps).sum()))
