"""One video on a Ray cluster."""

from __future__ import annotations

from dataclasses import replace

from vrestore.errors import UsageError
from vrestore.parallel.distributed import run_in_parts
from vrestore.parallel.executor import Executor
from vrestore.parallel.options import ParallelOptions
from vrestore.parallel.task import Task, job_of
from vrestore.progress import Progress
from vrestore.run.report import DetectionReport, Report


def cluster_for(options: ParallelOptions) -> Executor:
    """Connect to the Ray cluster that the options say."""
    from vrestore.parallel.ray_pool import RayPool

    return RayPool(
        options.jobs,
        threads=options.threads_each,
        address=options.address,
        stall_seconds=options.stall_seconds,
    )


def run_on_cluster(task: Task, options: ParallelOptions, *, progress: Progress) -> Report | DetectionReport:
    """Do a task on the cluster that the options say, with so many parts at a time as these jobs.

    A video without parts is worked on by this process, and a warning says so.

    Raises UsageError for another executor, for pipes, and when there is no cluster.
    """
    if options.executor != "ray":
        raise UsageError("--jobs is for the parts of a video on a cluster; pass --executor ray with it")
    if "-" in {task.source, task.target}:
        raise UsageError("a pipe cannot be read or written by other machines; drop --executor ray")
    shared = replace(task, options={**task.options, **options.share})
    job_of(shared)  # words that are not understood show before a cluster is made
    return run_in_parts(
        cluster_for(options),
        shared,
        alone=task,
        why_alone="it is done here, in one go: it is short, or its target cannot be joined of parts",
        progress=progress,
    )
