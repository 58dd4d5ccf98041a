"""What dehazing looks at: each frame once, small, whatever its size.

Haze is smooth, so it is estimated on a picture whose shorter side is WORKING_SIDE and applied to the frame's
own planes. Both the picture and the guide of the filter come from the planes as the file codes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.frames import Colour, Component, Frame, PixelFormat, Plane
from vrestore.media.coding import Coding, coding_of
from vrestore.ops.guided import GREY
from vrestore.restore.scenes import Shot

WORKING_SIDE = 192
MULTIPLE = 16
"""Of both sides, for the network."""

MOST_STRETCH = 4
"""The longer side is at most so many times the shorter; longer pictures are looked at squeezed."""


@dataclass(frozen=True, slots=True)
class Look:
    """A frame and what it looks like small: RGB (1, 3, h, w) and luma (1, 1, h, w), both in [0, 1]."""

    frame: Frame
    starts_scene: bool
    picture: Tensor
    luma: Tensor


def working_size(height: int, width: int) -> tuple[int, int]:
    """Give the size that haze is looked at in."""
    shorter, longer = sorted((height, width))
    side = min(WORKING_SIDE, shorter)
    far = min(side * longer / shorter, MOST_STRETCH * side)
    sides = [max(MULTIPLE, round(each / MULTIPLE) * MULTIPLE) for each in (side, far)]
    return (sides[0], sides[1]) if height <= width else (sides[1], sides[0])


def look_at(shots: Iterator[Shot], *, format: PixelFormat, colour: Colour) -> Iterator[Look]:
    """Look at every frame."""
    for shot in shots:
        picture = small_picture(shot.frame, format=format, colour=colour)
        weights = luma_weights(coding_for(shot.frame, format=format, colour=colour), format)
        luma = np.tensordot(weights, picture, 1)
        yield Look(
            shot.frame,
            shot.starts_scene,
            torch.from_numpy(picture)[None],
            torch.from_numpy(luma.astype(np.float32))[None, None],
        )


def small_picture(frame: Frame, *, format: PixelFormat, colour: Colour) -> NDArray[np.float32]:
    """Give a frame as RGB (3, h, w) in [0, 1], of `working_size`."""
    first = format.components[0]
    size = working_size(*samples_of(frame.planes[first.plane], first).shape)
    coding = coding_for(frame, format=format, colour=colour)
    codes = np.stack([_reduced(frame, component, size) for component in format.components])
    count = len(codes)
    codes -= coding.offset[:count, None, None].astype(np.float32)
    rgb = np.tensordot(coding.to_rgb[:, :count].astype(np.float32), codes, 1)
    return np.clip(rgb, 0, 1).astype(np.float32)


def coding_for(frame: Frame, *, format: PixelFormat, colour: Colour) -> Coding:
    """Say what the numbers in a frame's planes mean."""
    return coding_of(format, colour, height=frame.planes[format.components[0].plane].shape[0])


def luma_weights(coding: Coding, format: PixelFormat) -> NDArray[np.float32]:
    """Give the share of each colour in luma, (3,): the stream's own where it has luma."""
    if format.model == "rgb":
        return np.asarray(GREY, np.float32)
    return np.asarray(coding.from_rgb[0] / coding.from_rgb[0].sum(), np.float32)


def samples_of(plane: Plane, component: Component) -> NDArray[np.uint16]:
    """Give a view of one component's samples; they are uint8 where the plane is."""
    return plane[:, component.offset :: component.step]  # type: ignore[return-value]  # or uint8


def _reduced(frame: Frame, component: Component, size: tuple[int, int]) -> NDArray[np.float32]:
    samples = samples_of(frame.planes[component.plane], component)
    # Area averages read every sample once; an enlarged tiny picture is interpolated.
    shrinks = samples.shape[0] >= size[0] and samples.shape[1] >= size[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(samples), size[::-1], interpolation=way)
    return np.asarray(small, np.float32) / np.float32(1 << component.shift)
