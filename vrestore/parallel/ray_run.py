"""One video on a Ray cluster."""

from __future__ import annotations

from dataclasses import replace

from vrestore.batch.scheduler import BatchOptions, cluster_for
from vrestore.errors import UsageError
from vrestore.parallel.distributed import inpaint_in_parts
from vrestore.parallel.task import Task, job_of
from vrestore.progress import Progress
from vrestore.run.report import Report


def inpaint_clustered(task: Task, how: BatchOptions, *, progress: Progress) -> Report:
    """Do an inpainting task on the cluster that the options say, with so many parts at a time as these jobs.

    A video without parts is worked on by this process, and a warning says so.

    Raises UsageError for another executor, for pipes, and when there is no cluster.
    """
    if how.executor != "ray":
        raise UsageError("--jobs is for the parts of a video on a cluster; pass --executor ray with it")
    if "-" in {task.source, task.target}:
        raise UsageError("a pipe cannot be read or written by other machines; drop --executor ray")
    shared = replace(task, options={**task.options, **how.share})
    job_of(shared)  # words that are not understood show before a cluster is made
    return inpaint_in_parts(
        cluster_for(how),
        shared,
        alone=task,
        why_alone="it is done here, in one go: it is short, or its target cannot be joined of parts",
        progress=progress,
    )
