"""Tensor functions in torch; each is the definition of its operation. `select` gives the faster ones."""

from vrestore.device.devices import Kernels
from vrestore.ops.operations import Operations, Selection, select

__all__ = ["Kernels", "Operations", "Selection", "select"]
