"""How what no frame shows moves: as what is known around it does."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from vrestore.methods.inpaint.propagation.correspondence import FetchMap
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.inpaint.texture.pyramid import Floats, Ints

SURE = 0.5
"""Trust in the flow, and confidence of the color, of the pixels that show how the others move."""

NEAR = 16.0
"""Pixels, of a picture of 240 lines, over which what is around counts less and less."""

MOST_POINTS = 2000
"""That a motion is fitted to, evenly many of them where there are more."""

LEAST_POINTS = 30

ROUNDS = 4

UNIT = np.float32(100)
"""Pixels that are 1 where an affine motion is fitted."""

LEAST_DEVIATION = 0.1
"""Pixels by which points deviate from the fit that none is blamed for."""


def carried_targets(filled: Filled, step: FetchMap, grain: float) -> Tensor:
    """Return where the hidden pixels (n, 2) lie in the patch before, in its coordinates.

    What some frame shows lies where the flow says. Flow of the rest was found in smooth paint, which tells it
    nothing: that goes on as an affine motion does which is fitted to the rim and to what was fetched near it.
    """
    patch, count = filled.patch, filled.patch.hidden_count
    targets = step.targets[:count]
    confidence = filled.confidence.cpu().numpy()
    unseen = confidence == 0
    points = patch.points.cpu().numpy()
    is_sure = step.trust.cpu().numpy() > SURE
    is_sure[:count] &= confidence > SURE
    chosen = np.flatnonzero(is_sure)
    if not unseen.any() or len(chosen) < LEAST_POINTS:
        return targets
    chosen = chosen[:: len(chosen) // MOST_POINTS + 1]
    motion = step.targets.cpu().numpy()[chosen] - points[chosen]
    ours = points[:count][unseen]
    window = patch.hole
    corner = np.array([window.x, window.y], np.float32)
    plane = np.ones((window.height, window.width), np.uint8)
    plane[_places(ours - corner)] = 0
    distance = cv2.distanceTransform(plane, cv2.DIST_L2, 3)[_places(points[chosen] - corner)]
    fit = _affine(points[chosen], motion, np.exp(-distance / (NEAR * grain)))
    carried = targets.cpu().numpy().copy()
    carried[unseen] = ours + _basis(ours) @ fit
    return torch.from_numpy(carried).to(targets.device)


def _places(points: Floats) -> tuple[Ints, Ints]:
    """Return points (m, 2) as rows and columns."""
    x, y = points.T.astype(np.int64)
    return y, x


def _affine(points: Floats, motion: Floats, shares: Floats) -> Floats:
    """Fit a motion (m, 2) at points (m, 2) by an affine one, (3, 2); `shares` (m) tell how much each counts.

    By iteratively reweighted least squares with the weights of Geman and McClure, so outliers count little.
    """
    basis, weights = _basis(points), shares
    for _ in range(ROUNDS):
        scaled = basis * weights[:, None]
        fit = np.linalg.lstsq(scaled.T @ basis, scaled.T @ motion, rcond=None)[0]
        deviation = np.square(motion - basis @ fit).sum(1)
        scale = max(float(np.median(deviation)), LEAST_DEVIATION**2)
        weights = shares / (1 + deviation / scale) ** 2
    return np.asarray(fit, np.float32)


def _basis(points: Floats) -> Floats:
    """Return 1, x and y of points (m, 2), (m, 3), so scaled that all three are alike."""
    return np.column_stack([np.ones(len(points), np.float32), points / UNIT])
