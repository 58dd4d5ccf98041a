"""Planes of cells brought up to the size of their pixels."""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor


def enlarged(cells: Tensor, cell: int) -> Tensor:
    """Interpolate cells (C, h, w) float32 of `cell` x `cell` pixels bilinearly; returns all pixels, (C, n).

    A value stands in the middle of its cell; beyond the outermost middles it stays.
    """
    if cells.device.type != "cpu":
        return F.interpolate(cells[None], scale_factor=cell, mode="bilinear", align_corners=False)[0].flatten(
            1
        )
    height, width = cells.shape[1] * cell, cells.shape[2] * cell
    # Plane by plane: OpenCV would have the channels of a pixel together.
    pixels = torch.empty(cells.shape[0], height, width)
    for plane, place in zip(cells.numpy(), pixels.numpy(), strict=True):
        cv2.resize(plane, (width, height), dst=place, interpolation=cv2.INTER_LINEAR)
    return pixels.flatten(1)
