"""Which of the parts that differ from both neighbors are dirt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vrestore.detect.dirt.candidates import FEATURES, Candidates
from vrestore.frames import MaskArray

WEIGHTS = dict(
    zip(
        FEATURES,
        (
            *(1.412, -4.703, -0.653, -0.348, 1.319, -1.955, 1.832),
            *(-0.494, 1.133, -0.872, 0.985, 3.199, -1.316, -0.601),
        ),
        strict=True,
    )
)
"""What each feature counts for dirt, in natural logarithms of its odds.

Logistic regression over 67,000 parts of nine clips with and without drawn specks, other clips than those on
which `python -m benchmarks.masks dirt` measures it."""

BIAS = -23.119
"""Odds of a part whose features are all 0."""


def likelihood(candidates: Candidates) -> NDArray[np.float64]:
    """Return for each part (n,) how likely it is dirt, 0 to 1."""
    odds = candidates.features @ np.array(list(WEIGHTS.values())) + BIAS
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))), np.float64)


def marked(candidates: Candidates, *, least: float) -> MaskArray:
    """Return the pixels (h, w) of parts that are at least so likely dirt."""
    is_dirt = np.concatenate([[False], likelihood(candidates) >= least])
    return np.asarray(is_dirt[candidates.labels], np.bool_)
