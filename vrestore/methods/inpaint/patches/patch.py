"""Patches: what the restorer holds of a frame, only the surroundings of one hole.

A patch is cut to its own box; neighbors' boxes differ, so a link between two patches carries points in
the coordinates of the patch that is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.device.transfers import CPU
from vrestore.flow.cells import cells_of, mean_of_cells, pixels_of
from vrestore.flow.complete import dilated
from vrestore.frames import Box, MaskArray
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.filters.membrane import membrane
from vrestore.ops.resample.quantize import weighted_sum

RIM_PIXELS = 5
"""Width of the band around a hole whose known colors check the propagated ones."""

SURROUNDINGS = 8
"""Pixels around a hole that painting and writing back look at: more than any chroma filter's reach."""

LUMA = 0.299, 0.587, 0.114
"""Shares of red, green and blue in what flow is estimated on."""

SCALE = 65535.0
"""Of the codes that colors are kept in."""
_KEPT_OUTLINES = 8  # neighboring frames often share one


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
            inside = self.hidden[near.rows, near.columns]
            rim[near.rows, near.columns] = dilated(inside, RIM_PIXELS) & ~inside
        return rim

    @cached_property
    def points(self) -> Tensor:
        """Hidden pixels, then the rim's, (n + k, 2) as (x, y)."""
        places = np.concatenate([np.flatnonzero(self.hidden), np.flatnonzero(self.rim)])
        rows, columns = np.divmod(places, self.hidden.shape[1])
        # Coordinate by coordinate in memory: arithmetic on a last axis of 2 is several times slower.
        planes = np.stack([columns, rows]).astype(np.float32)
        points: Tensor = torch.from_numpy(planes).T
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

    @cached_property
    def _copies(self) -> dict[torch.device, Tensor]:
        return {}


@dataclass(frozen=True)
class Patch(ABC):
    """The surroundings of a hole in one frame, without what is in the hole, `hidden` (H, W).

    Its colors and all that is made of them are on one device; `hidden` is on the CPU.
    """

    index: int
    box: Box
    hidden: MaskArray

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the colors are."""

    @property
    @abstractmethod
    def backend(self) -> Backend:
        """What serves operations on the colors."""

    @abstractmethod
    def rim_values(self, channels: int) -> Tensor:
        """Return the known colors of the rim, (3, k) float32 in [0, 1], or its luma, (1, k)."""

    @abstractmethod
    def picture(self, window: Box, channels: int = 3) -> Tensor:
        """Return the known colors of a window, (3, h, w) float32 in [0, 1], or its luma, (1, h, w).

        They are zero in the hole. Luma has the 8 bits that flow is estimated on.
        """

    @abstractmethod
    def gray_without_hole(self, cell: int) -> NDArray[np.uint8]:
        """Return the patch in gray, in cells, with the hole closed by a membrane, so that its edge makes no
        motion.

        A cell that is hidden in part is the mean of what is known of it.
        """

    @abstractmethod
    def gray_filled(self, luma: Tensor, cell: int) -> NDArray[np.uint8]:
        """Return the patch in gray, in cells, with the hidden pixels set to `luma` (1, n) in [0, 1]."""

    @abstractmethod
    def on_cpu(self) -> Patch:
        """Return the same patch on the CPU."""

    @cached_property
    def outline(self) -> Outline:
        """What follows from the hole's shape; patches with the same hole share it."""
        return _outline(np.packbits(self.hidden).tobytes(), *self.hidden.shape)

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

    def cells_of_hole(self, cell: int) -> tuple[Box, Box]:
        """Return the cells of the hole and its near surroundings, and the patch's pixels in them."""
        cells = cells_of(self.hole, cell)
        return cells, pixels_of(cells, cell).intersection(self.whole) or self.whole

    @cached_property
    def whole(self) -> Box:
        """The patch in its own coordinates."""
        return Box(0, 0, self.box.width, self.box.height)

    @cached_property
    def hole(self) -> Box:
        """The hidden pixels and their near surroundings, in the patch's own coordinates."""
        height, width = self.hidden.shape
        return self.outline.box.grown(RIM_PIXELS + SURROUNDINGS, height=height, width=width)

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
        weighted = torch.ones(channels + 1, window.height, window.width, device=self.device)
        weighted[:channels] = self.picture(window, channels)
        self._put(weighted, torch.cat([colors * confidence, confidence[None]]), window)
        return weighted

    def places_in(self, window: Box) -> Tensor:
        """Return where the hidden pixels are in a flattened window that holds them all, (n), int64.

        Not to be written to: on a device it is kept for the next patch.
        """
        find = _places_in if self.device.type == "cpu" else _places_kept
        return find(self.outline, window, self.device)

    def _put(self, picture: Tensor, values: Tensor, window: Box) -> None:
        """Set the hidden pixels of `picture` (C, h, w), a window of the patch, to `values` (C, n)."""
        if not self.hidden_count:
            return
        if window.union(self.outline.box) == window:
            picture.flatten(1).index_copy_(1, self.places_in(window), values)
            return
        x, y = self.points[: self.hidden_count].long().unbind(1)
        x, y = x - window.x, y - window.y
        inside = (x >= 0) & (x < window.width) & (y >= 0) & (y < window.height)
        picture.flatten(1)[:, (y * window.width + x)[inside]] = values[:, inside]


@dataclass(frozen=True)
class HostPatch(Patch):
    """A patch on the CPU.

    `rgb` is (3, H, W) uint16 of full range, zero where `hidden` is True; 16 bits keep any source's precision
    at half the memory of float32.
    """

    rgb: NDArray[np.uint16]

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return CPU

    @property
    def backend(self) -> Backend:
        """Torch."""
        return TORCH

    def rim_values(self, channels: int) -> Tensor:
        """See `Patch.rim_values`."""
        return self._rim_colors if channels == len(self.rgb) else self._rim_luma

    @cached_property
    def _rim_colors(self) -> Tensor:
        x, y = self._rim_places
        return torch.from_numpy(self.rgb[:, y, x].astype(np.float32)).mul_(1 / SCALE)

    @cached_property
    def _rim_luma(self) -> Tensor:
        x, y = self._rim_places
        return torch.from_numpy(self.known_gray[None, y, x].astype(np.float32)).mul_(1 / 255)

    @property
    def _rim_places(self) -> NDArray[np.int64]:
        places: NDArray[np.int64] = self.points[self.hidden_count :].long().numpy().T
        return places

    @cached_property
    def known_gray(self) -> NDArray[np.uint8]:
        """The known pixels in gray, (H, W), zero in the hole."""
        return _gray(self.rgb, 255 / SCALE)

    def picture(self, window: Box, channels: int = 3) -> Tensor:
        """See `Patch.picture`."""
        if channels == len(self.rgb):
            codes = self.rgb[:, window.rows, window.columns].astype(np.float32)
            return torch.from_numpy(codes).mul_(1 / SCALE)
        luma = self.known_gray[None, window.rows, window.columns].astype(np.float32)
        return torch.from_numpy(luma).mul_(1 / 255)

    def gray_without_hole(self, cell: int) -> NDArray[np.uint8]:
        """See `Patch.gray_without_hole`."""
        result = mean_of_cells(self.known_gray, cell)
        if not self.hidden_count:
            return result
        cells, window = self.cells_of_hole(cell)
        planes = self.known_gray[window.rows, window.columns], ~self.hidden[window.rows, window.columns]
        luma, share = (mean_of_cells(plane.astype(np.float32), cell) for plane in planes)
        known = torch.from_numpy(luma / np.maximum(share, 1e-6))[None]
        closed = membrane(known, torch.from_numpy(share > 0))[0]
        result[cells.rows, cells.columns] = closed.round_().byte().numpy()
        return result

    def gray_filled(self, luma: Tensor, cell: int) -> NDArray[np.uint8]:
        """See `Patch.gray_filled`."""
        result = self.known_gray.copy()
        result[self.hidden] = (luma[0] * 255).round_().byte().numpy()
        return mean_of_cells(result, cell)

    def on_cpu(self) -> HostPatch:
        """Return itself."""
        return self


def box_around(points: Tensor) -> Box:
    """Return the smallest box of whole pixels that holds at least one point, (n, 2)."""
    left, top = (int(side) for side in points.amin(0).floor())
    right, bottom = (int(side) for side in points.amax(0).ceil())
    return Box(left, top, right - left + 1, bottom - top + 1)


def make_patch(index: int, box: Box, rgb: NDArray[np.float32], hidden: MaskArray) -> HostPatch:
    """Store known colors `rgb` (3, H, W) in [0, 1] as a patch on the CPU."""
    codes = rgb * np.float32(SCALE)
    return HostPatch(index, box, hidden, np.rint(codes, out=codes).astype(np.uint16))


def gray(picture: Tensor) -> Tensor:
    """Return (3, H, W) in [0, 1] as a gray picture for the flow estimator, (H, W) uint8."""
    if picture.device.type == "cpu":
        return torch.from_numpy(_gray(picture.numpy(), 255))
    return gray_on_device(picture.unbind(), 255)


def gray_on_device(planes: Iterable[Tensor], scale: float) -> Tensor:
    """Return the luma of planes (h, w), times `scale`, in whole steps, uint8."""
    return weighted_sum((share * scale for share in LUMA), planes).round_().byte()


def luma_of(colors: Tensor) -> Tensor:
    """Return the luma (1, ...) of colors (3, ...)."""
    shares = torch.tensor([LUMA], device=colors.device)
    return (shares @ colors.flatten(1)).view(1, *colors.shape[1:])


@lru_cache(_KEPT_OUTLINES)
def _outline(bits: bytes, height: int, width: int) -> Outline:
    hidden = np.unpackbits(np.frombuffer(bits, np.uint8), count=height * width)
    return Outline(hidden.reshape(height, width).view(np.bool_))


def _places_in(outline: Outline, window: Box, device: torch.device) -> Tensor:
    x, y = outline.points_on(device)[: outline.count].int().unbind(1)
    return (y - window.y).mul_(window.width).add_(x).sub_(window.x).long()


_places_kept = lru_cache(2 * _KEPT_OUTLINES)(_places_in)
"""Small as it is, it would be five calls to the device for each of many uses."""


def _gray(planes: NDArray[np.float32] | NDArray[np.uint16], scale: float) -> NDArray[np.uint8]:
    """Return the luma of planes (3, h, w), times `scale`, in whole steps."""
    luma = planes[0] * np.float32(LUMA[0] * scale)
    for plane, share in zip(planes[1:], LUMA[1:], strict=True):
        luma += plane * np.float32(share * scale)
    result: NDArray[np.uint8] = np.rint(luma, out=luma).astype(np.uint8)
    return result
