"""Run a detector over a video: open, find, write the mask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from vrestore import __version__
from vrestore.detect.base import Detector, View
from vrestore.device.devices import choose_device, core_count, device_number
from vrestore.errors import LossError
from vrestore.files import check_target
from vrestore.frames import Frame
from vrestore.masks.writer import MaskWriter
from vrestore.media.reader import VideoReader, open_video
from vrestore.methods.frame_by_frame import plan_frames
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
        reader = closing.enter_context(open_source(job))
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


def plan_detection(job: Job) -> PlanReport:
    """Check the job and say what it would do; nothing is written, so the target may exist."""
    with open_source(job) as reader:
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


def open_source(job: Job) -> VideoReader:
    """Open the source as the job says that it is read."""
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
