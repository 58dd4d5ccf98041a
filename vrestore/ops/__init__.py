"""Tensor functions; each is defined in torch, and served by a CUDA kernel where it has one and it runs."""

from vrestore.device.devices import Kernels
from vrestore.ops.dispatch import TORCH, Backend, select

__all__ = ["TORCH", "Backend", "Kernels", "select"]
