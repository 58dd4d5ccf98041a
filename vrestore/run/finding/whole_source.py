"""What is found for a job is found on the whole of its source, and told to it as masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vrestore.masks.options import MaskWords
from vrestore.run.job import Job
from vrestore.run.options import RunOptions


def of_whole_source(run: RunOptions, target: Path) -> RunOptions:
    """Return how a mask is found that is used for the source, of which masks count all frames."""
    return replace(
        run, target=str(target), start=None, report=None, compare=None,
        deinterlace=run.fields is not None, double_rate=False, detelecine=False,
    )  # fmt: skip


def mask_words(job: Job) -> MaskWords | None:
    """Return what a job was told of what to fill, None for one that takes the whole picture."""
    return next((values for values in job.options if isinstance(values, MaskWords)), None)


def told_masks(job: Job, told: MaskWords) -> Job:
    """Return a job with other words for what to fill."""
    options = tuple(told if isinstance(each, MaskWords) else each for each in job.options)
    return replace(job, options=options)
