"""Patches on a device: what `HostPatch` has on the CPU, in torch wherever it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import SCALE, HostPatch, Patch, gray_on_device
from vrestore.ops.dispatch import Backend
from vrestore.ops.filters.membrane import membrane
from vrestore.ops.resample.quantize import resized_by_torch

MIDDLE = 2**15
"""Of the codes: torch has few operations for unsigned numbers of 16 bits."""


@dataclass(frozen=True)
class DevicePatch(Patch):
    """A patch whose colors are on a device, which `served_by` serves.

    `codes` (3, H, W) int16 are those of `HostPatch` less MIDDLE.
    """

    codes: Tensor
    served_by: Backend

    @property
    def device(self) -> torch.device:
        """Where the colors are."""
        return self.codes.device

    @property
    def backend(self) -> Backend:
        """What serves operations on the colors."""
        return self.served_by

    def rim_values(self, channels: int) -> Tensor:
        """See `Patch.rim_values`."""
        x, y = self.points[self.hidden_count :].long().unbind(1)
        return self._colors(self.codes[:, y, x]) if channels == 3 else self._luma(self.known_gray[None, y, x])

    def picture(self, window: Box, channels: int = 3) -> Tensor:
        """See `Patch.picture`."""
        if channels == 3:
            return self._colors(self.codes[:, window.rows, window.columns])
        return self._luma(self.known_gray[None, window.rows, window.columns])

    def gray_without_hole(self, cell: int) -> NDArray[np.uint8]:
        """See `Patch.gray_without_hole`; only cells are copied back."""
        result = _mean_of_codes(self.known_gray, cell)
        if self.hidden_count:
            cells, window = self.cells_of_hole(cell)
            shown = torch.ones(window.height, window.width, device=self.device)
            shown.flatten().index_fill_(0, self.places_in(window), 0)
            known_gray = self.known_gray[window.rows, window.columns].float()
            luma, share = (_mean_of_cells(plane, cell) for plane in (known_gray, shown))
            known = (luma / share.clamp_min(1e-6))[None]
            closed = membrane(known, share > 0, backend=self.backend)[0]
            result[cells.rows, cells.columns] = closed.round_().byte()
        return result.cpu().numpy()

    def gray_filled(self, luma: Tensor, cell: int) -> NDArray[np.uint8]:
        """See `Patch.gray_filled`; only cells are copied back."""
        result = self.known_gray.clone()
        result.flatten().index_copy_(0, self.places_in(self.whole), (luma[0] * 255).round_().byte())
        return _mean_of_codes(result, cell).cpu().numpy()

    def on_cpu(self) -> HostPatch:
        """See `Patch.on_cpu`."""
        codes = (self.codes.cpu().int() + MIDDLE).numpy()
        return HostPatch(self.index, self.box, self.hidden, codes.astype(np.uint16))

    @cached_property
    def known_gray(self) -> Tensor:
        """The known pixels in gray, (H, W) uint8, zero in the hole."""
        return gray_on_device((plane.float() + MIDDLE for plane in self.codes), 255 / SCALE)

    @staticmethod
    def _colors(codes: Tensor) -> Tensor:
        return (codes.float() + MIDDLE).mul_(1 / SCALE)

    @staticmethod
    def _luma(codes: Tensor) -> Tensor:
        return codes.float().mul_(1 / 255)


def device_patch(
    index: int, box: Box, rgb: Tensor, hidden: NDArray[np.bool_], *, backend: Backend
) -> DevicePatch:
    """Store known colors `rgb` (3, H, W) in [0, 1] as a patch where they are."""
    return DevicePatch(index, box, hidden, ((rgb * SCALE).round_() - MIDDLE).to(torch.int16), backend)


def _mean_of_codes(picture: Tensor, cell: int) -> Tensor:
    """Return a gray picture (H, W) uint8 in cells, rounded as `vrestore.flow.cells.mean_of_cells` rounds."""
    whole = _whole_cells(picture.float(), cell).byte()
    height, width = whole.shape
    return resized_by_torch(whole, (height // cell, width // cell)).byte()


def _mean_of_cells(picture: Tensor, cell: int) -> Tensor:
    """Return a picture (H, W) in cells."""
    return F.avg_pool2d(_whole_cells(picture, cell)[None], cell)[0]


def _whole_cells(picture: Tensor, cell: int) -> Tensor:
    """Let the border of a picture (H, W) go on at its end until all cells are whole."""
    height, width = picture.shape
    return F.pad(picture[None], (0, -width % cell, 0, -height % cell), mode="replicate")[0]
