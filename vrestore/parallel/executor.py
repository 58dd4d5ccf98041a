"""The seam between a batch and where its jobs are worked on: processes here, or machines elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vrestore.methods.base import Values
from vrestore.parallel.task import Task
from vrestore.progress import ProgressEvent


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended. `report` is its report for programs, None where it failed; `log` is for people."""

    exit_code: int
    words: str = ""
    report: Values | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Something that happened to the task of a number: how far it is, or how it ended."""

    number: int
    what: ProgressEvent | Outcome


class Executor(Protocol):
    """Works on tasks beside this process; what goes in and what comes out are plain values."""

    @property
    def free(self) -> int:
        """How many more tasks can be started now."""

    def start(self, number: int, task: Task) -> None:
        """Begin with a task under a number of the caller's."""

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Return what has happened, waiting at most so long for something to happen."""

    def close(self) -> None:
        """Stop what is under way and wait until it has cleared up after itself."""
