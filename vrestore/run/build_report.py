"""The account of a run: its report, written where the job says."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from vrestore import __version__
from vrestore.device.memory import peak_device_bytes, peak_memory_bytes
from vrestore.files import commit, part_beside, writing
from vrestore.methods.base import Values
from vrestore.run.job import merged
from vrestore.run.job_files import Done, Ready
from vrestore.run.report import Report


class Writable(Protocol):
    """A report that JSON can hold."""

    def to_dict(self) -> Values:
        """Return everything for programs."""
        ...


def account_for(
    ready: Ready,
    done: Done,
    stats: object,
    *,
    began: float,
    frames_before: int = 0,
    peak_bytes: int = 0,
    device_bytes: int = 0,
    found: Sequence[str] = (),
) -> Report:
    """Return the report of a run that began at `time.perf_counter()`, written where the job says.

    `stats` are what the method counted, `peak_bytes` the memory of other processes that worked for it, and
    `device_bytes` what these had of a device, `found` lines about what was found for the job.
    """
    job, files, opened, written = ready.job, ready.files, ready.opened, done.written
    reader, summary = files.reader, ready.opened.summarize(stats)
    report = Report(
        version=__version__,
        source=reader.meta.source,
        target=job.target,
        method=opened.algorithm,
        device=files.device,
        frames=done.frames,
        repaired_frames=summary.repaired_frames,
        scenes=summary.scenes,
        details=summary.details,
        frames_before=frames_before,
        decoder=reader.decoder,
        fields=reader.fields,
        codec=written.codec,
        kept=[asdict(stream) for stream in written.kept],
        dropped=[asdict(drop) for drop in written.dropped],
        losses=list(written.losses),
        warnings=list(
            dict.fromkeys([*reader.warnings, *opened.warnings, *written.warnings, *summary.warnings])
        ),
        damage=done.damage,
        plan=opened.plan,
        settings=merged(job.settings(), opened.settings()),
        seconds=time.perf_counter() - began,
        stage_seconds=done.timings.seconds,
        peak_memory_bytes=max(peak_bytes, peak_memory_bytes()),
        device_memory_bytes=max(device_bytes, peak_device_bytes(files.device) or 0) or None,
        extra_files=done.extra_files,
        found=list(found),
    )
    if job.run.report is not None:
        write_report(report, Path(job.run.report))
    return report


def write_report(report: Writable, place: Path) -> None:
    """Write a report as JSON, whole or not at all."""
    part = part_beside(place)
    try:
        with writing(str(place)):
            part.write_text(json.dumps(report.to_dict(), indent=2) + "\n", encoding="utf-8")
        commit(part, place)
    finally:
        part.unlink(missing_ok=True)
