"""Cut the patch out of a restored frame: its colors, and how much of them lies over the source.

Laid over the source with straight alpha, a patch gives the restored frame: with s what the source shows, r
what was made of it and a the alpha, the patch's color is f = s + (r - s) / a, so that a f + (1 - a) s = r
(Porter and Duff, "Compositing digital images", 1984, `over`). The alpha is the hole's own, its feather
included. It is the same for all pixels of a cell of chroma, the largest of them, since programs that lay
pictures over each other in 4:2:0 take the mean of a cell for its chroma; and it is more where f would lie
outside of what can be coded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Component, Frame, MaskedFrame, PixelFormat, Plane, VideoMeta
from vrestore.media.color.color_matrix import coding_of
from vrestore.media.color.convert import (
    cell_pixels,
    chroma_cells,
    full_codes,
    samples_of,
    shift_of,
    to_rgb,
)
from vrestore.media.formats import plane_shapes
from vrestore.media.patch.layouts import patch_meta

MARGIN = 16
"""Pixels around the hole whose colors are those of the source, under an alpha of 0, so that programs that
make chroma finer or scale the patch find no border there."""

_UNSEEN = np.float32(0.25)
"""Of a code: what is less is lost when the result is rounded."""

Codes = NDArray[np.float32]


class PatchMaker:
    """Cuts patches out of the frames of a video, in a layout with alpha; all else is black under alpha 0."""

    def __init__(self, meta: VideoMeta, layout: PixelFormat) -> None:
        if layout.alpha is None:
            raise ValueError(f"{layout.name} has no alpha")
        self._meta, self._own, self._layout = meta, meta.pixel_format, layout
        self._alpha = layout.alpha
        self._is_same_grid = layout.model == self._own.model and layout.chroma_shift == self._own.chroma_shift
        written = patch_meta(meta, layout)
        black = coding_of(layout, written.color, height=meta.height).offset
        blank = [
            np.zeros(shape, layout.dtype)
            for shape in plane_shapes(layout, height=meta.height, width=meta.width)
        ]
        for component, code in zip(layout.components, black, strict=False):
            samples_of(blank[component.plane], component)[...] = round(code) << component.shift
        self._blank: tuple[Plane, ...] = tuple(blank)

    @property
    def words(self) -> str:
        """Say what is written."""
        return f"the patch alone, {self._layout.name} with straight alpha; no sound, subtitles or data"

    def cut(self, item: MaskedFrame, restored: Frame) -> Frame:
        """Return what of a restored frame lies in its hole, with alpha; all of it clear without a hole."""
        if item.hole is None or restored is item.frame:
            return Frame(self._blank, restored.pts, restored.duration, restored.index)
        meta, shift, peak = self._meta, self._layout.chroma_shift, self._layout.peak
        around = item.hole.box.grown(MARGIN, height=meta.height, width=meta.width)
        # Whole cells; the last ones may stand out of the picture.
        frame_box = Box(0, 0, meta.width, meta.height)
        window = cell_pixels(chroma_cells(around, shift), shift).intersection(frame_box) or around
        before, after = (self._converted(frame, window) for frame in (item.frame, restored))
        needed = cell_most(np.divide(item.hole.alpha_in(window), 255, dtype=np.float32), shift)
        for component, old, new in zip(self._layout.components, before, after, strict=True):
            share = _least_alpha(old, new, peak)
            needed = np.maximum(needed, cell_most(share, shift) if shift_of(component) == (0, 0) else share)
        # Not below what is needed, or a color would lie outside of what can be coded.
        alpha = np.ceil(needed * np.float32(peak) - np.float32(0.001))
        pixels = np.repeat(np.repeat(alpha, 1 << shift[1], axis=0), 1 << shift[0], axis=1)
        pixels = pixels[: window.height, : window.width]
        planes = [plane.copy() for plane in self._blank]
        for component, old, new in zip(self._layout.components, before, after, strict=True):
            amount = (pixels if shift_of(component) == (0, 0) else alpha) / np.float32(peak)
            colors = old + (new - old) / np.where(amount > 0, amount, np.float32(1))
            self._write(planes, component, window, np.clip(colors, 0, peak))
        self._write(planes, self._alpha, window, pixels)
        return Frame(tuple(planes), restored.pts, restored.duration, restored.index)

    def _converted(self, frame: Frame, window: Box) -> list[Codes]:
        """Return a window of a frame as the layout has it, but for the rounding: each component's codes."""
        own, color, layout = self._own, self._meta.color, self._layout
        if layout.model == "rgb" and own.model != "rgb":
            return list(to_rgb(frame, window, format=own, color=color) * np.float32(layout.peak))
        scale = np.float32(layout.peak / own.peak if layout.model == "rgb" else 1 << layout.bits - own.bits)
        if not self._is_same_grid:
            return list(full_codes(frame, window, format=own, color=color) * scale)
        codes = []
        for component in own.components:
            cells = chroma_cells(window, shift_of(component))
            samples = samples_of(frame.planes[component.plane], component)[cells.rows, cells.columns]
            codes.append((samples >> component.shift).astype(np.float32) * scale)
        return codes

    def _write(self, planes: list[Plane], component: Component, window: Box, codes: Codes) -> None:
        cells = chroma_cells(window, shift_of(component))
        samples = samples_of(planes[component.plane], component)[cells.rows, cells.columns]  # a view
        samples[...] = np.rint(codes).astype(samples.dtype) << component.shift


def cell_most(values: Codes, shift: tuple[int, int]) -> Codes:
    """Return the largest of the values (h, w) in each cell of chroma; the last ones may be incomplete."""
    across, down = 1 << shift[0], 1 << shift[1]
    height, width = values.shape
    padded = np.pad(values, ((0, -height % down), (0, -width % across)))
    cells = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    return np.asarray(cells.max(axis=(1, 3)))  # (h, w) of the cells


def _least_alpha(old: Codes, new: Codes, peak: int) -> Codes:
    """Return the least alpha with which a color between 0 and the peak makes `new` of `old`, nearly."""
    rise = new - old
    room = np.where(rise > 0, peak - old, old)
    least = np.maximum(np.abs(rise) - _UNSEEN, 0)
    return np.asarray(least / np.maximum(room, least + np.float32(1e-6)), np.float32)
