"""Where work is done: on a device, and on the CPU what the device has too little memory for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

import torch
from torch import Tensor

from vrestore.device.transfers import CPU, Transfers, moved
from vrestore.threads import Pending

T = TypeVar("T")
Values = TypeVarTuple("Values")

_LACKING = ("out of memory", "_ALLOC_FAILED")
"""What CUDA, cuDNN and cuBLAS say where not torch's pool but they themselves lack memory."""


class DeviceFallback:
    """A device with its way there and back, and the CPU for what the device has no memory for.

    Frames whose work fell to the CPU are remembered, so that the report can count them.
    """

    def __init__(self, device: torch.device | str = CPU) -> None:
        self.device = torch.device(device)
        self.transfers = Transfers(self.device)
        self._fallen: set[int] = set()

    @property
    def is_cpu(self) -> bool:
        """Whether there is no other device."""
        return self.device.type == "cpu"

    def run(self, work: Callable[[*Values], T], *values: *Values, frame: int | None = None) -> T:
        """Do something with values where they are, again with all of them on the CPU if the device is full.

        `values` are what `moved` brings to the CPU; what else the work needs it must be able to use on
        either. It may be done twice, so it must change nothing before it is done. That it fell to the CPU is
        remembered of `frame`, if that is given.
        """
        if self.is_cpu:
            return work(*values)
        try:
            with normalize_oom():
                return work(*values)
        except torch.OutOfMemoryError:
            if frame is not None:
                self._fallen.add(frame)
        # Not within the except: the traceback would keep the failed attempt's tensors on the device.
        return work(*moved(values, CPU))

    def has_fallen(self, frame: int) -> bool:
        """Tell whether the CPU did something for a frame because the device could not; asked once."""
        was_fallen = frame in self._fallen
        self._fallen.discard(frame)
        return was_fallen

    def up(self, tensor: Tensor, device: torch.device) -> Tensor:
        """Bring a tensor of the CPU to the device, or leave it where that is the CPU."""
        return tensor if device.type == "cpu" else self.transfers.up(tensor.contiguous())

    def down(self, tensor: Tensor) -> Pending[Tensor]:
        """Begin to bring a tensor to the CPU, wherever it is."""
        return self.transfers.down(tensor)


@contextmanager
def normalize_oom() -> Iterator[None]:
    """Turn every lack of a device's memory into torch.OutOfMemoryError, whoever found it."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and any(words in str(error) for words in _LACKING):
            raise torch.OutOfMemoryError(str(error)) from error
        raise
