"""The shape of a patch's hole, and what follows from it alone: its pixels, its rim, its box.

Neighboring frames often share a hole, so an outline is kept by its bits and serves all patches that have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from vrestore.flow.cells import any_of_cells
from vrestore.flow.complete import dilated
from vrestore.frames import Box, MaskArray

RIM_PIXELS = 5
"""Width of the band around a hole whose known colors check the propagated ones."""

_KEPT_OUTLINES = 8
"""Enough for several tracks at once, each with a hole that stays."""


@dataclass(frozen=True, eq=False)
class Outline:
    """Where the hole of a patch is, `hidden` (H, W), and what follows from that alone."""

    hidden: MaskArray

    @cached_property
    def count(self) -> int:
        """The number of hidden pixels."""
        return int(np.count_nonzero(self.hidden))

    @property
    def rim(self) -> MaskArray:
        """The band of known pixels around the hole, (H, W)."""
        rim = np.zeros_like(self.hidden)
        if self.count:
            height, width = rim.shape
            near = self.box.grown(RIM_PIXELS, height=height, width=width)
            # The disc is drawn near the hole only: a mask of the whole patch costs its area.
            inside = self.hidden[near.rows, near.columns]
            rim[near.rows, near.columns] = dilated(inside, RIM_PIXELS) & ~inside
        return rim

    @cached_property
    def points(self) -> Tensor:
        """Hidden pixels, then the rim's, (n + k, 2) as (x, y)."""
        places = np.concatenate([np.flatnonzero(self.hidden), np.flatnonzero(self.rim)])  # row by row each
        rows, columns = np.divmod(places, self.hidden.shape[1])
        # Coordinate by coordinate in memory: arithmetic on a last axis of 2 is several times slower.
        planes = np.stack([columns, rows]).astype(np.float32)
        points: Tensor = torch.from_numpy(planes).T  # (n + k, 2)
        return points

    @cached_property
    def box(self) -> Box:
        """The hidden pixels' box, one pixel without any."""
        x, y, width, height = cv2.boundingRect(self.hidden.view(np.uint8))
        return Box(x, y, max(1, width), max(1, height))

    def points_on(self, device: torch.device) -> Tensor:
        """`points` on a device, copied there once."""
        if device.type == "cpu":
            return self.points
        if device not in self._copies:
            self._copies[device] = self.points.to(device)
        return self._copies[device]

    def places_in(self, window: Box, device: torch.device) -> Tensor:
        """Return where the hidden pixels are in a flattened window that holds them all, (n), int64.

        Not to be written to: on a device it is kept for the next patch.
        """
        find = _places_in if device.type == "cpu" else _places_kept
        return find(self, window, device)

    def hidden_cells(self, cell: int) -> MaskArray:
        """Tell which cells of `cell` x `cell` pixels hold a hidden pixel; not to be written to."""
        if cell not in self._cells:
            self._cells[cell] = any_of_cells(self.hidden, cell)
        return self._cells[cell]

    @cached_property
    def _cells(self) -> dict[int, MaskArray]:
        return {}

    @cached_property
    def _copies(self) -> dict[torch.device, Tensor]:
        return {}


def outline_of(hidden: MaskArray) -> Outline:
    """Return the outline of a hole (H, W), the same for all patches that have it."""
    return _outline(np.packbits(hidden).tobytes(), *hidden.shape)


@lru_cache(_KEPT_OUTLINES)
def _outline(bits: bytes, height: int, width: int) -> Outline:
    hidden = np.unpackbits(np.frombuffer(bits, np.uint8), count=height * width)
    return Outline(hidden.reshape(height, width).view(np.bool_))


def _places_in(outline: Outline, window: Box, device: torch.device) -> Tensor:
    x, y = outline.points_on(device)[: outline.count].int().unbind(1)
    return (y - window.y).mul_(window.width).add_(x).sub_(window.x).long()


_places_kept = lru_cache(2 * _KEPT_OUTLINES)(_places_in)
"""Small as it is, it would be five calls to the device for each of many uses."""
