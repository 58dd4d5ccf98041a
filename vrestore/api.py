"""The functions of `import vrestore`; the command line calls the same ones.

What a command can be told stands at the fields of its option types, and nowhere else: the parameters that
`help(vrestore.inpaint)` shows are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vrestore.batching.discover import Selection
from vrestore.batching.folder import FolderJobs, watched
from vrestore.batching.manifest import read_manifest
from vrestore.batching.report import BatchReport
from vrestore.batching.scheduler import BatchOptions, Show, run_batch, show_nothing
from vrestore.device.devices import core_count
from vrestore.device.memory import parse_bytes
from vrestore.in_memory import dehaze_frames as dehaze_frames
from vrestore.in_memory import inpaint_frames as inpaint_frames
from vrestore.media.reader import VideoReader
from vrestore.media.reader import open_video as open_reader
from vrestore.methods.base import Method
from vrestore.methods.dehaze.method import DEHAZE
from vrestore.methods.inpaint.method import INPAINT
from vrestore.option_schema import PathLike, plain
from vrestore.parallel.multi_gpu import run_on_devices
from vrestore.parallel.options import ExecutorName, ParallelOptions
from vrestore.parallel.ray_run import run_on_cluster
from vrestore.parallel.task import Task
from vrestore.progress import Progress
from vrestore.run.checkpoint import drop_segments
from vrestore.run.execute import plan_job, run_job, silent
from vrestore.run.job import Job, command_named, command_words, make_job
from vrestore.run.options import RunOptions
from vrestore.run.report import DetectionReport, PlanReport, Report
from vrestore.signatures import spelled_out

# The room of batches is `batching`, so that `vrestore.batch` is the function whatever was imported before.


@dataclass(frozen=True, slots=True)
class ClusterWish:
    """What the caller says of a cluster; nothing of it means this process, or its several devices."""

    executor: ExecutorName = "local"
    address: str | None = None
    jobs: int = 0

    @property
    def is_local(self) -> bool:
        """Whether nothing is asked for."""
        return self.executor == "local" and self.address is None and not self.jobs


def run_command(
    command: str,
    source: PathLike,
    *,
    progress: Progress | None = None,
    executor: ExecutorName = "local",
    address: str | None = None,
    jobs: int = 0,
    **options: Any,  # noqa: ANN401 - those of any command
) -> Report | DetectionReport:
    """Do what a command of the command line does, also one that a plugin brings.

    Args:
        command: the words after `vrestore`, such as `inpaint` or `mask NAME`.
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        executor, address, jobs: `ray` works on parts of a long video on a Ray cluster, so many at a time, by
            default as many as this machine has cores; `memory` is for all of them together. With several
            `device`s parts of a long video are worked on side by side here. Only for what is worked on in
            parts.
        options: those of the command and of every run, see RunOptions.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    job = make_job(command_named(command), source, **options)
    parallel = ClusterWish(executor, address, jobs)
    report = _run(job, plain(_without_target(options)), parallel, progress=progress or silent)
    drop_segments(job.target)
    return report


def plan_command(command: str, source: PathLike, **options: Any) -> PlanReport:  # noqa: ANN401
    """Say what `run_command` would do with the same words and how much memory it would need."""
    return plan_job(make_job(command_named(command), source, **options))


@spelled_out(*INPAINT.options, RunOptions)
def inpaint(
    source: PathLike,
    *,
    progress: Progress | None = None,
    executor: ExecutorName = "local",
    address: str | None = None,
    jobs: int = 0,
    **options: Any,  # noqa: ANN401 - spelled out by the decorator
) -> Report:
    """Remove what a mask or box covers, and fill it from the rest of the video.

    Args:
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        executor, address, jobs: work on parts of a long video on a Ray cluster, see `run_command`.
        options: those below; at least one `mask` or `box` is needed.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    return _restored(INPAINT, source, ClusterWish(executor, address, jobs), progress, options)


@spelled_out(*DEHAZE.options, RunOptions)
def dehaze(
    source: PathLike,
    *,
    progress: Progress | None = None,
    **options: Any,  # noqa: ANN401 - spelled out by the decorator
) -> Report:
    """Clear haze, fog and smoke from a video, without flicker.

    Args:
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        options: those below.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    return _restored(DEHAZE, source, ClusterWish(), progress, options)


@spelled_out(*INPAINT.options, RunOptions)
def plan_inpaint(source: PathLike, **options: Any) -> PlanReport:  # noqa: ANN401
    """Say what `inpaint` would do with the same options and how much memory it would need."""
    return plan_job(make_job(INPAINT, source, **options))


@spelled_out(*DEHAZE.options, RunOptions)
def plan_dehaze(source: PathLike, **options: Any) -> PlanReport:  # noqa: ANN401
    """Say what `dehaze` would do with the same options and how much memory it would need."""
    return plan_job(make_job(DEHAZE, source, **options))


def _restored(
    method: Method,
    source: PathLike,
    wish: ClusterWish,
    progress: Progress | None,
    options: Mapping[str, Any],
) -> Report:
    job = make_job(method, source, **options)
    report = _run(job, plain(_without_target(options)), wish, progress=progress or silent)
    drop_segments(job.target)
    if not isinstance(report, Report):
        raise TypeError(f"{method.name} gives a report of a run")
    return report


def _run(
    job: Job, words: Mapping[str, Any], wish: ClusterWish, *, progress: Progress
) -> Report | DetectionReport:
    """Do a job here, on several devices, or on a cluster."""
    devices = _device_count(job.run.device)
    has_parts = isinstance(job.command, Method) and job.command.sharding is not None
    if not has_parts or (wish.is_local and devices == 1):
        return run_job(job, progress=progress)
    options = ParallelOptions(
        jobs=devices if wish.is_local else wish.jobs or core_count(),
        memory_bytes=job.run.memory_bytes,
        threads=job.run.threads,
        executor=wish.executor,
        address=wish.address,
    )
    task = Task(command_words(job.command), job.source, job.target, words)
    work = run_on_devices if wish.is_local else run_on_cluster
    return work(task, options, progress=progress)


def batch(
    command: str,
    folder: PathLike,
    *,
    output: PathLike | None = None,
    masks: PathLike | None = None,
    name: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    watch: bool = False,
    jobs: int = 1,
    tries: int = 2,
    redo: bool = False,
    executor: ExecutorName = "local",
    address: str | None = None,
    report: PathLike | None = None,
    progress: Show | None = None,
    **options: Any,  # noqa: ANN401 - those of any command
) -> BatchReport:
    """Do the same to every video of a folder, each in a process beside this one; see
    docs/batch-and-cluster.md.

    Args:
        command: what is done, such as `inpaint`.
        folder: where the videos lie, in sub-folders too.
        output: where results go, in the same sub-folders; by default `FOLDER.COMMAND` beside it.
        masks: a folder with a mask for each video, found by its name.
        name: of each target; `{stem}`, `{suffix}` and `{name}` stand for those of the source. By default the
            source's own, and `{stem}.mask.mkv` for a detector's masks.
        include, exclude: patterns such as `*.mp4` for the paths within the folder.
        watch: go on for ever with videos that come, until interrupted.
        jobs: how many at a time, at least one for each `device`; `memory` is for all of them together.
        tries: how often a job may fail before it is set aside.
        redo: also what is done already.
        executor, address: `ray` works on a Ray cluster; by default one of this machine alone is made for it.
        report: also write the report as JSON.
        progress: is called with the source and a ProgressEvent for each thing that happens.
        options: those of the command, the same for all, such as `quality` or `overwrite`.

    Raises:
        VRestoreError: nothing could be begun. A job that fails raises nothing: see the report's items.
    """
    folder_jobs = FolderJobs(
        command,
        Path(folder),
        output=None if output is None else Path(output),
        masks=None if masks is None else Path(masks),
        name=name,
        selection=Selection(tuple(include), tuple(exclude)),
        options=plain(_own(options)),
    )
    how = _batch_options(
        options, jobs=jobs, tries=tries, redo=redo, executor=executor, address=address, report=report
    )
    tasks = watched(folder_jobs) if watch else folder_jobs.checked_tasks()
    base, state = folder_jobs.base, folder_jobs.state
    return run_batch(tasks, base=base, state=state, options=how, show=progress or show_nothing)


def batch_run(
    manifest: PathLike,
    *,
    jobs: int = 1,
    tries: int = 2,
    redo: bool = False,
    executor: ExecutorName = "local",
    address: str | None = None,
    report: PathLike | None = None,
    progress: Show | None = None,
    **options: Any,  # noqa: ANN401 - those of any command
) -> BatchReport:
    """Do the jobs of a TOML file, all checked before the first begins; see `batch`.

    `memory`, `threads` and `overwrite` are the only further options; all others stand in the file.
    """
    found = read_manifest(Path(manifest))
    how = _batch_options(
        options, jobs=jobs, tries=tries, redo=redo, executor=executor, address=address, report=report
    )
    unknown = sorted(_own(options))
    if unknown:
        raise TypeError(f"batch_run takes no {unknown[0]!r}; write it into the file")
    tasks, base, state = found.tasks, found.base, found.state
    return run_batch(tasks, base=base, state=state, options=how, show=progress or show_nothing)


_OF_THE_BATCH = {"memory", "threads", "overwrite"}


def _own(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in _OF_THE_BATCH}


def _without_target(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "target"}


def _batch_options(
    options: Mapping[str, Any],
    *,
    jobs: int,
    tries: int,
    redo: bool,
    executor: ExecutorName,
    address: str | None,
    report: PathLike | None,
) -> BatchOptions:
    memory = options.get("memory")
    parallel = ParallelOptions(
        jobs=max(jobs, _device_count(options.get("device", ""))) if executor == "local" else jobs,
        memory_bytes=parse_bytes(memory) if isinstance(memory, str) else memory,
        threads=options.get("threads", 0),
        executor=executor,
        address=address,
    )
    return BatchOptions(
        parallel,
        tries=tries,
        redo=redo,
        overwrite=bool(options.get("overwrite", False)),
        report=None if report is None else Path(report),
    )


def open_video(
    source: PathLike,
    *,
    start: str | int | None = None,
    stop: str | int | None = None,
    threads: int = 0,
    rate: Fraction | None = None,
) -> VideoReader:
    """Open a video for reading frames in its own planes, as a context manager.

    Iterating gives `Frame` values; `meta` says what they are. See `VideoReader`.
    """
    return open_reader(source, start=start, stop=stop, threads=threads, rate=rate)


def _device_count(device: str) -> int:
    return device.count(",") + 1
