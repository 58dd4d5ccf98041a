"""The pyramid that texture is made in, and what each of its levels knows of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vrestore.ops.filters.membrane import membrane

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

THICKNESS = 1.2
"""Patches that the hole is thick at the coarsest level, at most."""

DETAIL_SIGMA = 1.5
"""Pixels: what changes faster is detail."""

WHOLE = 0.999
"""Share of the pixels under a coarser one that are sources, so that it is one."""


@dataclass(frozen=True, slots=True)
class Level:
    """A picture (H, W, 3) in [0, 1], which of its pixels are to be painted and which may be copied from."""

    picture: Floats
    is_open: Mask
    is_source: Mask

    @property
    def shape(self) -> tuple[int, int]:
        """Its height and width."""
        return self.is_open.shape[0], self.is_open.shape[1]

    def whole_patches(self, side: int) -> Mask:
        """Return the pixels around which a patch of `side` x `side` pixels lies in the sources."""
        kernel = np.ones((side, side), np.uint8)
        source = self.is_source.view(np.uint8)
        return cv2.erode(source, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0

    def contrast(self, side: int) -> Floats:
        """Return how much detail there is around each pixel (H, W), in the hole what its rim leads to."""
        known = (~self.is_open).astype(np.float32)
        gray = self.picture.mean(2)
        blurred, share = (cv2.GaussianBlur(each, (0, 0), DETAIL_SIGMA) for each in (gray * known, known))
        detail = np.square(gray - blurred / np.maximum(share, 1e-6)) * known
        window = 2 * side + 1, 2 * side + 1
        energy, share = (cv2.blur(each, window, borderType=cv2.BORDER_REFLECT) for each in (detail, known))
        return continued(np.sqrt(np.maximum(energy, 0) / np.maximum(share, 1e-6))[..., None], self.is_open)[
            ..., 0
        ]

    def with_open(self, painted: Floats) -> Floats:
        """Return the picture with the open pixels of another one."""
        return np.where(self.is_open[..., None], painted, self.picture)

    def halved(self) -> Level:
        """Return the next coarser level."""
        height, width = (size // 2 for size in self.is_open.shape)
        open_share, source_share = (
            resized(each.astype(np.float32), height, width, cv2.INTER_AREA)
            for each in (self.is_open, self.is_source)
        )
        smaller = resized(self.picture, height, width, cv2.INTER_AREA)
        return Level(smaller, open_share > 0, source_share > WHOLE)


def resized(picture: Floats, height: int, width: int, interpolation: int) -> Floats:
    """Return a picture (H, W, C) or (H, W) in another size, by one of OpenCV's ways of interpolation."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=interpolation), np.float32)


def pyramid(finest: Level, side: int) -> list[Level]:
    """Return the levels from the finest on, until the hole is thin in patches of `side` x `side` pixels."""
    levels = [finest]
    while True:
        last = levels[-1]
        inside = cv2.distanceTransform(np.pad(last.is_open, 1).view(np.uint8), cv2.DIST_L2, 5)
        if 2 * inside.max() <= THICKNESS * side or min(last.is_open.shape) < 4 * side:
            return levels
        coarser = last.halved()
        if not coarser.whole_patches(side).any():
            return levels
        levels.append(coarser)


def continued(picture: Floats, is_open: Mask) -> Floats:
    """Return a picture (H, W, C), C at most 4, continued smoothly into its open pixels."""
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32))
    return np.ascontiguousarray(membrane(planes, torch.from_numpy(~is_open)).numpy().transpose(1, 2, 0))
