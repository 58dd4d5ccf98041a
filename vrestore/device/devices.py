"""What the machine has: cores, memory, devices. The only place that asks torch.cuda."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from vrestore.errors import DeviceError, UsageError

Precision = Literal["fp32", "bf16"]
AskedPrecision = Literal["auto", "fp32", "bf16"]
"""The precision of a network's numbers that is asked for; `auto` is what is fastest where it runs."""

Kernels = Literal["auto", "torch", "cupy"]
"""Which operations serve a CUDA device; `auto` takes the kernels where they run."""


def choose_device(asked: str) -> str:
    """Return `cpu`, `cuda:i` or several of these with commas, for `auto`, `cpu`, `cuda` or `cuda:i`.

    `auto` is the CPU: how fast and how large the work is on a device has not been measured. Raises UsageError
    for other words, DeviceError when a CUDA device is asked for and is not there.
    """
    if asked in {"auto", "cpu"}:
        return "cpu"
    if re.fullmatch(r"cuda(:\d+)?(,cuda:\d+)*", asked) is None:
        raise UsageError(
            f"--device is auto, cpu, cuda or cuda:0, or several, as cuda:0,cuda:1, got {asked!r}"
        )
    numbers = [int(each.partition(":")[2] or 0) for each in asked.split(",")]
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"--device names each device once, got {asked!r}")
    there = cuda_devices()
    if max(numbers) >= len(there):
        found = f"only {len(there)} are here" if there else cuda_unavailable_reason()
        raise DeviceError(f"{asked} was asked for, but {found}; pass --device auto or cpu")
    return ",".join(f"cuda:{number}" for number in numbers)


def device_number(device: str) -> int | None:
    """Return the number of a CUDA device, of the first of several; None for the CPU."""
    found = re.match(r"cuda:(\d+)", device)
    return int(found[1]) if found else None


def cuda_devices() -> list[str]:
    """Return the names of the CUDA devices that torch can use."""
    import torch

    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def cuda_capability(index: int | None) -> tuple[int, int]:
    """Return the compute capability of a CUDA device, of the current one for None."""
    import torch

    return torch.cuda.get_device_capability(index)


def cuda_unavailable_reason() -> str:
    """Say why there is no CUDA device."""
    import torch

    if torch.version.cuda is None:
        return f"this torch ({torch.__version__}) is built without CUDA"
    return "no CUDA device or driver is found"


def network_precision(device: str = "cpu") -> Precision:
    """Return the precision that a network is fastest with: bf16 where the processor or device multiplies it.

    Measured with `tsam-small` on a processor with AVX512-BF16: bf16 takes half the time of fp32.
    """
    if device != "cpu":
        # Ampere is the first to multiply it.
        return "bf16" if cuda_capability(device_number(device)) >= (8, 0) else "fp32"
    try:
        # Words of all lines together: the flags are among them, and no other word is called so.
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return "fp32"
    return "bf16" if flags & {"avx512_bf16", "amx_bf16"} else "fp32"


def core_count() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
