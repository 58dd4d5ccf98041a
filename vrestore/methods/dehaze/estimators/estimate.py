"""What estimators give: the haze of a frame at the working size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from vrestore.methods.dehaze.thumbnail import Thumbnail


@dataclass(frozen=True, slots=True)
class HazeEstimate:
    """The haze of one frame.

    `depth` (1, 1, h, w) is optical depth, 0 or more, on a grid that may be coarser than the picture's; `air`
    (3,) the color of the haze, `tint` (1, 3, h', w') what is added to it from place to place, None for
    nothing.
    """

    look: Thumbnail
    depth: Tensor
    air: Tensor
    tint: Tensor | None = None


Estimator = Callable[[Iterator[Thumbnail]], Iterator[HazeEstimate]]
"""Estimates the haze of every frame, in order, perhaps after having seen some of the next."""
