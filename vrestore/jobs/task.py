"""A job in plain words, and the table of methods that turn words into work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vrestore.errors import UsageError
from vrestore.jobs.inpaint import run_inpaint
from vrestore.jobs.job import InpaintJob, InpaintOptions, inpaint_job
from vrestore.jobs.words import Words, check_words
from vrestore.protocols import Progress
from vrestore.report import Report


@dataclass(frozen=True, slots=True)
class Task:
    """What a manifest says, a journal names and a worker is sent.

    `command` is a key of METHODS, `options` are those of the method. `refused` says why there is nothing to
    send, such as a mask that is missing.
    """

    command: str
    source: str
    target: str
    options: Words = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Method:
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


def _no_weights(_job: InpaintJob) -> dict[str, str]:
    return {}


METHODS = {"inpaint": Method(InpaintOptions, inpaint_job, run_inpaint, _inpaint_reads, _no_weights)}


def method_of(name: str, *, where: str) -> Method:
    """Give a method by its command's name; raises UsageError, beginning with `where`, for any other."""
    if name not in METHODS:
        raise UsageError(f"{where}: command is one of {', '.join(METHODS)}, got {name!r}")
    return METHODS[name]


def job_of(task: Task) -> Any:  # noqa: ANN401 - each method has jobs of its own
    """Give the method's job for a task; raises UsageError for words that the method does not understand."""
    method = method_of(task.command, where=repr(task.source))
    words = check_words(task.options, method.options, where=repr(task.source))
    return method.job(task.source, **words | {"target": task.target})


def run_task(task: Task, progress: Progress) -> Report:
    """Do the work in this process."""
    return METHODS[task.command].run(job_of(task), progress=progress)
