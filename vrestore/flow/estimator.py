"""Estimators of optical flow by name; whoever needs flow is given one.

A further estimator is one line of ESTIMATORS, and one word of `FlowName`.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vrestore.flow.dis import DisFlow

FlowName = Literal["ultrafast", "fast", "medium"]
"""DIS with the preset of that name, the fastest first."""


class FlowEstimator(Protocol):
    """Estimates dense flow; may be called from several threads at once."""

    def __call__(self, of: NDArray[np.uint8], towards: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the flow (2, H, W), dx before dy in pixels, of `of` towards `towards`, both (H, W) gray.

        The pixel of `of` at p is seen in `towards` at p + flow(p).
        """
        ...


class MakesEstimator(Protocol):
    """Makes an estimator; see `make_estimator`."""

    def __call__(self, *, scale: int, shrunk: int) -> FlowEstimator: ...


ESTIMATORS: dict[FlowName, MakesEstimator] = {
    "ultrafast": partial(DisFlow, "ultrafast"),
    "fast": partial(DisFlow, "fast"),
    "medium": partial(DisFlow, "medium"),
}


def make_estimator(name: FlowName, *, scale: int = 1, shrunk: int = 0) -> FlowEstimator:
    """Make the estimator of that name.

    Args:
        name: A key of ESTIMATORS.
        scale: Flow is as fine as a picture 2**scale times smaller shows.
        shrunk: The pictures it will be given are 2**shrunk times smaller already, by the means of cells.
    """
    # By keyword, so that an estimator may have parameters of its own before these.
    return ESTIMATORS[name](scale=scale, shrunk=shrunk)
