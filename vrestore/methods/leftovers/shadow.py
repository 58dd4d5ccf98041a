"""Whether a shadow of the object is left beside the hole: a smooth darkening that moves with the hole.

A shadow takes a share of the light, so the logarithm of what is seen over the background is below 0 and about
equal for the three colors (Finlayson, Hordley, Lu and Drew 2006, "On the removal of shadows from images",
section 2; what the sky adds is allowed for). What moves with the hole is what a few frames show at the same
place beside it: their median holds no leaf, wave or person that is there in one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, MaskArray
from vrestore.methods.leftovers.background import Background
from vrestore.methods.leftovers.moments import Field, lies_inside, read_at
from vrestore.methods.leftovers.outlines import Outlines, moved_with

LEAST_DARK = 0.05
"""Of the light that a shadow takes, as a logarithm; less cannot be told from an error of the motion."""

_COLORED = (0.05, 0.6)  # how far apart the colors' logarithms may be: at least, and for each of darkness
_MOST_SPREAD, _MOST_UNSTEADY = 1.2, 0.6  # of the darkness: frames about the background, and about the shadow
_TOUCHES = 4  # pixels from the hole within which a shadow begins
_SURELY = 0.9  # of what a pixel is read from that has to be known
_SMOOTH = 1.5  # sigma, in pixels
_OPENED = 5  # pixels that a shadow is wide at least
_DARK, _DARKEST = 0.04, 0.06  # of white: what is added before logarithms, and below which nothing is told


@dataclass(frozen=True, slots=True)
class Shade:
    """How dark it is around a frame's hole.

    `values` (h, w, 3) are the logarithm of the light that is left, how far apart the three colors' are, and
    how far apart frames are about the background. `known` (h, w) is where all is told.
    """

    box: Box
    outlines: Outlines
    values: NDArray[np.float32]
    known: MaskArray
    apart: Field


@dataclass(frozen=True, slots=True)
class Shadow:
    """What looks like a shadow, bool (h, w) in the box of a shade, however little it is.

    `weight` is how much light it takes: the sum of the logarithm, over the root of the hole's area.
    """

    marked: MaskArray
    weight: float


def shade_of(background: Background, outlines: Outlines) -> Shade:
    """Compare a frame with its background, pixel by pixel."""
    near, far = background.near, background.far
    behind = np.where(far.known[..., None], far.colors, near.colors)
    light = behind.mean(-1)
    known = (far.known | near.known) & (background.apart > 0) & (light > _DARKEST)
    logs = np.log((background.colors + _DARK) / (behind + _DARK))
    spread = np.where(far.known, far.spread, near.spread) / (light + _DARK)
    values = np.stack([logs.mean(-1), logs.max(-1) - logs.min(-1), spread], -1)
    return Shade(background.box, outlines, values.astype(np.float32), known, background.apart)


def find_shadow(shade: Shade, around: Sequence[Shade]) -> Shadow:
    """Return the shadow of a frame; `around` are the shades of a few frames before and after."""
    values, known, unsteady = _steady([shade, *(_moved(other, shade) for other in around)])
    # (h, w) each; what is not known takes no part in being smoothed.
    dark, colored, spread, unsteady = (
        _smoothed(each, known) for each in (-values[..., 0], values[..., 1], values[..., 2], unsteady)
    )
    is_shadow = known & (shade.apart > 0) & (dark > LEAST_DARK)
    is_shadow &= colored < _COLORED[0] + _COLORED[1] * dark
    is_shadow &= (spread < _MOST_SPREAD * dark) & (unsteady < _MOST_UNSTEADY * dark)
    hole = shade.apart == 0
    counted = _touching(_opened(is_shadow), shade.apart)
    # Where there is a shadow, the narrow line of it along the hole belongs to it as well.
    marked = _touching(_opened(is_shadow | hole) & ~hole, shade.apart)
    pixels = max(1, int(np.count_nonzero(hole)))
    return Shadow(marked, float(dark[counted].sum()) / pixels**0.5)


def _opened(mask: MaskArray) -> MaskArray:
    """Return the mask without what is narrower than a shadow."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_OPENED, _OPENED))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0)


def _touching(mask: MaskArray, apart: Field) -> MaskArray:
    """Return the parts of a mask that begin at the hole."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    touching = np.unique(labels[(apart > 0) & (apart <= _TOUCHES)])
    return np.isin(labels, touching[touching > 0])


def _moved(other: Shade, shade: Shade) -> Shade:
    """Return another frame's shade where its hole has moved to the place of this one's."""
    places = moved_with(shade.outlines, other.outlines, shade.box)
    places -= np.array([other.box.x, other.box.y], np.float32)
    known = read_at(other.known.astype(np.float32), places) > _SURELY
    known &= lies_inside(places, other.known.shape)
    return Shade(shade.box, shade.outlines, read_at(other.values, places), known, shade.apart)


def _steady(shades: Sequence[Shade]) -> tuple[NDArray[np.float32], MaskArray, Field]:
    """Return the median of shades at one place, where at least two know it, and how far they are apart."""
    known = np.stack([each.known for each in shades])  # (k, h, w)
    values = np.stack([each.values for each in shades])  # (k, h, w, 3)
    count = known.sum(0)
    enough = count >= min(2, len(shades))
    told, last = known[:, enough], count[enough] - 1
    order = np.sort(np.where(told, values[:, enough, 0], np.inf), axis=0)  # those that know it come first
    places = np.arange(len(last))
    median = (order[last // 2, places] + order[last - last // 2, places]) / 2
    apart = (np.abs(values[:, enough, 0] - median) * told).sum(0) / (last + 1)
    steady, unsteady = np.zeros(values.shape[1:], np.float32), np.zeros(enough.shape, np.float32)
    steady[enough] = (values[:, enough] * told[..., None]).sum(0) / (last + 1)[:, None]
    steady[enough, 0], unsteady[enough] = median, apart
    return steady, enough, unsteady


def _smoothed(values: Field, known: MaskArray) -> Field:
    weight = known.astype(np.float32)
    total = cv2.GaussianBlur(np.where(known, values, 0).astype(np.float32), (0, 0), _SMOOTH)
    return np.asarray(total / (cv2.GaussianBlur(weight, (0, 0), _SMOOTH) + 1e-3), np.float32)
