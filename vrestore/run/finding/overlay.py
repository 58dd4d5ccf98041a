"""The overlay of a job is found and measured before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from vrestore.detect.logo.detector import LOGO
from vrestore.detect.overlay.fit import LEAST_OPAQUE
from vrestore.detect.overlay.given import given_blends
from vrestore.detect.overlay.measure import OneHole, chosen_frames, measure_overlay, stretches_of
from vrestore.device.devices import choose_device, core_count
from vrestore.errors import MaskError, UsageError
from vrestore.frames import Frame
from vrestore.masks.masks import open_masks
from vrestore.masks.options import FOUND_OVERLAY, MEASURED_SUFFIX, MaskWords, mask_options
from vrestore.masks.overlay_picture import Picture, read_overlay
from vrestore.masks.shapes import hole_of
from vrestore.masks.writer import MaskWriter
from vrestore.media.preview.display import ClipWriter
from vrestore.methods.base import Context
from vrestore.methods.inpaint.opened import opened_with_masks
from vrestore.methods.inpaint.options import InpaintOptions
from vrestore.methods.inpaint.overlay.model import Overlay
from vrestore.methods.inpaint.settings import InpaintStats
from vrestore.option_schema import as_paths
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.detection import open_source, run_detection
from vrestore.run.finding.whole_source import mask_words, of_whole_source, told_masks
from vrestore.run.job import Job
from vrestore.run.memory_limits import device_memory_for, memory_for
from vrestore.threads import one_thread_each

GROW_LINES = 60
"""An overlay's mask is widened by one pixel for so many lines: what is found ends where an edge is half as
opaque, the encoder smears it further, and what turns out to be free of it is no hole in the end."""


def with_overlay_measured(job: Job, closing: ExitStack, *, progress: Progress) -> Job:
    """Return a job that is to restore an overlay with its mask and what was measured of it; others as is.

    Both lie in a folder of their own while the run lasts. Raises UsageError for a source that cannot be read
    twice, MaskError where no overlay is found or it cannot be measured.
    """
    words = mask_words(job)
    if words is None or not words.is_overlay_to_measure:
        return job
    if job.source == "-":
        raise UsageError("--overlay reads the video several times, got -; give a file")
    place = closing.enter_context(TemporaryDirectory(prefix="vrestore-overlay-", ignore_cleanup_errors=True))
    is_found = words.overlay == FOUND_OVERLAY
    mask, picture = Path(place) / ("overlay.mov" if is_found else "overlay.png"), None
    whole = Job(LOGO, job.source, str(mask), of_whole_source(job.run, mask), ())
    with open_source(whole) as reader:
        meta = reader.meta
    if is_found:
        try:
            run_detection(whole, progress=progress)
        except MaskError as error:
            raise MaskError(f"{error}; or give a picture of the overlay with --overlay FILE") from error
    else:
        picture = read_overlay(Path(str(words.overlay)), meta, fit=words.mask_fit)
        with MaskWriter(mask, meta) as writer:
            writer.write(picture[:, :, 3] >= LEAST_OPAQUE, 0)
            writer.finish()
    return with_overlay_of(job, whole, words, picture, progress=progress)


def with_overlay_of(
    job: Job, whole: Job, words: MaskWords, picture: Picture | None, *, progress: Progress
) -> Job:
    """Return a job that restores the overlay in the mask that is the target of `whole`, now measured.

    The masks of `words` are filled too. Raises MaskError where it cannot be measured.
    """
    with open_source(whole) as reader:
        height = reader.meta.height
    measured = Path(whole.target).with_suffix(MEASURED_SUFFIX)
    feather = 0 if words.feather is None else words.feather
    grow = words.grow if isinstance(words.grow, int) else round(height / GROW_LINES)
    told = replace(
        words, mask=(whole.target,), overlay=str(measured), grow=grow, feather=feather, assume_yes=True
    )
    # The network has no part in it: what it adds is not what lay behind.
    asked = next((each for each in job.options if isinstance(each, InpaintOptions)), InpaintOptions())
    options = InpaintOptions(quality=asked.quality)
    _measure(whole, told, picture, options, progress=progress).save(measured)
    masks = dict.fromkeys((whole.target, *as_paths(words.mask)))
    return told_masks(job, replace(told, mask=tuple(masks)))


def _measure(
    job: Job, words: MaskWords, picture: Picture | None, options: InpaintOptions, *, progress: Progress
) -> Overlay:
    """Measure the overlay that a mask covers, by what is filled in there."""
    run, device = job.run, choose_device(job.run.device).split(",")[0]
    with ExitStack() as closing:
        reader = closing.enter_context(open_source(job))
        meta, is_trimmed = reader.meta, run.stop is not None
        masks = closing.enter_context(
            open_masks(mask_options(words), meta, is_trimmed=is_trimmed, start_pts=reader.first_pts)
        )
        context = Context(
            source=job.source, target=job.target, meta=meta, device=device, kernels=run.kernels,
            threads=run.threads or core_count(), memory_bytes=memory_for(run),
            device_memory_bytes=device_memory_for(run, device), first_index=reader.first_index,
            first_pts=reader.first_pts, is_trimmed=is_trimmed, open_clip=_no_clip, progress=progress,
            closing=closing,
        )  # fmt: skip
        chosen = chosen_frames(masks.summaries, meta, memory_bytes=context.memory_bytes)
        marked = masks.drawn(chosen[0].start)
        hole = None if marked is None else hole_of(marked, grow=masks.grow, feather=masks.feather)
        if hole is None:
            raise ValueError("the frames that were chosen show an overlay")
        filling = opened_with_masks(context, OneHole(hole), options)
        total = sum(map(len, chosen))

        def told(frames: Iterator[Frame]) -> Iterator[Frame]:
            for number, frame in enumerate(frames, start=1):
                progress(ProgressEvent("progress", "overlay", min(number, total), total))
                yield frame

        with one_thread_each():
            return measure_overlay(
                stretches_of(told(iter(reader)), chosen), hole, meta,
                fill=lambda: filling.transform(InpaintStats(), None),
                given=None if picture is None else partial(given_blends, picture, meta=meta),
            )  # fmt: skip


def _no_clip(label: str, option: str, place: str) -> ClipWriter:
    raise ValueError(f"nothing is written while an overlay is measured, got {label} {option} {place}")
