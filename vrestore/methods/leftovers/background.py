"""What lies around a hole, as other frames show it once the object has moved on.

Each of a few frames before and after is moved along with the camera, then along what the picture around the
hole says is left of the motion, smoothed so that neither an object nor its shadow can pull it along. Where
at least two of them show a place with their own hole well away from it, they tell the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import Box, MaskArray
from vrestore.methods.leftovers.moments import Field, Matrix, Moment, grid, lies_inside, read_at, warped

Light = NDArray[np.float32]
"""(h, w, 3) RGB in [0, 1]."""

OFFSETS = (-48, -32, -22, -14, -8, -4, 4, 8, 14, 22, 32, 48)
"""Frames away, of those in which the background is looked for."""

REACH = max(OFFSETS)

AROUND = 56
"""Small pixels around a hole that are looked at."""

FAR_RANK = 0.75
"""Where the background that a shadow is compared with is taken among frames, the darkest 0, the brightest 1.

A long shadow may lie in half of them. On training clips 0.95 of shadows are found so, by the median 0.91."""

CLEAR, FAR_CLEAR = 8, 24
"""Small pixels by which another frame's hole is away from a place that no rim, or no shadow, reaches."""

_OTHERS = 6  # frames that are compared at most
_SPOILED = 8  # pixels by which motion is wrong around what moves by itself
_SMOOTH = 12.0  # sigma of the motion that is left, in pixels
_CELL = 4  # pixels; so smooth a motion need not be finer
_MOST_LEFT = 5.0  # pixels; more is no rest of the camera's motion
_LEAST_SHOWN = 0.12  # of what lies around the hole that another frame has to show
_LEAST_TRUSTED = 0.1  # of what is looked at by which motion can be told
_MOST_DIFFERENCE = 0.06  # of white; more in most places is a frame whose motion is not known, or a cut
_DARK = 0.02  # of white, so that nothing is divided by 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """The background (h, w, 3), where at least two frames show it, and how far these are apart (h, w)."""

    colors: Light
    known: MaskArray
    spread: Field


@dataclass(frozen=True, slots=True)
class Background:
    """A frame around its hole, and what other frames show there; `box` is the part of the small picture.

    `colors` are the frame's own, softened as the estimates are. `near` is by frames whose hole is CLEAR away,
    `far` by those whose hole is FAR_CLEAR away.
    """

    box: Box
    colors: Light
    apart: Field
    near: Estimate
    far: Estimate


def background_of(
    moment: Moment, others: Sequence[Moment], ways: Sequence[Matrix], flow: FlowEstimator
) -> Background | None:
    """Return what others show around a moment's hole; `ways` lead to each. None where nothing is shown."""
    height, width = moment.hole.shape
    x, y, wide, high = cv2.boundingRect(moment.hole.view(np.uint8))
    if not wide:
        return None
    box = Box(x, y, wide, high).grown(AROUND, height=height, width=width)
    apart = np.ascontiguousarray(moment.apart[box.rows, box.columns])
    colors = _light(moment.colors[box.rows, box.columns])
    here = _Here(box, colors, moment.gray[box.rows, box.columns], apart)
    views = [
        view
        for index in _chosen(apart, box, others, ways)
        if (view := _moved(here, others[index], ways[index], flow)) is not None
    ]
    if len(views) < 2:
        return None
    stack, clear = np.stack([view[0] for view in views]), np.stack([view[1] for view in views])
    near = _estimate(stack, clear > CLEAR, rank=0.5)
    far = _estimate(stack, clear > FAR_CLEAR, rank=FAR_RANK)
    return Background(box, colors, apart, near, far)


@dataclass(frozen=True, slots=True)
class _Here:
    """What others are moved to: the part of the picture, its colors, its gray, the distance."""

    box: Box
    colors: Light
    gray: NDArray[np.uint8]
    apart: Field


def _chosen(apart: Field, box: Box, others: Sequence[Moment], ways: Sequence[Matrix]) -> list[int]:
    """Choose the frames that show most of what lies around the hole, the nearest first."""
    ring = ((apart > 0) & (apart <= FAR_CLEAR))[::_CELL, ::_CELL]
    if not ring.any():
        return []
    coarse = np.array([[_CELL, 0, box.x], [0, _CELL, box.y], [0, 0, 1]], np.float64)
    size = (ring.shape[1], ring.shape[0])
    shares = [
        float((warped(other.apart, way @ coarse, size, outside=0)[ring] > FAR_CLEAR).mean())
        for other, way in zip(others, ways, strict=True)
    ]
    order = sorted(range(len(others)), key=lambda index: -round(shares[index] * 4))
    return [index for index in order if shares[index] >= _LEAST_SHOWN][:_OTHERS]


def _moved(here: _Here, other: Moment, way: Matrix, flow: FlowEstimator) -> tuple[Light, Field] | None:
    """Return another frame's colors moved to the box, and how far its hole is; None if they do not fit."""
    box = here.box
    place = way @ np.array([[1, 0, box.x], [0, 1, box.y], [0, 0, 1]], np.float64)
    size = (box.width, box.height)
    first = warped(other.gray.astype(np.float32), place, size, outside=-1)
    trusted = (
        (here.apart > _SPOILED) & (warped(other.apart, place, size, outside=0) > _SPOILED) & (first >= 0)
    )
    if np.count_nonzero(trusted) < _LEAST_TRUSTED * trusted.size:
        return None
    rest = flow(here.gray, np.where(first >= 0, first, here.gray).astype(np.uint8))
    there = _places(place, rest, trusted)
    colors = _light(read_at(other.colors, there))
    clear = read_at(other.apart, there) * lies_inside(there, other.hole.shape)
    trusted &= clear > _SPOILED
    if not trusted.any():
        return None
    # What is brighter all over, as by exposure, is no shadow.
    colors = colors * np.median(((here.colors + _DARK) / (colors + _DARK))[trusted], axis=0)
    if float(np.median(np.abs(here.colors - colors)[trusted])) > _MOST_DIFFERENCE:
        return None
    return np.asarray(colors, np.float32), np.asarray(clear, np.float32)


def _light(colors: NDArray[np.generic]) -> Light:
    return np.asarray(colors, np.float32) / np.float32(255)


def _places(place: Matrix, rest: NDArray[np.float32], trusted: MaskArray) -> NDArray[np.float32]:
    """Return where each pixel lies in the other frame, (h, w, 2): the camera's way and a smooth rest."""
    weight = (trusted & (np.hypot(*rest) < _MOST_LEFT)).astype(np.float32)
    weighted = np.stack([rest[0] * weight, rest[1] * weight, weight], -1)
    height, width = weight.shape
    cells = max(1, width // _CELL), max(1, height // _CELL)
    coarse = cv2.resize(weighted, cells, interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), _SMOOTH / _CELL)
    coarse = coarse[..., :2] / (coarse[..., 2:] + 1e-4)
    there = grid(height, width) + cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.perspectiveTransform(there, place), np.float32)


def _estimate(stack: NDArray[np.float32], shown: MaskArray, *, rank: float) -> Estimate:
    """Return the view (k, h, w, 3) of a rank in brightness, 0 to 1, of those that show a place, (k, h, w)."""
    count = shown.sum(0)
    known = count >= 2
    light = np.where(shown, stack.sum(-1), np.inf)[:, known]  # (k, n)
    views, last = stack[:, known], count[known] - 1  # (k, n, 3), (n)
    order = np.argsort(light, axis=0)  # those that show a place come first
    places = np.arange(len(last))
    at = rank * last
    low, high = (order[index, places] for index in (np.floor(at).astype(int), np.ceil(at).astype(int)))
    middle = (views[low, places] + views[high, places]) / 2  # (n, 3)
    apart = (np.abs(views - middle).mean(-1) * shown[:, known]).sum(0) / (last + 1)
    colors, spread = np.zeros(stack.shape[1:], np.float32), np.zeros(known.shape, np.float32)
    colors[known], spread[known] = middle, apart
    return Estimate(colors, known, spread)
