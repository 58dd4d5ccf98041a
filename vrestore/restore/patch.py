"""Patches: what the restorer holds of a frame, only the surroundings of one hole.

A patch is cut to its own box; neighbours' boxes differ, so a link between two patches carries points in
the coordinates of the patch that is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.flow.complete import dilated
from vrestore.frames import Box, MaskArray
from vrestore.ops.membrane import membrane

RIM_PIXELS = 5
"""Width of the band around a hole whose known colours check the propagated ones."""

SURROUNDINGS = 8
"""Pixels around a hole that painting and writing back look at: more than any chroma filter's reach."""

_LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
_SCALE = 65535.0


@dataclass(frozen=True)
class Patch:
    """The surroundings of a hole in one frame.

    `rgb` is (3, H, W) uint16 of full range, zero where `hidden` (H, W) is True; 16 bits keep any source's
    precision at half the memory of float32.
    """

    index: int
    box: Box
    rgb: NDArray[np.uint16]
    hidden: MaskArray

    @cached_property
    def points(self) -> Tensor:
        """Hidden pixels, then the rim's, (n + k, 2) as (x, y) in the box."""
        return torch.cat([_coordinates(self.hidden), _coordinates(self.rim)])

    @cached_property
    def hidden_count(self) -> int:
        return int(np.count_nonzero(self.hidden))

    @cached_property
    def rim(self) -> MaskArray:
        """The band of known pixels around the hole."""
        if not self.hidden_count:
            return self.hidden
        return dilated(self.hidden, RIM_PIXELS) & ~self.hidden

    @cached_property
    def whole(self) -> Box:
        """The patch in its own coordinates."""
        return Box(0, 0, self.box.width, self.box.height)

    @cached_property
    def hole(self) -> Box:
        """The hidden pixels and their near surroundings, in the patch's own coordinates."""
        near = Box(0, 0, 1, 1) if not self.hidden_count else box_around(self.points)
        height, width = self.hidden.shape
        return near.grown(SURROUNDINGS, height=height, width=width)

    def picture(self, window: Box) -> Tensor:
        """Give the known colours of a window, (3, h, w) float32 in [0, 1], zero in the hole."""
        return torch.from_numpy(self.rgb[:, window.rows, window.columns].astype(np.float32)).mul_(1 / _SCALE)

    def filled(self, colours: Tensor, window: Box) -> Tensor:
        """Give the window with the hidden pixels set to `colours` (3, n), those of the whole patch."""
        picture = self.picture(window)
        self._put(picture, colours, window)
        return picture

    def weighted(self, colours: Tensor, confidence: Tensor, window: Box) -> Tensor:
        """Give colours times confidence, then confidence, (4, h, w), for a window of the patch.

        Known pixels have confidence 1, the hidden ones `colours` (3, n) with `confidence` (n).
        """
        weighted = torch.ones(4, window.height, window.width)
        weighted[:3] = self.picture(window)
        self._put(weighted, torch.cat([colours * confidence, confidence[None]]), window)
        return weighted

    def _put(self, picture: Tensor, values: Tensor, window: Box) -> None:
        """Set the hidden pixels of `picture` (C, h, w), a window of the patch, to `values` (C, n)."""
        if not self.hidden_count:
            return
        x, y = (self.points[: self.hidden_count].long() - torch.tensor([window.x, window.y])).T
        if window.union(self.hole) != window:
            inside = (x >= 0) & (x < window.width) & (y >= 0) & (y < window.height)
            x, y, values = x[inside], y[inside], values[:, inside]
        picture.view(picture.shape[0], -1)[:, y * window.width + x] = values

    def read(self, points: Tensor) -> Tensor:
        """Give the known colours (3, k) at whole-pixel `points` (k, 2)."""
        x, y = points.long().numpy().T
        return torch.from_numpy(self.rgb[:, y, x].astype(np.float32)).mul_(1 / _SCALE)


def box_around(points: Tensor) -> Box:
    """Give the smallest box of whole pixels that holds at least one point, (n, 2)."""
    left, top = (int(side) for side in points.amin(0).floor())
    right, bottom = (int(side) for side in points.amax(0).ceil())
    return Box(left, top, right - left + 1, bottom - top + 1)


def make_patch(index: int, box: Box, rgb: NDArray[np.float32], hidden: MaskArray) -> Patch:
    """Store known colours `rgb` (3, H, W) in [0, 1] as a patch."""
    return Patch(index, box, np.rint(rgb * _SCALE).astype(np.uint16), hidden)


def grey(picture: Tensor) -> NDArray[np.uint8]:
    """Give (3, H, W) in [0, 1] as a grey picture for the flow estimator."""
    luma = (picture * _LUMA).sum(0).mul_(255).round_().clamp_(0, 255)
    result: NDArray[np.uint8] = luma.byte().numpy()
    return result


def grey_without_hole(patch: Patch) -> NDArray[np.uint8]:
    """Give the patch in grey with the hole closed by a membrane, so that its edge makes no false motion."""
    picture = patch.picture(patch.whole)
    if not patch.hidden_count:
        return grey(picture)
    luma = (picture * _LUMA).sum(0, keepdim=True)
    closed = membrane(luma, torch.from_numpy(~patch.hidden))
    result: NDArray[np.uint8] = closed[0].mul_(255).round_().clamp_(0, 255).byte().numpy()
    return result


def _coordinates(mask: MaskArray) -> Tensor:
    rows, columns = np.nonzero(mask)
    return torch.from_numpy(np.stack([columns, rows], 1).astype(np.float32))
