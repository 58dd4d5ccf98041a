"""What a job may use: memory, of the machine and of its devices, and which device."""

from __future__ import annotations

from vrestore.device.memory import DEVICE_SHARE, free_device_bytes, free_memory_bytes
from vrestore.errors import UsageError
from vrestore.run.job_files import JobFiles
from vrestore.run.options import RunOptions

MEMORY_SHARE = 0.5
"""The share of the free memory that a job may use where no bound is given."""


def memory_for(run: RunOptions) -> int:
    """Return the bytes that a job may use."""
    return run.memory_bytes or int(free_memory_bytes() * MEMORY_SHARE)


def device_memory_for(run: RunOptions, device: str) -> int:
    """Return the bytes of a CUDA device that a job may use, of each if there are several; 0 for the CPU."""
    if device == "cpu":
        return 0
    return run.memory_bytes or int(min(free_device_bytes(each) for each in device.split(",")) * DEVICE_SHARE)


def check_one_device(opened: JobFiles) -> None:
    """Refuse several devices for what one process does; raises UsageError."""
    if "," in opened.device:
        raise UsageError(
            f"{opened.job.source!r} is worked on by one device at a time here, got {opened.device}; pass "
            "one of them; several are for a long video to inpaint, or for a batch, on this machine"
        )


def kernel_lines(opened: JobFiles) -> list[str]:
    """Say which operations serve a CUDA device and why, how to get the faster ones among it.

    Raises DeviceError where kernels are asked for that cannot run.
    """
    if opened.device == "cpu":
        return []
    from vrestore.ops import select

    chosen = select(opened.device.split(",")[0], asked=opened.job.run.kernels)
    return [f"operations on the device by {chosen.name}: {chosen.why}"]
