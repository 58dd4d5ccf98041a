"""Where frames are worked on: a device, and the CPU for what the device has too little memory for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from vrestore.device.transfers import CPU, Transfers, normalize_oom

T = TypeVar("T")


class DeviceFallback:
    """A device with its way there and back; what it has no memory for is done on the CPU, frame by frame."""

    def __init__(self, device: torch.device | str = CPU) -> None:
        self.device = torch.device(device)
        self.staging = Transfers(self.device)
        self._given_up: set[int] = set()

    @property
    def is_cpu(self) -> bool:
        """Whether there is no other device."""
        return self.device.type == "cpu"

    def work(self, index: int, do: Callable[[torch.device], T]) -> T:
        """Do something for the frame of this index on the device, or on the CPU where the device cannot.

        It is told which of both, brings there what it needs, and must change nothing before it is done.
        """
        if not self.is_cpu:
            try:
                with normalize_oom():
                    return do(self.device)
            except torch.OutOfMemoryError:
                self._given_up.add(index)
        return do(CPU)

    def gave_up(self, index: int) -> bool:
        """Tell whether the CPU did something for a frame because the device could not; asked once."""
        was_given_up = index in self._given_up
        self._given_up.discard(index)
        return was_given_up

    def up(self, tensor: Tensor, device: torch.device) -> Tensor:
        """Bring a tensor of the CPU to the device, or leave it where that is the CPU."""
        return tensor if device.type == "cpu" else self.staging.up(tensor.contiguous())

    def down(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Begin to bring a tensor to the CPU, wherever it is; the result waits for it and gives it."""
        return self.staging.down(tensor)
