"""The functions of `import vrestore`; the command line calls the same ones.

What a command can be told stands at the fields of its option types, and nowhere else: the parameters that
`help(vrestore.inpaint)` shows are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from vrestore.batching.discover import Selection
from vrestore.batching.folder import FolderJobs, watched
from vrestore.batching.manifest import read_manifest
from vrestore.batching.report import BatchReport
from vrestore.batching.scheduler import BatchOptions, Show, run_batch, show_nothing
from vrestore.batching.words import BatchWords, FolderWords
from vrestore.device.devices import core_count
from vrestore.in_memory import dehaze_frames as dehaze_frames
from vrestore.in_memory import inpaint_frames as inpaint_frames
from vrestore.media.reader import VideoReader
from vrestore.media.reader import open_video as open_reader
from vrestore.methods.base import Method
from vrestore.methods.dehaze.method import DEHAZE
from vrestore.methods.inpaint.method import INPAINT
from vrestore.option_schema import PathLike, options_of, plain
from vrestore.parallel.multi_gpu import run_on_devices
from vrestore.parallel.options import ParallelOptions
from vrestore.parallel.ray_run import run_on_cluster
from vrestore.parallel.task import Task
from vrestore.parallel.words import ClusterWords
from vrestore.progress import Progress, silent
from vrestore.run.checkpoint import drop_segments
from vrestore.run.execute import plan_job, run_job
from vrestore.run.job import Command, command_named, command_words, make_job
from vrestore.run.options import RunOptions
from vrestore.run.report import DetectionReport, PlanReport, Report
from vrestore.signatures import spelled_out

T = TypeVar("T")

# The room of batches is `batching`, so that `vrestore.batch` is the function whatever was imported before.


@spelled_out(ClusterWords, takes_more=True)
def run_command(
    command: str,
    source: PathLike,
    *,
    progress: Progress | None = None,
    **options: Any,  # noqa: ANN401 - those of any command
) -> Report | DetectionReport:
    """Do what a command of the command line does, also one that a plugin brings.

    Args:
        command: the words after `vrestore`, such as `inpaint` or `mask NAME`.
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        options: those below, which are for what is worked on in parts, those of the command, and those of
            every run, see RunOptions. With several `device`s parts of a long video are worked on side by
            side here.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    return _done(command_named(command), source, progress, options)


def plan_command(command: str, source: PathLike, **options: Any) -> PlanReport:  # noqa: ANN401
    """Say what `run_command` would do with the same words and how much memory it would need."""
    return plan_job(make_job(command_named(command), source, **options))


@spelled_out(*INPAINT.options, RunOptions, ClusterWords)
def inpaint(
    source: PathLike,
    *,
    progress: Progress | None = None,
    **options: Any,  # noqa: ANN401 - spelled out by the decorator
) -> Report:
    """Remove what a mask or box covers, and fill it from the rest of the video.

    Args:
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        options: those below; at least one `mask` or `box` is needed.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    return _restored(INPAINT, source, progress, options)


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
    return _restored(DEHAZE, source, progress, options)


@spelled_out(*INPAINT.options, RunOptions)
def plan_inpaint(source: PathLike, **options: Any) -> PlanReport:  # noqa: ANN401
    """Say what `inpaint` would do with the same options and how much memory it would need."""
    return plan_job(make_job(INPAINT, source, **options))


@spelled_out(*DEHAZE.options, RunOptions)
def plan_dehaze(source: PathLike, **options: Any) -> PlanReport:  # noqa: ANN401
    """Say what `dehaze` would do with the same options and how much memory it would need."""
    return plan_job(make_job(DEHAZE, source, **options))


def _restored(
    method: Method, source: PathLike, progress: Progress | None, options: Mapping[str, Any]
) -> Report:
    report = _done(method, source, progress, options)
    if not isinstance(report, Report):
        raise TypeError(f"{method.name} gives a report of a run")
    return report


def _done(
    command: Command, source: PathLike, progress: Progress | None, options: Mapping[str, Any]
) -> Report | DetectionReport:
    """Do a command here, on several devices, or on a cluster."""
    is_shared = isinstance(command, Method) and command.sharding is not None
    cluster, own = _told(ClusterWords, options) if is_shared else (ClusterWords(), dict(options))
    job, tell = make_job(command, source, **own), progress or silent
    devices = _device_count(job.run.device)
    if not is_shared or (cluster.is_empty and devices == 1):
        report = run_job(job, progress=tell)
    else:
        parallel = ParallelOptions(
            jobs=devices if cluster.is_empty else cluster.jobs or core_count(),
            memory_bytes=job.run.memory_bytes,
            threads=job.run.threads,
            executor=cluster.executor,
            address=cluster.address,
        )
        words = plain({name: value for name, value in own.items() if name != "target"})
        task = Task(command_words(command), job.source, job.target, words)
        work = run_on_devices if cluster.is_empty else run_on_cluster
        report = work(task, parallel, progress=tell)
    drop_segments(job.target)
    return report


def _told(kind: type[T], options: Mapping[str, Any]) -> tuple[T, dict[str, Any]]:
    """Return what is said in the words of a dataclass, and what is left."""
    names = options_of(kind)
    own = {name: value for name, value in options.items() if name in names}
    return kind(**own), {name: value for name, value in options.items() if name not in names}


@spelled_out(FolderWords, BatchWords, takes_more=True)
def batch(
    command: str,
    folder: PathLike,
    *,
    progress: Show | None = None,
    **options: Any,  # noqa: ANN401 - those of any command
) -> BatchReport:
    """Do the same to every video of a folder, each in a process beside this one.

    Args:
        command: what is done, such as `inpaint`.
        folder: where the videos lie, in sub-folders too.
        progress: is called with the source and a ProgressEvent for each thing that happens.
        options: those below, and those of the command, the same for all, such as `quality`. `memory`,
            `threads`, `overwrite` and `report` are the batch's. See docs/batch-and-cluster.md.

    Raises:
        VRestoreError: nothing could be begun. A job that fails raises nothing: see the report's items.
    """
    of_folder, rest = _told(FolderWords, options)
    of_batch, rest = _told(BatchWords, rest)
    own = {name: value for name, value in rest.items() if name not in _OF_THE_BATCH}
    folder_jobs = FolderJobs(
        command,
        Path(folder),
        output=None if of_folder.output is None else Path(of_folder.output),
        masks=None if of_folder.masks is None else Path(of_folder.masks),
        name=of_folder.name,
        selection=Selection(tuple(of_folder.include), tuple(of_folder.exclude)),
        options=plain(own),
    )
    tasks = watched(folder_jobs) if of_folder.watch else folder_jobs.checked_tasks()
    return run_batch(
        tasks,
        base=folder_jobs.base,
        state=folder_jobs.state,
        options=_batch_options(of_batch, rest),
        show=progress or show_nothing,
    )


@spelled_out(BatchWords, takes_more=True)
def batch_run(
    manifest: PathLike,
    *,
    progress: Show | None = None,
    **options: Any,  # noqa: ANN401 - spelled out by the decorator
) -> BatchReport:
    """Do the jobs of a TOML file, all checked before the first begins; see `batch`.

    Args:
        manifest: the file; all options of the jobs stand in it.
        progress: is called with the source and a ProgressEvent for each thing that happens.
        options: those below, and `memory`, `threads`, `overwrite` and `report`, which are the batch's.
    """
    found = read_manifest(Path(manifest))
    of_batch, rest = _told(BatchWords, options)
    unknown = sorted(set(rest) - _OF_THE_BATCH)
    if unknown:
        raise TypeError(f"batch_run takes no {unknown[0]!r}; write it into the file")
    return run_batch(
        found.tasks,
        base=found.base,
        state=found.state,
        options=_batch_options(of_batch, rest),
        show=progress or show_nothing,
    )


_OF_THE_BATCH = {"memory", "threads", "overwrite", "report"}
"""Options of a run that a batch has for all of its jobs together."""


def _batch_options(words: BatchWords, options: Mapping[str, Any]) -> BatchOptions:
    shared = RunOptions(**{name: value for name, value in options.items() if name in _OF_THE_BATCH})
    devices = _device_count(str(options.get("device", "")))
    parallel = ParallelOptions(
        jobs=max(words.jobs, devices) if words.executor == "local" else words.jobs,
        memory_bytes=shared.memory_bytes,
        threads=shared.threads,
        executor=words.executor,
        address=words.address,
    )
    return BatchOptions(
        parallel,
        tries=words.tries,
        redo=words.redo,
        overwrite=shared.overwrite,
        report=None if shared.report is None else Path(shared.report),
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
