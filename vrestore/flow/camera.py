"""The camera's part of a flow: the homography that most of the picture follows."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import MaskArray

SAMPLES = 1500
LEAST_SAMPLES = 50
INLIER_PIXELS = 1.0


def fit_camera(flow: NDArray[np.float32], trusted: MaskArray) -> NDArray[np.float64] | None:
    """Return the homography (3, 3) that most trusted pixels of `flow` (2, H, W) follow to the other frame.

    None where none can be fitted: too few pixels, or a plane that passes through the camera.
    """
    height, width = trusted.shape
    places = np.flatnonzero(trusted)
    if len(places) < LEAST_SAMPLES:
        return None
    # Every so many: spread over the picture, and the same at each run, which a random draw is not.
    places = places[:: max(1, len(places) // SAMPLES)]
    rows, columns = np.divmod(places, width)
    here = np.stack([columns, rows], 1).astype(np.float32)  # (k, 2)
    there = here + flow[:, rows, columns].T
    # Robust, for what moves by itself is an outlier; OpenCV seeds its generator anew at each call.
    found = cv2.findHomography(here, there, cv2.RANSAC, INLIER_PIXELS, maxIters=300, confidence=0.995)
    matrix = cast("NDArray[np.float64] | None", found[0])  # None where OpenCV finds none; its stub is wrong
    if matrix is None:
        return None
    corners = np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]])
    # OpenCV scales to 1 at the origin: a change of sign goes through 0.
    return matrix if float((matrix[2] @ corners).min()) >= 1e-3 else None
