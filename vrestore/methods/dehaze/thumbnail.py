"""What dehazing looks at: each frame once, small, whatever its size.

Haze is smooth, so it is estimated on a picture whose shorter side is WORKING_SIDE and applied to the frame's
own planes. Both the picture and the guide of the filter come from the planes as the file codes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, TypeVarTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.device.fallback import DeviceFallback
from vrestore.frames import Color, Frame, PixelFormat
from vrestore.media.color.color_matrix import Coding
from vrestore.media.color.convert import coding_for
from vrestore.methods.dehaze.hdr_curve import PQ, shown
from vrestore.methods.dehaze.planes import Planes, planes_of, samples_of, small_codes, weighted
from vrestore.methods.shots import Shot
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.filters.guided import GRAY

T = TypeVar("T")
Values = TypeVarTuple("Values")

WORKING_SIDE = 192
MULTIPLE = 32
"""The network needs both sides to be multiples of it."""

MOST_STRETCH = 4
"""The longer side is at most so many times the shorter; longer pictures are looked at squeezed."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A frame and what it looks like small: RGB (1, 3, h, w) and luma (1, 1, h, w), both in [0, 1].

    `guide` (1, 1, h, w) is luma in the file's own values, which differ in PQ from what is looked at.
    `planes` are the frame's own where the small ones are. That is on the device of `place`, which `backend`
    serves, or on the CPU where the device had no memory for it: what follows for the frame is done there too.
    """

    frame: Frame
    starts_scene: bool
    picture: Tensor
    luma: Tensor
    guide: Tensor
    planes: Planes = field(default_factory=dict)
    place: DeviceFallback = field(default_factory=DeviceFallback)
    backend: Backend = TORCH

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.picture.device

    def run(self, work: Callable[[*Values], T], *values: *Values) -> T:
        """Do some of the frame's work; see `DeviceFallback.run`."""
        return self.place.run(work, *values, frame=self.frame.index)


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return the size that haze is looked at in."""
    shorter, longer = sorted((height, width))
    side = min(WORKING_SIDE, shorter)
    # A panorama would else be looked at in as many pixels as it is long.
    far = min(side * longer / shorter, MOST_STRETCH * side)
    # The shape is kept but for rounding to whole cells of the network.
    sides = [max(MULTIPLE, round(each / MULTIPLE) * MULTIPLE) for each in (side, far)]
    return (sides[0], sides[1]) if height <= width else (sides[1], sides[0])


def make_thumbnail(
    shots: Iterator[Shot],
    *,
    format: PixelFormat,
    color: Color,
    place: DeviceFallback,
    backend: Backend = TORCH,
) -> Iterator[Thumbnail]:
    """Look at every frame, where it will be worked on."""
    for shot in shots:
        look = partial(_look, shot, format=format, color=color, place=place, backend=backend)
        yield place.run(look, place.device, frame=shot.frame.index)


def _look(
    shot: Shot,
    device: torch.device,
    *,
    format: PixelFormat,
    color: Color,
    place: DeviceFallback,
    backend: Backend,
) -> Thumbnail:
    numbers = {component.plane for component in format.components}
    on_cpu = planes_of(shot.frame, numbers)
    planes = {number: place.up(plane, device) for number, plane in on_cpu.items()}
    coding = coding_for(shot.frame, format, color)
    picture = small_picture(planes, coding, format=format)
    weights = luma_weights(coding, format)
    luma = guide = weighted(weights, picture)  # (h, w)
    if color.transfer == PQ:
        picture = shown(picture)
        luma = weighted(weights, picture)
    small = picture[None], luma[None, None], guide[None, None]
    return Thumbnail(shot.frame, shot.starts_scene, *small, planes, place, backend)


def small_picture(planes: Planes, coding: Coding, *, format: PixelFormat) -> Tensor:
    """Return a frame as RGB (3, h, w) in [0, 1], of `working_size`."""
    first = format.components[0]
    height, width = samples_of(planes[first.plane], first).shape
    size = working_size(height, width)
    codes = [
        small_codes(planes[component.plane], component, size) - float(zero)
        for component, zero in zip(format.components, coding.offset, strict=False)
    ]
    to_rgb = coding.to_rgb[:, : len(codes)].astype(np.float32)  # (3, components): one for gray
    return weighted(to_rgb, torch.stack(codes)).clamp(0, 1)  # (3, N) by (N, h, w)


def luma_weights(coding: Coding, format: PixelFormat) -> NDArray[np.float32]:
    """Return the share of each color in luma, (3,): the stream's own where it has luma."""
    if format.model == "rgb":
        return np.asarray(GRAY, np.float32)
    # The row spans the luma codes of the range; its sum is that of white less black.
    return np.asarray(coding.from_rgb[0] / coding.from_rgb[0].sum(), np.float32)
