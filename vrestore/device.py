"""What the machine has: cores, memory, devices. The only place that asks torch.cuda."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from vrestore.errors import DeviceError, UsageError

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


def choose_device(asked: str, *, has_network: bool) -> str:
    """Give `cpu` or `cuda:i` for `auto`, `cpu`, `cuda` or `cuda:i`.

    Networks run on CUDA where that is asked for, all else has no CUDA path. `auto` is the CPU: how fast and
    how large networks are on a device has not been measured. Raises UsageError for other words, DeviceError
    when a CUDA device is asked for and is not there, or has nothing to do.
    """
    if asked in {"auto", "cpu"}:
        return "cpu"
    if re.fullmatch(r"cuda(:\d+)?", asked) is None:
        raise UsageError(f"--device is auto, cpu, cuda or cuda:0, got {asked!r}")
    devices = cuda_devices()
    number = int(asked.partition(":")[2] or 0)
    if number >= len(devices):
        found = f"only {len(devices)} are here" if devices else why_no_cuda()
        raise DeviceError(f"{asked} was asked for, but {found}; pass --device auto or cpu")
    if not has_network:
        raise DeviceError(
            f"{asked} is there ({devices[number]}), but only networks run on it, "
            "and this method has none; pass --device auto or cpu"
        )
    return f"cuda:{number}"


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


def network_precision(device: str = "cpu") -> Literal["fp32", "bf16"]:
    """Give the precision that a network is fastest with: bf16 where the processor or device multiplies it.

    Measured with `tsam-small` on a processor with AVX512-BF16: bf16 takes half the time of fp32.
    """
    if device != "cpu":
        return "bf16" if cuda_capability(int(device.partition(":")[2])) >= (8, 0) else "fp32"
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
