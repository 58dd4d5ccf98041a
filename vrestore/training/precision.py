"""The arithmetic that a network learns in: what this machine multiplies fastest.

A processor without bf16 instructions takes 8 times as long in bfloat16 as in 32 bits, one with them half as
long.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import get_args

import torch
from torch import nn

from vrestore.device.devices import AskedPrecision, Precision

TRIALS = 3

LEAST_RATIO = 1.1
"""32 bits are kept where bf16 is not at least so many times as fast: they are exact."""


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Return the context in which a network is run in this precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def learning_precision(
    asked: AskedPrecision, network: nn.Module, work: Callable[[Precision], torch.Tensor]
) -> tuple[Precision, str]:
    """Return the precision to learn in, and words that say why.

    `auto` measures `work`, which is a step's forward pass in a precision, and its way back; gradients are
    left as they were before, which is none.
    """
    if asked != "auto":
        return asked, f"{asked}, as asked for"
    seconds = {precision: _measured(network, work, precision) for precision in get_args(Precision)}
    best: Precision = "bf16" if seconds["fp32"] > LEAST_RATIO * seconds["bf16"] else "fp32"
    told = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    return best, f"{best}, by a step's time here: {told}"


def _measured(network: nn.Module, work: Callable[[Precision], torch.Tensor], precision: Precision) -> float:
    times = []
    for _ in range(TRIALS + 1):  # the first makes the plans of the library's kernels
        began = time.perf_counter()
        torch.autograd.backward(work(precision))
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
        network.zero_grad(set_to_none=True)
    return statistics.median(times[1:])
