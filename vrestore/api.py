"""The functions of `import vrestore`; the command line calls the same ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Unpack

from vrestore.jobs.inpaint import plan_inpaint as plan_job
from vrestore.jobs.inpaint import run_inpaint, silent
from vrestore.jobs.job import InpaintOptions, PathLike, inpaint_job
from vrestore.media.read import VideoReader
from vrestore.media.read import open_video as open_reader
from vrestore.protocols import Progress
from vrestore.report import PlanReport, Report


def inpaint(
    source: PathLike, *, progress: Progress | None = None, **options: Unpack[InpaintOptions]
) -> Report:
    """Remove what a mask or box covers, and fill it from the rest of the video.

    Args:
        source: a video file, a folder or pattern of images, or `-` for y4m on standard input.
        progress: is called with a ProgressEvent for each thing that happens.
        options: see InpaintOptions; at least one `mask` or `box` is needed.

    Raises:
        VRestoreError: a subclass for each cause, see `vrestore.errors`; nothing half-written is left.
    """
    return run_inpaint(inpaint_job(source, **options), progress=progress or silent)


def plan_inpaint(source: PathLike, **options: Unpack[InpaintOptions]) -> PlanReport:
    """Say what `inpaint` would do with the same options and how much memory it would need."""
    return plan_job(inpaint_job(source, **options))


def open_video(
    source: PathLike,
    *,
    start: str | int | None = None,
    stop: str | int | None = None,
    threads: int = 0,
    rate: Fraction | None = None,
) -> VideoReader:
    """Open a video for reading frames in its own planes, as a context manager.

    Iterating gives `Frame` values; `meta` says what they are. See `VideoReader`.
    """
    return open_reader(source, start=start, stop=stop, threads=threads, rate=rate)
