"""Texture synthesis: a hole is filled with patches of its surroundings, coarse to fine.

Wexler, Shechtman and Irani, "Space-Time Completion of Video" (2007), in one frame: at each level of a pyramid
every patch that overlaps the hole looks for the known patch most like it, and every pixel takes the weighted
mean of what the patches over it say, in turns. What is known at the rim decides what matches there and is
handed inward. Means are smooth, and smooth patches match smooth ones: so a match must also have the contrast
that the rim leads to (after Newson, Almansa, Fradet, Gousseau and Perez 2014, who compare texture features).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vrestore.methods.inpaint.painted import MOST_PIXELS
from vrestore.methods.inpaint.texture.coherence import make_coherent
from vrestore.methods.inpaint.texture.matching import (
    COMPONENTS,
    Field,
    enlarged,
    patch_space,
    squared_distances,
)
from vrestore.methods.inpaint.texture.peeling import peeled
from vrestore.methods.inpaint.texture.pyramid import Floats, Ints, Level, Mask, continued, pyramid, resized

TURNS = 6, 4, 3, 1
"""Turns of matching and voting, from the coarsest level on; the finest has the last."""

NEARER = 1.15
"""How much less a patch counts for each pixel that it is further from what is known."""

CONTRAST = 2.5
"""How much contrast counts in comparing patches; 0 and 1 leave grass and leaves too smooth."""

ROUNDS = 2
"""Of trying what neighbors have and what lies around, in each turn."""

LEAST_NOISE = 1.6 / 255
"""Standard deviation between two patches of the same thing, at least: of plain ones any match is good."""

_RIM = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A picture (H, W, 3) whose open pixels are painted, and how badly that fits.

    `misfit` is what the patches at the rim cost over what known ones cost that are matched in the same way:
    about 1 where the surroundings know what goes on here, far above where the hole holds something else.
    """

    picture: Floats
    misfit: float


def synthesize(picture: Floats, is_open: Mask, is_source: Mask, *, side: int, seed: int) -> Synthesis | None:
    """Paint the open pixels of a picture (H, W, 3) in [0, 1] with what its sources show.

    Patches have `side` x `side` pixels, an odd number. None where the sources have no whole patch.
    """
    rng = np.random.default_rng(seed)
    levels = pyramid(Level(picture, is_open, is_source), side)
    if not levels[-1].whole_patches(side).any():
        return None
    # The largest levels are copied as the one below them matched.
    large = sum(level.is_open.size > MOST_PIXELS for level in levels[:-1])
    painted = peeled(levels[-1], side)
    match: _Match | None = None
    for level, turns in zip(reversed(levels[large:]), _turns(len(levels) - large), strict=True):
        if match is not None:
            height, width = level.is_open.shape
            painted = level.with_open(resized(painted, height, width, cv2.INTER_LINEAR))
        match = _Match(level, painted, match, side, rng)
        for turn in range(turns):
            match.improve(painted if turn else None)
            painted = level.with_open(match.voted())
    assert match is not None
    targets, sources, shape = match.field.targets, match.field.sources, match.field.shape
    for level in reversed(levels[:large]):
        is_target = cv2.dilate(level.is_open.view(np.uint8), _RIM) > 0
        sources = enlarged(targets, sources, shape, is_target, level.is_source)
        targets, shape = np.flatnonzero(is_target), level.shape
    return Synthesis(_copied(levels[0], targets, sources), match.misfit())


def _copied(level: Level, targets: Ints, sources: Ints) -> Floats:
    """Return the picture with targets copied from their sources, brightness matched at the rim.

    Copied, not voted: the means of patches have half of the detail.
    """
    copied = level.picture.copy()
    copied.reshape(-1, 3)[targets] = level.picture.reshape(-1, 3)[sources]
    # At the rim what is copied and what is known should be the same.
    difference = np.where(level.is_open[..., None], np.float32(0), level.picture - copied)
    return level.with_open((copied + continued(difference, level.is_open)).clip(0, 1))


def _turns(levels: int) -> list[int]:
    """Return the turns of so many levels, from the coarsest on."""
    return [*(TURNS[min(number, len(TURNS) - 1)] for number in range(levels - 1)), TURNS[-1]]


class _Match:
    """The matches of a level: `painted` is the first guess at its picture, `coarser` what was found."""

    def __init__(
        self, level: Level, painted: Floats, coarser: _Match | None, side: int, rng: np.random.Generator
    ) -> None:
        self._level, self._side, self._rng = level, side, rng
        self._space = patch_space(level.picture, level.is_source, side, rng)
        # As much as if every number of a patch differed by so much.
        scale = CONTRAST * side * 3**0.5
        self._contrast = level.contrast(side)[..., None] * np.float32(scale)
        is_target = cv2.dilate(level.is_open.view(np.uint8), np.ones((side, side), np.uint8)) > 0
        whole = level.whole_patches(side)
        sources = None if coarser is None else coarser.sources_for(is_target, whole)
        self.field: Field = Field(is_target, whole, self._features(painted), sources)
        self._is_searched = sources is None
        depth = cv2.distanceTransform(level.is_open.view(np.uint8), cv2.DIST_L2, 5)
        self._trust = np.power(np.float32(NEARER), -depth.reshape(-1)[self.field.targets])  # (n)

    def sources_for(self, is_target: Mask, is_source: Mask) -> Ints:
        """Return sources to start from at the next finer level."""
        return enlarged(self.field.targets, self.field.sources, self.field.shape, is_target, is_source)

    def improve(self, painted: Floats | None) -> None:
        """Look for better matches, for a new picture if there is one."""
        if painted is not None:
            self.field.look_at(self._features(painted))
        # All of them were compared where nothing was known to start from.
        if painted is not None or not self._is_searched:
            self.field.improve(ROUNDS, self._rng)
        make_coherent(self.field)

    def voted(self) -> Floats:
        """Return the weighted mean of what the patches over each pixel say, (H, W, 3)."""
        field, reach = self.field, self._side // 2
        height, width = field.shape
        spread = 2 * max(float(np.percentile(field.costs, 75)), 1e-8)
        weights = (np.exp(-field.costs / spread) * self._trust + 1e-9)[:, None]
        (y, x), colors = field.places, self._level.picture.reshape(-1, 3)
        total: Floats = np.zeros((height + 2 * reach, width + 2 * reach, 4), np.float32)
        said = np.empty((len(y), 4), np.float32)
        said[:, 3:] = weights
        for dy in range(2 * reach + 1):
            for dx in range(2 * reach + 1):
                step = (dy - reach) * width + dx - reach
                np.multiply(colors[field.sources + step], weights, out=said[:, :3])
                total[y + dy, x + dx] += said
        inner = total[reach : reach + height, reach : reach + width]
        return np.asarray(inner[..., :3] / np.maximum(inner[..., 3:], 1e-12), np.float32)

    def misfit(self) -> float:
        """Return what the patches at the rim cost over what known ones cost: see `Synthesis`."""
        field, level = self.field, self._level
        at_rim = ~level.is_open.reshape(-1)[field.targets]
        if not at_rim.any():
            return np.inf
        copied = _copied(level, field.targets, field.sources)
        known, painted = (
            self._space.features(each).reshape(-1, COMPONENTS) for each in (level.picture, copied)
        )
        costs = squared_distances(painted[field.targets[at_rim]], known[field.sources[at_rim]])
        at_best = field.cost_of_known(known, self._side, self._rng)
        least = 2 * LEAST_NOISE**2 * 3 * self._side**2
        # Between the mean, which a thing at the rim decides, and the median, which does not see it.
        return float(np.sqrt(np.mean(costs) * np.median(costs))) / max(at_best, least)

    def _features(self, painted: Floats) -> Floats:
        return np.concatenate([self._space.features(painted), self._contrast], 2)
