"""Logos and words are found for a job, and what shines through a logo is measured, before it starts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vrestore.detect.logo.detector import LOGO
from vrestore.detect.text.detector import TEXT
from vrestore.errors import MaskError, UsageError
from vrestore.progress import Progress
from vrestore.run.detection import run_detection
from vrestore.run.finding.overlay import with_overlay_of
from vrestore.run.finding.whole_source import mask_words, of_whole_source, told_masks
from vrestore.run.job import Job


def with_everything_found(
    job: Job, closing: ExitStack, *, progress: Progress, say: Callable[[str], None]
) -> Job:
    """Return a job that is to find logos and words with masks of them, found now; any other job as it is.

    The masks lie in a folder of their own while the run lasts. Raises UsageError for a source that cannot be
    read twice, MaskError where neither is found.
    """
    words = mask_words(job)
    if words is None or not words.auto:
        return job
    if job.source == "-":
        raise UsageError("--auto reads the video several times, got -; give a file")
    folder = Path(
        closing.enter_context(TemporaryDirectory(prefix="vrestore-auto-", ignore_cleanup_errors=True))
    )
    found, failed = dict[str, Job](), list[str]()
    for detector in (LOGO, TEXT):
        mask = folder / f"{detector.name}.mov"
        options = tuple(kind() for kind in detector.options)
        whole = Job(detector, job.source, str(mask), of_whole_source(job.run, mask), options)
        try:
            report = run_detection(whole, progress=progress)
        except MaskError as error:
            failed.append(str(error))
            continue
        found[detector.name] = whole
        for line in report.found:
            say(line)
    if not found:
        raise MaskError(f"--auto finds nothing to fill: {'; '.join(failed)}")
    for line in failed:
        say(line)
    filled = replace(words, auto=False, mask=tuple(each.target for each in found.values()))
    if LOGO.name not in found:
        return told_masks(job, filled)
    try:
        restored = with_overlay_of(job, found[LOGO.name], filled, None, progress=progress)
    except MaskError as error:
        say(f"the logo is filled: {error}")
        return told_masks(job, filled)
    say("what shines through the logo is restored, as by --overlay auto")
    return restored
