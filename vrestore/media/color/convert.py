"""Native planes to RGB and back, for a crop of a frame.

RGB is (3, h, w) float32 in [0, 1], values as displayed. What a stream's numbers mean is decided in
`color_matrix`, how chroma gets from its own grid to that of the pixels in `chroma`.

The rules that keep the promises:

* A luma sample (or one of RGB or gray) is written where alpha is above 0, a chroma sample where any
  pixel of its cell has alpha above 0. Every other sample of every plane, and the alpha plane, stays.
* `known_rgb` reads no sample that `composite` would write, and nothing outside its box. A chroma
  sample whose cell lies partly in the hole mixes the color of hidden pixels, so it counts as hidden
  and takes the value of the nearest known one before chroma is interpolated.
* Old and new are blended by alpha, chroma by the mean alpha of its cell. Where alpha is 255 the old
  value has no part in the result; a chroma sample with one such pixel in its cell is replaced whole,
  for its old value has seen what is to go.
"""

from __future__ import annotations

from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Color, Component, Frame, PixelFormat, Plane
from vrestore.media.color import chroma
from vrestore.media.color.color_matrix import Coding, chroma_place, coding_of

Number = TypeVar("Number", bound=np.generic)

Picture = NDArray[np.float32]
"""(3, h, w) RGB in [0, 1]."""

Alpha = NDArray[np.uint8]
"""(h, w), 255 is replaced, 1..254 is blended, 0 is left alone."""


def to_rgb(frame: Frame, box: Box, *, format: PixelFormat, color: Color) -> Picture:
    """Return the crop of a frame as RGB; chroma beyond the picture's edge is that at the edge."""
    return _decode(full_codes(frame, box, format=format, color=color), coding_for(frame, format, color))


def full_codes(frame: Frame, box: Box, *, format: PixelFormat, color: Color) -> chroma.Samples:
    """Return the codes of a crop's components at each pixel, (C, h, w), chroma read between its samples."""
    codes = np.empty((len(format.components), box.height, box.width), np.float32)  # (C, h, w)
    for component, plane in zip(format.components, codes, strict=True):
        shift = shift_of(component)
        if shift == (0, 0):
            plane[...] = _read(frame, component, box)
        else:
            cells = chroma_cells(box, shift)
            samples = _read(frame, component, widened(cells, 1, 1))  # one more each side, to interpolate from
            plane[...] = _spread_over(samples, box, cells, shift, color)
    return codes


def known_rgb(frame: Frame, box: Box, alpha: Alpha, *, format: PixelFormat, color: Color) -> Picture:
    """Return the crop as RGB, 0 where alpha is above 0, the same whatever the hole's samples are.

    Nothing outside the box is read, so a cell that the box cuts counts as hidden too.
    """
    coding = coding_for(frame, format, color)
    codes = np.empty((len(format.components), box.height, box.width), np.float32)
    shift = format.chroma_shift
    if shift != (0, 0):
        cells = chroma_cells(box, shift)
        nearest = chroma.nearest_known(hidden_cells(frame, box, alpha, cells, format))
    for component, plane, neutral in zip(format.components, codes, coding.offset, strict=False):
        if shift_of(component) == (0, 0):
            plane[...] = _read(frame, component, box)
            continue
        samples = _read(frame, component, cells)
        # Without any known sample chroma is its zero, which is gray.
        samples = np.full_like(samples, neutral) if nearest is None else samples.ravel()[nearest]
        samples = covering(samples, cells, widened(cells, 1, 1))
        plane[...] = _spread_over(samples, box, cells, shift, color)
    result = _decode(codes, coding)
    result *= (alpha == 0)[None]
    return result


def composite(
    frame: Frame, box: Box, rgb: Picture, alpha: Alpha, *, format: PixelFormat, color: Color
) -> Frame:
    """Return the frame with the repaired crop written into its hole, rounded to the nearest code values.

    `rgb` covers the whole box; outside the hole it is what `known_rgb` gave, which chroma at the rim
    is made from. Values are cut to [0, 1], and what is not a number counts as 0.
    """
    left, top, width, height = cv2.boundingRect(alpha)
    if width == 0:
        return frame
    touched = Box(box.x + left, box.y + top, width, height)
    shift = format.chroma_shift
    cells = chroma_cells(touched, shift)
    # Chroma at the rim is averaged over whole cells and what `gather` reads beside them.
    reach = widened(cell_pixels(cells, shift), *chroma.margin(shift))
    # fmax and fmin take the other operand where one is not a number; clip would keep it.
    picture = np.fmin(np.fmax(covering(rgb, box, reach), 0), 1, dtype=np.float32)
    coding = coding_for(frame, format, color)
    grids = {
        step: (chroma_cells(touched, step), amount_of(alpha, box, touched, step)) for step in {(0, 0), shift}
    }
    planes = {component.plane: frame.planes[component.plane].copy() for component in format.components}
    for component, row, zero in zip(format.components, coding.from_rgb, coding.offset, strict=False):
        codes = _weighted(row, picture) + np.float32(zero)  # (h, w) of `reach`, at full resolution
        step = shift_of(component)
        if step == (0, 0):
            codes = covering(codes, reach, touched)
        else:
            codes = chroma.gather(codes, shift=shift, place=place_for(color, shift))
        where, amount = grids[step]
        _write(planes[component.plane], component, where, np.clip(codes, 0, format.peak), amount)
    return frame.with_planes(planes)


def coding_for(frame: Frame, format: PixelFormat, color: Color) -> Coding:
    """Say what the numbers in a frame's planes mean."""
    return coding_of(format, color, height=frame.planes[format.components[0].plane].shape[0])


def place_for(color: Color, shift: tuple[int, int]) -> tuple[float, float]:
    """Say where a chroma sample sits in its cell: see `vrestore.media.color.chroma`."""
    return chroma_place(color, shift_x=shift[0], shift_y=shift[1])


def shift_of(component: Component) -> tuple[int, int]:
    """Return the subsampling of a component across and down, as logarithms."""
    return component.subsample_x, component.subsample_y


def chroma_cells(box: Box, shift: tuple[int, int]) -> Box:
    """Return the chroma samples whose cells meet the box, as a box on their grid."""
    # Shifting rounds down, also below 0; the last pixel's cell is the last one.
    left, top = box.x >> shift[0], box.y >> shift[1]
    right = (box.x + box.width - 1 >> shift[0]) + 1
    bottom = (box.y + box.height - 1 >> shift[1]) + 1
    return Box(left, top, right - left, bottom - top)


def cell_pixels(cells: Box, shift: tuple[int, int]) -> Box:
    """Return the box of all pixels of chroma cells."""
    across, down = shift
    return Box(cells.x << across, cells.y << down, cells.width << across, cells.height << down)


def widened(box: Box, across: int, down: int) -> Box:
    """Return a box with so much more on each side; it may reach out of the picture."""
    return Box(box.x - across, box.y - down, box.width + 2 * across, box.height + 2 * down)


def covering(picture: NDArray[Number], have: Box, want: Box) -> NDArray[Number]:
    """Cut a picture (..., rows, columns) of `have` to `want`, and repeat its edges where it ends."""
    common = have.intersection(want)
    if common is None:
        raise ValueError(f"{want} is outside {have}")
    inner = common.relative_to(have)
    cut = picture[..., inner.rows, inner.columns]
    if common == want:
        return cut
    left, top = common.x - want.x, common.y - want.y
    across = (left, want.width - common.width - left)
    down = (top, want.height - common.height - top)
    return np.pad(cut, [(0, 0)] * (picture.ndim - 2) + [down, across], mode="edge")


def samples_of(plane: Plane, component: Component) -> NDArray[np.uint16]:
    """Return a view of one component's samples; they are uint8 where the plane is."""
    return cast("NDArray[np.uint16]", plane[:, component.offset :: component.step])


def _read(frame: Frame, component: Component, box: Box) -> chroma.Samples:
    """Return a component's code values over a box of its own grid, with the nearest beyond the edges."""
    samples = samples_of(frame.planes[component.plane], component)
    height, width = samples.shape
    codes = covering(samples, Box(0, 0, width, height), box)
    return (codes >> component.shift).astype(np.float32)


def _write(
    plane: Plane, component: Component, box: Box, codes: chroma.Samples, amount: chroma.Samples
) -> None:
    """Blend code values into a component over a box of its own grid; amount 0 leaves every bit."""
    samples = samples_of(plane, component)[box.rows, box.columns]  # a view: writing to it writes the plane
    old = (samples >> component.shift).astype(np.float32)
    # Not old + amount * (codes - old): where amount is 1 that would round by what is to go.
    mixed = codes * amount + old * (1 - amount)
    samples[...] = np.rint(mixed, out=mixed).astype(samples.dtype) << component.shift


def _spread_over(
    samples: chroma.Samples, box: Box, cells: Box, shift: tuple[int, int], color: Color
) -> chroma.Samples:
    """Return chroma for each pixel of the box; `samples` has one more on each side than `cells`."""
    spread = chroma.spread(samples, shift=shift, place=place_for(color, shift))
    return covering(spread, cell_pixels(cells, shift), box)


def _decode(codes: chroma.Samples, coding: Coding) -> Picture:
    count = len(codes)  # 1 for gray, of which all three channels are made
    codes -= coding.offset[:count, None, None].astype(np.float32)
    rgb = np.stack([_weighted(row[:count], codes) for row in coding.to_rgb])  # (3, h, w)
    return np.clip(rgb, 0, 1, out=rgb)


def _weighted(weights: NDArray[np.float64], planes: chroma.Samples) -> chroma.Samples:
    """Return the weighted sum of (N, h, w) planes.

    Not by a matrix product: BLAS takes threads for it, which wait 8 ms for a core where others are busy.
    """
    terms = [np.float32(weight) * plane for weight, plane in zip(weights, planes, strict=True) if weight]
    total: chroma.Samples = terms[0]
    for term in terms[1:]:
        total += term
    return total


def hidden_cells(frame: Frame, box: Box, alpha: Alpha, cells: Box, format: PixelFormat) -> NDArray[np.bool_]:
    """Tell which chroma samples have a pixel of the hole, or one the box does not show, in their cell."""
    luma = format.components[0]
    height, width = samples_of(frame.planes[luma.plane], luma).shape
    pixels = cell_pixels(cells, format.chroma_shift)
    hidden = np.ones((pixels.height, pixels.width), np.bool_)  # what the box does not show is not known
    # Beyond the picture's edge there is nothing to hide: an odd size leaves the last cells incomplete.
    hidden[max(0, height - pixels.y) :] = False
    hidden[:, max(0, width - pixels.x) :] = False
    inner = box.relative_to(pixels)
    hidden[inner.rows, inner.columns] = alpha > 0
    result: NDArray[np.bool_] = np.maximum.reduce(_corners(hidden, format.chroma_shift))
    return result


def amount_of(alpha: Alpha, box: Box, touched: Box, shift: tuple[int, int]) -> chroma.Samples:
    """Return how much of each sample is new: 1 where a pixel of its cell has alpha 255, else the mean."""
    if shift == (0, 0):
        return np.divide(covering(alpha, box, touched), 255, dtype=np.float32)
    pixels = cell_pixels(chroma_cells(touched, shift), shift)
    # One array for each place in a cell, so that the mean over a cell is one over arrays.
    parts = _corners(covering(alpha, box, pixels), shift)
    mean = sum(part.astype(np.float32) for part in parts) / np.float32(255 * len(parts))
    return np.where(np.maximum.reduce(parts) == 255, np.float32(1), mean)


def _corners(picture: NDArray[Number], shift: tuple[int, int]) -> list[NDArray[Number]]:
    """Return the first pixel of every cell, the second of every cell, and so on."""
    across, down = 1 << shift[0], 1 << shift[1]
    return [picture[row::down, column::across] for row in range(down) for column in range(across)]
