"""An executor for tests that does in this process what it is told, and folders of clips."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from clips import write_clip

from vrestore.batching.folder import FolderJobs
from vrestore.batching.report import BatchReport
from vrestore.batching.scheduler import BatchOptions, run_batch
from vrestore.parallel.executor import Outcome, TaskEvent
from vrestore.parallel.options import ParallelOptions
from vrestore.parallel.task import Task

BOX = "20,16,12,10"

Work = Callable[[Task], Outcome]


class Here:
    """Works on one task at a time when it is waited for; `seen` are the tasks in order."""

    def __init__(self, work: Work) -> None:
        self._work, self._waiting = work, deque[tuple[int, Task]]()
        self.seen: list[Task] = []
        self.is_closed = False

    @property
    def free(self) -> int:
        return 1 - len(self._waiting)

    def start(self, number: int, task: Task) -> None:
        self._waiting.append((number, task))
        self.seen.append(task)

    def wait(self, seconds: float) -> list[TaskEvent]:
        if not self._waiting:
            return []
        number, task = self._waiting[0]
        outcome = self._work(task)
        self._waiting.popleft()
        return [TaskEvent(number, outcome)]

    def close(self) -> None:
        self.is_closed = True


def written(task: Task) -> Outcome:
    """Write something at the target, as a job that goes well does."""
    if Path(task.target).exists() and not task.options["overwrite"]:
        return Outcome(5, f"{task.target!r} exists; pass -y to overwrite it")
    Path(task.target).write_bytes(os.fsencode(f"made from {task.source}"))
    return Outcome(0, report={"frames": 8})


def failing(*stems: str, exit_code: int = 3) -> Work:
    """Return work that fails for sources of these names."""

    def work(task: Task) -> Outcome:
        if Path(task.source).stem in stems:
            return Outcome(exit_code, "it does not work", log="Traceback: here")
        return written(task)

    return work


def clips_in(folder: Path, *names: str) -> Path:
    """Write clips of these names, in sub-folders too, each of another content; return the folder."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_clip(folder / name, frames=3 + number)
    return folder


def batch_options(**options: object) -> BatchOptions:
    """Return the options of a batch, told as one row."""
    names = ("jobs", "threads", "memory_bytes", "stall_seconds")
    shared = {name: options.pop(name) for name in names if name in options}
    return BatchOptions(ParallelOptions(**shared), **options)  # type: ignore[arg-type]


def run_here(
    folder_jobs: FolderJobs, work: Work = written, **options: object
) -> tuple[BatchReport, list[Task]]:
    """Run a batch with an executor of this process; return its report and the tasks that it got."""
    executor = Here(work)
    report = run_batch(
        folder_jobs.checked_tasks(),
        base=folder_jobs.base,
        state=folder_jobs.state,
        options=batch_options(**options),
        executor=executor,
    )
    assert executor.is_closed
    return report, executor.seen


def states(report: BatchReport) -> dict[str, str]:
    """Return what became of each source by its name."""
    return {Path(item.source).name: item.state for item in report.items}
