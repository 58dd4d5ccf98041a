"""The way to a device and back: pinned memory and streams of its own, so that copies run beside the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

CPU = torch.device("cpu")


class Movable(Protocol):
    """What may lie on a device."""

    def on_cpu(self) -> Self:
        """Return the same on the CPU."""
        ...


M = TypeVar("M", bound=Movable)
T = TypeVar("T")


_LACKING = ("out of memory", "_ALLOC_FAILED")
"""What CUDA, cuDNN and cuBLAS say where not torch's pool but they themselves lack memory."""


@contextmanager
def normalize_oom() -> Iterator[None]:
    """Turn every lack of a device's memory into torch.OutOfMemoryError, whoever found it."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and any(words in str(error) for words in _LACKING):
            raise torch.OutOfMemoryError(str(error)) from error
        raise


def with_cpu_fallback(work: Callable[[M], T], given: M) -> T:
    """Do something with what may lie on a device, on the CPU if the device has no memory for it."""
    try:
        with normalize_oom():
            return work(given)
    except torch.OutOfMemoryError:
        return work(given.on_cpu())


class Transfers:
    """Copies to one device and back; on the CPU there is nothing to copy."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._streams: tuple[torch.cuda.Stream, torch.cuda.Stream] | None = None
        if device.type == "cuda":
            # Devices copy both ways at once.
            self._streams = _stream(device), _stream(device)

    def up(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the CPU on the device; what is asked of the device from now on sees it whole."""
        if self._streams is None:
            return tensor.to(self.device)
        stream, current = self._streams[0], torch.cuda.current_stream(self.device)
        with torch.cuda.stream(stream):
            there = tensor.pin_memory().to(self.device, non_blocking=True)
        current.wait_stream(stream)
        there.record_stream(current)
        return there

    def down(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Begin to copy a tensor to the CPU, wherever it is; the result waits for the copy and gives it."""
        if self._streams is None or tensor.device.type == "cpu":
            return tensor.cpu
        stream = self._streams[1]
        stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(stream):
            here = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            here.copy_(tensor, non_blocking=True)
            tensor.record_stream(stream)
            arrived = stream.record_event()

        def wait() -> Tensor:
            arrived.synchronize()
            return here

        return wait


def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own
