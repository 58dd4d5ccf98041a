"""What the machine has: cores, memory, devices. The only place that asks torch.cuda."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from vrestore.errors import DeviceError, UsageError

Precision = Literal["fp32", "bf16"]
AskedPrecision = Literal["auto", "fp32", "bf16"]
"""Of a network's numbers; `auto` is what is fastest where it runs."""

Kernels = Literal["auto", "torch", "cupy"]
"""Which operations serve a CUDA device; `auto` takes the kernels where they run."""

_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
    "t": 10**12,
}
_CGROUP_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


DEVICE_SHARE = 0.8
"""Of a device's free memory that a run may use if it is not told otherwise."""


def choose_device(asked: str) -> str:
    """Give `cpu`, `cuda:i` or several of these with commas, for `auto`, `cpu`, `cuda` or `cuda:i`.

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
        found = f"only {len(there)} are here" if there else why_no_cuda()
        raise DeviceError(f"{asked} was asked for, but {found}; pass --device auto or cpu")
    return ",".join(f"cuda:{number}" for number in numbers)


def device_number(device: str) -> int | None:
    """Give the number of a CUDA device, of the first of several; None for the CPU."""
    found = re.match(r"cuda:(\d+)", device)
    return int(found[1]) if found else None


def free_device_bytes(device: str) -> int:
    """Give the memory of a CUDA device that nobody uses, with what torch's own pool keeps."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return int(free + torch.cuda.memory_reserved(device))


def bound_device_memory(device: str, most_bytes: int) -> None:
    """Let torch's pool on a CUDA device, which the kernels use too, not grow beyond so many bytes.

    What goes beyond raises torch.OutOfMemoryError. The peak is counted from here on.
    """
    import torch

    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, most_bytes / total), device)
    torch.cuda.reset_peak_memory_stats(device)


def peak_device_bytes(device: str) -> int | None:
    """Give the most memory that torch's pool had of a CUDA device; None for the CPU."""
    if device_number(device) is None:
        return None
    import torch

    return int(torch.cuda.max_memory_reserved(device))


def cuda_devices() -> list[str]:
    """Give the names of the CUDA devices that torch can use."""
    import torch

    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def cuda_capability(index: int | None) -> tuple[int, int]:
    """Give the compute capability of a CUDA device, of the current one for None."""
    import torch

    return torch.cuda.get_device_capability(index)


def why_no_cuda() -> str:
    """Say why there is no CUDA device."""
    import torch

    if torch.version.cuda is None:
        return f"this torch ({torch.__version__}) is built without CUDA"
    return "no CUDA device or driver is found"


def network_precision(device: str = "cpu") -> Precision:
    """Give the precision that a network is fastest with: bf16 where the processor or device multiplies it.

    Measured with `tsam-small` on a processor with AVX512-BF16: bf16 takes half the time of fp32.
    """
    if device != "cpu":
        return "bf16" if cuda_capability(device_number(device)) >= (8, 0) else "fp32"
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return "fp32"
    return "bf16" if flags & {"avx512_bf16", "amx_bf16"} else "fp32"


def core_count() -> int:
    """Give the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory_bytes() -> int:
    """Give the memory that can be used without swapping, as far as system and container say."""
    free = [_available_bytes()]
    for limit_file, usage_file in _CGROUP_FILES:
        limit, usage = _number_in(limit_file), _number_in(usage_file)
        if limit is not None and usage is not None:
            free.append(max(0, limit - usage))
    return min(free)


def parse_bytes(text: str) -> int:
    """Read `4GiB`, `800MB`, `1.5G` or a number of bytes; raises UsageError."""
    match = re.fullmatch(r"\s*([\d.]+)\s*([kmgt]i?)?b?\s*", text.lower())
    try:
        amount = float(match[1]) if match else 0.0
    except ValueError:
        amount = 0.0
    if match is None or amount <= 0:
        raise UsageError(f"memory is a size such as 4GiB or 800MB, got {text!r}")
    return int(amount * _UNITS[match[2] or ""])


def format_bytes(count: float) -> str:
    """Write a number of bytes as people read it, such as 1.5 GiB."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def peak_memory_bytes() -> int:
    """Give the most memory this process has held so far.

    Linux's own count comes first: `getrusage` also counts what the starting process held.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _available_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 * 2**30


def _number_in(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # absent, or "max"
