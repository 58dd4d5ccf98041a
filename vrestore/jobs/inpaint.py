"""Run an inpainting job: open, check, plan, repair, write, verify, report."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path

from vrestore import __version__
from vrestore.device import choose_device, core_count, free_memory_bytes, peak_memory_bytes
from vrestore.errors import LossError, TargetError
from vrestore.frames import Frame, MaskedFrame
from vrestore.jobs.job import InpaintJob
from vrestore.jobs.state import sole_writer
from vrestore.jobs.steady import Stamp, check_unchanged, stamps_of
from vrestore.media.compare import CompareWriter
from vrestore.media.display import as_picture, shown
from vrestore.media.masks import Masks, open_masks
from vrestore.media.read import VideoReader, open_video
from vrestore.media.target import check_target, part_beside, place_of, settle, writing
from vrestore.media.write import open_writer
from vrestore.media.written import Writer
from vrestore.pipeline import Timings, run
from vrestore.plan import Plan, make_plan
from vrestore.protocols import Method, Progress, ProgressEvent
from vrestore.report import BatchReport, Origins, PlanReport, Report
from vrestore.restore.settings import Settings, Tally

MEMORY_SHARE = 0.5
"""Of the free memory, where no bound is given."""


def silent(event: ProgressEvent) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A job whose words all fit together; nothing but temporary files exists yet."""

    job: InpaintJob
    reader: VideoReader
    writer: Writer
    masks: Masks
    plan: Plan
    device: str
    compare: CompareWriter | None
    stamps: Mapping[Path, Stamp | None]

    @property
    def frames_with_holes(self) -> int:
        return sum(summary is not None for summary in self.masks.summaries)


def run_inpaint(job: InpaintJob, *, progress: Progress = silent) -> Report:
    """Do the job; whatever goes wrong, no half-written file is left."""
    began = time.perf_counter()
    threading.Thread(target=import_module, args=("vrestore.restore.inpaint",), daemon=True).start()
    with ExitStack() as opened:
        opened.enter_context(sole_writer(job.target))
        ready = _open(job, opened, progress)
        for line in ready.plan.lines():
            progress(ProgressEvent("plan", text=line))
        return _work(ready, progress, began)


def plan_inpaint(job: InpaintJob) -> PlanReport:
    """Check the job and say what it would do; nothing is written, so the target may exist."""
    with ExitStack() as opened:
        ready = _open(replace(job, overwrite=True), opened, silent)
        meta = ready.reader.meta
        return PlanReport(
            source=meta.source,
            target=job.target,
            frames=meta.frame_count,
            frames_with_holes=ready.frames_with_holes,
            picture=f"{meta.width}x{meta.height} {meta.pixel_format.name}",
            codec=ready.writer.codec,
            device=ready.device,
            plan=ready.plan,
            warnings=[*ready.reader.warnings, *ready.writer.warnings, *ready.writer.losses],
        )


def _open(job: InpaintJob, opened: ExitStack, progress: Progress) -> _Opened:
    """Open and check everything, the quick checks first."""
    device = choose_device(job.device)
    stamps = stamps_of([job.source, *job.masks.paths])
    reader = opened.enter_context(
        open_video(
            job.source,
            start=job.start,
            stop=job.stop,
            rate=job.rate,
            threads=job.threads,
            protocols=job.protocols,
        )
    )
    sources = [Path(job.source), *job.masks.paths]
    if job.report is not None:
        check_target(Path(job.report), sources=sources, overwrite=True)
    writer = opened.enter_context(
        open_writer(job.target, reader, options=job.encode, overwrite=job.overwrite, strict=job.strict)
    )
    compare = None
    if job.compare is not None:
        compare = opened.enter_context(_comparison(job, reader))
    progress(ProgressEvent("stage", "masks"))
    masks = opened.enter_context(
        open_masks(
            job.masks,
            reader.meta,
            first_frame=reader.first_index,
            is_trimmed=job.stop is not None,
            start_pts=reader.first_picture.pts,
        )
    )
    threads = job.threads or core_count()
    memory = job.memory_bytes or int(free_memory_bytes() * MEMORY_SHARE)
    plan = make_plan(reader.meta, masks.summaries, quality=job.quality, threads=threads, memory_bytes=memory)
    return _Opened(job, reader, writer, masks, plan, device, compare, stamps)


def _comparison(job: InpaintJob, reader: VideoReader) -> CompareWriter:
    place = str(job.compare)
    if place_of(place) == place_of(job.target):
        raise TargetError(f"--compare and the target are both {place!r}; give them different names")
    sources = tuple(path for path in (Path(job.source),) if path.is_file())
    return CompareWriter(
        place, reader.meta, layout=job.compare_layout, overwrite=job.overwrite, sources=sources
    )


def _work(ready: _Opened, progress: Progress, began: float) -> Report:
    from vrestore.restore.inpaint import one_thread_each

    job, reader, writer = ready.job, ready.reader, ready.writer
    tally, timings = Tally(), Timings()
    with one_thread_each():
        count = run(
            reader,
            ready.masks,
            _method(ready, tally),
            writer,
            progress=progress,
            frames=reader.meta.frame_count,
            before_and_after=_pairs(ready),
            timings=timings,
        )
    damage = list(reader.damage.texts)
    if damage and job.strict:
        raise LossError(f"{reader.meta.source!r} is damaged: {'; '.join(damage)}; drop --strict to go on")
    check_unchanged(ready.stamps)
    progress(ProgressEvent("stage", "verify"))
    written = writer.finish()
    extra_files = []
    if ready.compare is not None:
        ready.compare.finish()
        extra_files.append(str(job.compare))
    report = Report(
        version=__version__,
        source=reader.meta.source,
        target=job.target,
        method=job.method,
        device=ready.device,
        frames=count,
        repaired_frames=tally.repaired_frames,
        scenes=tally.scenes,
        origins=Origins(tally.copied, tally.blended, tally.painted),
        codec=written.codec,
        kept=[asdict(stream) for stream in written.kept],
        dropped=[asdict(drop) for drop in written.dropped],
        warnings=list(dict.fromkeys([*reader.warnings, *written.warnings])),
        damage=damage,
        plan=ready.plan,
        settings=_settings(ready),
        seconds=time.perf_counter() - began,
        stage_seconds=timings.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        extra_files=extra_files,
    )
    if job.report is not None:
        write_report(report, Path(job.report))
    return report


def _method(ready: _Opened, tally: Tally) -> Method:
    from vrestore.restore.inpaint import inpaint

    meta, plan = ready.reader.meta, ready.plan
    settings = Settings(
        passes=plan.passes,
        preset=plan.flow,
        scale=plan.flow_scale,
        chunk=plan.chunk,
        look_ahead=plan.look_ahead,
        margin=plan.margin,
        threads=plan.threads,
    )

    def method(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
        return inpaint(
            items,
            summaries=ready.masks.summaries,
            height=meta.height,
            width=meta.width,
            format=meta.pixel_format,
            colour=meta.colour,
            settings=settings,
            tally=tally,
        )

    return method


def _pairs(ready: _Opened) -> Callable[[Frame, Frame], None] | None:
    """Give what draws the comparison, None where none is wanted."""
    compare, meta = ready.compare, ready.reader.meta
    if compare is None:
        return None

    def draw(before: Frame, after: Frame) -> None:
        pictures = (as_picture(shown(frame, meta), rotation=meta.rotation) for frame in (before, after))
        compare.write(*pictures, pts=before.pts)

    return draw


def _settings(ready: _Opened) -> dict[str, object]:
    """Give every effective setting in plain types."""
    values = asdict(ready.job)
    values["masks"]["paths"] = [str(path) for path in ready.job.masks.paths]
    values["masks"]["boxes"] = list(ready.job.masks.boxes)
    values["masks"]["grow"], values["masks"]["feather"] = ready.masks.grow, ready.masks.feather
    values["encode"]["extra"] = dict(ready.job.encode.extra)
    values["rate"] = None if ready.job.rate is None else str(ready.job.rate)
    return values


def write_report(report: Report | BatchReport, place: Path) -> None:
    """Write a report as JSON, whole or not at all."""
    part = part_beside(place)
    try:
        with writing(str(place)):
            part.write_text(json.dumps(report.to_dict(), indent=2) + "\n", encoding="utf-8")
        settle(part, place)
    finally:
        part.unlink(missing_ok=True)
