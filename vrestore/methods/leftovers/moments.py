"""Frames as they are looked at for leftovers: small, with their hole and the camera's way to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.flow.camera import fit_camera
from vrestore.flow.estimator import FlowEstimator, make_estimator
from vrestore.frames import Frame, Hole, MaskArray, VideoMeta
from vrestore.media.color.convert import coding_for
from vrestore.media.preview.luma import Luma, small_size

LINES = 240
"""Height that pictures are looked at: a rim of 3 pixels of 480 is one and a half there."""

FLOW_LINES = 120
"""Height that the camera's way is measured at; 2 ms a frame."""

_SPOILED = 4  # pixels of FLOW_LINES by which flow is wrong around what moves by itself
_SOFT = 0.8  # sigma, in small pixels
_NOWHERE = 1e4  # pixels, further than anything in a small picture

Colors = NDArray[np.uint8]
"""(h, w, 3) RGB."""

Field = NDArray[np.float32]
"""(h, w)."""

Matrix = NDArray[np.float64]
"""(3, 3), from one small picture's pixels to those of another."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame, small: its number in the source, time, colors, gray and hole, and how far pixels are from it.

    Colors are as soft as those that are read between pixels. `step` is the camera's way from the frame
    before, None where it is not known; `apart` is 0 in the hole.
    """

    number: int
    pts: int
    colors: Colors
    gray: Luma
    hole: MaskArray
    apart: Field
    step: Matrix | None


class Seen(NamedTuple):
    """A frame that is to be looked at, with its hole, None where it has none."""

    number: int
    frame: Frame
    hole: Hole | None


def moments_of(frames: Iterable[Seen], meta: VideoMeta) -> Iterator[Moment]:
    """Yield the moments of frames that follow each other."""
    flow = make_estimator("fast", scale=0)
    before: tuple[Luma, Field] | None = None
    for number, frame, hole in frames:
        colors = small_colors(frame, meta)
        lines, across = small_size(meta.height, meta.width, lines=LINES)
        small = np.zeros((lines, across), np.bool_)
        if hole is not None:
            small = small_hole(hole, small.shape, height=meta.height, width=meta.width)
        height, width = small_size(lines, across, lines=FLOW_LINES)
        gray = np.asarray(cv2.cvtColor(colors, cv2.COLOR_RGB2GRAY), np.uint8)
        apart = _distance_from(small)
        coarse = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
        here = np.asarray(coarse, np.uint8), np.asarray(cv2.resize(apart, (width, height)), np.float32)
        step = None if before is None else _step(before, here, flow, lines / height)
        before = here
        colors = np.asarray(cv2.GaussianBlur(colors, (0, 0), _SOFT), np.uint8)
        yield Moment(number, frame.pts, colors, gray, small, apart, step)


def small_colors(frame: Frame, meta: VideoMeta) -> Colors:
    """Return a frame as RGB, at most LINES high, by the means of areas."""
    layout = meta.pixel_format
    coding = coding_for(frame, layout, meta.color)
    height, width = small_size(meta.height, meta.width, lines=LINES)
    smaller = []
    for component in layout.components:
        plane = frame.planes[component.plane][:, component.offset :: component.step]
        whole = plane.astype(np.uint8) if plane.dtype == np.uint8 else plane.astype(np.uint16)
        smaller.append(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))
    codes = np.stack(smaller, -1).astype(np.float32)  # (h, w, components): one for gray
    shifts = np.array([1 << component.shift for component in layout.components], np.float64)
    to_rgb = 255 * coding.to_rgb[:, : len(smaller)]
    zero = to_rgb @ np.asarray(coding.offset[: len(smaller)], np.float64)
    light = cv2.transform(codes, np.column_stack([to_rgb / shifts, -zero]))
    return np.asarray(np.clip(light, 0, 255) + np.float32(0.5), np.uint8)


def _distance_from(hole: MaskArray) -> Field:
    if not hole.any():
        return np.full(hole.shape, _NOWHERE, np.float32)
    outside = np.ascontiguousarray(~hole).view(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def warped(values: Field, matrix: Matrix, size: tuple[int, int], *, outside: float) -> Field:
    """Return another picture's values (h, w) at the places a matrix leads to; `size` is (w, h)."""
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpPerspective(
        values, matrix, size, flags=how, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
    )
    return np.asarray(moved, np.float32)


def read_at(values: NDArray[np.generic], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values (h, w) or (h, w, c) at places x, y (h, w, 2), between pixels, or the nearest."""
    x, y = (np.ascontiguousarray(places[..., axis]) for axis in (0, 1))
    read = cv2.remap(np.asarray(values), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.float32)


def lies_inside(places: NDArray[np.float32], size: tuple[int, ...]) -> MaskArray:
    """Tell which places x, y (h, w, 2) lie in a picture of this height and width."""
    height, width = size
    x, y = places[..., 0], places[..., 1]
    return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))


def grid(height: int, width: int) -> NDArray[np.float32]:
    """Return the place x, y of every pixel, (h, w, 2)."""
    places = np.empty((height, width, 2), np.float32)
    places[..., 0], places[..., 1] = np.arange(width), np.arange(height)[:, None]
    return places


def _step(
    before: tuple[Luma, Field], here: tuple[Luma, Field], flow: FlowEstimator, scale: float
) -> Matrix | None:
    """Return the camera's way from one frame to the next, in pixels of small pictures."""
    trusted = (before[1] > scale * _SPOILED) & (here[1] > scale * _SPOILED)
    matrix = fit_camera(flow(before[0], here[0]), trusted)
    if matrix is None:
        return None
    # Pixel centers: a place p of the small picture is (p + 1/2) / scale - 1/2 of the smaller one.
    shift = (1 / scale - 1) / 2
    down = np.array([[1 / scale, 0, shift], [0, 1 / scale, shift], [0, 0, 1]])
    return np.asarray(np.linalg.inv(down) @ matrix @ down, np.float64)


def small_hole(hole: Hole, size: tuple[int, ...], *, height: int, width: int, least: int = 1) -> MaskArray:
    """Return all small pixels (h, w) that a hole touches where it replaces at least so much of 255."""
    whole = np.zeros((height, width), np.uint8)
    whole[hole.box.rows, hole.box.columns] = np.where(hole.alpha >= least, 255, 0)
    small = cv2.resize(whole, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small > 0)
