"""Run a detector over a video: open, find, write the mask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vrestore import __version__
from vrestore.detect.base import Detector, View
from vrestore.detect.dirt.detector import DIRT
from vrestore.detect.dirt.options import DirtOptions
from vrestore.device.devices import choose_device, core_count, device_number
from vrestore.errors import LossError, MaskError, UsageError
from vrestore.files import check_target
from vrestore.frames import Frame
from vrestore.masks.options import MaskWords
from vrestore.masks.writer import MaskWriter
from vrestore.media.reader import VideoReader, open_video
from vrestore.methods.frame_by_frame import plan_frames
from vrestore.option_schema import as_paths
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.build_report import write_report
from vrestore.run.file_stamps import check_unchanged, stamps_of
from vrestore.run.job import Job
from vrestore.run.memory_limits import memory_for
from vrestore.run.report import DetectionReport, PlanReport
from vrestore.run.state_folder import sole_writer


def run_detection(job: Job, *, progress: Progress) -> DetectionReport:
    """Do the job; nothing has the target's name before the mask is whole."""
    began = time.perf_counter()
    detector = _detector(job)
    with ExitStack() as closing:
        closing.enter_context(sole_writer(job.target))
        stamps = stamps_of([job.source, *job.reads])
        reader = closing.enter_context(_opened(job))
        target = check_target(
            Path(job.target), sources=[Path(job.source), *job.reads], overwrite=job.run.overwrite
        )
        writer = closing.enter_context(MaskWriter(target, reader.meta))
        times: list[int] = []

        def noted(frames: Iterator[Frame]) -> Iterator[Frame]:
            for frame in frames:
                times.append(frame.pts)
                yield frame

        found: list[str] = []
        view = View(
            reader.meta, choose_device(job.run.device), job.run.threads or core_count(),
            memory_for(job.run), progress, found.append,
        )  # fmt: skip
        for mask in detector.find(view, noted(iter(reader)), *job.options):
            writer.write(mask, times[writer.frames])
            progress(ProgressEvent("progress", detector.name, writer.frames, reader.meta.frame_count))
        if writer.frames != len(times):
            raise ValueError(f"{detector.name} took {len(times)} frames and gave {writer.frames} masks")
        if reader.damage.texts and job.run.strict:
            texts = "; ".join(reader.damage.texts)
            raise LossError(f"{job.source!r} is damaged: {texts}; drop --strict to go on")
        check_unchanged(stamps)
        writer.finish()
    report = DetectionReport(
        version=__version__,
        source=reader.meta.source,
        target=job.target,
        detector=detector.name,
        frames=writer.frames,
        marked_frames=writer.marked_frames,
        covered=writer.covered,
        found=found,
        warnings=list(reader.warnings),
        damage=list(reader.damage.texts),
        settings=job.settings(),
        seconds=time.perf_counter() - began,
    )
    if job.run.report is not None:
        write_report(report, Path(job.run.report))
    return report


def with_dirt_found(job: Job, closing: ExitStack, *, progress: Progress) -> Job:
    """Return a job that is to fill dirt with the mask of it, found now; any other job as it is.

    The mask is that of the whole source, as masks are, and lies in a folder of its own while the run lasts.
    Raises UsageError for a source that cannot be read twice, MaskError where there is no dirt.
    """
    words = next((values for values in job.options if isinstance(values, MaskWords)), None)
    if words is None or not words.dirt:
        return job
    if job.source == "-":
        raise UsageError("--dirt reads the video twice, got -; give a file")
    folder = closing.enter_context(TemporaryDirectory(prefix="vrestore-dirt-", ignore_cleanup_errors=True))
    target = Path(folder) / "dirt.mov"  # of the same masks the same bytes, as Matroska's are not
    run = replace(
        job.run, target=str(target), start=None, report=None, compare=None,
        deinterlace=job.run.fields is not None, double_rate=False, detelecine=False,  # it counts the source's
    )  # fmt: skip
    found = run_detection(Job(DIRT, job.source, str(target), run, (DirtOptions(),)), progress=progress)
    if not found.marked_frames:
        raise MaskError("no dirt is found, so nothing is to be filled; drop --dirt, or pass --mask")
    told = replace(words, mask=(*as_paths(words.mask), str(target)), dirt=False)
    return replace(job, options=tuple(told if each is words else each for each in job.options))


def plan_detection(job: Job) -> PlanReport:
    """Check the job and say what it would do; nothing is written, so the target may exist."""
    with _opened(job) as reader:
        meta = reader.meta
        plan = plan_frames(meta, threads=job.run.threads or core_count(), memory_bytes=memory_for(job.run))
        return PlanReport(
            source=meta.source,
            target=job.target,
            frames=meta.frame_count,
            frames_with_holes=None,
            picture=f"{meta.width}x{meta.height} {meta.pixel_format.name}",
            codec="ffv1",
            device=choose_device(job.run.device),
            plan=plan,
            warnings=list(reader.warnings),
        )


def _detector(job: Job) -> Detector:
    if not isinstance(job.command, Detector):
        raise TypeError(f"{job.command.name} is no detector")
    return job.command


def _opened(job: Job) -> VideoReader:
    run = job.run
    return open_video(
        job.source,
        start=run.start,
        stop=run.stop,
        rate=run.rate,
        threads=run.threads,
        protocols=run.protocols,
        cuda_device=device_number(choose_device(run.device)),
        fields=run.fields,
    )
