"""Gradients that stay while the picture moves.

At a pixel without an overlay the gradient has no sign that lasts: its median over time is about 0, with an
error of its deviation over the square root of how many pictures differ. An overlay adds a gradient that is
always the same (Dekel, Rubinstein, Liu and Freeman, "On the effectiveness of visible watermarks", 2017,
section 3.1, who take the median over many pictures with one watermark; here they are those of one video).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import MaskArray
from vrestore.media.preview.luma import Luma

Field = NDArray[np.float32]
"""(h, w)."""

STRONG, WEAK = 4.0, 2.0
"""Standard errors by which a median gradient differs from 0 on the edge of an overlay, and beside one."""

LEAST_GRADIENT = 2.0
"""Levels; what compression leaves of one picture in the next is below."""

MOST_STATIC = 0.12
"""Share of the steep pixels of single pictures that may stay; with more the camera stands still."""

_NOISE = 1.0  # levels, of the encoder
_LIKELY_MEAN = 1.5  # standard errors of the mean
_DEVIATION = 1.4826  # standard deviations in a median absolute deviation
_STEEP = 6.0  # levels; a gradient that would be seen if it stayed
_THUMB = (64, 36)
_STRIP = 32  # rows that are worked on together


@dataclass(frozen=True, slots=True)
class Statics:
    """What stays: the median gradients to the right and down, where they are sure, and where likely.

    `weight` is one over the variance of single pictures' gradients about the median.
    `is_told` says whether the pictures differ enough to tell what is in front of them.
    """

    across: Field
    down: Field
    sure: MaskArray
    likely: MaskArray
    weight: Field
    is_told: bool


def find_statics(pictures: Sequence[Luma]) -> Statics:
    """Return what stays in pictures, (h, w) each, that were taken at different times."""
    height = pictures[0].shape[0]
    different = different_pictures(pictures)
    strips = [_strip(pictures, top, different) for top in range(0, height, _STRIP)]
    across, down, errors_across, errors_down, steep = map(np.concatenate, zip(*strips, strict=True))
    strong = [
        (np.abs(median) > STRONG * error) & (np.abs(median) >= LEAST_GRADIENT)
        for median, error in ((across, errors_across), (down, errors_down))
    ]
    sure = strong[0] | strong[1]
    likely = (np.abs(across) > WEAK * errors_across) | (np.abs(down) > WEAK * errors_down)
    # What is steep in most pictures is an edge that stays; in a moving picture few places are.
    share = np.count_nonzero(sure) / max(1.0, float(steep.sum()))
    weight = 1 / ((errors_across**2 + errors_down**2) * different)
    return Statics(across, down, sure, likely, weight, bool(share <= MOST_STATIC))


def _strip(pictures: Sequence[Luma], top: int, different: float) -> tuple[Field, Field, Field, Field, Field]:
    """Return medians and errors of rows from `top` on, and how often each pixel is steep; few at a time."""
    height = min(_STRIP, pictures[0].shape[0] - top)
    # One row more, for the gradients down; the last one of the picture has none.
    rows = [np.pad(each[top : top + _STRIP + 1], ((0, 0), (0, 1)), "edge") for each in pictures]
    stack = np.stack(rows).astype(np.int16)
    if stack.shape[1] == height:
        stack = np.pad(stack, ((0, 0), (0, 1), (0, 0)), "edge")
    gradients = np.diff(stack[:, :-1], axis=2), np.diff(stack[:, :, :-1], axis=1)  # (n, rows, w) each
    steep = np.maximum(*((np.abs(each) > _STEEP).mean(axis=0, dtype=np.float32) for each in gradients))
    (across, error_across), (down, error_down) = (_medians(each, different) for each in gradients)
    return across, down, error_across, error_down, steep


def different_pictures(pictures: Sequence[Luma]) -> float:
    """Return how many of the pictures are worth one that has nothing to do with the others, at least 1."""
    thumbs = [cv2.resize(each, _THUMB, interpolation=cv2.INTER_AREA).astype(np.float32) for each in pictures]
    count = len(thumbs)
    apart = [float(np.abs(thumbs[i] - thumbs[(i + count // 2) % count]).mean()) for i in range(count)]
    usual = float(np.median(apart))
    if count < 2 or usual < _NOISE:
        return 1.0
    steps = [np.abs(one - other).mean() for one, other in pairwise(thumbs)]
    return 1.0 + float(sum(min(1.0, step / usual) for step in steps))


def _medians(gradients: NDArray[np.int16], different: float) -> tuple[Field, Field]:
    """Return the median over time (n, h, w) and its standard error, where the mean is not about 0 anyway."""
    count, *size = gradients.shape
    median, error = np.zeros(size, np.float32), np.full(size, _NOISE, np.float32)
    # The median takes most of the time, and where the mean is small it is small too.
    means = gradients.mean(axis=0, dtype=np.float32)
    rows, columns = np.nonzero(np.abs(means) >= LEAST_GRADIENT / 2)
    found = np.ascontiguousarray(gradients[:, rows, columns].T)  # (k, n)
    deviation = found.std(axis=1, dtype=np.float32)
    is_likely = np.abs(means[rows, columns]) >= _LIKELY_MEAN * deviation / np.sqrt(different)
    found, rows, columns = found[is_likely], rows[is_likely], columns[is_likely]
    middle = np.partition(found, count // 2, axis=1)[:, count // 2]
    apart = np.abs(found - middle[:, None])
    spread = _DEVIATION * np.partition(apart, count // 2, axis=1)[:, count // 2] + _NOISE
    median[rows, columns], error[rows, columns] = middle, spread / np.sqrt(different)
    return median, error
