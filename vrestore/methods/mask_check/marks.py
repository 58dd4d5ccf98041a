"""What the masks alone tell: turned round, or missing for a moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrestore.frames import MaskArray
from vrestore.masks.masks import Masks

MOST_COVERED, MOST_BORDER = 0.5, 0.75
"""Of the picture and of its border: what covers more of both is rather what is kept."""

LEAST_STEADY = 0.5
"""Share of what both neighbors mark that a frame marks; less is a gap."""

_LOOKED_AT = 5  # masks, for their border
_MOST_GAPS = 200  # candidates that are looked at


def is_turned_round(masks: Masks, *, height: int, width: int) -> bool:
    """Tell whether what is marked looks like what is to be kept: most of the picture, and its border."""
    counts = [0 if summary is None else summary.pixel_count for summary in masks.summaries]
    if np.mean(counts) <= MOST_COVERED * height * width:
        return False
    places = np.linspace(0, len(counts) - 1, _LOOKED_AT).astype(int)
    borders = [_border(masks.drawn(masks.first + int(place))) for place in places]
    return float(np.mean(borders)) > MOST_BORDER


def gaps(masks: Masks) -> list[int]:
    """Return the numbers of frames in which most of what both neighbors mark is missing."""
    counts = np.array([0 if summary is None else summary.pixel_count for summary in masks.summaries])
    if len(counts) < 3:
        return []
    around = np.minimum(counts[:-2], counts[2:])
    # Marks that come and go by themselves, such as dust, have nothing in common with both neighbors.
    candidates = 1 + np.flatnonzero(counts[1:-1] < (1 + LEAST_STEADY) / 2 * around)
    return [number for index in candidates[:_MOST_GAPS] if _is_gap(masks, number := masks.first + int(index))]


def _is_gap(masks: Masks, number: int) -> bool:
    before, here, after = (masks.drawn(number + step) for step in (-1, 0, 1))
    if before is None or after is None:
        return False
    both = before & after
    steady = np.count_nonzero(both)
    if steady <= LEAST_STEADY * min(np.count_nonzero(before), np.count_nonzero(after)):
        return False
    kept = 0 if here is None else np.count_nonzero(both & here)
    return bool(kept < LEAST_STEADY * steady)


def _border(mask: MaskArray | None) -> float:
    if mask is None:
        return 0.0
    sides: Sequence[MaskArray] = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return float(np.mean([side.mean() for side in sides]))
