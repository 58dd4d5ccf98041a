"""Flow inside the hole, from what was seen there before and after.

The flow of a pair of frames is continued into the hole from its rim, which knows nothing of what lies behind
the hole: a post in front of a wall moves as the wall does. But the post was seen before it went behind the
hole, and its flow then was measured. So what flow leaves over the camera's, the residual, is carried along
the flow from frame to frame, from the past and from the future. On its way speed changes: at each step it is
fitted to the frame's own residual around the hole, scaled and with a plane added, and believed as far as it
fits there. Without the fit carrying is dangerous (-4.8 dB on one clip).

What moves by itself beside the hole, such as a wing or water, says nothing of what lies behind it. It is told
by its flow back and ahead, which are not each other's opposite: as far as they are not, the hole is left to
the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.flow.complete import dilated
from vrestore.frames import Box, MaskArray

RING = 16
"""Cells around the hole that the carried residual is fitted to."""

MOST_SAMPLES, LEAST_SAMPLES = 400, 20
SEEN = 0.98
"""Samples are cells that the other frame shows: read with at least this confidence."""

DECAY = 0.95
"""Confidence that is left after a step that fits well."""

HALVED_AT = 0.5
"""Cells of error around the hole that halve the confidence."""

ROUNDS = 4
FIRST_VARIANCE, LEAST_VARIANCE = 4.0, 0.04
"""Of the reweighted fit: squared cells of error that an outlier has, in the first round and at least."""

RIDGE = 0.05, 0.01, 0.03, 0.03
"""What draws the fit of scale, offset and slopes to none, a sample; that of the scale by the mean square."""

SLOPE_CELLS = 32.0
"""Cells in which the slopes are counted."""

SIGMA = 2.0
"""Cells over which the carried residuals are smoothed."""

DOUBT = 0.1
"""Confidence that is set against the carried residual: that of the completed flow."""

BESIDE = 5
"""Cells around the hole whose flow is to go on as it came."""

BESIDE_SIGMA = 4.0
"""Cells over which that is judged, and as far as it reaches into the hole."""

BESIDE_REST = 1e-3
"""Weight of all cells beside the hole together, which decide deep inside."""

UNSTEADY = 0.1
"""Squared cells by which flow may differ from the opposite of the other one, for it is measured."""

MOSTLY_UNSTEADY = 0.3
"""Mean unsteadiness in the hole from which on it counts in full: a few cells may be measured wrong."""

Planes = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Motion:
    """How a frame moves near its hole, in cells, in the `box` of the frame's cells.

    `hidden` (h, w) is the hole; `back` and `ahead` (2, h, w) are the flow to the frame before and to the one
    after, completed in the hole, None at the ends of a run; `residual` (4, h, w) is what the two leave over
    their cameras'. `ring` (h, w) is what of the surroundings is compared.
    """

    box: Box
    hidden: MaskArray
    ring: MaskArray
    back: Planes | None
    ahead: Planes | None
    residual: Planes


@dataclass(frozen=True, slots=True)
class Carried:
    """The residual (4, h, w) of a frame near its hole, and its confidence (h, w): 1 where it was measured."""

    box: Box
    residual: Planes
    confidence: Planes


def motion_of(
    box: Box,
    hidden: MaskArray,
    back: tuple[Planes, Planes] | None,
    ahead: tuple[Planes, Planes] | None,
) -> Motion:
    """Put a frame's motion together; `back` and `ahead` are flow and the camera's, (2, h, w) each, in `box`.

    What moves on as it came: at an end of a run the residual of the missing flow is that of the other, with
    the other sign.
    """
    rests = [None if way is None else way[0] - way[1] for way in (back, ahead)]
    known = next((rest for rest in rests if rest is not None), np.zeros((2, *hidden.shape), np.float32))
    first, second = (-known if rest is None else rest for rest in rests)
    return Motion(
        box,
        hidden,
        dilated(hidden, RING) & ~dilated(hidden, 1),
        None if back is None else back[0],
        None if ahead is None else ahead[0],
        np.concatenate([first, second]),
    )


def carry(motion: Motion, source: Carried | None, flow: Planes | None) -> Carried:
    """Carry the residual of a neighbor into a frame's hole, along the frame's `flow` (2, h, w) to it.

    Without a source, or a flow to it, nothing is known of the hole.
    """
    hidden = motion.hidden
    own = Carried(motion.box, motion.residual, (~hidden).astype(np.float32))
    if source is None or flow is None or not hidden.any():
        return own
    y, x = np.mgrid[0 : hidden.shape[0], 0 : hidden.shape[1]].astype(np.float32)
    x, y = x + flow[0], y + flow[1]
    x += motion.box.x - source.box.x
    y += motion.box.y - source.box.y
    reached = cv2.remap(
        source.confidence, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    read = [
        cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in source.residual
    ]
    fitted, error = _fitted(np.stack(read), motion.residual, motion.ring & (reached > SEEN))
    confidence = reached * np.float32(DECAY / (1 + (error / HALVED_AT) ** 2))
    inside = hidden & (confidence > 0)
    return Carried(
        motion.box,
        np.where(inside, fitted, motion.residual),
        np.where(hidden, confidence, own.confidence),
    )


def correction(motion: Motion, past: Carried, future: Carried) -> Planes | None:
    """Return what is added to a frame's flow back and ahead, (4, h, w), in its hole; None for nothing.

    Past and future are weighted by their squared confidence, and trusted less where they disagree; what
    neither knows is continued from beside the hole as far as that is steady.
    """
    hidden = motion.hidden
    if not hidden.any():
        return None
    guess = motion.residual * _steadiness(motion)
    surer, other = (pick(past.confidence, future.confidence) * hidden for pick in (np.maximum, np.minimum))
    weights = [each.confidence**2 for each in (past, future)]
    total = np.maximum(weights[0] + weights[1], 1e-9)
    mean = (past.residual * weights[0] + future.residual * weights[1]) / total  # (4, h, w)
    apart = ((past.residual - future.residual) ** 2).sum(0) / 2
    weight = surer / (1 + other / np.maximum(surer, 1e-6) * apart)
    missing = (mean - guess) * weight
    # A normalized mean: where little is known near by, little is added.
    share = _smoothed(weight) + DOUBT * _smoothed(hidden.astype(np.float32)) + 1e-6
    added = np.stack([_smoothed(plane) for plane in missing]) / share
    result: Planes = ((guess - motion.residual + added) * hidden).astype(np.float32)
    return result


def _steadiness(motion: Motion) -> Planes:
    """Return how far what moves beside the hole goes on as it came, (h, w): 1 steady, 0 not at all."""
    beside = (motion.ring & dilated(motion.hidden, BESIDE)).astype(np.float32)
    back, ahead = motion.residual[:2], motion.residual[2:]
    squares = [np.square(each).sum(0) for each in (back + ahead, motion.residual)]
    change, size, share = (
        _smoothed(plane, BESIDE_SIGMA) + np.float32(BESIDE_REST) * plane.mean()
        for plane in (squares[0] * beside, squares[1] * beside, beside)
    )
    change, size = (plane / np.maximum(share, 1e-9) for plane in (change, size))
    unsteady: Planes = np.minimum(np.maximum(change - UNSTEADY, 0) / (size + UNSTEADY), 1)
    overall = float(unsteady[motion.hidden].mean()) / MOSTLY_UNSTEADY
    return 1 - unsteady * np.float32(min(overall, 1))


def _fitted(carried: Planes, own: Planes, ring: MaskArray) -> tuple[Planes, float]:
    """Fit what was carried (4, h, w) to what the ring's cells have of their own.

    Each component is scaled and has a plane added: g r + c0 + c1 x + c2 y, by reweighted least squares.
    Returns it with the median error in the ring, in cells; with too few samples what was carried, as exact.
    """
    rows, columns = np.nonzero(ring)
    if len(rows) < LEAST_SAMPLES:
        return carried, 0.0
    step = max(1, len(rows) // MOST_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    height, width = ring.shape
    x = (np.arange(width, dtype=np.float32) - width / 2) / np.float32(SLOPE_CELLS)
    y = (np.arange(height, dtype=np.float32)[:, None] - height / 2) / np.float32(SLOPE_CELLS)
    samples = carried[:, rows, columns].astype(np.float64)  # (4, k)
    terms = np.empty((4, *samples.shape))  # (components, factors, k)
    terms[:, 0], terms[:, 1], terms[:, 2], terms[:, 3] = samples, 1, x[columns], y[rows, 0]
    factors, errors = _solved(terms, own[:, rows, columns] - samples)
    scale, offset, across, down = factors.T[..., None, None].astype(np.float32)  # (4, 1, 1) each
    fitted = carried * (1 + scale) + (offset + across * x + down * y)
    # Of both flows together: four squared components are two squared lengths.
    return fitted, float(np.median(np.sqrt(np.square(errors).sum(0) / 2)))


def _solved(terms: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """Return the factors (m, 4) of `terms` (m, 4, k) that give what is `wanted` (m, k), and what is left."""
    count = terms.shape[2]
    ridge = np.empty((len(terms), 4))
    ridge[:] = np.array(RIDGE) * count
    ridge[:, 0] *= np.maximum(1e-3, np.square(terms[:, 0]).mean(1))
    kept = (ridge + 1e-6)[:, None] * np.eye(4)  # (m, 4, 4)
    factors: Numbers = np.zeros(ridge.shape)
    left, variance = wanted, np.full((len(terms), 1), FIRST_VARIANCE)
    for step in range(ROUNDS):
        if step:
            middle = np.partition(np.square(left), count // 2, axis=1)[:, count // 2, None]  # (m, 1)
            variance = np.maximum(LEAST_VARIANCE, 1.5 * middle)
        weighted = terms * (1 + np.square(left) / variance)[:, None] ** -2
        normal = weighted @ terms.transpose(0, 2, 1) + kept
        factors = np.linalg.solve(normal, weighted @ wanted[..., None])[..., 0]
        left = wanted - (factors[:, None] @ terms)[:, 0]
    return factors, left


def _smoothed(plane: Planes, sigma: float = SIGMA) -> Planes:
    smooth = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return smooth.astype(np.float32, copy=False)
