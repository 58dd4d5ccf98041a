"""How code values stand for color: matrix, range and chroma position, after ITU-T H.273.

What the stream says is used. Where it says nothing: BT.601 below 720 lines and BT.709 from there
(what players assume), limited range for YUV but full for `yuvj` and gray, chroma to the left.
Both directions of a conversion ask here, so they agree even where the guess is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vrestore.errors import InputError
from vrestore.frames import Color, PixelFormat

_GBR, _UNSPECIFIED, _YCGCO = 0, 2, 8
_BT709, _BT601, _HD_LINES = 1, 6, 720

# H.273 table 4: KR and KB of each matrix given by its luma weights.
_LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020, non-constant luminance
    10: (0.2627, 0.0593),  # BT.2020, constant luminance: taken as 9, which swscale does too
}

# FFmpeg's AVChromaLocation as the place in a cell, 0 its first and 1 its last row or column.
_CHROMA_PLACES = {
    1: (0.0, 0.5),  # left
    2: (0.5, 0.5),  # center
    3: (0.0, 0.0),  # top left
    4: (0.5, 0.0),  # top
    5: (0.0, 1.0),  # bottom left
    6: (0.5, 1.0),  # bottom
}


@dataclass(frozen=True, slots=True)
class Coding:
    """The affine map between code values and RGB.

    `rgb = to_rgb @ (codes - offset)` and `codes = from_rgb @ rgb + offset`, in float64, RGB in
    [0, 1], components in the order of the pixel format. Gray uses the first row and column only.
    """

    to_rgb: NDArray[np.float64]
    from_rgb: NDArray[np.float64]
    offset: NDArray[np.float64]


def coding_of(format: PixelFormat, color: Color, *, height: int) -> Coding:
    """Return the map for pictures of `height` lines; raises InputError for a matrix it does not know."""
    matrix = color.matrix
    if matrix == _UNSPECIFIED:
        matrix = _BT709 if height >= _HD_LINES else _BT601
    full_range = color.full_range
    if full_range is None:
        full_range = format.model == "gray" or format.name.startswith("yuvj")
    if format.model != "yuv":
        return _coding(format.model, format.bits, full_range=full_range or format.model == "rgb")
    return _coding(matrix, format.bits, full_range=full_range)


def chroma_place(color: Color, *, shift_x: int, shift_y: int) -> tuple[float, float]:
    """Return where a chroma sample sits in its cell of pixels, (x, y) in pixels from the first one.

    Unspecified is left, as for MPEG-2 and everything after it.
    """
    across, down = _CHROMA_PLACES.get(color.chroma_location, _CHROMA_PLACES[1])
    return across * ((1 << shift_x) - 1), down * ((1 << shift_y) - 1)


@lru_cache(maxsize=64)
def _coding(matrix: int | Literal["rgb", "gray"], bits: int, *, full_range: bool) -> Coding:
    peak, unit = float((1 << bits) - 1), float(1 << bits) / 256
    luma_zero, luma_scale, chroma_scale = 0.0, peak, peak
    if not full_range:
        luma_zero, luma_scale, chroma_scale = 16 * unit, 219 * unit, 224 * unit
    if matrix == _YCGCO:  # H.273 equations 48 to 53: differences of coded RGB, so of its scale
        chroma_scale = luma_scale
    scales = np.array([luma_scale, chroma_scale, chroma_scale])
    offset = np.array([luma_zero, 128 * unit, 128 * unit])
    if matrix in {"rgb", "gray", _GBR}:
        scales, offset = np.full(3, luma_scale), np.full(3, luma_zero)
    from_rgb = scales[:, None] * _analysis(matrix)
    return Coding(np.linalg.inv(from_rgb).astype(np.float64), from_rgb, offset)


def _analysis(matrix: int | Literal["rgb", "gray"]) -> NDArray[np.float64]:
    """Return the rows that make the components, in [0, 1] or [-1/2, 1/2], of R, G, B."""
    if matrix == "rgb":
        return np.eye(3)
    if matrix == "gray":  # gray is the mean; the other rows make three equal channels of it
        return np.array([[1 / 3, 1 / 3, 1 / 3], [1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])
    if matrix == _GBR:  # Y, Cb, Cr hold G, B, R
        return np.eye(3)[[1, 2, 0]]
    if matrix == _YCGCO:
        return np.array([[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0.0, -0.5]])
    if matrix not in _LUMA_WEIGHTS:
        known = ", ".join(map(str, sorted([_GBR, _UNSPECIFIED, _YCGCO, *_LUMA_WEIGHTS])))
        raise InputError(
            f"the video's color matrix is number {matrix} of H.273, known are {known}; "
            "convert it first, for example with ffmpeg -vf colorspace"
        )
    red, blue = _LUMA_WEIGHTS[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    chroma_blue = (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - blue))
    chroma_red = (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - red))
    return np.stack([luma, chroma_blue, chroma_red])
