"""Memory: what is free of it, what was used of it, and sizes as people write them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from vrestore.device.devices import device_number
from vrestore.errors import UsageError

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
"""A run may use so much of a device's free memory if it is not told otherwise."""


def free_device_bytes(device: str) -> int:
    """Return the memory of a CUDA device that nobody uses, with what torch's own pool keeps."""
    import torch

    # What the pool keeps is free for us, though the driver counts it as used.
    free, _ = torch.cuda.mem_get_info(device)
    return int(free + torch.cuda.memory_reserved(device))


def bound_device_memory(device: str, max_bytes: int) -> None:
    """Let torch's pool on a CUDA device, which the kernels use too, not grow beyond so many bytes.

    What goes beyond raises torch.OutOfMemoryError. The peak is counted from here on.
    """
    import torch

    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, max_bytes / total), device)
    torch.cuda.reset_peak_memory_stats(device)


def peak_device_bytes(device: str) -> int | None:
    """Return the most memory that torch's pool had of a CUDA device; None for the CPU."""
    if device_number(device) is None:
        return None
    import torch

    return int(torch.cuda.max_memory_reserved(device))


def free_memory_bytes() -> int:
    """Return the memory that can be used without swapping, as far as system and container say."""
    free = [_available_bytes()]
    for limit_file, usage_file in _CGROUP_FILES:
        limit, usage = _number_in(limit_file), _number_in(usage_file)
        if limit is not None and usage is not None:
            free.append(max(0, limit - usage))
    # A container may have less than its machine.
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
    """Return the most memory this process has held so far.

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
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, KiB elsewhere


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
