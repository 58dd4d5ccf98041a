"""Runs a kernel's own text on the CPU: built by g++ behind `cuda_on_cpu.h`, with memory that is watched.

What a build does wrong in C++'s own terms (overflow, a misaligned address, a bad shift) ends the process;
what it writes beside its tensors is an error, and what it reads there is not a number.
"""

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

from vrestore.kernels.launch import source_of

HEADER = Path(__file__).with_suffix(".h")
OPTIONS = (
    *("-std=c++17", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-unknown-pragmas"),
    *("-Wno-maybe-uninitialized", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"),
)
ENTRY = """
extern "C" void run_on_cpu(int blocks, int across, int down, void** arguments)
{
    fibres::launch(%s, blocks, across, down, arguments);
}
"""
GUARD = 256
"""Bytes on each side of a tensor, of a value that is no number in any type."""

_SCALARS = {np.int32: ctypes.c_int32, np.int64: ctypes.c_int64, np.float32: ctypes.c_float}

COMPILER = shutil.which("g++")


def run(launch):
    """Do a launch whose tensors are on the CPU."""
    guarded = [_Guarded(value) for value in launch.arguments if isinstance(value, torch.Tensor)]
    addresses = iter(guarded)
    values = [
        ctypes.c_void_p(next(addresses).address) if isinstance(value, torch.Tensor) else _scalar(value)
        for value in launch.arguments
    ]
    pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
    _built(launch.kernel, launch.function, launch.defines).run_on_cpu(
        launch.blocks, *launch.threads, pointers
    )
    for memory in guarded:
        memory.give_back()


class _Guarded:
    """A copy of a tensor's bytes at an address of the same alignment, between two guards."""

    def __init__(self, tensor):
        self._tensor = tensor
        self._size = tensor.numel() * tensor.element_size()
        self._room = np.full(self._size + 3 * GUARD, 0xFF, np.uint8)
        start = self._room.ctypes.data + GUARD
        self.address = start + (tensor.data_ptr() - start) % GUARD
        ctypes.memmove(self.address, tensor.data_ptr(), self._size)

    def give_back(self):
        start = self.address - self._room.ctypes.data
        beside = np.concatenate([self._room[:start], self._room[start + self._size :]])
        assert (beside == 0xFF).all(), "the kernel wrote beside its tensor"
        ctypes.memmove(self._tensor.data_ptr(), self.address, self._size)


def _scalar(value):
    if value is None:
        return ctypes.c_void_p(None)
    return {np.int32: ctypes.c_int32, np.int64: ctypes.c_int64, np.float32: ctypes.c_float}[type(value)](
        value
    )


@functools.cache
def _built(kernel, function, defines):
    text = f'#include "{HEADER}"\n{source_of(kernel, defines)}{ENTRY % function}'
    name = hashlib.sha256(text.encode() + HEADER.read_bytes()).hexdigest()[:32]
    # the folder of the session, made by conftest.py
    library = Path(os.environ["VRESTORE_TEST_BUILDS"]) / f"{name}.so"
    if not library.exists():
        _build(text, library)
    return ctypes.CDLL(os.fspath(library))


def _build(text, library):
    """Build beside the library and rename: processes that build the same do not see each other's half."""
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        source, built = Path(folder, "kernel.cpp"), Path(folder, "kernel.so")
        source.write_text(text, encoding="utf-8")
        command = [COMPILER, *OPTIONS, "-o", built, source]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr[-4000:]
        built.replace(library)
