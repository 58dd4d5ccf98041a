"""Patches: what is held of a frame while its hole is filled, only the surroundings of one hole.

A patch is cut to its own box; neighbors' boxes differ, so a link between two patches carries points in
the coordinates of the patch that is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.flow.cells import cells_of, pixels_of
from vrestore.frames import Box, MaskArray
from vrestore.methods.inpaint.patches.outline import RIM_PIXELS, Outline, outline_of
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.resample.quantize import as_array, as_codes, as_int16, unsigned, weighted_sum

SURROUNDINGS = 8
"""Pixels around a hole that painting and writing back look at: more than any chroma filter's reach."""

LUMA = 0.299, 0.587, 0.114
"""Shares of red, green and blue in what flow is estimated on."""

SCALE = 65535.0
"""The code of full intensity, of 16 bits."""


@dataclass(frozen=True, eq=False)
class Patch:
    """The surroundings of a hole in one frame, without what is in the hole, `hidden` (H, W).

    `codes` (3, H, W) are its colors in full range, int16 of the same bits as uint16, zero where `hidden` is
    True: 16 bits keep any source's precision at half the memory of float32. They, and all that is made of
    them, are on one device, which `backend` serves; `hidden` is on the CPU. `plate` (3, n) are colors in
    [0, 1] that the user gives the hidden pixels of this frame.
    """

    index: int
    box: Box
    hidden: MaskArray
    codes: Tensor
    backend: Backend = TORCH
    plate: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where the colors are."""
        return self.codes.device

    @cached_property
    def outline(self) -> Outline:
        """What follows from the hole's shape; patches with the same hole share it."""
        return outline_of(self.hidden)

    @property
    def points(self) -> Tensor:
        """Hidden pixels, then the rim's, (n + k, 2) as (x, y) in the box."""
        return self.outline.points_on(self.device)

    @property
    def hidden_count(self) -> int:
        """The number of hidden pixels."""
        return self.outline.count

    @property
    def rim(self) -> MaskArray:
        """The band of known pixels around the hole."""
        return self.outline.rim

    @cached_property
    def whole(self) -> Box:
        """The patch in its own coordinates."""
        return Box(0, 0, self.box.width, self.box.height)

    @cached_property
    def hole(self) -> Box:
        """The hidden pixels and their near surroundings, in the patch's own coordinates."""
        height, width = self.hidden.shape
        return self.outline.box.grown(RIM_PIXELS + SURROUNDINGS, height=height, width=width)

    def cells_of_hole(self, cell: int) -> tuple[Box, Box]:
        """Return the cells of the hole and its near surroundings, and the patch's pixels in them."""
        cells = cells_of(self.hole, cell)
        return cells, pixels_of(cells, cell).intersection(self.whole) or self.whole

    @cached_property
    def known_gray(self) -> Tensor:
        """The known pixels in gray, (H, W) uint8, zero in the hole."""
        return _luma_steps(self.codes, 255 / SCALE)

    def rim_values(self, channels: int) -> Tensor:
        """Return the known colors of the rim, (3, k) float32 in [0, 1], or its luma, (1, k)."""
        return self._rim_colors if channels == len(self.codes) else self._rim_luma

    @cached_property
    def _rim_colors(self) -> Tensor:
        x, y = self.points[self.hidden_count :].long().unbind(1)
        return _numbers(self.codes[:, y, x]).mul_(1 / SCALE)  # (3, k)

    @cached_property
    def _rim_luma(self) -> Tensor:
        x, y = self.points[self.hidden_count :].long().unbind(1)
        return self.known_gray[None, y, x].float().mul_(1 / 255)  # (1, k)

    def picture(self, window: Box, channels: int = 3) -> Tensor:
        """Return the known colors of a window, (3, h, w) float32 in [0, 1], or its luma, (1, h, w).

        They are zero in the hole. Luma has the 8 bits that flow is estimated on.
        """
        if channels == len(self.codes):
            return _numbers(self.codes[:, window.rows, window.columns]).mul_(1 / SCALE)
        return self.known_gray[None, window.rows, window.columns].float().mul_(1 / 255)

    def filled(self, colors: Tensor, window: Box) -> Tensor:
        """Return the window with the hidden pixels set to `colors` (C, n), those of the whole patch.

        C is 3, or 1 for luma.
        """
        picture = self.picture(window, colors.shape[0])
        self._put(picture, colors, window)
        return picture

    def weighted(self, colors: Tensor, confidence: Tensor, window: Box) -> Tensor:
        """Return colors times confidence, then confidence, (C + 1, h, w), for a window of the patch.

        Known pixels have confidence 1, the hidden ones `colors` (C, n) with `confidence` (n); C is 3, or 1
        for luma.
        """
        channels = colors.shape[0]
        # Ones: known pixels have full confidence, and their colors times 1 are themselves.
        weighted = torch.ones(channels + 1, window.height, window.width, device=self.device)
        weighted[:channels] = self.picture(window, channels)
        self._put(weighted, torch.cat([colors * confidence, confidence[None]]), window)
        return weighted

    def places_in(self, window: Box) -> Tensor:
        """Return where the hidden pixels are in a flattened window: see `Outline.places_in`."""
        return self.outline.places_in(window, self.device)

    def _put(self, picture: Tensor, values: Tensor, window: Box) -> None:
        """Set the hidden pixels of `picture` (C, h, w), a window of the patch, to `values` (C, n)."""
        if not self.hidden_count:
            return
        if window.union(self.outline.box) == window:
            picture.flatten(1).index_copy_(1, self.places_in(window), values)
            return
        x, y = self.points[: self.hidden_count].long().unbind(1)
        # The window cuts the hole: only what lies in it is set.
        x, y = x - window.x, y - window.y
        inside = (x >= 0) & (x < window.width) & (y >= 0) & (y < window.height)
        picture.flatten(1)[:, (y * window.width + x)[inside]] = values[:, inside]


def make_patch(
    index: int, box: Box, rgb: NDArray[np.float32] | Tensor, hidden: MaskArray, *, backend: Backend = TORCH
) -> Patch:
    """Store known colors `rgb` (3, H, W) in [0, 1], zero where `hidden`, as a patch where they are."""
    if isinstance(rgb, Tensor):
        return Patch(index, box, hidden, as_int16((rgb * SCALE).round_()), backend)
    codes = rgb * np.float32(SCALE)
    return Patch(index, box, hidden, as_codes(np.rint(codes, out=codes).astype(np.uint16)), backend)


def box_around(points: Tensor) -> Box:
    """Return the smallest box of whole pixels that holds at least one point, (n, 2)."""
    left, top = (int(side) for side in points.amin(0).floor())
    right, bottom = (int(side) for side in points.amax(0).ceil())
    return Box(left, top, right - left + 1, bottom - top + 1)


def gray(picture: Tensor) -> Tensor:
    """Return (3, H, W) in [0, 1] as a gray picture for the flow estimator, (H, W) uint8."""
    return _luma_steps(picture, 255)


def luma_of(colors: Tensor) -> Tensor:
    """Return the luma (1, ...) of colors (3, ...)."""
    shares = torch.tensor([LUMA], device=colors.device)  # (1, 3)
    return (shares @ colors.flatten(1)).view(1, *colors.shape[1:])


def _luma_steps(planes: Tensor, scale: float) -> Tensor:
    """Return the luma (h, w) of colors (3, h, w) or of codes, times `scale`, in whole steps, uint8."""
    if planes.device.type != "cpu":
        return weighted_sum((share * scale for share in LUMA), map(_numbers, planes)).round_().byte()
    arrays = as_array(planes)
    # Term by term in float32, as `weighted_sum` does it on a device: the same steps, the same rounding.
    luma = arrays[0] * np.float32(LUMA[0] * scale)
    for plane, share in zip(arrays[1:], LUMA[1:], strict=True):
        luma += plane * np.float32(share * scale)
    return torch.from_numpy(np.rint(luma, out=luma).astype(np.uint8))


def _numbers(codes: Tensor) -> Tensor:
    """Return codes as the numbers they are, float32, in memory of their own; numbers as they are."""
    if codes.dtype != torch.int16:
        return codes
    if codes.device.type == "cpu":
        # In one pass, where torch, which has little for uint16, would need three.
        return torch.from_numpy(as_array(codes).astype(np.float32))
    return unsigned(codes).float()
