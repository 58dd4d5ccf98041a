"""Dense optical flow between two gray pictures, by DIS (Kroeger et al. 2016) from OpenCV."""

from __future__ import annotations

import threading
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Preset = Literal["ultrafast", "fast", "medium"]
_PRESETS: dict[Preset, int] = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
SMOOTHNESS = 60.0
"""Variational refinement weighs smoothness by this, OpenCV's default being 20: flow that carries colors for
many frames gains more from smoothness than it loses at edges (0.2 to 0.3 dB in the hole)."""

PATCH_STRIDE, SEARCHES, REFINEMENTS = 4, 12, 3
"""OpenCV's preset has 3, 25 and 5, which take three quarters longer and are no better in the hole."""

LEAST_SIDE = 24
"""DIS needs room for its patches and its coarsest level; smaller pictures are padded by their border."""


class DisFlow:
    """A flow estimator; may be called from several threads at once.

    `scale` is the finest level of the pyramid that is searched: flow is as fine as a picture 2**scale times
    smaller shows. Pictures that are given 2**shrunk times smaller, by the means of their cells, have the flow
    of the large ones, in their own pixels. OpenCV's object keeps buffers between calls, so each thread has
    one of its own. Without variational refinement what it keeps shows when the size changes, by up to a
    quarter of a pixel: then each call has one.
    """

    def __init__(self, preset: Preset = "medium", *, scale: int = 1, shrunk: int = 0) -> None:
        self._preset, self._scale, self._shrunk = preset, scale, shrunk
        self._local = threading.local()

    def __call__(self, of: NDArray[np.uint8], towards: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the flow (2, H, W) of `of` towards `towards`, both (H, W) gray."""
        height, width = of.shape
        below, right = max(0, LEAST_SIDE - height), max(0, LEAST_SIDE - width)
        if below or right:
            of, towards = (np.pad(gray, ((0, below), (0, right)), "edge") for gray in (of, towards))
        # A cut of a larger picture is to give what a copy of it gives.
        pair = np.ascontiguousarray(of), np.ascontiguousarray(towards)
        flow = self._estimator().calc(*pair, None)  # type: ignore[call-overload]  # the stub knows no None
        return np.ascontiguousarray(flow[:height, :width].transpose(2, 0, 1), np.float32)  # (2, H, W)

    def _estimator(self) -> cv2.DISOpticalFlow:
        is_kept = self._preset == "medium"
        estimator: cv2.DISOpticalFlow | None = getattr(self._local, "dis", None) if is_kept else None
        if estimator is None:
            estimator = cv2.DISOpticalFlow.create(_PRESETS[self._preset])
            # Each preset stops at a level of its own, which its time allows: never finer than that.
            finest = max(self._scale, estimator.getFinestScale())
            # A picture in cells is that many levels up the pyramid already.
            estimator.setFinestScale(max(0, finest - self._shrunk))
            if self._preset == "medium":
                estimator.setVariationalRefinementAlpha(SMOOTHNESS)
                estimator.setPatchStride(PATCH_STRIDE)
                estimator.setGradientDescentIterations(SEARCHES)
                estimator.setVariationalRefinementIterations(REFINEMENTS)
            self._local.dis = estimator
        return estimator
