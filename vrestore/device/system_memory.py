"""What the operating system says of memory: what is free of it, what this process holds and has held.

Linux tells in /proc, Windows and macOS by calls that Python has no words for.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

_UNKNOWN_FREE = 4 << 30
"""Bytes that are taken for free where nobody tells, so that work begins in small portions."""


def available_bytes() -> int:
    """Return the memory that can be used without swapping, as far as the system says."""
    if sys.platform == "win32":
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        is_told = ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(ctypes.byref(status))
        found = int(status.available_physical) if is_told else None
    elif sys.platform == "darwin":
        found = available_on_macos(_output_of("vm_stat"))
    else:
        found = _proc_bytes("meminfo", "MemAvailable")
        if found is None and "SC_AVPHYS_PAGES" in getattr(os, "sysconf_names", ()):  # other Unixes
            found = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN_FREE if found is None else found


def resident_bytes() -> int | None:
    """Return what this process holds in memory now, None where the system does not tell cheaply."""
    if sys.platform == "win32":
        counters = _counters()
        return None if counters is None else int(counters.working_set)
    else:  # noqa: RET505 - what follows a return is unreachable to mypy on the other systems
        return _proc_bytes("self/status", "VmRSS")


def peak_bytes() -> int:
    """Return the most memory this process has held so far, 0 where nobody tells."""
    if sys.platform == "win32":
        counters = _counters()
        return 0 if counters is None else int(counters.peak_working_set)
    else:  # noqa: RET505
        # Linux's own count comes first: `getrusage` also counts what the starting process held.
        return _proc_bytes("self/status", "VmHWM") or _peak_by_getrusage()


def _peak_by_getrusage() -> int:
    try:
        import resource
    except ModuleNotFoundError:
        return 0
    if sys.platform == "win32":
        return 0
    else:  # noqa: RET505
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, others kilobytes


def _proc_bytes(file: str, name: str) -> int | None:
    """Return one of the figures that Linux writes as `Name:   123 kB`."""
    try:
        lines = Path("/proc", file).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = next((line.split() for line in lines if line.startswith(f"{name}:")), [])
    return int(found[1]) * 1024 if len(found) > 1 else None


def available_on_macos(said: str) -> int | None:
    """Return what vm_stat's pages come to that are free or can be taken without being written anywhere."""
    page_bytes, pages = 0, 0
    for line in said.splitlines():
        name, _, value = line.partition(":")
        if "page size of" in line:
            page_bytes = int(line.partition("page size of")[2].split()[0])
        elif name in {"Pages free", "Pages inactive", "Pages speculative", "Pages purgeable"}:
            pages += int(value.strip().rstrip("."))
    return page_bytes * pages or None


def _output_of(command: str) -> str:
    try:
        return subprocess.run([command], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of sysinfoapi.h."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load_percent", ctypes.c_uint32),
        ("total_physical", ctypes.c_uint64),
        ("available_physical", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended_virtual", ctypes.c_uint64),
    )


class _MemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of psapi.h."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("page_fault_count", ctypes.c_uint32),
        ("peak_working_set", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("peak_paged_pool", ctypes.c_size_t),
        ("paged_pool", ctypes.c_size_t),
        ("peak_nonpaged_pool", ctypes.c_size_t),
        ("nonpaged_pool", ctypes.c_size_t),
        ("page_file", ctypes.c_size_t),
        ("peak_page_file", ctypes.c_size_t),
    )


def _counters() -> _MemoryCounters | None:
    """Return what Windows counts of this process, None where it does not say or is not there."""
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        kernel.GetCurrentProcess.restype = ctypes.c_void_p  # a handle, as wide as a pointer
        kernel.K32GetProcessMemoryInfo.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
        counters = _MemoryCounters(length=ctypes.sizeof(_MemoryCounters))
        size = ctypes.sizeof(counters)
        is_told = kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(counters), size)
        return counters if is_told else None
    else:  # noqa: RET505
        return None
