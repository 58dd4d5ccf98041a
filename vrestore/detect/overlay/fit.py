"""How opaque an overlay is and what light it adds, from frames that show it and what was filled in behind it.

With a the opacity of a pixel, W the overlay's color and B what lies behind, a frame shows
J = (1 - a) B + a W (Dekel, Rubinstein, Liu and Freeman, "On the effectiveness of visible watermarks", 2017,
eq. 2). B is what propagation fills in, which is near to the truth but not it. Two models are fitted:

* one color W for all pixels of a component, so that a pixel has one unknown, found from how far frames are
  drawn towards W and not from how much less they vary;
* a color for each pixel. Of J = k B + p the slope of J on B and that of B on J err to opposite sides where
  both are wrong; k is the geometric mean of both.

The one that explains frames better that it was not fitted to is taken. What it leaves of the mean, as the
encoder's ringing about letters, is added to the light.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vrestore.methods.inpaint.overlay.model import cell_mean

Field = NDArray[np.float32]
"""(h, w)."""

Series = NDArray[np.float32]
"""(T, h, w), levels of 8 bits."""

MOST_OPAQUE = 0.95
"""No opacity is taken for more: what it leaves is less than the quantizer does."""

LEAST_OPAQUE = 0.02
"""Less is nothing."""

LEAST_BETTER = 0.9
"""A color for each pixel, which has more unknowns, is to leave this share of what one color leaves."""

_ROUNDS, _LINE_ROUNDS = 3, 4
_COLORS = 33  # tried over the range, and once more about the best
_CAUCHY = 2.385  # standard deviations at which a residual counts half; 95 % as good as least squares
_DEVIATION = 1.4826  # standard deviations in a median absolute deviation
_BLOCKS = 4  # stretches of frames of which every other one is held out
_FRAMES_ALIKE = 8  # neighbors show nearly the same, so that so few of them count as independent at least
_STRIP = 200_000  # samples that are worked on together, times frames


@dataclass(frozen=True, slots=True)
class Samples:
    """What frames show of one component where the overlay lies, and what was filled in; (T, h, w) codes.

    `unit` codes are a level of 8 bits, `shift` is the component's subsampling across and down.
    """

    seen: NDArray[np.generic]
    filled: NDArray[np.generic]
    unit: float
    shift: tuple[int, int]

    def of(self, frames: NDArray[np.intp]) -> Samples:
        """Return those of some of the frames."""
        return Samples(self.seen[frames], self.filled[frames], self.unit, self.shift)

    def strips(self) -> Iterator[tuple[slice, Series, Series]]:
        """Yield rows with what is seen and filled in there, as many as are worked on together."""
        count, height, width = self.seen.shape
        rows = max(1, _STRIP * 8 // (count * width))
        for top in range(0, height, rows):
            here = slice(top, min(height, top + rows))
            seen, filled = (each[:, here].astype(np.float32) for each in (self.seen, self.filled))
            yield here, seen / np.float32(self.unit), filled / np.float32(self.unit)


@dataclass(frozen=True, slots=True)
class Blend:
    """A model of one component: J = keep * B + light, on its own grid."""

    keep: Field
    light: Field


def fit_blends(samples: Sequence[Samples], *, main: int, given: Sequence[Blend] | None = None) -> list[Blend]:
    """Return the model of each component; `main` is one at full resolution that shows the overlay well.

    A model that is `given` is returned as it is unless another explains frames better.
    """
    count = len(samples[0].seen)
    held = (np.arange(count) * _BLOCKS // count) % 2 == 1
    used, tested = ([each.of(np.flatnonzero(where)) for each in samples] for where in (~held, held))
    one, each_own = (_error(fit(used, main), tested) for fit in (_one_color, _each_pixel))
    if given is not None and _error(given, tested) <= min(one, each_own):
        return list(given)
    fit = _each_pixel if each_own < LEAST_BETTER * one else _one_color
    return [_with_left_over(blend, each) for blend, each in zip(fit(samples, main), samples, strict=True)]


def main_component(samples: Sequence[Samples]) -> int:
    """Return the component at full resolution in which what is seen and filled in differ most."""

    def contrast(index: int) -> float:
        each = samples[index]
        return float(sum(np.abs(seen - filled).sum() for _, seen, filled in each.strips()))

    return max((index for index, each in enumerate(samples) if each.shift == (0, 0)), key=contrast)


def _one_color(samples: Sequence[Samples], main: int) -> list[Blend]:
    sums = [_sums_of(each) for each in samples]
    colors = [0.0] * len(samples)
    colors[main] = _color_by_search(sums[main])
    keep = np.clip(_slope(sums[main].about(colors[main])), 1 - MOST_OPAQUE, 1)
    for _ in range(_ROUNDS):
        total = np.zeros((3, *keep.shape), np.float64)
        for index, (each, of) in enumerate(zip(sums, samples, strict=True)):
            if index != main:
                colors[index] = _color_of(each, cell_mean(np.asarray(1 - keep, np.float32), of.shift))
            # Each component says how opaque a pixel is, as loudly as it stands out of its noise.
            about = each.about(colors[index])
            total += np.stack([_spread(part, of.shift, keep.shape) for part in about]) * each.share
        keep = np.clip(_slope(total), 1 - MOST_OPAQUE, 1)
    opacity = np.asarray(1 - keep, np.float32)
    opacity[opacity < LEAST_OPAQUE] = 0
    shares = [cell_mean(opacity, each.shift) for each in samples]
    return [Blend(1 - share, share * np.float32(color)) for share, color in zip(shares, colors, strict=True)]


def _each_pixel(samples: Sequence[Samples], main: int) -> list[Blend]:
    sums = _sums_of(samples[main])
    across, up = (
        np.maximum(square - total * total / sums.ones, 1e-3)
        for square, total in ((sums.behind_squared, sums.behind), (sums.seen_squared, sums.seen))
    )
    is_alike = sums.both * sums.ones > sums.behind * sums.seen
    keep = np.clip(np.where(is_alike, np.sqrt(up / across), 0), 1 - MOST_OPAQUE, 1).astype(np.float32)
    keep[keep > 1 - LEAST_OPAQUE] = 1
    blends = []
    for each in samples:
        own = cell_mean(keep, each.shift)
        light, _ = _left_over(Blend(own, np.zeros_like(own)), each)
        blends.append(Blend(own, np.where(own < 1, light, 0).astype(np.float32)))
    return blends


def _with_left_over(blend: Blend, samples: Samples) -> Blend:
    """Return a model with the mean of what it leaves, as far as that is more than chance."""
    mean, variance = _left_over(blend, samples)
    frames = min(_FRAMES_ALIKE, len(samples.seen))
    sure = np.clip(1 - variance / frames / np.maximum(mean * mean, 1e-6), 0, 1)
    return Blend(blend.keep, blend.light + np.where(blend.keep < 1, sure * mean, 0).astype(np.float32))


def _left_over(blend: Blend, samples: Samples) -> tuple[Field, Field]:
    """Return the mean and the variance over time of what a model leaves, robustly."""
    mean, variance = np.zeros_like(blend.keep), np.zeros_like(blend.keep)
    for rows, seen, filled in samples.strips():
        rest = seen - blend.keep[rows] * filled - blend.light[rows]
        weight, _ = _weights(rest - np.median(rest, axis=0).astype(np.float32))
        total = weight.sum(axis=0)
        mean[rows] = (weight * rest).sum(axis=0) / total
        variance[rows] = (weight * (rest - mean[rows]) ** 2).sum(axis=0) / total
    return mean, variance


@dataclass(frozen=True, slots=True)
class _Sums:
    """Weighted sums over frames at each pixel, (h, w): of 1, B, J, B B, J J and B J.

    `share` is how much one pixel of the picture counts: one over the variance of the noise.
    """

    ones: NDArray[np.float64]
    behind: NDArray[np.float64]
    seen: NDArray[np.float64]
    behind_squared: NDArray[np.float64]
    seen_squared: NDArray[np.float64]
    both: NDArray[np.float64]
    share: float

    def about(self, color: float) -> NDArray[np.float64]:
        """Return the sums of (B - W)^2, (J - W)^2 and (B - W) (J - W), (3, h, w)."""
        square = color * color * self.ones
        return np.stack(
            [
                self.behind_squared - 2 * color * self.behind + square,
                self.seen_squared - 2 * color * self.seen + square,
                self.both - color * (self.behind + self.seen) + square,
            ]
        )


def _sums_of(samples: Samples) -> _Sums:
    sums = np.zeros((6, *samples.seen.shape[1:]), np.float64)
    variances = []
    for rows, shown, filled in samples.strips():
        weight, variance = _line_weights(shown, filled)
        parts = (np.ones_like(shown), filled, shown, filled * filled, shown * shown, filled * shown)
        sums[:, rows] = np.stack([(weight * part).sum(axis=0, dtype=np.float64) for part in parts])
        variances.append(variance)
    ones, behind, seen, behind_squared, seen_squared, both = sums
    share = 1 / (float(np.mean(variances)) * (1 << sum(samples.shift)))
    return _Sums(ones, behind, seen, behind_squared, seen_squared, both, share)


def _line_weights(seen: Series, filled: Series) -> tuple[Series, float]:
    """Return how much frames count at each pixel by how near they are to its own line, and the variance."""
    weight, variance = np.ones_like(seen), 1.0
    for _ in range(_LINE_ROUNDS):
        total = weight.sum(axis=0)
        up = seen - (weight * seen).sum(axis=0) / total
        along = filled - (weight * filled).sum(axis=0) / total
        slope = (weight * up * along).sum(axis=0) / ((weight * along * along).sum(axis=0) + 1e-3)
        weight, variance = _weights(up - slope * along)
    return weight, variance


def _slope(about: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slope of the line through W that is nearest to both B and J, equally wrong (Deming)."""
    behind, seen, both = about
    apart = seen - behind
    steep = (apart + np.hypot(apart, 2 * both)) / np.maximum(2 * both, 1e-9)
    return np.where(both > 0, steep, 0)


def _color_by_search(sums: _Sums) -> float:
    """Return the color, of 0 to 255 levels, that leaves the least between frames and lines through it."""

    def left(color: float) -> float:
        behind, seen, both = sums.about(color)
        return float((behind + seen - np.hypot(behind - seen, 2 * both)).sum())

    coarse = min(np.linspace(0, 255, _COLORS), key=left)
    step = 255 / (_COLORS - 1)
    return float(min(np.linspace(max(0, coarse - step), min(255, coarse + step), _COLORS), key=left))


def _color_of(sums: _Sums, opacity: Field) -> float:
    """Return the color of a component whose opacity is known, by least squares."""
    light = opacity * sums.seen - opacity * (1 - opacity) * sums.behind
    return float(light.sum() / ((opacity * opacity * sums.ones).sum() + 1e-6))


def _weights(rest: Series) -> tuple[Series, float]:
    """Return how much residuals count (Cauchy), and the variance of those that do."""
    deviation = _DEVIATION * float(np.median(np.abs(rest))) + 0.5
    return np.asarray(1 / (1 + (rest / np.float32(_CAUCHY * deviation)) ** 2), np.float32), deviation**2


def _error(blends: Sequence[Blend], samples: Sequence[Samples]) -> float:
    """Return what models leave of frames, in levels a pixel."""
    total = 0.0
    for blend, each in zip(blends, samples, strict=True):
        for rows, seen, filled in each.strips():
            rest = np.abs(seen - blend.keep[rows] * filled - blend.light[rows])
            total += float(rest.sum()) / each.seen.size / (1 << sum(each.shift))
    return total


def _spread(cells: NDArray[np.float64], shift: tuple[int, int], size: tuple[int, ...]) -> NDArray[np.float64]:
    """Return each cell's value at all of its pixels, cut to a size."""
    return cells.repeat(1 << shift[1], axis=0).repeat(1 << shift[0], axis=1)[: size[0], : size[1]]
