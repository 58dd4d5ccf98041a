"""The functions of `import vrestore`; the command line calls the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Unpack

from vrestore.batch.discover import Selection
from vrestore.batch.folder import FolderJobs, watched
from vrestore.batch.manifest import read_manifest
from vrestore.batch.scheduler import BatchOptions, ExecutorName, Show, run_batch, show_nothing
from vrestore.device.devices import core_count
from vrestore.device.memory import parse_bytes
from vrestore.media.reader import VideoReader
from vrestore.media.reader import open_video as open_reader
from vrestore.methods.dehaze.method import plan_dehaze as plan_dehaze_job
from vrestore.methods.dehaze.method import run_dehaze
from vrestore.methods.dehaze.options import DehazeOptions, dehaze_job
from vrestore.methods.inpaint.method import plan_inpaint as plan_job
from vrestore.methods.inpaint.method import run_inpaint
from vrestore.methods.inpaint.options import InpaintOptions, inpaint_job
from vrestore.parallel.multi_gpu import inpaint_on_devices
from vrestore.parallel.ray_run import inpaint_clustered
from vrestore.parallel.task import Task
from vrestore.progress import Progress
from vrestore.run.checkpoint import drop_segments
from vrestore.run.execute import silent
from vrestore.run.option_schema import plain
from vrestore.run.options import PathLike
from vrestore.run.report import BatchReport, PlanReport, Report


def inpaint(
    source: PathLike,
    *,
    progress: Progress | None = None,
    executor: ExecutorName = "local",
    address: str | None = None,
    jobs: int = 0,
    **options: Unpack[InpaintOptions],
) -> Report:
    """Remove what a mask or box covers, and fill it from the rest of the video.

    Args:
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        executor, address, jobs: `ray` works on parts of a long video on a Ray cluster, so many at a time, by
            default as many as this machine has cores; `memory` is for all of them together. With several
            `device`s parts of a long video are worked on side by side here.
        options: see InpaintOptions; at least one `mask` or `box` is needed.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    job = inpaint_job(source, **options)
    devices = _device_count(job.device)
    is_local = executor == "local" and address is None and not jobs
    if is_local and devices == 1:
        report = run_inpaint(job, progress=progress or silent)
    else:
        how = BatchOptions(
            jobs=devices if is_local else jobs or core_count(),
            memory_bytes=job.memory_bytes,
            threads=job.threads,
            executor=executor,
            address=address,
        )
        words = {name: value for name, value in options.items() if name != "target"}
        task = Task("inpaint", job.source, job.target, plain(words))
        work = inpaint_on_devices if is_local else inpaint_clustered
        report = work(task, how, progress=progress or silent)
    drop_segments(job.target)
    return report


def plan_inpaint(source: PathLike, **options: Unpack[InpaintOptions]) -> PlanReport:
    """Say what `inpaint` would do with the same options and how much memory it would need."""
    return plan_job(inpaint_job(source, **options))


def batch(
    command: str,
    folder: PathLike,
    *,
    output: PathLike | None = None,
    masks: PathLike | None = None,
    name: str = "{name}",
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
    """Do the same to every video of a folder, each in a process beside this one; see the README on batches.

    Args:
        command: what is done, such as `inpaint`.
        folder: where the videos lie, in sub-folders too.
        output: where results go, in the same sub-folders; by default `FOLDER.COMMAND` beside it.
        masks: a folder with a mask for each video, found by its name.
        name: of each target; `{stem}`, `{suffix}` and `{name}` stand for those of the source.
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
    return BatchOptions(
        jobs=max(jobs, _device_count(options.get("device", ""))) if executor == "local" else jobs,
        tries=tries,
        redo=redo,
        executor=executor,
        address=address,
        overwrite=bool(options.get("overwrite", False)),
        memory_bytes=parse_bytes(memory) if isinstance(memory, str) else memory,
        threads=options.get("threads", 0),
        report=None if report is None else Path(report),
    )


def dehaze(source: PathLike, *, progress: Progress | None = None, **options: Unpack[DehazeOptions]) -> Report:
    """Clear haze, fog and smoke from a video, without flicker.

    Args:
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        options: see DehazeOptions.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    job = dehaze_job(source, **options)
    report = run_dehaze(job, progress=progress or silent)
    drop_segments(job.target)
    return report


def plan_dehaze(source: PathLike, **options: Unpack[DehazeOptions]) -> PlanReport:
    """Say what `dehaze` would do with the same options and how much memory it would need."""
    return plan_dehaze_job(dehaze_job(source, **options))


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
