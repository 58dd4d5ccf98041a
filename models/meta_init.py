"""Networks without numbers, whose place the numbers of a file take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Network = TypeVar("Network", bound=nn.Module)


def empty(make: Callable[[], Network]) -> Network:
    """Return the network that `make` makes, on the device `meta`: with all shapes and no memory."""
    with torch.device("meta"), _Undrawn():
        return make()


class _Undrawn(TorchFunctionMode):
    """Leaves tensors as they are where random numbers would be drawn into them.

    Torch draws for tensors without memory by its compiler, whose import takes a second or more.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        # What `nn.init` ends in. Zeros and ones go
        # to torch, which has nothing to do for a tensor without memory.
        is_drawing = function in {Tensor.normal_, Tensor.uniform_}
        return args[0] if is_drawing else function(*args, **kwargs or {})
