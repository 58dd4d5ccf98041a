"""The account of a run: its report, written where the job says."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vrestore import __version__
from vrestore.device.memory import peak_device_bytes, peak_memory_bytes
from vrestore.files import commit, part_beside, writing
from vrestore.methods.dehaze.plan import DehazePlan
from vrestore.methods.inpaint.plan import Plan
from vrestore.run.execute import Done
from vrestore.run.job_files import JobFiles
from vrestore.run.report import BatchReport, HazeSeen, Origins, Report

NO_ORIGINS = Origins()


def account_for(
    opened: JobFiles,
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
    """Return the report of a run that began at `time.perf_counter()`, written where the job says.

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
    """Return a job's options in plain types."""
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
        commit(part, place)
    finally:
        part.unlink(missing_ok=True)
