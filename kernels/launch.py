"""A launch of a kernel as a value: what is compiled, how many threads, with what; and what launchers share.

A launcher checks, allocates its results through torch, and hands its launch to a `Runner`:
`vrestore.kernels.runtime.run` on a device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

ELEMENTS = {torch.float32: "float", torch.float16: "float16", torch.bfloat16: "bfloat16"}
"""Types of pictures and features in memory, and what the kernels call them."""

THREADS = 256
"""A block has so many threads; the kernels are compiled for no more (`__launch_bounds__`)."""

MOST_BLOCKS = 2**20
"""Blocks take turns beyond it; far more than any device runs at once."""

_WORD_BYTES = 16
_INT_LIMIT = 2**31

Argument = Tensor | np.int32 | np.int64 | np.float32 | None


class HasDlpack(Protocol):
    """What another library's array offers, so that its memory is used where it lies."""

    def __dlpack__(self, *, stream: int | None = None) -> object: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


Array = Tensor | HasDlpack


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch of a function of `kernels/<kernel>.cu`."""

    kernel: str
    function: str
    defines: tuple[tuple[str, str | int], ...]
    """Compile-time names and their values."""
    blocks: int
    threads: tuple[int, int]
    """How many a block has along x and y."""
    arguments: tuple[Argument, ...]
    """They come in the function's order; a dense tensor stands for its address, None for no address."""

    @property
    def device(self) -> torch.device:
        return next(argument.device for argument in self.arguments if isinstance(argument, Tensor))


Runner = Callable[[Launch], None]


def source_of(kernel: str, defines: tuple[tuple[str, str | int], ...]) -> str:
    """Return the whole text of a kernel, its compile-time names in front."""
    # As a resource, for an installed package may be a zip file.
    folder = files("vrestore.kernels")
    # In front of the text, so that NVRTC and g++ are given the same options: none.
    names = [f"#define {name} {value}\n" for name, value in defines]
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("common.cuh", f"{kernel}.cu")]
    return "".join([*names, *texts])


def as_tensor(array: Array) -> Tensor:
    """Return a tensor on the memory of another library's array; a tensor is given as it is."""
    return array if isinstance(array, Tensor) else from_dlpack(array)


def check(name: str, tensor: Tensor, shape: tuple[int, ...], *, beside: Tensor) -> None:
    """Raise ValueError unless `tensor` has this shape and lies where `beside` does."""
    if tuple(tensor.shape) != shape:
        raise ValueError(f"{name} is {tuple(tensor.shape)}, expected {shape}")
    if tensor.device != beside.device:
        raise ValueError(f"{name} is on {tensor.device}, the rest on {beside.device}")


def element_of(name: str, tensor: Tensor) -> str:
    """Return the kernels' word for the type of `tensor`; raises ValueError for types they do not know."""
    if tensor.dtype not in ELEMENTS:
        raise ValueError(f"{name} is {tensor.dtype}, the kernels take float32, float16 and bfloat16")
    return ELEMENTS[tensor.dtype]


def index_of(elements: int) -> str:
    """Return the type of offsets within a picture of so many elements."""
    return "int" if elements < _INT_LIMIT else "long long"


def vector_of(*tensors: Tensor, dividing: tuple[int, ...]) -> int:
    """Return how many elements a thread can move at once: they divide all counts, and addresses fit."""
    size = tensors[0].element_size()
    # A thread moves 16 bytes at once at best; less where the count or the address does not divide.
    vector = _WORD_BYTES // size
    while vector > 1 and (
        any(count % vector for count in dividing)
        or any(tensor.data_ptr() % (vector * size) for tensor in tensors)
    ):
        vector //= 2
    return vector


def floats(tensor: Tensor, *, alignment: int = 4) -> Tensor:
    """Return `tensor` as dense float32 at such an address; what is so already is not copied."""
    # float() and contiguous() copy only where there is something to change.
    dense = tensor.detach().float().contiguous()
    # New memory is aligned to far more than any word; a slice may begin anywhere.
    return dense.clone() if dense.data_ptr() % alignment else dense


def channels_last(pictures: Tensor) -> Tensor:
    """Return pictures (N, C, H, W) channels-last; what is so already is not copied."""
    return pictures.contiguous(memory_format=torch.channels_last)


def blocks_for(work: int) -> int:
    """Return the number of blocks for so many shares of work."""
    # Kernels take shares in strides of the grid, so fewer blocks do all of the work too.
    return min(work, MOST_BLOCKS)


def tiles_of(height: int, width: int, tile: tuple[int, int]) -> int:
    """Return how many tiles (height, width) cover a picture."""
    return -(-height // tile[0]) * -(-width // tile[1])  # rounded up both ways


def lanes_for(vectors: int, *, most: int) -> tuple[int, int]:
    """Return threads along x, side by side over up to `most` vectors of a pixel, and along y over pixels."""
    lanes = min(vectors, most)
    return lanes, THREADS // lanes
