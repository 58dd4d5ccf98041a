"""Which of its two forms an operation takes: the definition in torch, or the CUDA kernel beside it.

Every operation that has a kernel takes a `Backend`, which is chosen once for a run by `select` and handed
down. An operation asks it for what launches the kernel, and is done by its definition where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vrestore.device.devices import Kernels
from vrestore.errors import DeviceError
from vrestore.kernels import runtime
from vrestore.kernels.launch import Runner

_HALVES = {torch.float16, torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Backend:
    """What serves the operations of a run, and why it is this, in a line.

    With a `runner` the tensors on devices of `device_type` are served by kernels, which it launches. All
    others are served by torch, so what is brought to the CPU for want of memory needs no other backend.
    """

    name: Literal["torch", "cupy"]
    why: str
    runner: Runner | None = None
    device_type: str = "cuda"

    def runner_for(self, *tensors: Tensor | None) -> Runner | None:
        """Return what launches a kernel on such tensors; None where the definition is to serve.

        Kernels have no backward pass: where a gradient is asked for, the definition serves.
        """
        # A mask or a bias may be missing; the first tensor, the picture itself, never is.
        given = [tensor for tensor in tensors if tensor is not None]
        # Under inference_mode and no_grad weights still say that they require a gradient; nobody will ask.
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given):
            return None
        return self.runner if given[0].device.type == self.device_type else None


TORCH = Backend("torch", "asked for")
"""The definitions everywhere."""


def select(device: torch.device | str, *, asked: Kernels = "auto") -> Backend:
    """Choose the backend for `device`; raises DeviceError where kernels are asked for that cannot run."""
    # First: with torch asked for no device is looked at, and none needs to be there.
    if asked == "torch":
        return TORCH
    unavailable_reason = runtime.unavailable_reason(torch.device(device))
    if unavailable_reason is None:
        return Backend("cupy", "CUDA kernels, compiled at first use", runtime.run)
    if asked == "cupy":
        raise DeviceError(
            f"--kernels cupy was asked for, but {unavailable_reason}; or pass --kernels auto or torch"
        )
    return Backend("torch", unavailable_reason)


def widened(tensor: Tensor) -> Tensor:
    """Return 16-bit numbers as float32, others as they are: a definition adds up in at least 32 bits."""
    return tensor.float() if tensor.dtype in _HALVES else tensor
