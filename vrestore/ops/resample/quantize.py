"""Code values as they are stored: uint8, or int16 of the same bits as uint16, with which torch does little.

Their means and what lies between them are whole numbers again, and which ones decides how a frame is seen.
So where OpenCV does not do it, it is rounded as there.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vrestore.ops.resample.resize import Size, enlarged_by_torch, reduced_by_torch

_SHARES = 2048
"""Parts of the way between two pixels that OpenCV tells apart where they have 8 bits."""


def unsigned(codes: Tensor) -> Tensor:
    """Return codes as the numbers they are, of a type that shifts and compares."""
    # Widening keeps the sign; the mask takes the bits of it away again.
    return codes.to(torch.int32) & 0xFFFF if codes.dtype == torch.int16 else codes


def as_int16(numbers: Tensor) -> Tensor:
    """Return whole numbers of [0, 65535] as int16 of the same bits as uint16."""
    if numbers.device.type == "cpu":
        return as_codes(numbers.numpy().astype(np.uint16))
    # Not by the conversion of what int16 cannot hold, which is the device's own affair.
    return ((numbers + 2**15) % 2**16 - 2**15).to(torch.int16)


def as_codes(array: NDArray[np.generic]) -> Tensor:
    """Return samples of 8 or 16 bits as codes, over the same memory where that may be written."""
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    # Torch knows no big-endian numbers, and does little with uint16.
    bits = native.view(np.int16) if native.dtype.itemsize > 1 else native
    return torch.from_numpy(bits if bits.flags.writeable else bits.copy())


def weighted_sum(weights: Iterable[float], planes: Iterable[Tensor]) -> Tensor:
    """Return the sum of planes (h, w) times a weight each, term by term, those of weight 0 left out."""
    first, *rest = (plane * weight for weight, plane in zip(weights, planes, strict=True) if weight)
    for term in rest:
        first += term
    return first


def as_array(codes: Tensor) -> NDArray[np.generic]:
    """Return codes on the CPU as an array over the same memory, uint8 or uint16."""
    return codes.numpy().view(np.uint16) if codes.dtype == torch.int16 else codes.numpy()


def resized(codes: Tensor, size: Size) -> Tensor:
    """Return codes (H, W) in another size as whole numbers in float32.

    Means of areas where they shrink both ways, else what lies between pixels.
    """
    if codes.device.type != "cpu":
        return resized_by_torch(codes, size)
    array = np.ascontiguousarray(as_array(codes))
    way = cv2.INTER_AREA if _shrinks(codes, size) else cv2.INTER_LINEAR
    return torch.from_numpy(cv2.resize(array, size[::-1], interpolation=way).astype(np.float32))


def resized_by_torch(codes: Tensor, size: Size) -> Tensor:
    """Do what `resized` does, on any device."""
    if _shrinks(codes, size):
        means = reduced_by_torch(unsigned(codes).float(), size)
        # OpenCV halves in integers, which round a half up; its other means are floats rounded to even.
        is_halved = codes.shape == (2 * size[0], 2 * size[1])
        return (means + 0.5).floor() if is_halved else means.round()
    if codes.dtype == torch.int16:
        return enlarged_by_torch(unsigned(codes).float(), size).round()
    return _between(codes.to(torch.int32), size)


def _shrinks(codes: Tensor, size: Size) -> bool:
    return codes.shape[0] >= size[0] and codes.shape[1] >= size[1]


def _between(codes: Tensor, size: Size) -> Tensor:
    """Read 8 bits in the fixed-point numbers of OpenCV's bilinear resize."""
    first, second, shares = _taps(codes.shape[1], size[1], codes.device)
    across = codes[:, first] * shares[0] + codes[:, second] * shares[1]  # (H, w), in 2048ths
    first, second, shares = _taps(codes.shape[0], size[0], codes.device)
    # Two shares of 11 bits make 22; OpenCV drops 4, then 16, and rounds the last 2.
    upper = (shares[0][:, None] * (across[first] >> 4)) >> 16
    lower = (shares[1][:, None] * (across[second] >> 4)) >> 16
    return ((upper + lower + 2) >> 2).float()


@lru_cache(maxsize=16)
def _taps(before: int, after: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return which two of so many pixels each of others lies between, and the shares (2, after) of them."""
    # Pixel middles are half a pixel from the edge at either size.
    place = ((np.arange(after) + 0.5) * (before / after) - 0.5).astype(np.float32)
    whole = np.floor(place)
    away = place - whole
    first, second = (np.clip(whole + step, 0, before - 1).astype(np.int64) for step in (0, 1))
    shares = np.rint(np.stack([1 - away, away]) * np.float32(_SHARES)).astype(np.int32)
    return (
        torch.from_numpy(first).to(device),
        torch.from_numpy(second).to(device),
        torch.from_numpy(shares).to(device),
    )
