"""The flow beside a hole, chosen by what it shows.

On slow clips estimated flow is right up to two or three cells from the hole, and a fixed rim throws it away;
on fast ones the hole spoils it sixteen cells out. So no rim is fixed: beside the hole the completed flow, the
estimated one and the camera's are compared by how well each shows the picture, cell by cell, and what is left
is continued inward from a rim of one cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.flow.complete import Completion, completed, continued, dilated
from vrestore.frames import MaskArray

WINDOW = 7
"""Cells on a side of the square in which the pictures are compared."""

MOST_DIFFERENCE = 40
"""Gray levels from which on one wrong is as wrong as another."""

LEAST_KNOWN = 0.1
"""Of a square at least this share must be known in both pictures, or nothing is said of its flow."""

BETTER_SHARE, BETTER_LEVELS = 0.9, 0.2
"""A flow is taken if its difference is below this share of the best one's, less these gray levels."""

_UNKNOWN = 1000.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What flow is chosen by: a picture `gray` (H, W) uint8, and which of it is `hidden` (H, W)."""

    gray: NDArray[np.uint8]
    hidden: MaskArray


def choose_flow(flow: Tensor, of: Sight, towards: Sight) -> Completion | None:
    """Complete the flow (2, H, W) of a picture towards another from what shows best beside the hole.

    None where there is no hole, or nothing else.
    """
    found = completed(flow, torch.from_numpy(of.hidden))
    if found is None:
        return None
    part = found.around.rows, found.around.columns
    is_known = ~of.hidden[part]
    differs = _Difference(of.gray[part], is_known, towards, corner=(found.around.x, found.around.y))
    best = found.flow.numpy()
    least = differs(best)
    for other in (found.estimated.numpy(), found.camera.numpy()):
        difference = differs(other)
        is_better = is_known & (difference < BETTER_SHARE * least - BETTER_LEVELS)
        best, least = np.where(is_better, other, best), np.where(is_better, difference, least)
    # Cells that touch the hole show in part what stands in for its content.
    beside = torch.from_numpy(~dilated(of.hidden, 1)[part])
    return replace(found, flow=continued(torch.from_numpy(best), found.camera, beside))


class _Difference:
    """How far the pictures differ where a flow says that they are alike, in gray levels, (h, w)."""

    def __init__(
        self, here: NDArray[np.uint8], is_known: MaskArray, towards: Sight, *, corner: tuple[int, int]
    ) -> None:
        self._here, self._is_known = here.astype(np.float32), is_known
        self._there = towards.gray.astype(np.float32)
        self._known_there = (~towards.hidden).astype(np.float32)
        y, x = np.mgrid[0 : here.shape[0], 0 : here.shape[1]].astype(np.float32)
        self._x, self._y = x + corner[0], y + corner[1]

    def __call__(self, flow: NDArray[np.float32]) -> NDArray[np.float32]:
        x, y = self._x + flow[0], self._y + flow[1]
        seen = cv2.remap(self._there, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        shown = cv2.remap(
            self._known_there, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
        )
        known = (self._is_known & (shown > 0.99)).astype(np.float32)
        difference = np.minimum(np.abs(seen - self._here), MOST_DIFFERENCE) * known
        mean, share = (
            cv2.blur(plane, (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)
            for plane in (difference, known)
        )
        result: NDArray[np.float32] = np.where(
            share < LEAST_KNOWN, _UNKNOWN, mean / np.maximum(share, LEAST_KNOWN)
        )
        return result
