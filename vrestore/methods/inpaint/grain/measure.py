"""Measure the noise beside a hole: what differs between a frame and its neighbors along their motion.

Of a pixel and what it moves to, the difference e is two independent samples of noise and the error of the
motion, which grows with the gradient G of the picture: E[e^2] = 2 s^2 + b G. The line is fitted, and s^2 is
what is left at the calmer half of the pixels: by brightness, as film and sensors are noisier in some tones
than in others (Liu, Szeliski, Kang, Zitnick and Freeman, "Automatic estimation and removal of noise from a
single image", 2008, measure such a curve from one frame). How alike the errors of pixels side by side are
tells how large the grain is.

Where the picture stands still that is all noise. Where it moves, the errors towards the frame before and the
one behind tell noise from motion that was not followed: of noise they have this frame's share in common, half
of their variance (0.45 to 0.55 was measured), of motion little or the opposite (0.38 at most, mostly below
0). Only this frame and those beside it are looked at, in their own planes and outside of their holes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import Component, MaskedFrame, PixelFormat
from vrestore.media.color.convert import samples_of, shift_of
from vrestore.methods.inpaint.grain.band import Band, Matched

MOST_ERROR = 16.0
"""Of 255 levels: pixels that differ by more in the mean were not followed, as behind a cut."""

STILL = 0.5
"""Share of the points from which on a picture stands still, and those alone are looked at."""

NO_NOISE, ALL_NOISE = 0.3, 0.42
"""Share that errors to both sides have in common: up to the first it is motion, from the second on noise."""

GRAIN, BLOBS = 0.8, 0.9
"""How alike errors side by side are: up to the first it is grain, from the second on things that move."""

MOST_ALIKE = 0.9

_LEAST_POINTS, _POINTS_OF_TONE, _TONES, _SHRINK, _GROUPS = 100, 200, 4, 100, 8
_MAD, _CLIP = 1.4826, 3.5

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one component: its standard deviation at some `tones`, both in code values.

    `alike` is how alike the noise of samples side by side is, across and down, 0 to 0.9.
    """

    tones: tuple[float, ...]
    deviations: tuple[float, ...]
    alike: tuple[float, float]

    @property
    def mean(self) -> float:
        """The deviation, whatever the tone."""
        return float(np.sqrt(np.mean(np.square(self.deviations))))


@dataclass(frozen=True, slots=True)
class Grain:
    """The noise of a frame's components, None where one has none.

    `shared` is how alike the noise of red, green and blue is, 0 to 1.
    """

    components: tuple[Noise | None, ...]
    shared: float = 0.0


def measure_grain(
    item: MaskedFrame,
    neighbors: Sequence[MaskedFrame],
    *,
    format: PixelFormat,
    flow: FlowEstimator,
    cell: int,
) -> Grain:
    """Return the noise around the hole of a frame, however little; None of what it cannot be told of.

    `flow` is estimated on pictures whose cells are `cell` pixels wide.
    """
    band = Band(item, format, cell)
    ways = [band.way_to(each, flow) for each in neighbors]
    noises, errors = [], []
    for number, component in enumerate(format.components):
        least = _LEAST_POINTS >> sum(shift_of(component))
        sides = (band.matched(way, shift_of(component)) for way in ways)
        read = [
            _read(item, other, side, component)
            for other, side in zip(neighbors, sides, strict=True)
            if np.count_nonzero(side.is_known) >= least
        ]
        chosen = _comparable(read, unit=(format.peak + 1) / 256)
        errors.append(chosen.errors)
        # Chroma has the noise of its luma's tones all mixed.
        has_tones = number == 0 or format.model == "rgb"
        noises.append(_noise_of(chosen, has_tones=has_tones) if chosen.errors.size >= least else None)
    return Grain(tuple(noises), _shared(errors) if format.model == "rgb" else 0.0)


@dataclass(frozen=True, slots=True)
class _Read:
    """What is read at the points of a band towards a neighbor, (n): tones, errors, gradient energy, and the
    errors of the samples beside. `scale` is how large the errors are.
    """

    tones: Values
    errors: Values
    gradients: Values
    across: Values
    down: Values
    is_known: NDArray[np.bool_]
    is_still: NDArray[np.bool_]
    scale: float

    def at(self, places: NDArray[np.bool_]) -> tuple[Values, ...]:
        """Return tones, errors, gradients, and errors across and down, at some of the points."""
        return tuple(
            each[places] for each in (self.tones, self.errors, self.gradients, self.across, self.down)
        )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is taken for noise, of all neighbors one after the other.

    `products` are the errors towards both neighbors, multiplied, None where they are not needed.
    """

    tones: Values
    errors: Values
    gradients: Values
    across: Values
    down: Values
    products: Values | None


def _chosen(kept: Sequence[_Read], places: Sequence[NDArray[np.bool_]], products: Values | None) -> _Chosen:
    columns = zip(*(each.at(where) for each, where in zip(kept, places, strict=True)), strict=True)
    tones, errors, gradients, across, down = map(np.concatenate, columns)
    return _Chosen(tones, errors, gradients, across, down, products)


def _comparable(read: Sequence[_Read], *, unit: float) -> _Chosen:
    """Choose the points that tell of noise: those that stand still if most do, else those known to both."""
    calmest = min((each.scale for each in read), default=0.0)
    # Of two neighbors one may lie behind a cut, or show something else.
    kept = [each for each in read if each.scale <= min(MOST_ERROR * unit, 2 * calmest + unit)]
    none = np.zeros(0)
    nothing = _Chosen(none, none, none, none, none, None)
    if not kept:
        return nothing
    if float(np.mean([each.is_still[each.is_known].mean() for each in kept])) >= STILL:
        return _chosen(kept, [each.is_known & each.is_still for each in kept], None)
    if len(kept) < 2:
        return nothing
    both = kept[0].is_known & kept[1].is_known
    products = (kept[0].errors * kept[1].errors)[both]
    return _chosen(kept, [both, both], np.concatenate([products, products]))


def _noise_of(chosen: _Chosen, *, has_tones: bool) -> Noise | None:
    """Return the noise that errors are of, as far as they are of noise; None for none."""
    calm = chosen.gradients <= np.median(chosen.gradients)
    squares, errors = np.square(chosen.errors), chosen.errors[calm]
    strength = max(float(squares[calm].mean()), 1e-9)
    alike = [float((errors * each[calm]).mean()) / strength for each in (chosen.across, chosen.down)]
    belief = 1 - _ramp(sum(alike) / 2, GRAIN, BLOBS)
    if chosen.products is not None:
        belief *= _ramp(float(chosen.products[calm].mean()) / strength, NO_NOISE, ALL_NOISE)
    left = belief / 2 * (squares[calm] - _slope(chosen.gradients, squares) * chosen.gradients[calm])
    variance = float(left.mean())
    if variance <= 0:
        return None
    within = float(np.clip(alike[0], 0, MOST_ALIKE)), float(np.clip(alike[1], 0, MOST_ALIKE))
    if not has_tones:
        return Noise((0.0,), (variance**0.5,), within)
    return Noise(*_by_tone(chosen.tones[calm], left, variance), within)


def _read(item: MaskedFrame, other: MaskedFrame, side: Matched, component: Component) -> _Read:
    """Read a component at the points of a band and at those they move to."""
    here, there = (samples_of(each.frame.planes[component.plane], component) for each in (item, other))

    def pair(across: int, down: int) -> tuple[Values, ...]:
        ours, theirs = here[side.y + down, side.x + across], there[side.to_y + down, side.to_x + across]
        return tuple((each >> component.shift).astype(np.float64) for each in (ours, theirs))

    middle, right, left, below, above = (pair(*each) for each in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)))
    known = side.is_known
    difference = middle[1] - middle[0]
    # The light may have changed.
    offset = float(np.median(difference[known]))
    sizes = np.abs(difference[known] - offset)
    scale = max(_MAD * float(np.median(sizes)), float(sizes.mean()))
    most = _CLIP * max(scale, 0.5)
    rise_x, rise_y = (
        (one[0] + one[1] - other[0] - other[1]) / 4 for one, other in ((right, left), (below, above))
    )
    errors, across, down = (
        np.clip(each[1] - each[0] - offset, -most, most) for each in (middle, right, below)
    )
    return _Read(
        tones=(middle[0] + middle[1]) / 2,
        errors=errors,
        gradients=np.square(rise_x) + np.square(rise_y),
        across=across,
        down=down,
        is_known=known,
        is_still=side.is_still,
        scale=scale,
    )


def _slope(gradients: Values, squares: Values) -> float:
    """Return by how much squared errors grow with the gradient, at least 0, of groups of alike gradient."""
    groups = np.array_split(np.argsort(gradients, kind="stable"), _GROUPS)
    x, y = (np.array([values[group].mean() for group in groups]) for values in (gradients, squares))
    x -= x.mean()
    power = float((x * x).sum())
    return max(0.0, float((x * (y - y.mean())).sum()) / power) if power > 1e-6 else 0.0


def _by_tone(tones: Values, left: Values, variance: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return tones, rising, and the deviation at each, drawn towards that of all."""
    count = int(np.clip(tones.size // _POINTS_OF_TONE, 1, _TONES))
    groups = np.array_split(np.argsort(tones, kind="stable"), count)
    places = tuple(float(tones[group].mean()) for group in groups)
    variances = ((float(left[group].sum()) + _SHRINK * variance) / (group.size + _SHRINK) for group in groups)
    return places, tuple(max(each, 0.0) ** 0.5 for each in variances)


def _shared(errors: Sequence[Values]) -> float:
    """Return how alike the errors of red, green and blue are, 0 to 1."""
    if len({each.size for each in errors}) > 1 or errors[0].size < _LEAST_POINTS:
        return 0.0
    table = np.cov(np.stack(errors))
    scale = np.sqrt(np.diag(table))
    if not scale.min() > 0:
        return 0.0
    alike = table / scale[:, None] / scale[None]
    return float(np.clip((alike.sum() - 3) / 6, 0, 1))


def _ramp(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)
