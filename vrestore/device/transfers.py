"""The way to a device and back: pinned memory and streams of its own, so that copies run beside the work."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from vrestore.threads import Arrived, Awaited, Pending

CPU = torch.device("cpu")

T = TypeVar("T")


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
        # The pool may give the memory away when `there` is gone; this tells it that the work must be done.
        there.record_stream(current)
        return there

    def down(self, tensor: Tensor) -> Pending[Tensor]:
        """Begin to copy a tensor to the CPU, wherever it is."""
        if self._streams is None or tensor.device.type == "cpu":
            return Arrived(tensor.cpu())
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

        return Awaited(wait)


def moved(value: T, device: torch.device) -> T:
    """Return a value with all that is in it on a device.

    It may be a tensor, a device, which stands for where work is done, or a dataclass, list, tuple or dict of
    such. What holds none of them is given as it is.
    """
    return cast("T", _moved(value, device))


def _moved(value: object, device: torch.device) -> object:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, torch.device):
        return device
    parts = _parts(value)
    there = {name: _moved(part, device) for name, part in parts.items()}
    # Only what changes is made anew: what others know by its identity, as caches do, stays itself.
    changed = {name: part for name, part in there.items() if part is not parts[name]}
    if not changed:
        return value
    if isinstance(value, dict):
        return there
    if isinstance(value, list | tuple):
        return type(value)(there.values())
    return replace(value, **changed)  # type: ignore[type-var]  # a dataclass: nothing else has parts


def _parts(value: object) -> dict[Any, object]:
    """Return what a value is put together from, by name or place."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    return {}


def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own
