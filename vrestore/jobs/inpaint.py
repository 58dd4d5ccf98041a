"""Run an inpainting job: open, check, plan, repair, write, verify, report."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vrestore.device import core_count, network_precision
from vrestore.frames import Frame, MaskedFrame
from vrestore.jobs.job import DEFAULT_MODEL, InpaintJob
from vrestore.jobs.resume import begin, kept_for, resumed
from vrestore.jobs.run import (
    Opened,
    account_for,
    carry_out,
    further_clip,
    memory_for,
    open_run,
    settings_of,
    silent,
)
from vrestore.jobs.segments import Kept
from vrestore.jobs.state import sole_writer
from vrestore.media.display import ClipWriter
from vrestore.media.masks import Masks, open_masks
from vrestore.media.reveal import RevealMap
from vrestore.models.library import find_weights
from vrestore.plan import Plan, make_plan
from vrestore.protocols import Method, Progress, ProgressEvent
from vrestore.report import Origins, PlanReport, Report
from vrestore.restore.segments import Segments
from vrestore.restore.settings import Carried, NetworkSettings, Settings, Tally

if TYPE_CHECKING:
    from vrestore.restore.propagate import Filled

_NUMBERS = ("passes", "chunk", "look_ahead", "frames_held", "expected_bytes")
"""Of a plan, what the memory decides."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A job whose words all fit together; nothing but temporary files exists yet."""

    job: InpaintJob
    files: Opened
    masks: Masks
    plan: Plan
    network: NetworkSettings | None
    reveal: ClipWriter | None

    @property
    def frames_with_holes(self) -> int:
        return sum(summary is not None for summary in self.masks.summaries)


def run_inpaint(job: InpaintJob, *, progress: Progress = silent) -> Report:
    """Do the job; whatever goes wrong, no half-written file is left.

    Finished segments stay until `drop_segments`, so that a batch loses nothing before it has noted the end.
    """
    began = time.perf_counter()
    threading.Thread(target=import_module, args=("vrestore.restore.inpaint",), daemon=True).start()
    with ExitStack() as opened:
        opened.enter_context(sole_writer(job.target))
        ready = _open(job, opened, progress)
        kept = kept_for(
            ready.files,
            numbers={name: getattr(ready.plan, name) for name in _NUMBERS},
            settings=partial(_what, ready),
            carried=Carried,
            tally=Tally,
        )
        if kept is not None:
            ready = replace(ready, plan=resumed(kept, ready.files, ready.plan, progress=progress))
        for line in ready.plan.lines():
            progress(ProgressEvent("plan", text=line))
        if ready.network is not None:
            progress(ProgressEvent("plan", text=ready.network.line()))
        return _work(ready, kept, progress, began)


def plan_inpaint(job: InpaintJob) -> PlanReport:
    """Check the job and say what it would do; nothing is written, so the target may exist."""
    with ExitStack() as opened:
        ready = _open(replace(job, overwrite=True, segment_seconds=0), opened, silent)
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
            warnings=[*reader.warnings, *writer.warnings, *writer.losses],
        )


def _open(job: InpaintJob, opened: ExitStack, progress: Progress) -> _Opened:
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
    )
    reveal = None
    if job.reveal_map is not None:
        reveal = opened.enter_context(further_clip("--reveal-map", job.reveal_map, job, reader.meta))
        files.clips["reveal"] = reveal
    return _Opened(job, files, masks, plan, _network(job, plan, files.device), reveal)


def _network(job: InpaintJob, plan: Plan, device: str) -> NetworkSettings | None:
    """Give the network's settings, once there is such a model; None without a network."""
    if not job.has_network:
        return None
    weights = find_weights(job.model or DEFAULT_MODEL)
    precision = network_precision(device) if job.precision == "auto" else job.precision
    return NetworkSettings(str(weights.path), plan.network_scale, precision, device)


def _work(ready: _Opened, kept: Kept[Carried, Tally] | None, progress: Progress, began: float) -> Report:
    tally, segments, start = Tally(), None, 0
    if kept is not None:
        tally, start = kept.tally, kept.start
        segments = begin(ready.files, kept, tally)
    method = _method(ready, tally, segments)
    done = carry_out(ready.files, ready.masks, method, stage="inpaint", progress=progress, start=start)
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
        frames_before=start,
        warnings=_given_up(ready, tally),
    )


def _given_up(ready: _Opened, tally: Tally) -> list[str]:
    """Say what the network's device had too little memory for."""
    if not tally.given_up:
        return []
    return [
        f"{ready.files.device} had too little memory for the network; {tally.given_up} frames of its windows "
        "were worked on by the CPU instead; --network-scale with more needs less"
    ]


def _method(ready: _Opened, tally: Tally, segments: Segments[Carried, Tally] | None) -> Method:
    from vrestore.restore.inpaint import inpaint

    meta, plan = ready.files.reader.meta, ready.plan
    settings = Settings(
        passes=plan.passes,
        preset=plan.flow,
        scale=plan.flow_scale,
        chunk=plan.chunk,
        look_ahead=plan.look_ahead,
        margin=plan.margin,
        threads=plan.threads,
        network=ready.network,
    )
    reveal = None if ready.reveal is None else RevealMap(ready.reveal, meta)

    def method(items: Iterator[MaskedFrame]) -> Iterator[Frame]:
        frames = inpaint(
            items,
            summaries=ready.masks.summaries,
            height=meta.height,
            width=meta.width,
            format=meta.pixel_format,
            colour=meta.colour,
            settings=settings,
            tally=tally,
            observe=None if reveal is None else partial(_noted, reveal),
            segments=segments,
        )
        start = 0 if segments is None else segments.start
        return frames if reveal is None else reveal.drawn(frames, start=start)

    return method


def _noted(reveal: RevealMap, filled: Filled) -> None:
    patch = filled.patch
    reveal.note(patch.box, patch.hidden, (filled.confidence > 0).numpy(), filled.is_blended.numpy())


def _what(ready: _Opened) -> dict[str, object]:
    """Give the settings without where the masks lie."""
    values = _settings(ready)
    masks = {name: value for name, value in values["masks"].items() if name not in {"paths", "allow_full"}}
    return values | {"masks": masks}


def _settings(ready: _Opened) -> dict[str, Any]:
    """Give every effective setting in plain types."""
    values = settings_of(ready.job)
    values["masks"]["paths"] = [str(path) for path in ready.job.masks.paths]
    values["masks"]["boxes"] = list(ready.job.masks.boxes)
    values["masks"]["grow"], values["masks"]["feather"] = ready.masks.grow, ready.masks.feather
    if ready.network is not None:
        values["network"] = asdict(ready.network) | {"sha256": find_weights(ready.network.model).sha256()}
    return values
