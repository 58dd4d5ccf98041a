"""Native planes to RGB and back on a device: `vrestore.media.color.convert` in torch.

What is read and written, and by which weights, is decided there; here is the arithmetic. Only samples of a
crop go up and only samples of a hole's box come down, as the file codes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.device.transfers import Transfers
from vrestore.frames import Box, Color, Component, Frame, PixelFormat
from vrestore.media.color import chroma
from vrestore.media.color.convert import (
    Alpha,
    cell_pixels,
    chroma_cells,
    coding_for,
    covering,
    hidden_cells,
    place_for,
    samples_of,
    shift_of,
    widened,
)
from vrestore.ops.resample.quantize import as_array, as_codes, as_int16, unsigned, weighted_sum
from vrestore.threads import Arrived, Awaited, Pending

Shift = tuple[int, int]
Siting = tuple[float, float]
"""Where chroma samples are in their cells, across and down."""


@dataclass(frozen=True)
class DeviceColor:
    """Turns crops of frames of one video into RGB and back, on the device of `transfers`."""

    transfers: Transfers
    format: PixelFormat
    color: Color

    def known_rgb(self, frame: Frame, box: Box, alpha: Alpha) -> Tensor:
        """Do what `vrestore.media.color.convert.known_rgb` does; returns (3, h, w) on the device."""
        coding = coding_for(frame, self.format, self.color)
        shift = self.format.chroma_shift
        planes, nearest, cells = [], None, box
        if shift != (0, 0):
            cells = chroma_cells(box, shift)
            # Chroma of a cell that is hidden in part is spoiled: the nearest whole one stands in.
            # Which one that is, the CPU finds out, on a grid that is small.
            found = chroma.nearest_known(hidden_cells(frame, box, alpha, cells, self.format))
            nearest = None if found is None else self.transfers.up(torch.from_numpy(found))
        for component, neutral in zip(self.format.components, coding.offset, strict=False):
            if shift_of(component) == (0, 0):
                planes.append(self._read(frame, component, box))
                continue
            samples = self._read(frame, component, cells)
            samples = torch.full_like(samples, neutral) if nearest is None else samples.take(nearest)
            # For reading between samples at the border.
            samples = F.pad(samples[None], (1, 1, 1, 1), mode="replicate")[0]
            spread = _spread(samples, shift, place_for(self.color, shift))
            inner = box.relative_to(cell_pixels(cells, shift))
            planes.append(spread[inner.rows, inner.columns])
        rows = coding.to_rgb[:, : len(planes)].tolist()
        codes = [plane - float(zero) for plane, zero in zip(planes, coding.offset, strict=False)]
        # What is hidden in part is hidden: nothing of it may be seen.
        known = self.transfers.up(torch.from_numpy(alpha == 0))
        return torch.stack([weighted_sum(row, codes) for row in rows]).clamp_(0, 1).mul_(known)

    def composite(self, frame: Frame, box: Box, rgb: Tensor, alpha: Alpha) -> Pending[Frame]:
        """Begin what `vrestore.media.color.convert.composite` does."""
        left, top, width, height = cv2.boundingRect(alpha)
        if width == 0:
            return Arrived(frame)
        # Samples beside the hole stay those of the file, bit for bit.
        touched = Box(box.x + left, box.y + top, width, height)
        shift = self.format.chroma_shift
        cells = chroma_cells(touched, shift)
        whole = cell_pixels(cells, shift)
        picture = torch.nan_to_num(_covering(rgb, box, widened(whole, *chroma.margin(shift))), 0.0).clamp_(
            0, 1
        )
        amounts = {step: self._amount(alpha, box, touched, step) for step in {(0, 0), shift}}
        coding = coding_for(frame, self.format, self.color)
        inner = touched.relative_to(widened(whole, *chroma.margin(shift)))
        arriving = []
        for component, row, zero in zip(self.format.components, coding.from_rgb, coding.offset, strict=False):
            codes = weighted_sum(row.tolist(), picture) + float(zero)
            step = shift_of(component)
            if step == (0, 0):
                codes = codes[inner.rows, inner.columns]  # without the margin that chroma's filter reads
            else:
                codes = _gather(codes, shift, place_for(self.color, shift))
            where, amount = chroma_cells(touched, step), amounts[step]
            old = self._read(frame, component, where)  # (h, w), from the frame's own planes
            # As on the CPU: where amount is 1 the old value must not even round the new one.
            mixed = codes.clamp_(0, self.format.peak) * amount + old * (1 - amount)
            arriving.append((component, where, self._down(mixed, component)))

        def written() -> Frame:
            return _written(
                frame, [(component, where, block.result()) for component, where, block in arriving]
            )

        return Awaited(written)

    def _read(self, frame: Frame, component: Component, box: Box) -> Tensor:
        """Return a component's code values over a box of its own grid, (h, w) float32 on the device."""
        samples = samples_of(frame.planes[component.plane], component)
        height, width = samples.shape
        cut = np.ascontiguousarray(covering(samples, Box(0, 0, width, height), box))
        return (unsigned(self.transfers.up(as_codes(cut))) >> component.shift).float()

    def _down(self, codes: Tensor, component: Component) -> Pending[Tensor]:
        """Begin to bring code values down as samples: uint8, or the bits of uint16 as int16."""
        samples = codes.round_().int() << component.shift
        if self.format.dtype.itemsize == 1:
            return self.transfers.down(samples.byte())
        return self.transfers.down(as_int16(samples))

    def _amount(self, alpha: Alpha, box: Box, touched: Box, shift: Shift) -> Tensor:
        """Return how much of each sample is new: see the CPU's."""
        pixels = cell_pixels(chroma_cells(touched, shift), shift)
        shown = self.transfers.up(
            torch.from_numpy(np.ascontiguousarray(covering(alpha, box, pixels)))
        ).float()
        if shift == (0, 0):
            return shown / 255
        across, down = 1 << shift[0], 1 << shift[1]
        corners = torch.stack(
            [shown[row::down, column::across] for row in range(down) for column in range(across)]
        )
        # A cell with one pixel that is all new takes new chroma only, or the old would shine through.
        return torch.where(corners.amax(0) == 255, 1.0, corners.mean(0) / 255)


def _written(frame: Frame, blocks: Sequence[tuple[Component, Box, Tensor]]) -> Frame:
    """Return the frame with blocks of samples written into its components."""
    planes = {component.plane: frame.planes[component.plane].copy() for component, _, _ in blocks}
    for component, box, block in blocks:
        samples_of(planes[component.plane], component)[box.rows, box.columns] = as_array(block)
    return frame.with_planes(planes)


def _covering(picture: Tensor, have: Box, want: Box) -> Tensor:
    """Cut a picture (C, h, w) of `have` to `want`, and repeat its edges where it ends."""
    common = have.intersection(want)
    if common is None:
        raise ValueError(f"{want} is outside {have}")
    inner = common.relative_to(have)
    left, top = common.x - want.x, common.y - want.y
    sides = (left, want.width - common.width - left, top, want.height - common.height - top)
    cut = picture[:, inner.rows, inner.columns]
    return F.pad(cut, sides, mode="replicate") if any(sides) else cut


def _spread(samples: Tensor, shift: Shift, place: Siting) -> Tensor:
    """See `vrestore.media.color.chroma.spread`."""
    return _spread_rows(_spread_rows(samples, shift[1], place[1]).T, shift[0], place[0]).T


def _spread_rows(samples: Tensor, shift: int, place: float) -> Tensor:
    count, step = samples.shape[0] - 2, 1 << shift
    if step == 1:
        return samples[1:-1]
    pixels = []
    for below, part in chroma.phases(shift, place):
        first, second = (samples[1 + row : 1 + row + count] for row in (below, below + 1))
        pixels.append(first + part * (second - first))
    return torch.stack(pixels, 1).flatten(0, 1)  # phases of a cell, then cells: (count * step, w)


def _gather(picture: Tensor, shift: Shift, place: Siting) -> Tensor:
    """See `vrestore.media.color.chroma.gather`."""
    return _gather_rows(_gather_rows(picture, shift[1], place[1]).T, shift[0], place[0]).T


def _gather_rows(picture: Tensor, shift: int, place: float) -> Tensor:
    step = 1 << shift
    if step == 1:
        return picture
    half = step // 2
    count = (picture.shape[0] - 2 * half) // step
    result = torch.zeros_like(picture[:count])
    for row, weight in chroma.weights(shift, place):
        # Tap by tap over all cells; rows begin half a cell before the first.
        result += weight * picture[half + row :: step][:count]
    return result
