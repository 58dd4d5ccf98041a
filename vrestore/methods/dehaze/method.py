"""Run a dehazing job: open, check, plan, clear, write, verify, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from vrestore.device.devices import Precision, core_count, network_precision
from vrestore.errors import InputError
from vrestore.frames import Frame, Hole, HoleSummary, MaskedFrame, VideoMeta
from vrestore.media.preview.display import ClipWriter
from vrestore.methods.dehaze.options import DehazeJob
from vrestore.methods.dehaze.plan import DehazePlan, make_dehaze_plan
from vrestore.methods.dehaze.settings import DehazeStats, HazeState
from vrestore.methods.segmenter import Segments
from vrestore.models.library import Weights, find_weights
from vrestore.progress import Progress, ProgressEvent
from vrestore.protocols import FrameTransform
from vrestore.run.build_report import account_for, settings_of
from vrestore.run.checkpoint import CheckpointStore
from vrestore.run.execute import carry_out, silent
from vrestore.run.job_files import JobFiles, further_clip, open_run
from vrestore.run.memory_limits import check_one_device, kernel_lines, memory_for
from vrestore.run.report import HazeSeen, PlanReport, Report
from vrestore.run.resume import begin, kept_for, resumed
from vrestore.run.state_folder import sole_writer

if TYPE_CHECKING:
    from vrestore.methods.dehaze.estimate import Estimator, HazeEstimate

MODEL = "cgidn-small"
NOT_DISPLAYED = {8: "linear light", 16: "PQ (HDR10)", 18: "HLG"}
"""Transfer characteristics of H.273 under which the law of haze, taken at values as displayed, is wrong."""


@dataclass(frozen=True, slots=True)
class _NoMasks:
    """There are no holes."""

    summaries: Sequence[HoleSummary | None] = ()

    def hole(self, frame: Frame) -> Hole | None:  # noqa: ARG002 - a MaskSource
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class _Ready:
    job: DehazeJob
    files: JobFiles
    plan: DehazePlan
    weights: Weights | None
    matte: ClipWriter | None


def run_dehaze(job: DehazeJob, *, progress: Progress = silent) -> Report:
    """Do the job; whatever goes wrong, no half-written file is left.

    Finished segments stay until `drop_segments`, so that a batch loses nothing before it has noted the end.
    """
    began = time.perf_counter()
    with ExitStack() as opened:
        opened.enter_context(sole_writer(job.target))
        ready = _open(job, opened)
        kept = kept_for(
            ready.files,
            numbers={},
            settings=partial(_settings, ready),
            carried=HazeState,
            tally=DehazeStats,
        )
        if kept is not None:
            resumed(kept, ready.files, ready.plan, progress=progress)
        for line in [*ready.plan.lines(), *kernel_lines(ready.files)]:
            progress(ProgressEvent("plan", text=line))
        return _work(ready, kept, progress, began)


def plan_dehaze(job: DehazeJob) -> PlanReport:
    """Check the job and say what it would do; nothing is written, so the target may exist."""
    with ExitStack() as opened:
        ready = _open(replace(job, overwrite=True, segment_seconds=0), opened)
        reader, writer = ready.files.reader, ready.files.writer
        meta = reader.meta
        return PlanReport(
            source=meta.source,
            target=job.target,
            frames=meta.frame_count,
            frames_with_holes=None,
            picture=f"{meta.width}x{meta.height} {meta.pixel_format.name}",
            codec=writer.codec,
            device=ready.files.device,
            plan=ready.plan,
            notes=kernel_lines(ready.files),
            warnings=[*reader.warnings, *writer.warnings, *writer.losses],
        )


def _open(job: DehazeJob, opened: ExitStack) -> _Ready:
    files = open_run(job, opened)
    check_one_device(files)
    meta = files.reader.meta
    _check_transfer(meta)
    from vrestore.methods.dehaze.thumbnail import working_size

    plan = make_dehaze_plan(
        meta,
        method=job.method,
        working_size=working_size(meta.height, meta.width),
        threads=job.threads or core_count(),
        memory_bytes=memory_for(job),
    )
    weights = find_weights(job.model or MODEL) if job.has_network else None
    matte = None
    if job.matte is not None:
        matte = opened.enter_context(further_clip("--matte", job.matte, job, meta))
        files.clips["matte"] = matte
    return _Ready(job, files, plan, weights, matte)


def _check_transfer(meta: VideoMeta) -> None:
    name = NOT_DISPLAYED.get(meta.color.transfer)
    if name is not None:
        raise InputError(
            f"{meta.source!r} is coded in {name}, where haze does not follow the law that takes it away; "
            "convert it to BT.709 first, for example with ffmpeg -vf zscale=t=linear,tonemap,zscale=t=bt709"
        )


def _work(
    ready: _Ready, kept: CheckpointStore[HazeState, DehazeStats] | None, progress: Progress, began: float
) -> Report:
    tally, segments, start = DehazeStats(), None, 0
    if kept is not None:
        tally, start = kept.tally, kept.start
        segments = begin(ready.files, kept, tally)
    method = _method(ready, tally, segments)
    done = carry_out(ready.files, _NoMasks(), method, stage="dehaze", progress=progress, start=start)
    if ready.matte is not None:
        ready.matte.finish()
        done.extra_files.append(str(ready.job.matte))
    return account_for(
        ready.files,
        done,
        began=began,
        plan=ready.plan,
        settings=_settings(ready),
        repaired_frames=tally.frames if ready.job.strength else 0,
        scenes=tally.scenes,
        frames_before=start,
        haze=HazeSeen(tally.mean_transmission, tally.airs),
        warnings=_given_up(ready, tally),
    )


def _given_up(ready: _Ready, tally: DehazeStats) -> list[str]:
    """Say what the device had too little memory for."""
    if not tally.cpu_fallback_frames:
        return []
    return [
        f"{ready.files.device} had too little memory for all that {tally.cpu_fallback_frames} frames need; "
        "the rest of it was done by the CPU"
    ]


def _method(
    ready: _Ready, tally: DehazeStats, segments: Segments[HazeState, DehazeStats] | None
) -> FrameTransform:
    from vrestore.methods.dehaze.stage import dehaze

    meta = ready.files.reader.meta
    settings = ready.job.settings(ready.files.device)
    estimate = _estimator(ready)

    def method(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
        return dehaze(
            items,
            estimate=estimate,
            format=meta.pixel_format,
            color=meta.color,
            settings=settings,
            tally=tally,
            observe=_matte(ready),
            segments=segments,
        )

    return method


def _estimator(ready: _Ready) -> Estimator:
    if ready.weights is None:
        from vrestore.methods.dehaze.dark_channel import estimate_dark

        return estimate_dark
    from vrestore.methods.dehaze.network import network_estimator
    from vrestore.models.weights import load_model

    return network_estimator(load_model(ready.weights.path), precision=_precision(ready))


def _precision(ready: _Ready) -> Precision:
    asked = ready.job.precision
    if asked != "auto":
        return asked
    return "fp32" if ready.files.device == "cpu" else network_precision(ready.files.device)


def _settings(ready: _Ready) -> dict[str, object]:
    """Return every effective setting in plain types."""
    values = settings_of(ready.job)
    if ready.weights is not None:
        weights = {"model": ready.weights.name, "sha256": ready.weights.sha256()}
        values["network"] = weights | {"precision": _precision(ready)}
    return values


def _matte(ready: _Ready) -> Callable[[HazeEstimate], None] | None:
    """Return what draws the transmission, None where it is not wanted."""
    matte, meta = ready.matte, ready.files.reader.meta
    if matte is None:
        return None
    from vrestore.media.rotation import turned
    from vrestore.methods.dehaze.render import matte_of

    def draw(veil: HazeEstimate) -> None:
        picture = matte_of(veil, height=meta.height, width=meta.width)
        matte.write(turned(picture, rotation=meta.rotation), veil.look.frame.pts)

    return draw
