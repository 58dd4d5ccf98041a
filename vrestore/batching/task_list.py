"""Tasks of one batch beside each other: their order, and that none stands in the way of another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from vrestore.errors import UsageError
from vrestore.parallel.task import Task


def ordered(tasks: Iterable[Task]) -> list[Task]:
    """Put tasks of the same method next to each other, so that a worker loads its weights once."""
    return sorted(tasks, key=lambda task: task.command)


def check_distinct(tasks: Sequence[Task]) -> None:
    """Raise UsageError where a task's target is that of another one, or what another one reads."""
    read = {os.path.realpath(task.source): task.source for task in tasks}
    written: dict[str, str] = {}
    for task in tasks:
        place = os.path.realpath(task.target)
        if place in read:
            raise UsageError(f"the target {task.target!r} of {task.source!r} is the source {read[place]!r}")
        if place in written:
            raise UsageError(f"{written[place]!r} and {task.source!r} both have the target {task.target!r}")
        written[place] = task.source
