"""Which known patch looks most like one that overlaps the hole: an approximate nearest-neighbor field.

PatchMatch (Barnes, Shechtman, Finkelstein and Goldman, "PatchMatch: A Randomized Correspondence Algorithm for
Structural Image Editing", 2009): good matches are handed to neighbors and improved by random tries, here for
all patches at once. Patches are compared by their first principal components, which hold nearly all of the
difference at a tenth of the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from vrestore.methods.inpaint.texture.pyramid import Floats, Ints, Mask

COMPONENTS = 20
"""Principal components that patches are compared by."""

SAMPLES = 4000
"""Patches that the components are found from."""

SPARE, ITERATIONS = 6, 8
"""Further components and rounds of the iteration that finds them."""

MOST_COMPARISONS = 15_000_000
"""Comparisons up to which all are made; for a start that many, among evenly many of the sources."""

AT_A_TIME = 512
"""Targets that are compared with all sources at a time."""

KNOWN_SAMPLES, KNOWN_COMPARISONS = 400, 6_000_000
"""Known patches that are matched, and comparisons made for it, to tell what a good match costs."""

NEIGHBORS = ((0, 1), (1, 0), (0, -1), (-1, 0))


@dataclass(frozen=True, slots=True)
class PatchSpace:
    """The space that patches of `side` x `side` pixels are compared in: a basis (k, 3, side, side)."""

    side: int
    basis: torch.Tensor

    def features(self, picture: Floats) -> Floats:
        """Return the coordinates (H, W, k) of the patch around each pixel of a picture (H, W, 3)."""
        reach = self.side // 2
        planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
        padded = F.pad(planes, (reach, reach, reach, reach), mode="replicate")
        features = F.conv2d(padded, self.basis)[0]
        return np.ascontiguousarray(features.numpy().transpose(1, 2, 0))


def patch_space(picture: Floats, is_source: Mask, side: int, rng: np.random.Generator) -> PatchSpace:
    """Find the principal components of the patches around the source pixels of a picture (H, W, 3)."""
    reach = side // 2
    rows, columns = np.nonzero(is_source[reach:-reach, reach:-reach])
    if len(rows) > SAMPLES:
        chosen = rng.choice(len(rows), SAMPLES, replace=False)
        rows, columns = rows[chosen], columns[chosen]
    windows = np.lib.stride_tricks.sliding_window_view(picture, (side, side), axis=(0, 1))
    patches = windows[rows, columns].reshape(len(rows), -1)  # (m, 3 * side * side)
    centered = patches - patches.mean(0)
    # By orthogonal iteration, a tenth of the time of all eigenvectors; a few more than needed, to be sure.
    covariance = centered.T @ centered
    basis = rng.standard_normal((len(covariance), COMPONENTS + SPARE), np.float32)
    for _ in range(ITERATIONS):
        basis = np.linalg.qr(covariance @ basis)[0]
    _, turned = np.linalg.eigh(basis.T @ covariance @ basis)
    first = np.ascontiguousarray((basis @ turned[:, : -COMPONENTS - 1 : -1]).T, np.float32)
    return PatchSpace(side, torch.from_numpy(first.reshape(-1, 3, side, side)))


class Field:
    """Where the target pixels of a picture are copied from.

    `targets` (n) are their places in the flattened picture of `shape`, `sources` (n) those that they are
    copied from, all of them in whole known patches, `costs` (n) the squared distances of the patches there.
    """

    def __init__(self, is_target: Mask, is_source: Mask, features: Floats, sources: Ints | None) -> None:
        """Start from `sources`, or compare all patches; `features` (H, W, k) are those of the picture."""
        self.shape: tuple[int, int] = (is_target.shape[0], is_target.shape[1])
        self.targets = np.flatnonzero(is_target)
        self._is_source = is_source.reshape(-1)
        self._number = np.full(is_target.size, -1, np.int64)
        self._number[self.targets] = np.arange(len(self.targets))
        # Sources do not change while the hole is painted.
        self._theirs = features.reshape(-1, features.shape[-1])
        self._ours = self._theirs[self.targets]
        self.sources = self._searched() if sources is None else sources
        self.costs = self._distances(self._ours, self.sources)

    @property
    def places(self) -> tuple[Ints, Ints]:
        """The rows and columns of the targets."""
        return np.divmod(self.targets, self.shape[1])

    def look_at(self, features: Floats) -> None:
        """Compare patches anew, now that the picture in the hole has these features (H, W, k)."""
        self._ours = features.reshape(-1, features.shape[-1])[self.targets]
        self.costs = self._distances(self._ours, self.sources)

    def improve(self, rounds: int, rng: np.random.Generator) -> None:
        """Look for better sources: all where they are few, else in so many rounds.

        In each it is tried what neighbors have, and what lies around the match at random.
        """
        if len(self.targets) * np.count_nonzero(self._is_source) <= MOST_COMPARISONS:
            self.sources = self._searched()
            self.costs = self._distances(self._ours, self.sources)
            return
        height, width = self.shape
        for _ in range(rounds):
            for neighbor in NEIGHBORS:
                self._try(self.from_neighbor(*neighbor))
            reach = max(height, width)
            while reach >= 1:
                rows, columns = np.divmod(self.sources, width)
                rows += rng.integers(-reach, reach + 1, len(rows))
                columns += rng.integers(-reach, reach + 1, len(rows))
                self._try(rows.clip(0, height - 1) * width + columns.clip(0, width - 1))
                reach //= 3

    def from_neighbor(self, dy: int, dx: int) -> Ints:
        """Return the source (n) that goes on from that of a neighbor as the target does, -1 for none."""
        (height, width), (y, x) = self.shape, self.places
        is_inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        number = self._number[np.where(is_inside, self.targets + dy * width + dx, 0)]
        rows, columns = np.divmod(self.sources[number], width)
        rows, columns = rows - dy, columns - dx
        is_there = is_inside & (number >= 0)
        is_there &= (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        place = np.where(is_there, rows * width + columns, 0)
        return np.where(is_there & self._is_source[place], place, -1)

    def cost_of(self, candidates: Ints) -> Floats:
        """Return the squared distances (n) to other sources, infinite where there is none, -1."""
        costs = np.full(len(candidates), np.inf, np.float32)
        (which,) = np.nonzero(candidates >= 0)
        costs[which] = self._distances(self._ours[which], candidates[which])
        return costs

    def cost_of_known(self, features: Floats, apart: int, rng: np.random.Generator) -> float:
        """Return the mean squared distance of known patches to the best at least so many pixels `apart`.

        `features` (H * W, k) are those that they are compared by.
        """
        known = np.flatnonzero(self._is_source)
        some = rng.choice(known, min(len(known), KNOWN_SAMPLES), replace=False)
        others = known[:: len(some) * len(known) // KNOWN_COMPARISONS + 1]
        distances = _all_distances(features[some], features[others])
        (y, x), (rows, columns) = (np.divmod(each, self.shape[1]) for each in (some, others))
        is_far = np.maximum(abs(y[:, None] - rows), abs(x[:, None] - columns)) >= apart
        best = np.where(is_far, distances, np.inf).min(1)
        found = best[np.isfinite(best)]
        return float(found.mean()) if len(found) else 0.0

    def _distances(self, ours: Floats, sources: Ints) -> Floats:
        return squared_distances(ours, self._theirs.take(sources, 0))

    def _try(self, candidates: Ints) -> None:
        (which,) = np.nonzero((candidates >= 0) & self._is_source[candidates] & (candidates != self.sources))
        costs = self._distances(self._ours[which], candidates[which])
        is_better = costs < self.costs[which]
        chosen = which[is_better]
        self.costs[chosen], self.sources[chosen] = costs[is_better], candidates[which][is_better]

    def _searched(self) -> Ints:
        """Compare every target with every source, or with evenly many of them where these are too many."""
        places = np.flatnonzero(self._is_source)
        places = places[:: len(self.targets) * len(places) // MOST_COMPARISONS + 1]
        theirs = self._theirs[places]
        parts = np.array_split(self._ours, len(self._ours) // AT_A_TIME + 1)
        found: Ints = places[np.concatenate([_all_distances(part, theirs).argmin(1) for part in parts])]
        return found


def squared_distances(ours: Floats, theirs: Floats) -> Floats:
    """Return the squared distances (n) of features (n, k)."""
    difference = theirs - ours
    result: Floats = np.einsum("ij,ij->i", difference, difference)
    return result


def enlarged(targets: Ints, sources: Ints, shape: tuple[int, int], is_target: Mask, is_source: Mask) -> Ints:
    """Return sources for the targets of a picture twice as large: as far away, nearest of its own sources.

    `targets` and `sources` (n) are places in the flattened smaller picture of `shape`.
    """
    height, width = shape
    offsets = np.zeros((2, height * width), np.int64)
    offsets[:, targets] = np.subtract(np.divmod(sources, width), np.divmod(targets, width))
    y, x = np.nonzero(is_target)
    near = np.minimum(y // 2, height - 1) * width + np.minimum(x // 2, width - 1)
    rows, columns = y + 2 * offsets[0, near], x + 2 * offsets[1, near]
    rows, columns = rows.clip(0, is_target.shape[0] - 1), columns.clip(0, is_target.shape[1] - 1)
    found: Ints = nearest_of(is_source)[rows, columns]
    return found


def nearest_of(mask: Mask) -> Ints:
    """Return the place in the flattened mask of the pixel that is nearest to each one, (H, W), and True."""
    _, labels = cv2.distanceTransformWithLabels(
        (~mask).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros(labels.max() + 1, np.int64)
    places[labels[mask]] = np.flatnonzero(mask)
    nearest: Ints = places[labels]
    return nearest


def _all_distances(ours: Floats, theirs: Floats) -> Floats:
    """Return the squared distances (n, m) of features (n, k) and (m, k)."""
    distances = ours @ theirs.T
    distances *= -2
    distances += np.einsum("ij,ij->i", theirs, theirs)
    distances += np.einsum("ij,ij->i", ours, ours)[:, None]
    result: Floats = np.maximum(distances, 0, out=distances)
    return result
