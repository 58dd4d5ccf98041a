"""What every run does, whatever the method: open, check, carry out, verify, name the target, report."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from importlib import import_module

from vrestore.detect.base import Detector
from vrestore.device.devices import core_count
from vrestore.device.memory import bound_device_memory
from vrestore.errors import LossError
from vrestore.frames import Frame
from vrestore.media.preview.display import as_picture, shown
from vrestore.media.reader import Excerpt
from vrestore.methods.base import Context, Method, OpenedMethod
from vrestore.methods.memory_model import frames_waiting
from vrestore.progress import Progress, ProgressEvent, silent
from vrestore.protocols import FrameTransform, MaskSource
from vrestore.run.build_report import account_for
from vrestore.run.detection import plan_detection, run_detection
from vrestore.run.file_stamps import check_unchanged
from vrestore.run.finding.masks import with_masks_found
from vrestore.run.job import Job
from vrestore.run.job_files import Done, JobFiles, Ready, open_clip, open_files
from vrestore.run.memory_limits import check_one_device, device_memory_for, kernel_lines, memory_for
from vrestore.run.pipeline import Timings, run
from vrestore.run.report import DetectionReport, PlanReport, Report
from vrestore.run.resume import begin, resumed, store_for
from vrestore.run.state_folder import sole_writer
from vrestore.threads import one_thread_each


def run_job(job: Job, *, progress: Progress = silent) -> Report | DetectionReport:
    """Do a job in this process; whatever goes wrong, no half-written file is left.

    Finished segments stay until `drop_segments`, so that a batch loses nothing before it has noted the end.
    """
    began = time.perf_counter()
    if isinstance(job.command, Detector):
        return run_detection(job, progress=progress)
    if job.command.warm_up:
        threading.Thread(target=import_module, args=(job.command.warm_up,), daemon=True).start()
    with ExitStack() as closing:
        closing.enter_context(sole_writer(job.target))
        found: list[str] = []
        told = with_masks_found(job, closing, progress=progress, say=found.append)
        ready = open_job(told, closing, progress)
        store = store_for(ready.files, ready.opened)
        stats, segments, start = ready.opened.stats(), None, 0
        if store is not None:
            ready = replace(ready, opened=resumed(store, ready.files, ready.opened, progress=progress))
        tell_plan(ready, progress)
        if store is not None:
            stats, start = store.tally, store.start
            segments = begin(ready.files, store, stats)
        transform = ready.opened.transform(stats, segments)
        done = carry_out(ready, transform, progress=progress, start=start)
        # The job as it was told: a mask that was found for it is none of its words.
        return account_for(
            replace(ready, job=job), done, stats, began=began, frames_before=start, found=found
        )


def plan_job(job: Job) -> PlanReport:
    """Check a job and say what it would do; nothing is written, so the target may exist."""
    if isinstance(job.command, Detector):
        return plan_detection(job)
    with ExitStack() as closing:
        whole = replace(job, run=replace(job.run, overwrite=True, segment=0.0))
        found: list[str] = []
        told = with_masks_found(whole, closing, progress=silent, say=found.append)
        ready = open_job(told, closing, silent)
        reader, writer, opened = ready.files.reader, ready.files.writer, ready.opened
        meta = reader.meta
        return PlanReport(
            source=meta.source,
            target=job.target,
            frames=meta.frame_count,
            frames_with_holes=opened.frames_with_holes,
            picture=f"{meta.width}x{meta.height} {meta.pixel_format.name}",
            codec=writer.codec,
            device=ready.files.device,
            plan=opened.plan,
            notes=[
                *found,
                *filter(None, [reader.fields, patch_words(ready.files)]),
                *kernel_lines(ready.files),
            ],
            warnings=[*reader.warnings, *writer.warnings, *opened.warnings],
            losses=list(writer.losses),
        )


def open_job(
    job: Job,
    closing: ExitStack,
    progress: Progress,
    *,
    excerpt: Excerpt | None = None,
    opening: Callable[..., OpenedMethod] | None = None,
) -> Ready:
    """Open and check everything, the quick checks first.

    `excerpt` are the frames that are read of the source, all if None; `opening` opens the method where that
    is not done as for a whole video.
    """
    method = job.command
    if not isinstance(method, Method):
        raise TypeError(f"{method.name} is no method")
    files = open_files(job, closing, excerpt=excerpt)
    if method.sharding is None:
        check_one_device(files)
    reader, run = files.reader, job.run
    context = Context(
        source=job.source,
        target=job.target,
        meta=reader.meta,
        device=files.device,
        kernels=run.kernels,
        threads=run.threads or core_count(),
        memory_bytes=memory_for(job.run),
        device_memory_bytes=device_memory_for(job.run, files.device),
        first_index=reader.first_index,
        first_pts=reader.first_picture.pts,
        is_trimmed=run.stop is not None,
        open_clip=partial(open_clip, files, closing),
        progress=progress,
        closing=closing,
    )
    return Ready(job, files, (opening or method.open)(context, *job.options))


def carry_out(ready: Ready, transform: FrameTransform, *, progress: Progress, start: int = 0) -> Done:
    """Send all frames through the method, then verify what was written and give it its name.

    Those before the frame of number `start` are done already.

    Raises:
        LossError: the source is damaged, and the job is strict.
    """
    timings = Timings()
    count = pass_frames(
        ready, ready.files.reader, ready.opened.masks, transform,
        progress=_told(progress, start), start=start, timings=timings,
    )  # fmt: skip
    check_source(ready.files)
    return conclude(ready.files, count, progress=progress, timings=timings)


def pass_frames(
    ready: Ready,
    frames: Iterable[Frame],
    masks: MaskSource,
    transform: FrameTransform,
    *,
    progress: Progress,
    timings: Timings,
    start: int = 0,
    stop: int | None = None,
) -> int:
    """Send frames through the method to what is written, and compare those from `start` to before `stop`."""
    files = ready.files
    if files.device != "cpu":
        check_one_device(files)
        bound_device_memory(files.device, device_memory_for(files.job.run, files.device))
    with one_thread_each():
        return run(
            frames,
            masks,
            transform,
            files.writer,
            stage=ready.job.command.name,
            progress=progress,
            frames=files.reader.meta.frame_count,
            before_and_after=_pairs(files, start, stop),
            cut=None if files.patch is None else files.patch.cut,
            timings=timings,
            waiting=frames_waiting(files.reader.meta),
        )


def check_source(files: JobFiles) -> None:
    """Raise an error when the source, read to its end, has changed, or is damaged and the job is strict."""
    reader = files.reader
    if reader.damage.texts and files.job.run.strict:
        texts = "; ".join(reader.damage.texts)
        raise LossError(f"{reader.meta.source!r} is damaged: {texts}; drop --strict to go on")
    check_unchanged(files.stamps)


def conclude(files: JobFiles, count: int, *, progress: Progress, timings: Timings) -> Done:
    """Verify what was written of so many frames, and give it its name; then what lies beside it."""
    progress(ProgressEvent("stage", "verify"))
    end_clips(files)
    written = files.writer.finish()
    if files.compare is not None:
        files.compare.finish()
    for label, clip in files.clips.items():
        if label != "compare":
            clip.finish()
    return Done(count, written, list(files.reader.damage.texts), list(files.further.values()), timings)


def end_clips(files: JobFiles) -> None:
    """Finish the last segments of the clips, so that the target's own last segment can be kept whole."""
    for clip in files.clips.values():
        clip.end()


def tell_plan(ready: Ready, progress: Progress) -> None:
    """Say what will be done: the plan, the method's own words, and what serves the device."""
    lines = [*ready.opened.plan.lines(), *ready.opened.lines(), *kernel_lines(ready.files)]
    lines += filter(None, [ready.files.reader.fields, patch_words(ready.files)])
    for line in lines:
        progress(ProgressEvent("plan", text=line))


def patch_words(files: JobFiles) -> str:
    """Say that the patch alone is written, where it is."""
    return "" if files.patch is None else files.patch.words


def _told(progress: Progress, start: int) -> Progress:
    """Return what tells progress, with the frames that are done already as a stage of their own."""

    def tell(event: ProgressEvent) -> None:
        progress(replace(event, stage="resume") if event.frame <= start and start else event)

    return tell


def _pairs(files: JobFiles, start: int, stop: int | None) -> Callable[[Frame, Frame], None] | None:
    """Return what draws the comparison, None where none is wanted."""
    compare, meta = files.compare, files.reader.meta
    if compare is None:
        return None

    def draw(before: Frame, after: Frame) -> None:
        number = before.index - files.reader.first_index
        if number < start or (stop is not None and number >= stop):
            return
        pictures = (as_picture(shown(frame, meta), rotation=meta.rotation) for frame in (before, after))
        compare.write(*pictures, pts=before.pts)

    return draw
