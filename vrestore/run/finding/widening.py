"""How far a job's mask is widened where that is to be measured first: by a rim, or a shadow."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vrestore.errors import InputError, UsageError
from vrestore.frames import VideoMeta
from vrestore.masks.masks import Masks, open_masks
from vrestore.masks.options import MaskWords, mask_options
from vrestore.masks.reading import counted_frames
from vrestore.masks.writer import MaskWriter
from vrestore.media.reader import VideoReader, open_video
from vrestore.methods.leftovers.findings import Leftovers, leftovers_of, seconds_by
from vrestore.methods.leftovers.look import Judgement
from vrestore.methods.leftovers.sampling import STEP, frames_with_holes, look_at, sampled
from vrestore.methods.leftovers.widening import ShadowMasks
from vrestore.option_schema import as_paths
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.detection import open_source
from vrestore.run.finding.whole_source import mask_words, of_whole_source, told_masks
from vrestore.run.job import Job


def with_mask_widened(job: Job, closing: ExitStack, *, progress: Progress) -> Job:
    """Return a job whose mask is to be widened by what is left around it with pixels in place of the word.

    A shadow becomes a further mask, of the whole source, in a folder of its own while the run lasts. Other
    jobs are returned as they are. Raises UsageError for a source that cannot be read twice.
    """
    words = mask_words(job)
    if words is None or not words.is_to_widen:
        return job
    if job.source == "-":
        raise UsageError(f"--grow {words.grow} reads the video twice, got -; give a file, or pixels")
    if job.run.fields is not None:
        raise UsageError(
            f"--grow {words.grow} reads frames as they are; with --deinterlace or --detelecine give pixels"
        )
    progress(ProgressEvent("stage", "leftovers"))
    place = Path(
        closing.enter_context(TemporaryDirectory(prefix="vrestore-shadow-", ignore_cleanup_errors=True))
    )
    told = _widened(job, words, place / "shadow.mov", progress=progress)
    return told_masks(job, told)


def _widened(job: Job, words: MaskWords, target: Path, *, progress: Progress) -> MaskWords:
    """Return the words with pixels, and with the mask of a shadow where one is wanted and found."""
    with open_source(job) as trimmed:
        start = trimmed.first_index
    whole = replace(job, run=of_whole_source(job.run, target))
    with ExitStack() as closing:
        reader = closing.enter_context(open_source(whole))
        meta = reader.meta
        options = mask_options(replace(words, grow=None))
        is_trimmed = job.run.stop is not None
        masks = closing.enter_context(
            open_masks(options, meta, is_trimmed=is_trimmed, start_pts=reader.first_pts)
        )
        numbers = frames_with_holes(masks, start=start, count=meta.frame_count)
        numbers = numbers[::STEP] if words.grow == "shadow" else sampled(numbers)
        judgements = _judged(job, numbers, masks, meta, progress=progress)
        found = leftovers_of(judgements, meta, seconds_by(meta, reader.first_pts))
        wide = masks.grow + found.grow
        _tell(found, wide, progress)
        if words.grow == "auto":
            return replace(words, grow=wide)
        if not found.shadow_frames:
            text = "no shadow is seen beside the object, so none is filled"
            progress(ProgressEvent("plan", text=text))
            return replace(words, grow=wide)
        count = _write(target, ShadowMasks(judgements, masks, meta), masks, meta, source=job.source)
        progress(ProgressEvent("plan", text=f"the shadow beside the object is filled too, in {count} frames"))
    return replace(words, grow=wide, mask=(*as_paths(words.mask), str(target)))


def _judged(
    job: Job, numbers: list[int], masks: Masks, meta: VideoMeta, *, progress: Progress
) -> list[Judgement]:
    run, judgements = job.run, []

    def opens(start: int, stop: int) -> VideoReader:
        return open_video(
            job.source, start=start, stop=stop, rate=run.rate, threads=run.threads, protocols=run.protocols
        )

    for judgement in look_at(numbers, masks, meta, opens):
        judgements.append(judgement)
        progress(ProgressEvent("progress", "leftovers", len(judgements), len(numbers)))
    return judgements


def _tell(found: Leftovers, wide: int, progress: Progress) -> None:
    if found.rim_frames:
        text = f"the mask is widened by {wide} pixels: {found.grow} around it move as the object does"
    elif found.told:
        text = f"no rim is seen around the mask, which is widened by {wide} pixels as by default"
    else:
        text = (
            f"no other frame shows what lies around the mask, which is widened by {wide} pixels as by default"
        )
    progress(ProgressEvent("plan", text=text))


def _write(target: Path, shadows: ShadowMasks, masks: Masks, meta: VideoMeta, *, source: str) -> int:
    """Write the shadow of each frame of a source; returns how many frames have one."""
    count = counted_frames(source) or meta.frame_count
    if count is None:
        raise InputError(
            f"{source!r} does not say how many frames it has, which --grow shadow needs; "
            "draw the shadow, or give pixels"
        )
    with MaskWriter(target, meta) as writer:
        for number, shadow in enumerate(shadows.all(count, known=len(masks.summaries))):
            writer.write(shadow, number)
        writer.finish()
    return writer.marked_frames
