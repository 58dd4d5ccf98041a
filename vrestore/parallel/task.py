"""A job in plain words, as lists of jobs hold it, a journal names it and a worker is sent it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vrestore.option_schema import Words, check_words
from vrestore.parallel.sharding.shard_files import ShardTask
from vrestore.parallel.sharding.shard_worker import ShardReport, run_shard
from vrestore.progress import Progress
from vrestore.run.content_hash import FileHash, preload_hashes
from vrestore.run.execute import run_job
from vrestore.run.job import Job, command_named, make_job
from vrestore.run.options import RunOptions
from vrestore.run.report import DetectionReport, Report


@dataclass(frozen=True, slots=True)
class Task:
    """What a manifest says, a journal names and a worker is sent.

    `command` are the words after `vrestore`, `options` those of the command. `refused` says why there is
    nothing to send, such as a mask that is missing. With `part`, the fields of a ShardTask, only that part is
    made. `sums` are known of what is read, see `content_hash.preload_hashes`."""

    command: str
    source: str
    target: str
    options: Words = field(default_factory=dict)
    refused: str = ""
    part: Words | None = None
    sums: Sequence[FileHash] = ()


def job_of(task: Task) -> Job:
    """Return the job of a task; raises UsageError for words that its command does not understand."""
    command = command_named(task.command, where=repr(task.source))
    words = check_words(task.options, RunOptions, *command.options, where=repr(task.source))
    return make_job(command, task.source, **words | {"target": task.target})


def run_task(task: Task, progress: Progress) -> Report | DetectionReport | ShardReport:
    """Do the work in this process."""
    preload_hashes(task.sums)
    if task.part is not None:
        fields: dict[str, Any] = dict(task.part)
        return run_shard(job_of(task), ShardTask(**fields), progress=progress)
    return run_job(job_of(task), progress=progress)
