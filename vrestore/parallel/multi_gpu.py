"""Several CUDA devices of one machine: parts of a video, or videos of a batch, side by side."""

from __future__ import annotations

from dataclasses import replace

from vrestore.device.devices import choose_device
from vrestore.errors import UsageError
from vrestore.parallel.device_pool import DevicePool
from vrestore.parallel.distributed import run_in_parts
from vrestore.parallel.options import ParallelOptions
from vrestore.parallel.process_pool import ProcessPool
from vrestore.parallel.task import Task
from vrestore.progress import Progress
from vrestore.run.report import DetectionReport, Report


def run_on_devices(task: Task, options: ParallelOptions, *, progress: Progress) -> Report | DetectionReport:
    """Do a task with a process for each of its devices, each at another part of the video.

    The frames are those of one device. A video without parts is worked on with the first device, and a
    warning says so. Raises UsageError for pipes, DeviceError for a device that is not there.
    """
    devices = choose_device(str(task.options["device"])).split(",")
    if "-" in {task.source, task.target}:
        raise UsageError(f"a pipe cannot be divided among devices; pass --device {devices[0]}")
    shared = replace(task, options={**task.options, **options.share})
    return run_in_parts(
        DevicePool(ProcessPool(options.jobs, stall_seconds=options.stall_seconds)),
        shared,
        alone=replace(task, options={**task.options, "device": devices[0]}),
        why_alone=f"{devices[0]} does it alone: the video is short, or its target cannot be joined of parts",
        progress=progress,
    )
