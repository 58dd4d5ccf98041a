"""Measure an overlay on a video: what frames show is held against what is filled in where it lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, takewhile

import numpy as np
from numpy.typing import NDArray

from vrestore.detect.logo.statics import find_statics
from vrestore.detect.overlay.fit import Blend, Samples, fit_blends, main_component
from vrestore.errors import MaskError
from vrestore.frames import Box, Frame, Hole, HoleSummary, MaskArray, MaskedFrame, VideoMeta
from vrestore.masks.tracks import aligned
from vrestore.media.color.convert import shift_of
from vrestore.media.preview.luma import Luma, small_luma
from vrestore.methods.inpaint.overlay.model import Layer, Levels, Overlay, codes_of, unit_of
from vrestore.methods.inpaint.overlay.restore import (
    NOISE_SHARE,
    covered_well,
    gain_of,
    inside,
    near_variance,
    window_side,
)
from vrestore.protocols import FrameTransform

STRETCHES, MOST_FRAMES, LEAST_FRAMES = 4, 160, 12
"""Frames that an overlay is measured on at most, in so many stretches, and at least."""

NOISE_RANK, NOISE_OF_MEAN = 40, 0.15
"""Of all frames, the encoder's noise is that percentile of what is left, or that share of the mean."""

LEAST_NOISE, USUAL_NOISE, MOST_NOISE = 1.5, 3.0, 60.0
"""Of its variance, in levels: no encoder does better; that of a fine one, for where the camera stands
still and filling says nothing; and at crf 26 none of the clips had more."""

LEAST_STEADY, MOST_STEADY = 0.1, 0.4
"""Bounds of the gain that is no fade: four times as much as that of sampled frames strays."""

_LOOKED_AT = 48  # frames that say whether the camera moves
_BYTES = 32  # of memory for each pixel of a sampled frame
_LINES = 480


class OneHole:
    """A MaskSource: the same hole in all frames."""

    def __init__(self, hole: Hole) -> None:
        self._hole = hole

    @property
    def summaries(self) -> Sequence[HoleSummary | None]:
        return [HoleSummary(self._hole.parts, self._hole.pixel_count)]

    def hole(self, _frame: Frame) -> Hole | None:
        """Return it."""
        return self._hole


def chosen_frames(
    summaries: Sequence[HoleSummary | None], meta: VideoMeta, *, memory_bytes: int
) -> list[range]:
    """Return the stretches of frames, by their number from the first one read, to measure an overlay on.

    All have one hole, that of which frames show most, and they are as many as may be held.
    """
    shown = Counter(summary for summary in summaries if summary is not None)
    chosen = max(shown, key=lambda summary: shown[summary] * summary.pixel_count)
    most = int(np.clip(memory_bytes // (_BYTES * chosen.pixel_count), LEAST_FRAMES, MOST_FRAMES))
    known = [index for index, summary in enumerate(summaries) if summary == chosen]
    if len(summaries) == 1:  # one for all frames, however many there are
        known = list(range(meta.frame_count or most))
    if len(known) > most:
        each = most // STRETCHES
        starts = np.linspace(0, len(known) - each, STRETCHES).astype(int)
        known = sorted({known[start + step] for start in starts.tolist() for step in range(each)})
    runs = groupby(enumerate(known), key=lambda pair: pair[1] - pair[0])
    found = [[index for _, index in run] for _, run in runs]
    return [range(run[0], run[-1] + 1) for run in found]


def stretches_of(frames: Iterable[Frame], chosen: Sequence[range]) -> Iterator[Iterator[Frame]]:
    """Yield the frames of stretches that do not touch, each to be read before the next is asked for."""
    numbered = enumerate(frames)
    for each in chosen:
        ahead = takewhile(lambda pair, stop=each.stop: pair[0] < stop, numbered)  # type: ignore[misc]
        yield (frame for number, frame in ahead if number in each)


def measure_overlay(
    stretches: Iterable[Iterator[Frame]],
    hole: Hole,
    meta: VideoMeta,
    *,
    fill: Callable[[], FrameTransform],
    given: Callable[[Box], list[Blend]] | None = None,
) -> Overlay:
    """Return the overlay that lies in a hole of frames.

    Args:
        stretches: frames in stretches that show it.
        hole: where it lies, with a rim that it leaves as it is.
        meta: of the video.
        fill: makes what fills the holes of a stretch.
        given: returns for a box what is known of the overlay beforehand. Where the camera stands still this
            is all that is known.

    Raises MaskError for too few frames.
    """
    box = aligned(hole.box, height=meta.height, width=meta.width)
    components = meta.pixel_format.components
    seen, filled = ([list[NDArray[np.generic]]() for _ in components] for _ in range(2))
    looks: list[Luma] = []

    def noted(frames: Iterator[Frame]) -> Iterator[MaskedFrame]:
        for frame in frames:
            looks.append(small_luma(frame, meta.pixel_format, lines=_LINES))
            for codes, component in zip(seen, components, strict=True):
                codes.append(codes_of(frame, component, box).copy())
            yield MaskedFrame(frame, hole)

    for frames in stretches:
        for frame in fill()(noted(frames)):
            for codes, component in zip(filled, components, strict=True):
                codes.append(codes_of(frame, component, box).copy())
    count = len(looks)
    if count < LEAST_FRAMES and given is None:
        raise MaskError(
            f"{count} frame(s) with an overlay are too few to measure it; at least {LEAST_FRAMES} are "
            "needed, or give it as a picture with --overlay FILE"
        )
    unit = unit_of(meta.pixel_format)
    samples = [
        Samples(np.stack(shown), np.stack(behind), unit, shift_of(component))
        for component, shown, behind in zip(components, seen, filled, strict=True)
    ]
    is_told = count >= LEAST_FRAMES and find_statics(looks[:: -(-count // _LOOKED_AT)]).is_told
    known = None if given is None else given(box)
    where = [inside(hole, box, each.shift) for each in samples]
    return _overlay(samples, where, box, meta.height, known, is_told=is_told)


def _overlay(
    samples: Sequence[Samples],
    where: Sequence[MaskArray],
    box: Box,
    height: int,
    known: list[Blend] | None,
    *,
    is_told: bool,
) -> Overlay:
    main = main_component(samples)
    blends = known if known is not None and not is_told else fit_blends(samples, main=main, given=known)
    gains = _gains(blends[main], samples[main], where[main])
    there = np.flatnonzero(np.abs(gains - 1) < MOST_STEADY)
    if is_told and LEAST_FRAMES <= len(there) < len(gains):
        # Frames of a fade are left out, for they say that less of it is there.
        samples = [each.of(there) for each in samples]
        blends = fit_blends(samples, main=main, given=known)
        gains = _gains(blends[main], samples[main], where[main])
    strays = 1.4826 * float(np.median(np.abs(gains - 1)))
    most = MOST_NOISE if is_told else USUAL_NOISE
    layers = [
        _layer(blend, each, here, height, most=most)
        for blend, each, here in zip(blends, samples, where, strict=True)
    ]
    return Overlay(box, tuple(layers), main, float(np.clip(4 * strays, LEAST_STEADY, MOST_STEADY)))


def _gains(blend: Blend, samples: Samples, where: MaskArray) -> NDArray[np.float64]:
    layer = Layer(blend.keep, blend.light, where, LEAST_NOISE, MOST_NOISE)
    return np.array([gain_of(layer, *pair, where) for pair in _pairs(samples)])


def _layer(blend: Blend, samples: Samples, where: MaskArray, height: int, *, most: float) -> Layer:
    """Return a component's layer with the noise that its model leaves of frames, in the hole."""
    window = window_side(height, samples.shift)
    layer = Layer(blend.keep, blend.light, where, LEAST_NOISE, most)
    covered = covered_well(layer, where)
    if not covered.any():
        return layer
    left = np.concatenate(
        [
            near_variance(shown - blend.keep * behind - blend.light, where, window)[covered]
            for shown, behind in _pairs(samples)
        ]
    )
    noise = max(float(np.percentile(left, NOISE_RANK)) / NOISE_SHARE, NOISE_OF_MEAN * float(left.mean()))
    return replace(layer, noise=float(np.clip(noise, LEAST_NOISE, most)))


def _pairs(samples: Samples) -> Iterator[tuple[Levels, Levels]]:
    unit = np.float32(samples.unit)
    for shown, behind in zip(samples.seen, samples.filled, strict=True):
        yield shown.astype(np.float32) / unit, behind.astype(np.float32) / unit
