"""One video on many workers: its parts are found, handed out, and joined when all are there.

The source is read here once, quickly: frames, holes and cuts of scenes say where inpainting cuts the video,
and which cuts need nothing of what is before them. What lies between those is a part. A part is handed out as
soon as it is found, its segments are kept beside the target as those of a run on one machine are, and each of
both goes on with what the other left.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from vrestore.errors import DeviceError, VRestoreError, error_for
from vrestore.media.reader import open_video
from vrestore.parallel.executor import Executor, Outcome
from vrestore.parallel.sharding.partition import find_shards
from vrestore.parallel.sharding.shard_files import ShardTask
from vrestore.parallel.task import Task, job_of
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.build_report import account_for
from vrestore.run.checkpoint import CheckpointStore
from vrestore.run.content_hash import preload_hashes
from vrestore.run.execute import check_source, conclude, open_job, run_job, tell_plan
from vrestore.run.job import Job
from vrestore.run.job_files import Ready, is_long
from vrestore.run.pipeline import Timings
from vrestore.run.report import DetectionReport, Report
from vrestore.run.resume import begin, shared, store_for
from vrestore.run.state_folder import sole_writer

_WAIT_SECONDS = 0.25


def run_in_parts(
    executor: Executor, task: Task, *, alone: Task, why_alone: str, progress: Progress
) -> Report | DetectionReport:
    """Do a task by handing out parts of the video, and close the executor.

    A video without parts is worked on by this process as the task `alone` says, and a warning says so.
    """
    try:
        report = run_on(executor, task, progress=progress)
    finally:
        executor.close()
    if report is not None:
        return report
    progress(ProgressEvent("warning", text=f"{why_alone}; see --segment"))
    return run_job(job_of(alone), progress=progress)


def run_on(executor: Executor, task: Task, *, progress: Progress) -> Report | None:
    """Do a task by handing out parts of the video; else as `run_job`.

    Returns None, nothing being done, where there are no parts: the target is not written in segments, or
    there is no such device on this machine, so that not even the memory can be planned. Parts that are under
    way when an error is raised are left to `executor.close`.
    """
    began = time.perf_counter()
    preload_hashes(task.sums)
    job = job_of(task)
    if not _may_have_parts(job):
        return None
    with ExitStack() as opened:
        opened.enter_context(sole_writer(job.target))
        try:
            ready = open_job(job, opened, progress)
        except DeviceError:
            return None
        store = store_for(ready.files, ready.opened)
        if store is None:
            return None
        opened.callback(store.leave)
        ready = replace(ready, opened=shared(store, ready.files, ready.opened, progress=progress))
        tell_plan(ready, progress)
        sharded = _ShardedRun(task, ready, store, executor, progress, ready.files.reader.meta.frame_count)
        sharded.run()
        return sharded.report(began)


def _may_have_parts(job: Job) -> bool:
    """Look quickly whether the video is long enough, without its masks."""
    if job.sharding is None:
        return False
    if "-" in {job.source, job.target}:
        return False
    if job.run.start is not None:  # up to there it would be read twice
        return True
    run = job.run
    # How long the video is does not depend on what is made of fields, and film is looked through for that.
    fields = "frames" if run.fields == "film" else run.fields
    with open_video(
        job.source, stop=run.stop, rate=run.rate, threads=1, protocols=run.protocols, fields=fields
    ) as reader:
        return is_long(job, reader.meta)


@dataclass(slots=True)
class _ShardedRun:
    """The loop: find parts and hand them out while there is room, hear of them, add up."""

    task: Task
    ready: Ready
    store: CheckpointStore[Any, Any]
    executor: Executor
    progress: Progress
    frames: int | None
    done: dict[int, int] = field(default_factory=dict)
    frames_before: int = 0
    peak_bytes: int = 0
    device_bytes: int = 0
    timings: Timings = field(default_factory=Timings)
    parts: list[ShardTask] = field(default_factory=list)
    running: set[int] = field(default_factory=set)

    def run(self) -> None:
        parts, is_over = find_shards(self.ready, self.store.folder, self._surveyed), False
        while self.running or not is_over:
            # Looking for the next part takes seconds of decoding; so only as many are looked for as have a
            # worker.
            while self.executor.free and not is_over:
                part = next(parts, None)
                is_over = part is None
                if part is None:
                    self._say_how_many()
                else:
                    self._start(part)
            if self.running or not is_over:
                for event in self.executor.wait(_WAIT_SECONDS):
                    self._take(event.number, event.what)
        check_source(self.ready.files)

    def report(self, began: float) -> Report:
        """Join the segments and account for them."""
        # What the parts left is taken over from the disk, checked as after a restart: no worker is taken at
        # its word.
        reason, frames = self.store.load(), self.parts[-1].stop
        if self.store.start != frames:
            why = reason or f"{self.store.start} of {frames} frames are there"
            raise VRestoreError(
                f"segments of {self.task.target!r} are missing ({why}); do all machines see its folder? "
                "run again to go on"
            )
        begin(self.ready.files, self.store, self.store.tally)
        done = conclude(self.ready.files, frames, progress=self.progress, timings=self.timings)
        return account_for(
            self.ready, done, self.store.tally,
            began=began, frames_before=self.frames_before, peak_bytes=self.peak_bytes,
            device_bytes=self.device_bytes,
        )  # fmt: skip

    def _start(self, part: ShardTask) -> None:
        self.parts.append(part)
        self.running.add(part.number)
        self.executor.start(part.number, replace(self.task, part=asdict(part)))

    def _take(self, number: int, what: ProgressEvent | Outcome) -> None:
        if isinstance(what, ProgressEvent):
            self._tell(number, what)
            return
        self.running.discard(number)
        if what.report is None:
            raise error_for(what.exit_code, what.words)
        shard_report: dict[str, Any] = what.report
        self.frames_before += shard_report["frames_before"]
        self.peak_bytes = max(self.peak_bytes, shard_report["peak_memory_bytes"])
        self.device_bytes = max(self.device_bytes, shard_report["device_memory_bytes"] or 0)
        for stage, seconds in shard_report["stage_seconds"].items():
            self.timings.add(stage, seconds)

    def _tell(self, number: int, event: ProgressEvent) -> None:
        """Tell of the whole what a worker tells of its part."""
        if event.event == "progress":
            self.done[number] = event.frame
            self.progress(replace(event, frame=sum(self.done.values()), frames=self.frames))
        elif event.event == "warning":
            self.progress(event)

    def _surveyed(self, frame: int) -> None:
        if not self.running:
            self.progress(ProgressEvent("progress", "survey", frame, self.frames))

    def _say_how_many(self) -> None:
        self.frames = self.parts[-1].stop
        count, segments = len(self.parts), sum(part.segments for part in self.parts)
        words = f"{count} parts that need nothing of each other, {segments} segments in all"
        if count == 1:
            words = "one part for one worker: nowhere can the video be cut without need of what is before"
        self.progress(ProgressEvent("plan", text=words))
