"""Give what fills a hole the grain of what lies around it.

What fills a hole has the noise of the one frame that it was read from, standing still, or none. So that the
picture is not twice as noisy there, the noise that stands is taken out first, by Lee's filter ("Digital image
enhancement and noise filtering by use of local statistics", 1980): with m the mean and v the variance around
a sample p and s^2 that of the noise, it becomes m + k (p - m) with k = (v - s^2) / v, which spares detail.
Then noise of the same strength and grain size is added, anew in each frame; a little less where detail was
spared, since what was left in it is there already.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Component, Frame, Hole, PixelFormat, Plane
from vrestore.media.color.convert import amount_of, cell_pixels, chroma_cells, samples_of, shift_of
from vrestore.methods.inpaint.grain.fields import noise_field
from vrestore.methods.inpaint.grain.measure import Grain, Noise

WINDOW, WINDOW_OF_CHROMA = 7, 5
"""Samples in which the local mean and variance are taken."""

LEAST_ADDED = 0.8
"""Of the noise's deviation, what is added where all of the noise that stands was left."""


def regrained(frame: Frame, hole: Hole, grain: Grain, *, format: PixelFormat) -> Frame:
    """Return a filled frame with grain in its hole, the same for the frame's number whenever it is asked."""
    planes = {each.plane: frame.planes[each.plane].copy() for each in format.components}
    rest = hole.alpha.copy()
    for part in hole.parts:
        own = part.relative_to(hole.box)
        alpha = rest[own.rows, own.columns].copy()
        rest[own.rows, own.columns] = 0  # parts may overlap
        if not alpha.any():
            continue
        for number, (component, noise) in enumerate(zip(format.components, grain.components, strict=True)):
            if noise is not None:
                shift = shift_of(component)
                cells = chroma_cells(part, shift)
                pixels = cell_pixels(cells, shift)
                amount = amount_of(Hole(part, alpha, (part,)).alpha_in(pixels), pixels, pixels, shift)
                field = noise_field(cells, (frame.index, number), noise.alike, grain.shared)
                _regrain(planes[component.plane], component, noise, cells, amount, field, format.peak)
    return frame.with_planes(planes)


def _regrain(
    plane: Plane,
    component: Component,
    noise: Noise,
    cells: Box,
    amount: NDArray[np.float32],
    field: NDArray[np.float32],
    peak: int,
) -> None:
    """Change the samples of a box in a plane where `amount`, (h, w) in [0, 1], is above 0."""
    samples = samples_of(plane, component)
    height, width = samples.shape
    side = WINDOW if shift_of(component) == (0, 0) else WINDOW_OF_CHROMA
    around = cells.grown(side // 2, height=height, width=width)
    inner = cells.relative_to(around)
    codes = (samples[around.rows, around.columns] >> component.shift).astype(np.float32)
    # About the middle, or squares of 16 bits would lose what their difference is about.
    codes -= np.float32(peak / 2)
    mean = np.asarray(cv2.blur(codes, (side, side)), np.float32)
    variance = np.asarray(cv2.blur(codes * codes, (side, side)), np.float32) - mean * mean
    window = np.s_[inner.rows, inner.columns]
    codes, mean, variance = codes[window], mean[window], variance[window]
    if len(noise.tones) > 1:
        deviation = np.interp(mean + peak / 2, noise.tones, noise.deviations).astype(np.float32)
    else:
        deviation = np.full(mean.shape, noise.deviations[0], np.float32)
    kept = np.maximum(variance - deviation * deviation, 0) / np.maximum(variance, np.float32(1e-6))
    added = deviation * np.sqrt(1 - np.float32(1 - LEAST_ADDED**2) * kept * kept)
    # In a feather the source's own noise has its share: the variances add up to the whole.
    added *= np.sqrt(amount * (2 - amount)) * field
    changed = codes + amount * (kept - 1) * (codes - mean) + added + np.float32(peak / 2)
    rounded = np.rint(np.clip(changed, 0, peak)).astype(samples.dtype) << component.shift
    np.copyto(samples[cells.rows, cells.columns], rounded, where=amount > 0)
