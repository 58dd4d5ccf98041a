"""By how much a mask is widened so that nothing is left: pixels all around, and the place of a shadow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vrestore.frames import MaskArray, VideoMeta
from vrestore.masks.masks import Masks
from vrestore.masks.shapes import grown
from vrestore.media.preview.luma import small_size
from vrestore.methods.leftovers.look import LEAST_WEIGHT, Judgement
from vrestore.methods.leftovers.moments import LINES
from vrestore.methods.leftovers.outlines import Outlines, moves, outlines_of

WITHIN = 12
"""Frames from one with a shadow up to which it is taken to lie there as well."""

FURTHER = 64
"""Frames up to which the nearest ones with a shadow are taken as well.

An object that moves slowly hides for long what its shadow lies on: what is seen of the shadow at other times
is there too."""

PENUMBRA = 4
"""Small pixels by which a shadow is wider than where it can be seen."""

MOST_BETWEEN = 4.0
"""Times the area of a shadow's parts that what lies between them may have, the object included."""

_LEAST_PART = 0.15  # of the largest part of a shadow; smaller ones may be chance
_CLOSED = 4  # small pixels; narrower gaps between a shadow and the mask are part of the shadow


@dataclass(frozen=True, slots=True)
class _Cast:
    number: int
    outlines: Outlines
    shadow: MaskArray  # (h, w) of the whole small picture


class ShadowMasks:
    """The shadows of a video's frames, from those of a few that were judged.

    In a video that has one, less of it is enough in a single frame.
    """

    def __init__(self, judgements: Sequence[Judgement], masks: Masks, meta: VideoMeta) -> None:
        self._masks, self._meta = masks, meta
        self._size = small_size(meta.height, meta.width, lines=LINES)
        self._casts = [cast for each in judgements if (cast := self._cast(each)) is not None]

    def shadow(self, number: int) -> MaskArray | None:
        """Return the shadow of a frame, bool (H, W), None where none is known."""
        near = self._near(number)
        drawn = self._masks.drawn(number) if near else None
        if drawn is None or not drawn.any():
            return None
        hole = self._small(drawn)
        outlines = outlines_of(hole)
        if outlines is None:
            return None
        united = np.zeros(self._size, np.bool_)
        for cast in near:
            united |= _moved(cast, outlines)
        if not united.any():
            return None
        united = _without_small(united)
        united |= _between(united) & ~hole
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _CLOSED + 1,) * 2)
        both = cv2.morphologyEx((united | hole).astype(np.uint8), cv2.MORPH_CLOSE, disc)
        wide = grown(united | ((both > 0) & ~hole & grown(united, 2 * _CLOSED)), PENUMBRA)
        shares = cv2.resize(
            wide.astype(np.float32), (self._meta.width, self._meta.height), interpolation=cv2.INTER_LINEAR
        )
        return np.asarray(shares > 1 / 2)

    def all(self, count: int, *, known: int) -> Iterator[MaskArray]:
        """Yield the shadow of each of so many frames, empty where there is none; `known` have a mask."""
        nothing = np.zeros((self._meta.height, self._meta.width), np.bool_)
        for number in range(count):
            shadow = self.shadow(number) if number < known or self._masks.goes_on else None
            yield nothing if shadow is None else shadow

    def _near(self, number: int) -> list[_Cast]:
        """Return those that are WITHIN, and the nearest two before and after up to FURTHER away."""
        near = [cast for cast in self._casts if abs(cast.number - number) <= WITHIN]
        before = [cast for cast in self._casts if number - FURTHER <= cast.number < number - WITHIN]
        after = [cast for cast in self._casts if number + WITHIN < cast.number <= number + FURTHER]
        return [*before[-2:], *near, *after[:2]]

    def _cast(self, judgement: Judgement) -> _Cast | None:
        if judgement.shadow is None or judgement.box is None or judgement.weight < LEAST_WEIGHT / 3:
            return None
        drawn = self._masks.drawn(judgement.number)
        outlines = None if drawn is None else outlines_of(self._small(drawn))
        if outlines is None:
            return None
        whole = np.zeros(self._size, np.bool_)
        whole[judgement.box.rows, judgement.box.columns] = judgement.shadow
        return _Cast(judgement.number, outlines, whole)

    def _small(self, mask: MaskArray) -> MaskArray:
        codes = mask.view(np.uint8) * np.uint8(255)
        height, width = self._size
        return np.asarray(cv2.resize(codes, (width, height), interpolation=cv2.INTER_AREA) > 0)


def _without_small(shadow: MaskArray) -> MaskArray:
    """Return the large parts of a shadow."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(shadow.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    return np.isin(labels, 1 + np.flatnonzero(areas >= _LEAST_PART * areas.max(initial=0)))


def _between(shadow: MaskArray) -> MaskArray:
    """Return what lies between the parts of a shadow, none where that is more than MOST_BETWEEN of it.

    A slow object's shadow is seen at its ends, where the ground is lit at other times, but not in its middle.
    """
    between = np.zeros(shadow.shape, np.uint8)
    corners = cv2.convexHull(np.argwhere(shadow)[:, ::-1].astype(np.int32))
    cv2.fillConvexPoly(between, corners, 1)
    more = (between > 0) & ~shadow
    is_little = np.count_nonzero(more) <= MOST_BETWEEN * np.count_nonzero(shadow)
    return more if is_little else np.zeros_like(more)


def _moved(cast: _Cast, towards: Outlines) -> MaskArray:
    """Return a shadow moved along with the parts of the hole that are nearest to it."""
    moved = np.zeros(cast.shadow.shape, np.bool_)
    for part, (dx, dy) in enumerate(moves(cast.outlines, towards)):
        own = cast.shadow & (cast.outlines.nearest == part)
        if np.isnan(dx) or not own.any():
            continue
        way = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
        size = (own.shape[1], own.shape[0])
        moved |= np.asarray(cv2.warpAffine(own.astype(np.float32), way, size) > 1 / 2)
    return moved
