"""Gaussian smoothing of planes, with nothing beyond their border."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 3.0
"""Standard deviations after which the Gaussian is cut."""


def gaussian(planes: Tensor, sigma: float) -> Tensor:
    """Smooth `planes` (C, H, W) float32 with a standard deviation of `sigma` pixels; beyond the border is 0.

    So what is smoothed times a mask over the smoothed mask is the mean of what is known.
    """
    radius = max(1, math.ceil(REACH * sigma))
    if planes.device.type == "cpu":
        size = 2 * radius + 1
        smooth = [
            cv2.GaussianBlur(plane, (size, size), sigma, borderType=cv2.BORDER_CONSTANT)
            for plane in planes.numpy()
        ]
        return torch.from_numpy(np.stack(smooth))
    distance = torch.arange(-radius, radius + 1, dtype=torch.float32, device=planes.device)
    kernel = torch.exp(-(distance**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    down = F.conv2d(planes[:, None], kernel.view(1, 1, -1, 1), padding=(radius, 0))
    return F.conv2d(down, kernel.view(1, 1, 1, -1), padding=(0, radius))[:, 0]
