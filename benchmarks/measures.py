"""How near a filled hole is to the truth, and how steady it is.

Pictures are (H, W, 3) uint8 or (T, H, W, 3), holes bool without the last axis.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Masks, Pictures
from vrestore.flow.estimate import DisFlow

Picture = NDArray[np.uint8]
Hole = NDArray[np.bool_]

PERFECT = 100.0
"""Decibels given to pictures without any difference."""

_WINDOW, _SIGMA = (11, 11), 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(result: Picture, truth: Picture, where: Hole | None = None) -> float:
    """Give the peak signal-to-noise ratio in decibels, of the pixels `where` only unless it is None."""
    difference = result.astype(np.float64) - truth
    error = np.mean(np.square(difference if where is None else difference[where]))
    return PERFECT if error == 0 else min(PERFECT, float(10 * np.log10(255**2 / error)))


def ssim_map(result: Picture, truth: Picture) -> NDArray[np.float64]:
    """Give structural similarity (Wang et al. 2004, eq. 13) at each pixel, the mean over the channels.

    Gaussian window of 11x11, sigma 1.5; the picture is mirrored at its edge.
    """
    x, y = result.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = _smooth(x), _smooth(y)
    var_x, var_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    covariance = _smooth(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    index = likeness / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))
    return np.asarray(index.mean(axis=-1))


def ssim(result: Picture, truth: Picture, where: Hole) -> float:
    """Give the mean of the similarity map over the pixels `where`."""
    return float(ssim_map(result, truth)[where].mean())


class Motion:
    """The true clip's motion from each frame to the one before, and where it can be believed."""

    def __init__(self, truth: Pictures) -> None:
        estimate = DisFlow("medium")
        greys = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in truth]
        self.flows: list[NDArray[np.float32]] = []
        self.consistent: list[Hole] = []
        for before, after in pairwise(greys):
            flow, back = estimate(after, before), estimate(before, after)
            self.flows.append(flow)
            self.consistent.append(is_consistent(flow, back))


def is_consistent(flow: NDArray[np.float32], back: NDArray[np.float32]) -> Hole:
    """Tell where `flow` (2, H, W) and the flow `back` of the other frame cancel.

    The test of Sundaram, Brox and Keutzer (2010), eq. 5; a place outside the picture fails it.
    """
    height, width = flow.shape[1:]
    x, y = _targets(flow)
    returned = np.stack([cv2.remap(part, x, y, cv2.INTER_LINEAR) for part in back])
    error = np.square(flow + returned).sum(axis=0)
    length = np.square(flow).sum(axis=0) + np.square(returned).sum(axis=0)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray((error < 0.01 * length + 0.5) & inside)


def warping_error(result: Pictures, holes: Masks, motion: Motion) -> float | None:
    """Give how much the hole's content changes along the true motion, in thousandths of full scale.

    The mean absolute difference between frame t and frame t - 1 read along the flow, over the hole's
    pixels of frame t whose flow is consistent; mean over frames, None where no frame has such a pixel.
    """
    errors = []
    for t in range(1, len(result)):
        where = holes[t] & motion.consistent[t - 1]
        if not where.any():
            continue
        x, y = _targets(motion.flows[t - 1])
        before = cv2.remap(result[t - 1].astype(np.float32), x, y, cv2.INTER_LINEAR)
        errors.append(float(np.abs(result[t] - before)[where].mean()) / 255 * 1000)
    return float(np.mean(errors)) if errors else None


def _smooth(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(picture, _WINDOW, _SIGMA, borderType=cv2.BORDER_REFLECT_101))


def _targets(flow: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give where the flow leads from each pixel, x and y."""
    rows, columns = np.indices(flow.shape[1:], np.float32)
    return columns + flow[0], rows + flow[1]
