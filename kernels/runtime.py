"""Kernels on a device: compiled by CuPy at first use, kept in its disk cache, run on torch's stream.

All memory is torch's: launchers make their results with `torch.empty`, and no kernel needs any other. So
there is one pool and one bound. CuPy is handed addresses, which is what DLPack would hand it; tensors must
stay alive until the stream has passed, which torch's allocator sees to.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vrestore.device.devices import cuda_capability
from vrestore.errors import DeviceError
from vrestore.kernels.launch import Argument, Launch, source_of

OPTIONS = ("--std=c++17",)
LEAST_CAPABILITY = (7, 5)


@functools.cache
def unavailable_reason(device: torch.device) -> str | None:
    """Say in a line why kernels do not run on `device` and what to do about it; None if they do."""
    if device.type != "cuda":
        return f"the kernels are for CUDA, this is {device.type}"
    capability = cuda_capability(device.index)
    if capability < LEAST_CAPABILITY:
        return f"{device} has compute capability {capability[0]}.{capability[1]}, the kernels need 7.5"
    ours = cuda_major()
    remedy = f'pip install "vrestore[cuda{ours}]"'
    try:
        import cupy
    except ImportError as error:
        return f"CuPy does not load ({error}); {remedy}"
    # Neither library promises anything of the other's major version in one process.
    theirs = cupy.cuda.runtime.runtimeGetVersion() // 1000
    if theirs != ours:
        return f"CuPy is for CUDA {theirs}, torch for CUDA {ours}; {remedy}"
    try:
        # CuPy loads it lazily: asking shows now what would else fail in the middle of a run.
        cupy.cuda.nvrtc.getVersion()
    except (ImportError, OSError, RuntimeError) as error:
        return f"CUDA's compiler library does not load ({str(error).splitlines()[0]}); {remedy}"
    return None


def cuda_major() -> int:
    """Return the CUDA version torch is built for, or the newest we have an extra for."""
    # A torch without CUDA has no version; the newest is the best guess for what will be installed.
    return int((torch.version.cuda or "13").partition(".")[0])


def run(launch: Launch) -> None:
    """Launch on torch's current stream of the device the tensors are on; raises DeviceError."""
    device = launch.device
    if device.type != "cuda":
        raise ValueError(f"kernels run on CUDA, the tensors are on {device}")
    import cupy

    # Torch's own stream, so that kernels wait for what made their tensors and need no other waiting.
    stream = cupy.cuda.Stream.from_external(_Stream(torch.cuda.current_stream(device).cuda_stream))
    with cupy.cuda.Device(device.index), stream:
        function = _compiled(launch.kernel, launch.function, launch.defines, device.index)
        function((launch.blocks,), launch.threads, tuple(_passed(value) for value in launch.arguments))


@functools.cache
def _compiled(kernel: str, function: str, defines: tuple[tuple[str, str | int], ...], index: int) -> Any:  # noqa: ANN401, ARG001 - a kernel belongs to the device it was loaded on
    import cupy

    try:
        module = cupy.RawModule(code=source_of(kernel, defines), options=OPTIONS, backend="nvrtc")
        return module.get_function(function)
    except (cupy.cuda.compiler.CompileException, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(
            f"kernel {kernel!r} does not compile here ({reason}); pass --kernels torch"
        ) from error


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stream as libraries hand it to each other; older torch has no `__cuda_stream__` of its own."""

    address: int

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self.address  # version of the protocol, then the stream


def _passed(value: Argument) -> object:
    if value is None:
        return np.uint64(0)  # a null pointer
    return np.uint64(value.data_ptr()) if isinstance(value, Tensor) else value
