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
_DETAIL_SIGMA, _ALIGNED_SIGMA, _ALIGNED_PIXELS = 1.5, 8.0, 4.0
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


def detail(result: Pictures, truth: Pictures, where: Masks) -> float | None:
    """Return the energy of fine detail over the truth's, of the pixels `where`; 1 is as sharp as the truth.

    Detail is gray minus its Gaussian of sigma 1.5; pixels count whose mask, eroded by 2 pixels, has them, so
    that no edge between result and surroundings counts. None without any.
    """
    energies = np.zeros(2)
    for ours, theirs, mask in zip(result, truth, where, strict=True):
        inner = cv2.erode(mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
        energies += [np.square(_fine(picture)[inner]).sum() for picture in (ours, theirs)]
    return float(energies[0] / energies[1]) if energies[1] else None


def aligned_psnr(result: Pictures, truth: Pictures, holes: Masks, where: Masks) -> float | None:
    """Return PSNR after a smooth shift of at most 4 pixels, which forgives a drift that nobody sees.

    The shift is DIS from truth to result, clipped, and smoothed over the hole by a Gaussian of 8 pixels; the
    result is read there. Of the pixels `where`; the mean over frames, None without any.
    """
    estimate, values = DisFlow("medium"), []
    for ours, theirs, hole, pixels in zip(result, truth, holes, where, strict=True):
        if not pixels.any():
            continue
        grays = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8) for picture in (theirs, ours)]
        flow = np.clip(estimate(grays[0], grays[1]), -_ALIGNED_PIXELS, _ALIGNED_PIXELS) * hole
        weight = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), _ALIGNED_SIGMA) + 1e-6
        smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), _ALIGNED_SIGMA) for plane in flow]) / weight
        shifted = _read_along(ours.transpose(2, 0, 1).astype(np.float32), smooth.astype(np.float32))
        values.append(psnr(np.rint(shifted.transpose(1, 2, 0)).astype(np.uint8), theirs, pixels))
    return float(np.mean(values)) if values else None


def own_flicker(result: Pictures, truth: Pictures, holes: Masks) -> float | None:
    """Return how much neighbors differ along their own motion, over the same of the truth.

    The mean absolute difference along DIS between the frames themselves, of pixels that are in both holes.
    None where there are none.
    """
    changes = [_own_change(pictures, holes) for pictures in (result, truth)]
    ours, theirs = changes
    return None if ours is None or not theirs else ours / theirs


def _own_change(pictures: Pictures, holes: Masks) -> float | None:
    estimate, total, count = DisFlow("medium"), 0.0, 0
    for t in range(1, len(pictures)):
        grays = [cv2.cvtColor(pictures[i], cv2.COLOR_RGB2GRAY).astype(np.uint8) for i in (t, t - 1)]
        flow = estimate(*grays)
        before = _read_along(pictures[t - 1].transpose(2, 0, 1).astype(np.float32), flow)
        was_hidden = _read_along(holes[t - 1][None].astype(np.float32), flow)[0] > 0.99
        where = holes[t] & was_hidden
        change = np.abs(pictures[t].transpose(2, 0, 1) - before)[:, where]
        total, count = total + float(change.sum()), count + change.size
    return total / count if count else None


def _fine(picture: Picture) -> NDArray[np.float32]:
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(gray - cv2.GaussianBlur(gray, (0, 0), _DETAIL_SIGMA))


def _smooth(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(picture, _WINDOW, _SIGMA, borderType=cv2.BORDER_REFLECT_101))


def _read_along(picture: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """Read a picture (C, H, W) where the flow leads, bilinearly."""
    read = warp(torch.from_numpy(picture)[None], torch.from_numpy(flow)[None])
    return np.asarray(read[0].numpy())
