"""Overlays of a whole video: looked for in blocks of frames, and when each of them is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vrestore.detect.logo.statics import Statics, find_statics
from vrestore.detect.logo.supports import Support, find_supports
from vrestore.frames import MaskArray
from vrestore.media.preview.luma import Luma

BLOCK, QUARTER = 128, 32
"""Looked-at frames that are judged together, and as few as what comes and goes is looked for in."""

LEAST_BLOCK = 12
"""Fewer frames tell nothing."""

PRESENT = 0.4
"""Share of an overlay's own gradient that frames show where the overlay is there."""

LONGEST_GAP = 24
"""Looked-at frames for which an overlay may be gone and is yet taken to be there: what is behind a faint one
may look like its opposite for a moment, and filling a second too much does less harm than leaving it."""

STEADY = 9
"""Looked-at frames over which that share is averaged: what lies behind a faint overlay has edges too."""


@dataclass(slots=True)
class Logo:
    """An overlay: its pixels (h, w), the gradients at its edges and what single ones count, (k,) each.

    `shares` say how much of them each looked-at frame shows.
    """

    pixels: MaskArray
    edges: MaskArray
    across: NDArray[np.float32]
    down: NDArray[np.float32]
    weight: NDArray[np.float32]
    shares: list[float] = field(default_factory=list)

    def share_in(self, across: NDArray[np.float32], down: NDArray[np.float32]) -> float:
        """Return how much of the overlay's gradients (k,) others at its edges hold: 1 where it is there."""
        own = float((self.weight * (self.across**2 + self.down**2)).sum())
        return float((self.weight * (across * self.across + down * self.down)).sum()) / own

    def runs(self) -> list[tuple[int, int]]:
        """Return where it is there, as half-open ranges of looked-at frames."""
        around = STEADY // 2
        padded = np.pad(np.array(self.shares), around, mode="edge")
        steady = np.convolve(padded, np.ones(STEADY) / STEADY, "valid") > PRESENT
        edges = np.flatnonzero(np.diff(np.concatenate([[False], steady, [False]])))
        runs: list[tuple[int, int]] = []
        for start, stop in edges.reshape(-1, 2).tolist():  # (runs, 2)
            if runs and start - runs[-1][1] <= LONGEST_GAP:
                start, stop = runs.pop()[0], stop
            runs.append((start, stop))
        return runs


class LogoSearch:
    """Takes looked-at frames one after the other; holds a block of them."""

    def __init__(self) -> None:
        self.logos: list[Logo] = []
        self.count = 0
        self.is_told = False
        self._block: list[Luma] = []
        self._means: list[tuple[int, NDArray[np.float32]]] = []

    def add(self, picture: Luma) -> None:
        """Take the next frame."""
        self._block.append(picture)
        if len(self._block) == BLOCK:
            self.finish()

    def finish(self) -> None:
        """Judge the frames that are left."""
        block, self._block = self._block, []
        if not block:
            return
        for logo in self.logos:
            self._watch(logo, block)
        if len(block) >= LEAST_BLOCK:
            self._search(block)
            quarters = range(0, len(block) - QUARTER // 2, QUARTER) if len(block) >= 2 * QUARTER else ()
            for start in quarters:
                self._search(block[start : start + QUARTER], among=block)
        self._means.append((len(block), np.mean(block, axis=0, dtype=np.float32)))
        self.count += len(block)

    def _search(self, pictures: Sequence[Luma], *, among: Sequence[Luma] | None = None) -> None:
        statics = find_statics(pictures)
        if not statics.is_told:
            return
        self.is_told = True
        for support in find_supports(statics):
            if not any((logo.pixels & support.pixels).any() for logo in self.logos):
                self._add(support, statics, among or pictures)

    def _add(self, support: Support, statics: Statics, block: Sequence[Luma]) -> None:
        edges = support.edges
        values = (statics.across[edges], statics.down[edges], statics.weight[edges])
        logo = Logo(support.pixels, edges, *values)
        # Of blocks before, only the means are left: in one of them it is there, or it is not.
        for length, mean in self._means:
            logo.shares += [logo.share_in(*_gradients(mean, edges))] * length
        self._watch(logo, block)
        self.logos.append(logo)

    def _watch(self, logo: Logo, block: Sequence[Luma]) -> None:
        for picture in block:
            logo.shares.append(logo.share_in(*_gradients(picture.astype(np.float32), logo.edges)))


def _gradients(
    picture: NDArray[np.float32], edges: MaskArray
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the gradients to the right and down at edges, (k,) each."""
    rows, columns = np.nonzero(edges)
    here = picture[rows, columns]
    right = picture[rows, np.minimum(columns + 1, picture.shape[1] - 1)]
    below = picture[np.minimum(rows + 1, picture.shape[0] - 1), columns]
    return right - here, below - here
