"""Holes cut to what an overlay covers: what a wider mask took along is a source for filling, not a hole."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vrestore.frames import Frame, Hole, HoleSummary, MaskArray, VideoMeta
from vrestore.masks.shapes import grown, part_boxes
from vrestore.methods.inpaint.overlay.model import Overlay
from vrestore.protocols import MaskSource

LEAST_COVERED = 0.03
"""Less opaque pixels are rather chance than overlay."""

_RIM_LINES = 80  # one pixel of rim for so many lines: the encoder smears an overlay's edges so far
_LEAST_SPECK = 4  # pixels that hang together; fewer are chance
_KEPT_HOLES = 8


def load_trimmed(path: Path, masks: MaskSource, meta: VideoMeta) -> tuple[TrimmedMasks, Overlay]:
    """Return the overlay of a file, and masks cut to it; raises MaskError for a file that holds none."""
    overlay = Overlay.load(path)
    return TrimmedMasks(masks, overlay, height=meta.height, width=meta.width), overlay


class TrimmedMasks:
    """A MaskSource: another one's holes without what was measured and found to be free of the overlay.

    Equal holes stay the same object while they are among the last few.
    """

    def __init__(self, masks: MaskSource, overlay: Overlay, *, height: int, width: int) -> None:
        self._masks, self._box = masks, overlay.box
        self._size = height, width
        self._free = _free(overlay, rim=max(1, round(height / _RIM_LINES)))
        self._holes: OrderedDict[int, tuple[Hole, Hole | None]] = OrderedDict()

    @property
    def summaries(self) -> Sequence[HoleSummary | None]:
        """Those of the wider holes, which hold the others."""
        return self._masks.summaries

    def hole(self, frame: Frame) -> Hole | None:
        """Return the hole of a frame, None where there is none."""
        whole = self._masks.hole(frame)
        if whole is None:
            return None
        # The wider hole is kept too, so that no other one gets its number meanwhile.
        if id(whole) not in self._holes:
            self._holes[id(whole)] = whole, self._trimmed(whole)
            if len(self._holes) > _KEPT_HOLES:
                self._holes.popitem(last=False)
        return self._holes[id(whole)][1]

    def _trimmed(self, hole: Hole) -> Hole | None:
        height, width = self._size
        free = np.zeros((height, width), np.bool_)
        free[self._box.rows, self._box.columns] = self._free
        alpha = np.where(free[hole.box.rows, hole.box.columns], np.uint8(0), hole.alpha)
        marked = np.zeros((height, width), np.bool_)
        marked[hole.box.rows, hole.box.columns] = alpha > 0
        parts = part_boxes(marked)
        return Hole(hole.box, alpha, parts) if parts else None


def _free(overlay: Overlay, *, rim: int) -> MaskArray:
    """Tell where in its box the overlay was looked for and is not, (h, w)."""
    layer = overlay.layers[overlay.main]
    covered = (layer.keep < 1 - LEAST_COVERED) & layer.measured
    _, labels, stats, _ = cv2.connectedComponentsWithStats(covered.view(np.uint8), connectivity=8)
    is_kept = stats[:, cv2.CC_STAT_AREA] >= _LEAST_SPECK
    is_kept[0] = False  # what is not covered
    return np.asarray(layer.measured & ~grown(is_kept[labels], rim))
