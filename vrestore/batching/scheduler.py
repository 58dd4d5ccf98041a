"""Many jobs, some at a time: what is done is not done twice, what fails does not stop the others."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from vrestore import __version__
from vrestore.batching.job_key import hashes_for, key_of
from vrestore.batching.journal import Journal
from vrestore.batching.report import BatchItem, BatchReport, State
from vrestore.batching.words import BatchWords
from vrestore.errors import (
    DeviceError,
    Interrupted,
    MaskError,
    ModelError,
    OutOfMemory,
    TargetError,
    UsageError,
    VRestoreError,
)
from vrestore.files import check_target, writing
from vrestore.methods.base import Values
from vrestore.parallel.device_pool import DevicePool
from vrestore.parallel.executor import Executor, Outcome
from vrestore.parallel.options import ParallelOptions
from vrestore.parallel.process_pool import ProcessPool
from vrestore.parallel.ray_run import cluster_for
from vrestore.parallel.shard_executor import ShardExecutor
from vrestore.parallel.task import Task, job_of
from vrestore.progress import Event, ProgressEvent
from vrestore.run.build_report import write_report
from vrestore.run.checkpoint import drop_segments
from vrestore.run.state_folder import locked

Show = Callable[[str, ProgressEvent], None]
"""A function that is told the source of a job and what happened to it."""

Feed = Iterable[Task | None]
"""Tasks as they come; None says that there is none now and may be one later."""

_WAIT_SECONDS = 0.25
# What would have ended any other job as well does not count against this one.
_NOT_ITS_FAULT = {kind.exit_code for kind in (TargetError, ModelError, DeviceError, OutOfMemory, Interrupted)}
_FACTS = ("frames", "repaired_frames", "codec", "warnings", "damage", "peak_memory_bytes")


def show_nothing(source: str, event: ProgressEvent) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch is worked on.

    Args:
        parallel: how many jobs at a time, where, and what each may use.
        tries: how often a job may fail before it is set aside, all runs of the batch counted.
        redo: do again what is done, and try again what was set aside.
        overwrite: replace targets that exist and that this batch did not make.
        report: file for the report of the batch as JSON.
    """

    parallel: ParallelOptions = field(default_factory=ParallelOptions)
    tries: int = BatchWords().tries
    redo: bool = False
    overwrite: bool = False
    report: Path | None = None

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise UsageError(f"a job has 1 try or more, got {self.tries}")


def run_batch(
    tasks: Feed,
    *,
    base: Path,
    state: Path,
    options: BatchOptions,
    show: Show = show_nothing,
    executor: Executor | None = None,
) -> BatchReport:
    """Work on all tasks and say what became of each.

    Args:
        tasks: what is to be done; targets below `base` get their folders made.
        base: the folder that targets are named from in the journal, so that it may be moved.
        state: the folder for journal and logs, made where it is missing.
        options: how.
        show: is told of everything that happens.
        executor: where; what the options say if None.

    Raises:
        UsageError: a cluster is asked for, and there is none.
        TargetError: another batch has this state folder, or the journal cannot be written.
        InputError: the journal was damaged by something other than a crash.
    """
    began = time.perf_counter()
    if options.report is not None:
        check_target(options.report, sources=(), overwrite=True)
    with writing(str(base)):
        base.mkdir(parents=True, exist_ok=True)
    with locked(state, what=repr(str(base))), Journal(state / "journal.jsonl") as journal:
        at_work = executor or _executor(options.parallel)
        try:
            items = _Batch(tasks, base, state, options, show, journal, at_work).run()
        finally:
            at_work.close()
    report = BatchReport(__version__, items, time.perf_counter() - began, options.parallel.jobs)
    if options.report is not None:
        write_report(report, options.report)
    return report


def _executor(options: ParallelOptions) -> Executor:
    if options.executor == "local":
        return DevicePool(ProcessPool(options.jobs, stall_seconds=options.stall_seconds))
    return ShardExecutor(cluster_for(options), options.jobs)


@dataclass(slots=True)
class _Job:
    """A task under way. `is_ours`: nothing but what it made lies at its target; `may_replace`: that does."""

    task: Task
    key: str
    failures: int
    is_ours: bool
    may_replace: bool
    tries: int = 0
    began: float = 0.0


class _Batch:
    """The loop: hand out jobs while there is room, hear of them, write down what happens."""

    def __init__(
        self,
        tasks: Feed,
        base: Path,
        state: Path,
        options: BatchOptions,
        show: Show,
        journal: Journal,
        executor: Executor,
    ) -> None:
        self._feed, self._base, self._state = iter(tasks), base, state
        self._count = len(tasks) if isinstance(tasks, list) else None
        self._options, self._show, self._journal, self._executor = options, show, journal, executor
        self._share = options.parallel.share
        self._ready: deque[_Job] = deque()
        self._retries: deque[_Job] = deque()
        self._running: dict[int, _Job] = {}
        self._items: list[BatchItem] = []
        self._is_over = False

    def run(self) -> list[BatchItem]:
        number = 0
        self._show_progress()
        while True:
            has_more = self._fetch()
            while self._executor.free and (job := self._next()):
                self._start(number, job)
                number += 1
            if not self._running and not self._ready and not self._retries and self._is_over:
                return self._items
            # With more to make ready at once, waiting would leave workers idle.
            if not has_more:
                for event in self._executor.wait(_WAIT_SECONDS):
                    self._take(event.number, event.what)

    def _fetch(self) -> bool:
        """Make the next task ready while others are worked on; say whether to come back for more at once."""
        if self._is_over or len(self._ready) > self._executor.free:
            return False
        task = next(self._feed, self)
        if task is self:
            self._is_over = True
            return False
        if isinstance(task, Task):
            self._prepare(task)
            return True
        return False

    def _next(self) -> _Job | None:
        if self._ready:
            return self._ready.popleft()
        return self._retries.popleft() if self._retries and self._is_over else None

    def _prepare(self, task: Task) -> None:
        """Find out what is known of a task; only what has to be done becomes a job."""
        try:
            if task.refused:
                raise MaskError(task.refused)
            key = self._key(task)
            self._make_folder(task)
        except VRestoreError as error:
            self._end(task, "failed", error.exit_code, words=str(error))
            return
        past, size, redo = self._journal.past(key), _size_of(task.target), self._options.redo
        if past.is_done and past.target_bytes == size and not redo:
            drop_segments(task.target)  # left where a batch ended right after it had noted this
            self._end(task, "done before", past.exit_code)
        elif past.failures >= self._options.tries and not redo:
            words = f"{past.error} (failed {past.failures} times before; --redo tries again)"
            self._end(task, "set aside", past.exit_code, words=words, log=past.log)
        else:
            # Nothing lies at the target, or what lies there is from a try that was cut off, or is to be
            # redone: that may be replaced without a word. Anything else is the user's.
            is_ours = size is None or (past.is_open and past.is_ours) or (past.is_done and redo)
            may_replace = self._options.overwrite or (is_ours and size is not None)
            self._ready.append(_Job(task, key, 0 if redo else past.failures, is_ours, may_replace))

    def _key(self, task: Task) -> str:
        return key_of(task, job_of(task), journal=self._journal, base=self._base)

    def _make_folder(self, task: Task) -> None:
        folder = Path(task.target).parent
        if folder.is_relative_to(self._base):
            with writing(task.target):
                folder.mkdir(parents=True, exist_ok=True)

    def _start(self, number: int, job: _Job) -> None:
        task = job.task
        overwrite = job.may_replace or task.options.get("overwrite") is True
        options = {**task.options, **self._share, "overwrite": overwrite}
        names = {"source": task.source, "target": task.target}
        self._journal.add("started", job.key, **names, ours=job.is_ours, failures=job.failures)
        job.tries += 1
        job.began = time.perf_counter()
        self._running[number] = job
        self._show(task.source, ProgressEvent("start", text=f"-> {task.target}"))
        sums = hashes_for(job_of(task), journal=self._journal)
        self._executor.start(number, replace(task, options=options, sums=sums))

    def _take(self, number: int, what: ProgressEvent | Outcome) -> None:
        if isinstance(what, ProgressEvent):
            self._show(self._running[number].task.source, what)
            return
        job = self._running.pop(number)
        if what.report is None:
            self._failed(job, what)
        else:
            self._done(job, what, what.report)

    def _done(self, job: _Job, outcome: Outcome, report: Values) -> None:
        task, size, key = job.task, _size_of(job.task.target), job.key
        with suppress(VRestoreError):
            key = self._key(task)  # of what it read, which may have changed since it was made ready
        self._journal.add("done", key, exit_code=outcome.exit_code, target_bytes=size)
        drop_segments(task.target)
        facts = {name: report[name] for name in _FACTS if name in report}
        self._end(task, "done", outcome.exit_code, words=outcome.words, job=job, facts=facts)

    def _failed(self, job: _Job, outcome: Outcome) -> None:
        log = self._write_log(job, outcome)
        counts = outcome.exit_code not in _NOT_ITS_FAULT
        self._journal.add(
            "failed", job.key, exit_code=outcome.exit_code, error=outcome.words, log=str(log), counts=counts
        )
        job.failures += counts
        if job.tries < self._options.tries and job.failures < self._options.tries:
            self._retries.append(job)
            text = f"{outcome.words}; it is tried again at the end"
            self._show(job.task.source, ProgressEvent("warning", text=text))
            return
        self._end(job.task, "failed", outcome.exit_code, words=outcome.words, job=job, log=str(log))

    def _end(
        self,
        task: Task,
        state: State,
        exit_code: int,
        *,
        words: str = "",
        log: str = "",
        job: _Job | None = None,
        facts: Values | None = None,
    ) -> None:
        tries, seconds = (job.tries, time.perf_counter() - job.began) if job else (0, 0.0)
        line = " ".join(words.split())
        item = BatchItem(task.source, task.target, state, exit_code, line, log, tries, seconds, facts or {})
        self._items.append(item)
        kinds: dict[State, Event] = {"done": "done", "done before": "skip"}
        text = f"{state}: {line}" if line and not item.is_failed else line or state
        self._show(task.source, ProgressEvent(kinds.get(state, "error"), text=text))
        self._show_progress()

    def _show_progress(self) -> None:
        self._show(str(self._base), ProgressEvent("progress", "batch", len(self._items), self._count))

    def _write_log(self, job: _Job, outcome: Outcome) -> Path:
        """Keep all that is known of a failure."""
        stem = re.sub(r"\W", "_", Path(job.task.source).stem)[:60]
        place = self._state / "failed" / f"{stem}.{job.key[:12]}.log"
        task = json.dumps(asdict(job.task), indent=2)
        with writing(str(place)):
            place.parent.mkdir(exist_ok=True)
            text = f"{outcome.words}\n\nexit code {outcome.exit_code}\n\n{task}\n\n{outcome.log}\n"
            place.write_text(text, encoding="utf-8", errors="backslashreplace")
        return place


def _size_of(target: str) -> int | None:
    """Return the bytes of a file, 0 for a folder, None where there is nothing."""
    try:
        path = Path(target)
        return 0 if path.is_dir() else path.stat().st_size
    except (OSError, ValueError):
        return None
