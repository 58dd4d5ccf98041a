"""Follow the grain along a span of frames with holes: measured now and then, the mean of a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vrestore.flow.estimator import FlowEstimator, make_estimator
from vrestore.frames import Frame, Hole, MaskedFrame, PixelFormat
from vrestore.methods.inpaint.frame_buffer import FrameBuffer
from vrestore.methods.inpaint.grain.measure import Grain, Noise, measure_grain
from vrestore.methods.inpaint.grain.regrain import regrained
from vrestore.methods.inpaint.settings import InpaintStats, Settings

LEAST_NOISE = 0.5
"""Of 255 levels: less is what rounding to whole levels makes, and nobody sees it."""

STRETCH = 12
"""Frames that are given the same grain."""

MEASURED = 1, 5, 9
"""Of these the ones whose noise is measured; not the first, which may have no frame before it."""


class GrainFollower:
    """Gives the frames of a span the grain around their holes; `tally` is told how much.

    It depends on the frames and on where the span begins, `first`. Of `buffer` no more is read ahead than
    `settings` let propagation read.
    """

    def __init__(
        self, buffer: FrameBuffer, first: int, *, format: PixelFormat, settings: Settings, tally: InpaintStats
    ) -> None:
        self._buffer, self._first, self._format, self._tally = buffer, first, format, tally
        # What propagation looks ahead is there already: nothing is read for the grain alone.
        self._offsets = [offset for offset in MEASURED if offset < settings.look_ahead]
        scale = settings.scale
        self._cell = 1 << scale
        self._flow: FlowEstimator = make_estimator("ultrafast", scale=scale, shrunk=scale)
        self._stretch, self._grain = -1, Grain((None,) * len(format.components))

    def given(self, index: int, frame: Frame, hole: Hole) -> Frame:
        """Return the span's frame of that number with grain where it was filled."""
        stretch = (index - self._first) // STRETCH
        if stretch != self._stretch:
            self._stretch, self._grain = stretch, self._measured(self._first + stretch * STRETCH)
        if not any(self._grain.components):
            return frame
        main = self._grain.components[1 if self._format.model == "rgb" else 0]
        self._tally.grain_frames += 1
        level = 0.0 if main is None else main.mean * 255 / self._format.peak
        self._tally.grain_thousandths += round(1000 * level)
        return regrained(frame, hole, self._grain, format=self._format)

    def _measured(self, start: int) -> Grain:
        """Return the mean grain of the stretch that begins with a frame; of that where there is no more."""
        found = [each for offset in self._offsets if (each := self._at(start, start + offset)) is not None]
        if not found:
            found = [each for each in [self._at(start, start)] if each is not None]
        least = LEAST_NOISE * (self._format.peak + 1) / 256
        return mean_grain(found, count=len(self._format.components), least=least)

    def _at(self, start: int, index: int) -> Grain | None:
        """Return the grain of a frame with a hole, None where the scene or the hole ends before it."""
        shot = self._buffer.get(start)
        for number in range(start + 1, index + 1):
            shot = self._buffer.get(number)
            if shot is None or shot.hole is None or shot.starts_scene:
                return None
        if shot is None or shot.hole is None:
            return None
        before = self._buffer.get(index - 1) if index else None
        after = self._buffer.get(index + 1)
        beside = [] if before is None or shot.starts_scene else [before]
        beside += [] if after is None or after.starts_scene else [after]
        item, *neighbors = (MaskedFrame(each.frame, each.hole) for each in (shot, *beside))
        return measure_grain(item, neighbors, format=self._format, flow=self._flow, cell=self._cell)


def mean_grain(grains: Sequence[Grain], *, count: int, least: float) -> Grain:
    """Return the mean of what was measured of `count` components; what is weaker than `least` is none."""
    rows = [tuple(each.components[number] for each in grains) for number in range(count)]
    shared = float(np.mean([each.shared for each in grains])) if grains else 0.0
    return Grain(tuple(_mean_noise(row, least) for row in rows), shared)


def _mean_noise(noises: Sequence[Noise | None], least: float) -> Noise | None:
    known = [noise for noise in noises if noise is not None]
    if not known:
        return None
    tones = sorted({tone for noise in known for tone in noise.tones})
    variances = sum(np.square(np.interp(tones, noise.tones, noise.deviations)) for noise in known) / len(
        noises
    )
    mean = Noise(tuple(tones), tuple(np.sqrt(variances).tolist()), (0.0, 0.0))
    if mean.mean < least:
        return None
    weights = [noise.mean**2 for noise in known]
    alike = np.average([noise.alike for noise in known], axis=0, weights=weights)
    return Noise(mean.tones, mean.deviations, (float(alike[0]), float(alike[1])))
