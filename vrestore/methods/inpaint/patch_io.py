"""The way from frames to patches and back, on a device if there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from vrestore.device.fallback import DeviceFallback
from vrestore.frames import Box, Color, Frame, Hole, PixelFormat
from vrestore.masks.tracks import aligned
from vrestore.media.color.convert import composite, known_rgb
from vrestore.methods.inpaint.patches.device_color import DeviceColor
from vrestore.methods.inpaint.patches.patch import SCALE, Patch, make_patch
from vrestore.methods.inpaint.patches.plates import Plate
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.shots import Shot
from vrestore.ops import Backend
from vrestore.threads import Arrived, Pending


@dataclass(frozen=True, slots=True)
class PatchIO:
    """Cuts patches from the frames of a video and puts them back, on the device of `fallback`."""

    format: PixelFormat
    color: Color
    fallback: DeviceFallback
    backend: Backend
    plates: Mapping[int, Plate] = field(default_factory=dict)

    def patch(self, index: int, shot: Shot, box: Box) -> Patch:
        """Cut a box out of a frame, without what its hole hides; on the CPU if the device has no memory."""
        # A frame without a hole is a source, all of it known.
        alpha = np.zeros((box.height, box.width), np.uint8) if shot.hole is None else shot.hole.alpha_in(box)
        patch = self.fallback.run(partial(self._cut, index, shot.frame, box, alpha), self.fallback.device)
        plate = self.plates.get(index)
        if plate is None or not patch.hidden_count:
            return patch
        colors = plate.codes[:, box.rows, box.columns][:, patch.hidden] * np.float32(1 / SCALE)
        return replace(patch, plate=self.fallback.up(torch.from_numpy(colors), patch.device))

    def put_back(self, hole: Hole, frame: Frame, filled: Filled) -> Pending[Frame]:
        """Begin to write a filled patch into the hole of a frame."""
        return self.fallback.run(partial(self._written, hole, frame), filled)

    def _cut(
        self, index: int, frame: Frame, box: Box, alpha: NDArray[np.uint8], device: torch.device
    ) -> Patch:
        if device.type != "cpu":
            known = self._on_device.known_rgb(frame, box, alpha)
            return make_patch(index, box, known, alpha > 0, backend=self.backend)
        rgb = known_rgb(frame, box, alpha, format=self.format, color=self.color)
        return make_patch(index, box, rgb, alpha > 0, backend=self.backend)

    def _written(self, hole: Hole, frame: Frame, filled: Filled) -> Pending[Frame]:
        patch = filled.patch
        # Whole cells of chroma: a sample that covers pixels in and beside the hole is mixed of both.
        window = aligned(patch.hole, height=patch.box.height, width=patch.box.width)
        box = Box(patch.box.x + window.x, patch.box.y + window.y, window.width, window.height)
        alpha = hole.alpha_in(box)
        rgb = patch.filled(filled.colors, window)  # (3, h, w)
        if rgb.device.type != "cpu":
            return self._on_device.composite(frame, box, rgb, alpha)
        return Arrived(composite(frame, box, rgb.numpy(), alpha, format=self.format, color=self.color))

    @property
    def _on_device(self) -> DeviceColor:
        return DeviceColor(self.fallback.transfers, self.format, self.color)
