"""Tensor functions in torch; each is the definition of its operation. `select` gives the faster ones."""

from vrestore.ops.operations import Kernels, Operations, Selection, select

__all__ = ["Kernels", "Operations", "Selection", "select"]
