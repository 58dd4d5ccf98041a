"""Frames inverted where an overlay lies, and mixed with what was filled in by which of the two is surer.

With S what a frame shows, k what the overlay keeps of the picture and p the light that it adds, the picture
is I = (S - p) / k; the encoder's noise grows by 1 / k. B, which propagation fills in, errs by something else.
The variance V of I - B nearby is the sum of both errors, so that the mean of least error is B + g (I - B)
with g = 1 - n / V, n the noise of I (inverse-variance weighting).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Component, Frame, Hole, MaskArray, MaskedFrame, PixelFormat, Plane, VideoMeta
from vrestore.media.color.convert import cell_pixels, chroma_cells, samples_of, shift_of
from vrestore.methods.inpaint.overlay.model import Layer, Levels, Overlay, cell_mean, levels_of, unit_of
from vrestore.methods.inpaint.settings import InpaintStats
from vrestore.protocols import FrameTransform

NEARLY_OPAQUE = 0.85
"""What is more opaque is filled: of what lies behind too little is left."""

NOISE_SHARE = 0.9
"""The encoder's noise is a percentile of what a model leaves nearby, over this share: where little is left,
filling was right. Chosen on training clips."""

_FIRM, _TO_DOUBT = 0.4, 0.1  # opacity from which on noise counts more, and until it counts twice
_CALM_RANK = 25
_FAINT = 0.25  # of the overlay's greatest opacity
_WINDOW_LINES = 60  # one pixel of the window's radius for so many lines
_CAUCHY, _DEVIATION = 2.385, 1.4826
_ROUNDS = 3


def restorer_for(
    overlay: Overlay, meta: VideoMeta, tally: InpaintStats, fill: FrameTransform
) -> FrameTransform:
    """Return what fills holes as `fill` does, then restores what shines through an overlay there."""

    def restored(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
        restorer = OverlayRestorer(overlay, meta.pixel_format, height=meta.height, tally=tally)
        return restorer.frames(items, fill)

    return restored


class OverlayRestorer:
    """Restores the frames of a video, and counts in `tally` what it did."""

    def __init__(self, overlay: Overlay, format: PixelFormat, *, height: int, tally: InpaintStats) -> None:
        self._overlay, self._format, self._tally = overlay, format, tally
        self._windows = [window_side(height, shift_of(each)) for each in format.components]
        self._hole: Hole | None = None
        self._inside: list[MaskArray] = []

    def frames(self, items: Iterator[MaskedFrame], fill: FrameTransform) -> Iterator[Frame]:
        """Yield frames restored, `fill` being what fills holes; those that it passes as they are pass."""
        waiting: deque[MaskedFrame] = deque()

        def noted() -> Iterator[MaskedFrame]:
            for item in items:
                waiting.append(item)
                yield item

        for filled in fill(noted()):
            item = waiting.popleft()
            if item.hole is None or filled is item.frame:
                yield filled
            else:
                yield self._restored(item.frame, filled, item.hole)

    def _restored(self, frame: Frame, filled: Frame, hole: Hole) -> Frame:
        overlay, components = self._overlay, self._format.components
        if hole is not self._hole:
            self._hole = hole
            self._inside = [inside(hole, overlay.box, shift_of(each)) for each in components]
        shown_all, behind_all = (
            [levels_of(each, component, overlay.box, self._format) for component in components]
            for each in (frame, filled)
        )
        main = overlay.main
        gain = steadied(
            gain_of(overlay.layers[main], shown_all[main], behind_all[main], self._inside[main]),
            overlay.steady,
        )
        planes = {each.plane: filled.planes[each.plane].copy() for each in components}
        # Where the main component says that filling was right it was so for all: they come from one place.
        most: Levels | None = None
        for index in sorted(range(len(components)), key=lambda number: number != main):
            component, layer, where = components[index], overlay.layers[index], self._inside[index]
            shown, behind = shown_all[index], behind_all[index]
            share = restored_share(
                layer, shown, behind, where, gain=gain, window=self._windows[index],
                most=None if most is None else cell_mean(most, shift_of(component)),
            )  # fmt: skip
            result = mixed(layer, shown, behind, share, gain=gain)
            if index == main:
                most = share
                self._count(layer, where, share, shown, result)
            self._write(planes[component.plane], component, where, result)
        return filled.with_planes(dict(planes))

    def _write(self, plane: Plane, component: Component, where: MaskArray, result: Levels) -> None:
        cells = chroma_cells(self._overlay.box, shift_of(component))
        samples = samples_of(plane, component)[cells.rows, cells.columns]  # a view
        codes = np.clip(result * np.float32(unit_of(self._format)), 0, self._format.peak)
        samples[where] = np.rint(codes[where]).astype(samples.dtype) << component.shift

    def _count(self, layer: Layer, where: MaskArray, share: Levels, shown: Levels, result: Levels) -> None:
        covered = where & ((layer.keep < 1) | ~layer.measured)
        restored = round(float(share[covered].sum()))
        self._tally.overlay_restored += restored
        self._tally.overlay_filled += int(np.count_nonzero(covered)) - restored
        edges = gradients(1 - layer.keep)
        self._tally.overlay_edges_before += round(float((gradients(shown) * edges).sum()))
        self._tally.overlay_edges_after += round(float((gradients(result) * edges).sum()))


def restored_share(
    layer: Layer,
    shown: Levels,
    behind: Levels,
    where: MaskArray,
    *,
    gain: float,
    window: int,
    most: Levels | None = None,
) -> Levels:
    """Return how much of what is inverted belongs into the mean with what is filled in, (h, w).

    `gain` is how much of the overlay is there, `window` the side of what is near, `most` an upper bound.
    """
    keep = 1 - np.float32(gain) * (1 - layer.keep)
    rest = near_variance(shown - np.float32(gain) * layer.light - keep * behind, where, window)
    noise = max(layer.noise, frame_noise(layer, rest, where)) * _doubled(layer.keep)
    share = np.clip(1 - noise / np.maximum(rest, 1e-6), 0, 1).astype(np.float32)
    if most is not None:
        share = np.minimum(share, most)
    share[keep < 1 - NEARLY_OPAQUE] = 0
    share[keep == 1] = 1  # the picture itself
    share[~layer.measured] = 0
    return share


def covered_well(layer: Layer, where: MaskArray) -> MaskArray:
    """Tell where an overlay covers so much that what is left there says how coarse the encoder was."""
    opacity = (1 - layer.keep) * (where & layer.measured)
    return np.asarray(opacity > _FAINT * max(float(opacity.max()), 1e-3))


def frame_noise(layer: Layer, rest: Levels, where: MaskArray) -> float:
    """Return the encoder's noise in one frame, as its calmest places show it: it varies with motion."""
    covered = covered_well(layer, where)
    if not covered.any():
        return 0.0
    return min(layer.most_noise, float(np.percentile(rest[covered], _CALM_RANK)) / NOISE_SHARE)


def _doubled(keep: Levels) -> Levels:
    """Return what the noise counts: twice where so little is kept that errors of the model weigh as much."""
    return np.asarray(1 + np.clip((1 - keep - _FIRM) / _TO_DOUBT, 0, 1), np.float32)


def mixed(layer: Layer, shown: Levels, behind: Levels, share: Levels, *, gain: float) -> Levels:
    """Return the mean of what is inverted, by its share, and what is filled in, (h, w)."""
    keep = 1 - np.float32(gain) * (1 - layer.keep)
    inverted = (shown - np.float32(gain) * layer.light) / keep
    return np.asarray(behind + share * (inverted - behind), np.float32)


def near_variance(rest: Levels, where: MaskArray, window: int) -> Levels:
    """Return the mean square of what is left around each place, of the places `where`; all (h, w)."""
    size = window, window
    weight = cv2.blur(where.astype(np.float32), size)
    return np.asarray(cv2.blur(rest * rest * where, size) / np.maximum(weight, 1e-3), np.float32)


def window_side(height: int, shift: tuple[int, int] = (0, 0)) -> int:
    """Return the side of the window in which errors are taken for alike, in a picture of so many lines."""
    return 2 * max(1, round(height / _WINDOW_LINES) >> max(shift)) + 1


def steadied(gain: float, steady: float) -> float:
    """Return the gain that is meant by one that was found: none of an overlay, all of it, or a part."""
    if abs(gain - 1) < steady or gain > 1:
        return 1.0
    return 0.0 if gain < steady else gain


def gain_of(layer: Layer, shown: Levels, behind: Levels, where: MaskArray) -> float:
    """Return how much of an overlay a frame shows at the places `where`: 1 all of it, 0 none.

    The overlay adds light - (1 - keep) B to B. Its edges are looked for in the edges of what was added, for
    where B is wrong it is so smoothly, and robustly, for its own edges lie elsewhere.
    """
    added, own = gradients(shown - behind), gradients(layer.light - (1 - layer.keep) * behind)
    own *= where[:-1, :-1]
    weight, gain = np.ones_like(added), 1.0
    for _ in range(_ROUNDS):
        power = float((weight * own * own).sum())
        if power < 1:
            return 1.0
        gain = float((weight * added * own).sum()) / power
        rest = added - np.float32(gain) * own
        deviation = _DEVIATION * float(np.median(np.abs(rest))) + 1
        weight = np.asarray(1 / (1 + (rest / np.float32(_CAUCHY * deviation)) ** 2), np.float32)
    return gain


def gradients(picture: Levels) -> Levels:
    """Return the differences to the right and down, (2, h - 1, w - 1)."""
    return np.stack([np.diff(picture, axis=1)[:-1], np.diff(picture, axis=0)[:, :-1]])


def inside(hole: Hole, box: Box, shift: tuple[int, int]) -> MaskArray:
    """Tell which samples of a component, over a box, have a pixel of the hole in their cell."""
    cells = chroma_cells(box, shift)
    alpha = hole.alpha_in(cell_pixels(cells, shift))
    cells_of: NDArray[np.uint8] = alpha.reshape(cells.height, 1 << shift[1], cells.width, 1 << shift[0])
    return np.asarray(cells_of.max(axis=(1, 3)) > 0)  # (h, w)
