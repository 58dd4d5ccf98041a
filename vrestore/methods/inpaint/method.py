"""Run an inpainting job: open, check, plan, repair, write, verify, report."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vrestore.device.devices import core_count, network_precision
from vrestore.device.memory import format_bytes
from vrestore.frames import Frame, MaskedFrame
from vrestore.masks.masks import open_masks
from vrestore.media.preview.display import ClipWriter
from vrestore.media.preview.provenance_map import RevealMap
from vrestore.methods.inpaint.options import DEFAULT_MODEL, InpaintJob
from vrestore.methods.inpaint.plan import EFFORTS, Plan, make_plan
from vrestore.methods.inpaint.settings import InpaintStats, NetworkSettings, Settings, SpanState
from vrestore.methods.segmenter import Segments
from vrestore.models.library import find_weights
from vrestore.progress import Progress, ProgressEvent
from vrestore.protocols import FrameTransform, MaskSource
from vrestore.run.build_report import account_for, settings_of
from vrestore.run.checkpoint import CheckpointStore
from vrestore.run.execute import Done, carry_out, silent
from vrestore.run.job_files import JobFiles, further_clip, open_run
from vrestore.run.memory_limits import device_memory_for, kernel_lines, memory_for
from vrestore.run.report import Origins, PlanReport, Report
from vrestore.run.resume import begin, kept_for, resumed
from vrestore.run.state_folder import sole_writer

if TYPE_CHECKING:
    from vrestore.methods.inpaint.propagate import Filled
    from vrestore.methods.inpaint.span_tracker import Shard

_NUMBERS = ("passes", "chunk", "look_ahead", "frames_held", "expected_bytes")
"""Of a plan, what the memory decides."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A job whose words all fit together; nothing but temporary files exists yet.

    `shape` says by how many pixels the masks are grown and feathered.
    """

    job: InpaintJob
    files: JobFiles
    masks: MaskSource
    shape: Mapping[str, int]
    plan: Plan
    network: NetworkSettings | None
    reveal: ClipWriter | None

    @property
    def frames_with_holes(self) -> int:
        return sum(summary is not None for summary in self.masks.summaries)

    def lines(self) -> list[str]:
        """Say what will be done."""
        network = [] if self.network is None else [self.network.line()]
        return [*self.plan.lines(), *network, *kernel_lines(self.files)]


def run_inpaint(job: InpaintJob, *, progress: Progress = silent) -> Report:
    """Do the job; whatever goes wrong, no half-written file is left.

    Finished segments stay until `drop_segments`, so that a batch loses nothing before it has noted the end.
    """
    began = time.perf_counter()
    threading.Thread(target=import_module, args=("vrestore.methods.inpaint.stage",), daemon=True).start()
    with ExitStack() as opened:
        opened.enter_context(sole_writer(job.target))
        ready = open_inpaint(job, opened, progress)
        kept = segments_of(ready)
        if kept is not None:
            ready = replace(ready, plan=resumed(kept, ready.files, ready.plan, progress=progress))
        for line in ready.lines():
            progress(ProgressEvent("plan", text=line))
        return _work(ready, kept, progress, began)


def plan_inpaint(job: InpaintJob) -> PlanReport:
    """Check the job and say what it would do; nothing is written, so the target may exist."""
    with ExitStack() as opened:
        ready = open_inpaint(replace(job, overwrite=True, segment_seconds=0), opened, silent)
        reader, writer = ready.files.reader, ready.files.writer
        meta = reader.meta
        return PlanReport(
            source=meta.source,
            target=job.target,
            frames=meta.frame_count,
            frames_with_holes=ready.frames_with_holes,
            picture=f"{meta.width}x{meta.height} {meta.pixel_format.name}",
            codec=writer.codec,
            device=ready.files.device,
            plan=ready.plan,
            notes=kernel_lines(ready.files),
            warnings=[*reader.warnings, *writer.warnings, *writer.losses],
        )


def segments_of(ready: Ready) -> CheckpointStore[SpanState, InpaintStats] | None:
    """Return what keeps finished segments, nothing loaded yet; None for a target written in one piece."""
    return kept_for(
        ready.files,
        numbers={name: getattr(ready.plan, name) for name in _NUMBERS},
        settings=partial(resume_settings, ready),
        carried=SpanState,
        tally=InpaintStats,
    )


def open_inpaint(job: InpaintJob, opened: ExitStack, progress: Progress) -> Ready:
    """Open and check everything, the quick checks first."""
    files = open_run(job, opened, inputs=job.masks.paths)
    reader = files.reader
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
    plan = make_plan(
        reader.meta,
        masks.summaries,
        quality=job.quality,
        threads=job.threads or core_count(),
        memory_bytes=memory_for(job),
        network_scale=job.network_scale if job.has_network else None,
        device_memory_bytes=device_memory_for(job, files.device),
    )
    shape = {"grow": masks.grow, "feather": masks.feather}
    reveal = open_reveal(job, files, opened)
    return Ready(job, files, masks, shape, plan, _network(job, plan, files.device), reveal)


def open_reveal(job: InpaintJob, files: JobFiles, opened: ExitStack) -> ClipWriter | None:
    """Open the clip that shows where colors come from, if the job has one."""
    if job.reveal_map is None:
        return None
    reveal = opened.enter_context(further_clip("--reveal-map", job.reveal_map, job, files.reader.meta))
    files.clips["reveal"] = reveal
    return reveal


def _network(job: InpaintJob, plan: Plan, device: str) -> NetworkSettings | None:
    """Return the network's settings, once there is such a model; None without a network."""
    if not job.has_network:
        return None
    weights = find_weights(job.model or DEFAULT_MODEL)
    precision = network_precision(device) if job.precision == "auto" else job.precision
    return NetworkSettings(str(weights.path), plan.network_scale, precision, device, job.kernels)


def _work(
    ready: Ready, kept: CheckpointStore[SpanState, InpaintStats] | None, progress: Progress, began: float
) -> Report:
    tally, segments, start = InpaintStats(), None, 0
    if kept is not None:
        tally, start = kept.tally, kept.start
        segments = begin(ready.files, kept, tally)
    method = inpaint_method(ready, tally, segments)
    done = carry_out(ready.files, ready.masks, method, stage="inpaint", progress=progress, start=start)
    return report_on(ready, done, tally, began=began, frames_before=start)


def report_on(
    ready: Ready,
    done: Done,
    tally: InpaintStats,
    *,
    began: float,
    frames_before: int,
    peak_bytes: int = 0,
    device_bytes: int = 0,
) -> Report:
    """Finish what belongs to the target, and return the report; see `account_for`."""
    if ready.reveal is not None:
        ready.reveal.finish()
        done.extra_files.append(str(ready.job.reveal_map))
    return account_for(
        ready.files,
        done,
        began=began,
        plan=ready.plan,
        settings=_settings(ready),
        repaired_frames=tally.repaired_frames,
        scenes=tally.scenes,
        origins=Origins(tally.copied, tally.blended, tally.painted),
        frames_before=frames_before,
        warnings=_given_up(ready, tally),
        peak_bytes=peak_bytes,
        device_bytes=device_bytes,
    )


def _given_up(ready: Ready, tally: InpaintStats) -> list[str]:
    """Say what the device had too little memory for."""
    device, said = ready.files.device, []
    if ready.plan.device_memory_bytes and not ready.plan.fills_on_device:
        allowed = format_bytes(ready.plan.device_memory_bytes)
        said.append(
            f"holes were filled on the CPU: {allowed} of {device} are too little; pass --memory with more"
        )
    if tally.cpu_fallback_frames:
        said.append(
            f"{device} ran out of memory; "
            f"holes of {tally.cpu_fallback_frames} frames were filled on the CPU instead"
        )
    if tally.network_cpu_frames:
        said.append(
            f"{device} had too little memory for the network; "
            f"{tally.network_cpu_frames} frames of its windows "
            "were worked on by the CPU instead; --network-scale with more needs less"
        )
    return said


def inpaint_method(
    ready: Ready,
    tally: InpaintStats,
    segments: Segments[SpanState, InpaintStats] | None,
    part: Shard | None = None,
) -> FrameTransform:
    """Return the method of a job, for all frames or for those of a part."""
    from vrestore.methods.inpaint.stage import inpaint

    meta, plan = ready.files.reader.meta, ready.plan
    settings = Settings(
        passes=plan.passes,
        preset=plan.flow,
        scale=plan.flow_scale,
        chunk=plan.chunk,
        look_ahead=plan.look_ahead,
        margin=plan.margin,
        sharpness=EFFORTS[plan.quality].sharpness,
        threads=plan.threads,
        network=ready.network,
        device=ready.files.device if plan.fills_on_device else "cpu",
        kernels=ready.job.kernels,
    )
    reveal = None if ready.reveal is None else RevealMap(ready.reveal, meta)

    def method(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
        frames = inpaint(
            items,
            summaries=ready.masks.summaries,
            height=meta.height,
            width=meta.width,
            format=meta.pixel_format,
            color=meta.color,
            settings=settings,
            tally=tally,
            observe=None if reveal is None else partial(_noted, reveal),
            segments=segments,
            part=part,
        )
        if reveal is None:
            return frames
        start = 0 if segments is None else segments.start
        first, stop = (0, None) if part is None else (part.first, part.stop)
        return reveal.drawn(frames, first=first, start=start, stop=stop)

    return method


def _noted(reveal: RevealMap, filled: Filled) -> None:
    patch = filled.patch
    fetched, blended = filled.confidence.cpu() > 0, filled.is_blended.cpu()
    reveal.note(patch.box, patch.hidden, fetched.numpy(), blended.numpy())


def resume_settings(ready: Ready) -> dict[str, object]:
    """Return the settings without where the masks lie."""
    values = _settings(ready)
    masks = {name: value for name, value in values["masks"].items() if name not in {"paths", "allow_full"}}
    return values | {"masks": masks}


def _settings(ready: Ready) -> dict[str, Any]:
    """Return every effective setting in plain types."""
    values = settings_of(ready.job)
    values["masks"]["paths"] = [str(path) for path in ready.job.masks.paths]
    values["masks"]["boxes"] = list(ready.job.masks.boxes)
    values["masks"] |= ready.shape
    if ready.network is not None:
        values["network"] = asdict(ready.network) | {"sha256": find_weights(ready.network.model).sha256()}
    return values
