"""How near a filled hole is to the truth, and how steady it is.

Pictures are (H, W, 3) uint8 or (T, H, W, 3), holes bool without the last axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.clips import Masks, Pictures
from vrestore.flow.dis import DisFlow
from vrestore.ops.warp.warp import warp

Picture = NDArray[np.uint8]
Hole = NDArray[np.bool_]
Flow = NDArray[np.float32]
"""(2, H, W), dx before dy."""

PERFECT = 100.0
"""The decibels that pictures without any difference count as."""

_WINDOW, _SIGMA = (11, 11), 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(result: Picture, truth: Picture, where: Hole | None = None) -> float:
    """Return the peak signal-to-noise ratio in decibels, of the pixels `where` only unless it is None."""
    difference = result.astype(np.float64) - truth
    error = np.mean(np.square(difference if where is None else difference[where]))
    return PERFECT if error == 0 else min(PERFECT, float(10 * np.log10(255**2 / error)))


def ssim_map(result: Picture, truth: Picture) -> NDArray[np.float64]:
    """Return structural similarity (Wang et al. 2004, eq. 13) at each pixel, the mean over the channels.

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
    """Return the mean of the similarity map over the pixels `where`."""
    return float(ssim_map(result, truth)[where].mean())


@dataclass(frozen=True)
class Motion:
    """A clip's motion from each frame but the first to the one before, and where it can be believed."""

    flows: list[Flow]
    consistent: list[Hole]


def motion_of(truth: Pictures) -> Motion:
    """Estimate the motion of a clip both ways."""
    estimate = DisFlow("medium")
    grays = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8) for picture in truth]
    flows = [estimate(after, before) for before, after in pairwise(grays)]
    backs = [estimate(before, after) for before, after in pairwise(grays)]
    return Motion(flows, [is_consistent(flow, back) for flow, back in zip(flows, backs, strict=True)])


def is_consistent(flow: Flow, back: Flow) -> Hole:
    """Tell where `flow` (2, H, W) and the flow `back` of the other frame cancel.

    The test of Sundaram, Brox and Keutzer (2010), eq. 5; a place outside the picture fails it.
    """
    height, width = flow.shape[1:]
    x, y = np.indices((height, width), np.float32)[::-1] + flow
    returned = _read_along(back, flow)
    error = np.square(flow + returned).sum(axis=0)
    length = np.square(flow).sum(axis=0) + np.square(returned).sum(axis=0)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray((error < 0.01 * length + 0.5) & inside)


def warping_error(result: Pictures, holes: Masks, motion: Motion) -> float | None:
    """Return how much the hole's content changes along the true motion, in thousandths of full scale.

    The mean absolute difference between frame t and frame t - 1 read along the flow, over the hole's
    pixels of frame t whose flow is consistent; mean over frames, None where no frame has such a pixel.
    """
    pictures = result.transpose(0, 3, 1, 2).astype(np.float32) / 255
    errors = []
    for t in range(1, len(pictures)):
        where = holes[t] & motion.consistent[t - 1]
        if where.any():
            change = pictures[t] - _read_along(pictures[t - 1], motion.flows[t - 1])
            errors.append(1000 * float(np.abs(change)[:, where].mean()))
    return float(np.mean(errors)) if errors else None


def _smooth(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(picture, _WINDOW, _SIGMA, borderType=cv2.BORDER_REFLECT_101))


def _read_along(picture: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """Read a picture (C, H, W) where the flow leads, bilinearly."""
    read = warp(torch.from_numpy(picture)[None], torch.from_numpy(flow)[None])
    return np.asarray(read[0].numpy())
