"""What every run does, whatever the method: open and check, carry out, verify, account for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from vrestore import __version__
from vrestore.device import (
    DEVICE_SHARE,
    Kernels,
    bound_device_memory,
    choose_device,
    device_number,
    free_device_bytes,
    free_memory_bytes,
    peak_device_bytes,
    peak_memory_bytes,
)
from vrestore.errors import LossError, TargetError, UsageError
from vrestore.frames import Frame, VideoMeta
from vrestore.jobs.steady import Stamp, check_unchanged, stamps_of
from vrestore.media.compare import CompareWriter, Layout
from vrestore.media.display import ClipWriter, as_picture, shown
from vrestore.media.encode import EncodeOptions
from vrestore.media.read import Excerpt, VideoReader, open_video
from vrestore.media.target import check_target, part_beside, place_of, settle, writing
from vrestore.media.write import open_writer
from vrestore.media.written import Writer, Written
from vrestore.pipeline import Timings, run
from vrestore.plan import DehazePlan, Plan, frames_waiting
from vrestore.protocols import MaskSource, Method, Progress, ProgressEvent
from vrestore.report import BatchReport, HazeSeen, Origins, Report

MEMORY_SHARE = 0.5
"""Of the free memory, where no bound is given."""


NO_ORIGINS = Origins()


class Job(Protocol):
    """What jobs of every method have."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def encode(self) -> EncodeOptions: ...
    @property
    def start(self) -> str | None: ...
    @property
    def stop(self) -> str | None: ...
    @property
    def rate(self) -> Fraction | None: ...
    @property
    def device(self) -> str: ...

    @property
    def kernels(self) -> Kernels: ...
    @property
    def has_network(self) -> bool: ...
    @property
    def threads(self) -> int: ...
    @property
    def memory_bytes(self) -> int | None: ...
    @property
    def overwrite(self) -> bool: ...
    @property
    def strict(self) -> bool: ...
    @property
    def compare(self) -> str | None: ...
    @property
    def compare_layout(self) -> Layout: ...
    @property
    def report(self) -> str | None: ...
    @property
    def protocols(self) -> tuple[str, ...]: ...
    @property
    def segment_seconds(self) -> float: ...
    @property
    def resume(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A job's files, checked and fitting; nothing but temporary files exists yet.

    `inputs` are files that are read beside the source, `clips` what is written beside the target, by a word
    for each.
    """

    job: Job
    inputs: Sequence[Path]
    reader: VideoReader
    writer: Writer
    compare: CompareWriter | None
    clips: dict[str, ClipWriter]
    device: str
    stamps: Mapping[Path, Stamp | None]


@dataclass(frozen=True, slots=True)
class Done:
    """What is left of a run when the target is whole and verified."""

    frames: int
    written: Written
    damage: list[str]
    extra_files: list[str]
    timings: Timings


def silent(event: ProgressEvent) -> None:
    """Show no progress."""


def open_run(
    job: Job, opened: ExitStack, *, inputs: Sequence[Path] = (), excerpt: Excerpt | None = None
) -> Opened:
    """Open source and targets, the quick checks first.

    `inputs` are files it reads beside the source, `excerpt` the frames that it reads of that, all if None. A
    video longer than the job's segments, or of unknown length, gets a SegmentWriter, where there can be one.
    """
    device = choose_device(job.device)
    stamps = stamps_of([job.source, *inputs])
    reader = opened.enter_context(
        open_video(
            job.source,
            start=job.start,
            stop=job.stop,
            rate=job.rate,
            threads=job.threads,
            protocols=job.protocols,
            excerpt=excerpt,
            cuda_device=device_number(device),
        )
    )
    if job.report is not None:
        check_target(Path(job.report), sources=[Path(job.source), *inputs], overwrite=True)
    writer = opened.enter_context(
        open_writer(
            job.target,
            reader,
            options=job.encode,
            overwrite=job.overwrite,
            strict=job.strict,
            in_segments=is_long(job, reader.meta),
        )
    )
    compare, clips = None, dict[str, ClipWriter]()
    if job.compare is not None:
        compare = opened.enter_context(_comparison(job, reader))
        clips["compare"] = compare.clip
    return Opened(job, inputs, reader, writer, compare, clips, device, stamps)


def is_long(job: Job, meta: VideoMeta) -> bool:
    """Tell whether the work is worth keeping, and what it is made from can be told when it is run again."""
    if not job.segment_seconds or job.source == "-" or job.protocols:
        return False
    frames = frames_about(meta)
    return frames is None or frames > job.segment_seconds * meta.rate


def frames_about(meta: VideoMeta) -> int | None:
    """Give how many frames there are, by the duration where the count is not told; None where neither is."""
    if meta.frame_count is None and meta.duration_seconds is not None:
        return round(meta.duration_seconds * meta.rate)
    return meta.frame_count


def memory_for(job: Job) -> int:
    """Give the bytes that a job may use."""
    return job.memory_bytes or int(free_memory_bytes() * MEMORY_SHARE)


def device_memory_for(job: Job, device: str) -> int:
    """Give the bytes of a CUDA device that a job may use, of each if there are several; 0 for the CPU."""
    if device == "cpu":
        return 0
    return job.memory_bytes or int(min(free_device_bytes(each) for each in device.split(",")) * DEVICE_SHARE)


def check_one_device(opened: Opened) -> None:
    """Refuse several devices for what one process does; raises UsageError."""
    if "," in opened.device:
        raise UsageError(
            f"{opened.job.source!r} is worked on by one device at a time here, got {opened.device}; pass "
            "one of them; several are for a long video to inpaint, or for a batch, on this machine"
        )


def kernel_lines(opened: Opened) -> list[str]:
    """Say which operations serve a CUDA device and why, how to get the faster ones among it.

    Raises DeviceError where kernels are asked for that cannot run.
    """
    if opened.device == "cpu":
        return []
    from vrestore.ops import select

    chosen = select(opened.device.split(",")[0], asked=opened.job.kernels)
    return [f"operations on the device by {chosen.name}: {chosen.why}"]


def carry_out(
    opened: Opened, masks: MaskSource, method: Method, *, stage: str, progress: Progress, start: int = 0
) -> Done:
    """Send all frames through the method, then verify what was written and give it its name.

    Those before the frame of number `start` are done already.

    Raises:
        LossError: the source is damaged, and the job is strict.
    """
    timings = Timings()
    count = pass_frames(
        opened, opened.reader, masks, method, stage=stage, progress=_told(progress, start), start=start,
        timings=timings,
    )  # fmt: skip
    check_source(opened)
    return conclude(opened, count, progress=progress, timings=timings)


def pass_frames(
    opened: Opened,
    frames: Iterable[Frame],
    masks: MaskSource,
    method: Method,
    *,
    stage: str,
    progress: Progress,
    timings: Timings,
    start: int = 0,
    stop: int | None = None,
) -> int:
    """Send frames through the method to what is written, and compare those from `start` to before `stop`."""
    from vrestore.restore.inpaint import one_thread_each

    if opened.device != "cpu":
        check_one_device(opened)
        bound_device_memory(opened.device, device_memory_for(opened.job, opened.device))
    with one_thread_each():
        return run(
            frames,
            masks,
            method,
            opened.writer,
            stage=stage,
            progress=progress,
            frames=opened.reader.meta.frame_count,
            before_and_after=_pairs(opened, start, stop),
            timings=timings,
            waiting=frames_waiting(opened.reader.meta),
        )


def check_source(opened: Opened) -> None:
    """Raise an error when the source, read to its end, has changed, or is damaged and the job is strict."""
    reader = opened.reader
    if reader.damage.texts and opened.job.strict:
        texts = "; ".join(reader.damage.texts)
        raise LossError(f"{reader.meta.source!r} is damaged: {texts}; drop --strict to go on")
    check_unchanged(opened.stamps)


def conclude(opened: Opened, count: int, *, progress: Progress, timings: Timings) -> Done:
    """Verify what was written of so many frames, and give it its name."""
    progress(ProgressEvent("stage", "verify"))
    end_clips(opened)
    written = opened.writer.finish()
    extra_files = []
    if opened.compare is not None:
        opened.compare.finish()
        extra_files.append(str(opened.job.compare))
    return Done(count, written, list(opened.reader.damage.texts), extra_files, timings)


def end_clips(opened: Opened) -> None:
    """Finish the last segments of the clips, so that the target's own last segment can be kept whole."""
    for clip in opened.clips.values():
        clip.end()


def account_for(
    opened: Opened,
    done: Done,
    *,
    began: float,
    plan: Plan | DehazePlan,
    settings: dict[str, object],
    repaired_frames: int,
    scenes: int,
    origins: Origins = NO_ORIGINS,
    frames_before: int = 0,
    haze: HazeSeen | None = None,
    warnings: Sequence[str] = (),
    peak_bytes: int = 0,
    device_bytes: int = 0,
) -> Report:
    """Give the report of a run that began at `time.perf_counter()`, written where the job says.

    `warnings` are the method's own, `peak_bytes` the memory of other processes that worked for it, and
    `device_bytes` what these had of a device.
    """
    job, reader, written = opened.job, opened.reader, done.written
    report = Report(
        version=__version__,
        source=reader.meta.source,
        target=job.target,
        method=job.method,
        device=opened.device,
        frames=done.frames,
        repaired_frames=repaired_frames,
        scenes=scenes,
        origins=origins,
        frames_before=frames_before,
        haze=haze,
        decoder=reader.decoder,
        codec=written.codec,
        kept=[asdict(stream) for stream in written.kept],
        dropped=[asdict(drop) for drop in written.dropped],
        warnings=list(dict.fromkeys([*reader.warnings, *written.warnings, *warnings])),
        damage=done.damage,
        plan=plan,
        settings=settings,
        seconds=time.perf_counter() - began,
        stage_seconds=done.timings.seconds,
        peak_memory_bytes=max(peak_bytes, peak_memory_bytes()),
        device_memory_bytes=max(device_bytes, peak_device_bytes(opened.device) or 0) or None,
        extra_files=done.extra_files,
    )
    if job.report is not None:
        write_report(report, Path(job.report))
    return report


def settings_of(job: Any) -> dict[str, Any]:  # noqa: ANN401 - any job that is a dataclass
    """Give a job's options in plain types."""
    values = asdict(job)
    values["encode"]["extra"] = dict(job.encode.extra)
    values["rate"] = None if job.rate is None else str(job.rate)
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


def check_apart(name: str, place: str, target: str) -> None:
    """Refuse a further file to write that is the target; raises TargetError."""
    if place_of(place) == place_of(target):
        raise TargetError(f"{name} and the target are both {place!r}; give them different names")


def further_clip(name: str, place: str, job: Job, meta: VideoMeta) -> ClipWriter:
    """Open a clip that is written beside the target, as the option `name` asks for."""
    check_apart(name, place, job.target)
    sources = [path for path in (Path(job.source),) if path.is_file()]
    return ClipWriter(check_target(Path(place), sources=sources, overwrite=job.overwrite), meta)


def _comparison(job: Job, reader: VideoReader) -> CompareWriter:
    place = str(job.compare)
    check_apart("--compare", place, job.target)
    sources = tuple(path for path in (Path(job.source),) if path.is_file())
    return CompareWriter(
        place, reader.meta, layout=job.compare_layout, overwrite=job.overwrite, sources=sources
    )


def _told(progress: Progress, start: int) -> Progress:
    """Give what tells progress, with the frames that are done already as a stage of their own."""

    def tell(event: ProgressEvent) -> None:
        progress(replace(event, stage="resume") if event.frame <= start and start else event)

    return tell


def _pairs(opened: Opened, start: int, stop: int | None) -> Callable[[Frame, Frame], None] | None:
    """Give what draws the comparison, None where none is wanted."""
    compare, meta = opened.compare, opened.reader.meta
    if compare is None:
        return None

    def draw(before: Frame, after: Frame) -> None:
        number = before.index - opened.reader.first_index
        if number < start or (stop is not None and number >= stop):
            return
        pictures = (as_picture(shown(frame, meta), rotation=meta.rotation) for frame in (before, after))
        compare.write(*pictures, pts=before.pts)

    return draw
