"""What a job is to find before it starts: dirt or words to fill, how wide, or an overlay to restore."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vrestore.detect.dirt.detector import DIRT
from vrestore.detect.dirt.options import DirtOptions
from vrestore.errors import MaskError, UsageError
from vrestore.option_schema import as_paths
from vrestore.progress import Progress
from vrestore.run.detection import run_detection
from vrestore.run.finding.auto import with_everything_found
from vrestore.run.finding.overlay import with_overlay_measured
from vrestore.run.finding.whole_source import mask_words, of_whole_source, told_masks
from vrestore.run.finding.widening import with_mask_widened
from vrestore.run.job import Job


def with_masks_found(job: Job, closing: ExitStack, *, progress: Progress, say: Callable[[str], None]) -> Job:
    """Return a job with what it is to find first, dirt, words, an overlay, how wide its mask is; or as it is.

    `say` takes lines about what was found with `--auto`.
    """
    job = _with_dirt_found(job, closing, progress=progress)
    job = with_everything_found(job, closing, progress=progress, say=say)
    job = with_mask_widened(job, closing, progress=progress)
    return with_overlay_measured(job, closing, progress=progress)


def _with_dirt_found(job: Job, closing: ExitStack, *, progress: Progress) -> Job:
    """Return a job that is to fill dirt with the mask of it, found now; any other job as it is.

    The mask is that of the whole source, as masks are, and lies in a folder of its own while the run lasts.
    Raises UsageError for a source that cannot be read twice, MaskError where there is no dirt.
    """
    words = mask_words(job)
    if words is None or not words.dirt:
        return job
    if job.source == "-":
        raise UsageError("--dirt reads the video twice, got -; give a file")
    folder = closing.enter_context(TemporaryDirectory(prefix="vrestore-dirt-", ignore_cleanup_errors=True))
    target = Path(folder) / "dirt.mov"  # of the same masks the same bytes, as Matroska's are not
    run = of_whole_source(job.run, target)
    found = run_detection(Job(DIRT, job.source, str(target), run, (DirtOptions(),)), progress=progress)
    if not found.marked_frames:
        raise MaskError("no dirt is found, so nothing is to be filled; drop --dirt, or pass --mask")
    return told_masks(job, replace(words, mask=(*as_paths(words.mask), str(target)), dirt=False))
