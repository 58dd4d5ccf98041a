"""Whether a rim of the object is left around the hole.

Beside the hole, what belongs to the object moves as the hole does; what lies behind it is there in other
frames once the hole has moved on. Each pixel is compared with both. In a clean frame nearly all pixels next
to the hole look like the background, as those further away do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.methods.leftovers.background import Background
from vrestore.methods.leftovers.moments import Field, Moment, lies_inside, read_at
from vrestore.methods.leftovers.outlines import moved_with, outlines_of

WIDEST = 12
"""Small pixels from the hole up to which a rim is looked for."""

NEAR = 2
"""Small pixels from the hole that say whether there is one."""

STEPS = (-4, -2, 2, 4)
"""Frames between those in which something may move as the hole does."""

_FAR = 24  # pixels from the hole up to which what is behind WIDEST tells what is usual
_LIKE_OBJECT = 0.3  # by how much less a pixel differs from the object's way than from the background
_NOISE = 0.012  # of white; what a difference is measured against, together with the picture's steepness
_MOST = 8.0  # of such differences; one more is no more telling
_LEAST_PIXELS = 60


@dataclass(frozen=True, slots=True)
class RimSigns:
    """Of the pixels at each distance from the hole, 1 to WIDEST, the share that looks like the object.

    `usual` is that share further away.
    """

    shares: NDArray[np.float64]
    usual: float

    @property
    def excess(self) -> float:
        """How much larger the share is next to the hole than further away, -1 to 1."""
        return float(self.shares[:NEAR].mean()) - self.usual


def rim_signs(moment: Moment, others: Sequence[Moment], background: Background) -> RimSigns | None:
    """Compare the pixels around a hole; `others` are moments STEPS away. None where nothing can be told."""
    objects = _as_object(moment, others, background)
    if objects is None:
        return None
    colors, apart, near = background.colors, background.apart, background.near
    gray = np.ascontiguousarray(colors.mean(-1))
    steepness = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)) / 8
    unit = _NOISE + steepness
    from_behind = np.minimum(np.abs(colors - near.colors).mean(-1) / unit, _MOST)
    from_object = np.minimum(objects / unit, _MOST)
    is_like = from_behind - from_object > _LIKE_OBJECT
    known = near.known & np.isfinite(objects)
    shares = [is_like[known & (apart > at) & (apart <= at + 1)] for at in range(WIDEST)]
    far = is_like[known & (apart > WIDEST) & (apart <= _FAR)]
    if sum(each.size for each in shares[:NEAR]) < _LEAST_PIXELS or far.size < _LEAST_PIXELS:
        return None
    usual = float(far.mean())
    return RimSigns(np.array([each.mean() if each.size else usual for each in shares]), usual)


def _as_object(moment: Moment, others: Sequence[Moment], background: Background) -> Field | None:
    """Return how much pixels differ from those that lie there where the hole comes from or goes, (h, w).

    NaN where no other frame says so; None without any.
    """
    here, box, found = outlines_of(moment.hole), background.box, []
    if here is None:
        return None
    for other in others:
        there = outlines_of(other.hole)
        if there is None:
            continue
        places = moved_with(here, there, box)
        apart = np.abs(background.colors - read_at(other.colors, places) / 255).mean(-1)
        found.append(np.where(lies_inside(places, other.hole.shape), apart, np.inf))
    if not found:
        return None
    # The median of those that there are; two of four are infinite at an end of the video.
    median = np.sort(np.stack(found), axis=0)[len(found) // 2 if len(found) > 2 else 0]
    return np.where(np.isinf(median), np.nan, median).astype(np.float32)
