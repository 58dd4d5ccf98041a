"""A job in plain words, and the table of methods that turn words into work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from vrestore.errors import UsageError
from vrestore.methods.dehaze.method import MODEL, run_dehaze
from vrestore.methods.dehaze.options import DehazeJob, DehazeOptions, dehaze_job
from vrestore.methods.inpaint.method import run_inpaint
from vrestore.methods.inpaint.options import DEFAULT_MODEL, InpaintJob, InpaintOptions, inpaint_job
from vrestore.models.library import find_weights
from vrestore.parallel.shard_files import ShardTask
from vrestore.parallel.shard_worker import ShardReport, inpaint_part
from vrestore.progress import Progress
from vrestore.run.content_hash import FileHash, preload_hashes
from vrestore.run.option_schema import Words, check_words
from vrestore.run.report import Report


@dataclass(frozen=True, slots=True)
class Task:
    """What a manifest says, a journal names and a worker is sent.

    `command` is a key of METHODS, `options` are those of the method. `refused` says why there is nothing to
    send, such as a mask that is missing. With `part`, the fields of a ShardTask, only that part is made.
    `sums` are known of what is read, see `content.preload_hashes`.
    """

    command: str
    source: str
    target: str
    options: Words = field(default_factory=dict)
    refused: str = ""
    part: Words | None = None
    sums: Sequence[FileHash] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table: how the words of a task become a job, and what a job reads and does.

    `options` is a TypedDict, `weights` gives the hashes of the weights that a job uses by name.
    """

    options: type
    job: Callable[..., Any]
    run: Callable[..., Report]
    reads: Callable[[Any], Iterable[str | Path]]
    weights: Callable[[Any], Mapping[str, str]]


def _inpaint_reads(job: InpaintJob) -> list[str | Path]:
    return [job.source, *job.masks.paths]


def _inpaint_weights(job: InpaintJob) -> dict[str, str]:
    return _weights(job.model or DEFAULT_MODEL) if job.has_network else {}


def _dehaze_reads(job: DehazeJob) -> list[str | Path]:
    return [job.source]


def _dehaze_weights(job: DehazeJob) -> dict[str, str]:
    return _weights(job.model or MODEL) if job.has_network else {}


@cache
def _weights(name: str) -> dict[str, str]:
    """Return the hash of weights, taken once in a process."""
    return {name: find_weights(name).sha256()}


METHODS = {
    "inpaint": Command(InpaintOptions, inpaint_job, run_inpaint, _inpaint_reads, _inpaint_weights),
    "dehaze": Command(DehazeOptions, dehaze_job, run_dehaze, _dehaze_reads, _dehaze_weights),
}


def method_of(name: str, *, where: str) -> Command:
    """Return a method by its command's name; raises UsageError, beginning with `where`, for any other."""
    if name not in METHODS:
        raise UsageError(f"{where}: command is one of {', '.join(METHODS)}, got {name!r}")
    return METHODS[name]


def job_of(task: Task) -> Any:  # noqa: ANN401 - each method has jobs of its own
    """Return the method's job for a task; raises UsageError for words that the method does not understand."""
    method = method_of(task.command, where=repr(task.source))
    words = check_words(task.options, method.options, where=repr(task.source))
    return method.job(task.source, **words | {"target": task.target})


def run_task(task: Task, progress: Progress) -> Report | ShardReport:
    """Do the work in this process."""
    preload_hashes(task.sums)
    if task.part is not None:
        words: dict[str, Any] = dict(task.part)
        return inpaint_part(job_of(task), ShardTask(**words), progress=progress)
    return METHODS[task.command].run(job_of(task), progress=progress)
