"""What every method can be told, and what is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from vrestore.device.memory import parse_bytes
from vrestore.errors import UsageError
from vrestore.media.container.opening import PROTOCOLS
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.preview.compare import Layout

if TYPE_CHECKING:
    from vrestore.run.job_files import Job

PathLike = str | Path

SEGMENT_SECONDS = 60.0
"""Of the video, at most, are done again after a run was stopped."""


class RunOptions(TypedDict, total=False):
    """What every method can be told, all optional.

    target: the file to write; by default `video.inpaint.mp4` beside the source, or `video.dehaze.mp4`.
    start, stop: frame number or time; only this part is restored and written.
    rate: frames a second of an image sequence.
    device: `auto` or `cpu`, `cuda` or `cuda:1` for a CUDA device, `cuda:0,cuda:1` for several.
    threads, memory: 0 threads are all cores; bytes or `4GiB`, by default half of what is free, and of a CUDA
        device's own memory, for which it holds as well, 80 %.
    codec, crf, preset, encoder_options: see `media.encode.EncodeOptions`.
    overwrite: replace a target that exists. strict: refuse any loss instead of reporting it.
    compare, compare_layout: also write a clip of before and after.
    report: also write the report as JSON.
    allow_protocols: `file`, `http`, `https`, `crypto`, or several with commas: the source may be a playlist,
        and what that names is opened by these. Without it nothing but the source itself is opened.
    segment: seconds after which at the latest what is done is kept, so that the same call goes on there when
        it was stopped; 0 keeps nothing. Shorter videos, pipes, playlists and images are done at once.
    resume: go on where an earlier run was stopped; False starts afresh.
    """

    target: PathLike | None
    start: str | int | None
    stop: str | int | None
    rate: Fraction | None
    device: str
    threads: int
    memory: int | str | None
    codec: str | None
    crf: float | None
    preset: str | None
    encoder_options: Mapping[str, str] | None
    overwrite: bool
    strict: bool
    compare: PathLike | None
    compare_layout: Layout
    report: PathLike | None
    allow_protocols: str | None
    segment: float
    resume: bool


def fields_of_run(
    source: PathLike,
    method: str,
    *,
    target: PathLike | None = None,
    start: str | int | None = None,
    stop: str | int | None = None,
    rate: Fraction | None = None,
    device: str = "auto",
    threads: int = 0,
    memory: int | str | None = None,
    codec: str | None = None,
    crf: float | None = None,
    preset: str | None = None,
    encoder_options: Mapping[str, str] | None = None,
    overwrite: bool = False,
    strict: bool = False,
    compare: PathLike | None = None,
    compare_layout: Layout = "side",
    report: PathLike | None = None,
    allow_protocols: str | None = None,
    segment: float = SEGMENT_SECONDS,
    resume: bool = True,
) -> dict[str, Any]:
    """Return the fields that jobs of every method have, for these words; see RunOptions."""
    return {
        "source": str(source),
        "target": default_target(str(source), method) if target is None else str(target),
        "encode": EncodeOptions(codec=codec, crf=crf, preset=preset, extra=dict(encoder_options or {})),
        "start": None if start is None else str(start),
        "stop": None if stop is None else str(stop),
        "rate": rate,
        "device": device,
        "threads": threads,
        "memory_bytes": parse_bytes(memory) if isinstance(memory, str) else memory,
        "overwrite": overwrite,
        "strict": strict,
        "compare": None if compare is None else str(compare),
        "compare_layout": compare_layout,
        "report": None if report is None else str(report),
        "protocols": tuple(allow_protocols.split(",")) if allow_protocols else (),
        "segment_seconds": segment,
        "resume": resume,
    }


def check_run(job: Job) -> None:
    """Refuse what no method can do; raises UsageError."""
    check_choice("compare layout", job.compare_layout, get_args(Layout))
    for name in job.protocols:
        check_choice("an allowed protocol", name, list(PROTOCOLS))
    if not 0 <= job.segment_seconds < math.inf:
        raise UsageError(f"a segment is 0 s (none) or longer, got {job.segment_seconds:g}")
    if job.threads < 0:
        raise UsageError(f"threads are 0 (automatic) or more, got {job.threads}")


def check_choice(what: str, got: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not among those allowed; raises UsageError."""
    if got not in allowed:
        raise UsageError(f"{what} is one of {', '.join(allowed)}, got {got!r}")


def default_target(source: str, method: str) -> str:
    """Return `video.inpaint.mp4` beside `video.mp4`; a folder or pattern of images gives a folder."""
    if source == "-":
        return "-"
    path = Path(source)
    if path.is_dir():
        return f"{_beside(path, method)}/"
    if "%" in path.name:
        return f"{_beside(path.parent, method)}/"
    return str(path.with_name(f"{path.stem}.{method}{path.suffix}"))


def _beside(folder: Path, method: str) -> Path:
    named = folder.resolve() if folder.name in {"", ".."} else folder
    return named.parent / f"{named.name}.{method}"
