"""What every run does, whatever the method: carry out, verify, give the target its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from vrestore.device.memory import bound_device_memory
from vrestore.errors import LossError
from vrestore.frames import Frame
from vrestore.media.preview.display import as_picture, shown
from vrestore.media.write_result import Written
from vrestore.methods.memory_model import frames_waiting
from vrestore.progress import Progress, ProgressEvent
from vrestore.protocols import FrameTransform, MaskSource
from vrestore.run.file_stamps import check_unchanged
from vrestore.run.job_files import JobFiles
from vrestore.run.memory_limits import check_one_device, device_memory_for
from vrestore.run.pipeline import Timings, run
from vrestore.threads import one_thread_each


@dataclass(frozen=True, slots=True)
class Done:
    """What is left of a run when the target is whole and verified."""

    frames: int
    written: Written
    damage: list[str]
    extra_files: list[str]
    timings: Timings


def silent(event: ProgressEvent) -> None:
    """Show no progress."""


def carry_out(
    opened: JobFiles,
    masks: MaskSource,
    method: FrameTransform,
    *,
    stage: str,
    progress: Progress,
    start: int = 0,
) -> Done:
    """Send all frames through the method, then verify what was written and give it its name.

    Those before the frame of number `start` are done already.

    Raises:
        LossError: the source is damaged, and the job is strict.
    """
    timings = Timings()
    count = pass_frames(
        opened, opened.reader, masks, method, stage=stage, progress=_told(progress, start), start=start,
        timings=timings,
    )  # fmt: skip
    check_source(opened)
    return conclude(opened, count, progress=progress, timings=timings)


def pass_frames(
    opened: JobFiles,
    frames: Iterable[Frame],
    masks: MaskSource,
    method: FrameTransform,
    *,
    stage: str,
    progress: Progress,
    timings: Timings,
    start: int = 0,
    stop: int | None = None,
) -> int:
    """Send frames through the method to what is written, and compare those from `start` to before `stop`."""
    if opened.device != "cpu":
        check_one_device(opened)
        bound_device_memory(opened.device, device_memory_for(opened.job, opened.device))
    with one_thread_each():
        return run(
            frames,
            masks,
            method,
            opened.writer,
            stage=stage,
            progress=progress,
            frames=opened.reader.meta.frame_count,
            before_and_after=_pairs(opened, start, stop),
            timings=timings,
            waiting=frames_waiting(opened.reader.meta),
        )


def check_source(opened: JobFiles) -> None:
    """Raise an error when the source, read to its end, has changed, or is damaged and the job is strict."""
    reader = opened.reader
    if reader.damage.texts and opened.job.strict:
        texts = "; ".join(reader.damage.texts)
        raise LossError(f"{reader.meta.source!r} is damaged: {texts}; drop --strict to go on")
    check_unchanged(opened.stamps)


def conclude(opened: JobFiles, count: int, *, progress: Progress, timings: Timings) -> Done:
    """Verify what was written of so many frames, and give it its name."""
    progress(ProgressEvent("stage", "verify"))
    end_clips(opened)
    written = opened.writer.finish()
    extra_files = []
    if opened.compare is not None:
        opened.compare.finish()
        extra_files.append(str(opened.job.compare))
    return Done(count, written, list(opened.reader.damage.texts), extra_files, timings)


def end_clips(opened: JobFiles) -> None:
    """Finish the last segments of the clips, so that the target's own last segment can be kept whole."""
    for clip in opened.clips.values():
        clip.end()


def _told(progress: Progress, start: int) -> Progress:
    """Return what tells progress, with the frames that are done already as a stage of their own."""

    def tell(event: ProgressEvent) -> None:
        progress(replace(event, stage="resume") if event.frame <= start and start else event)

    return tell


def _pairs(opened: JobFiles, start: int, stop: int | None) -> Callable[[Frame, Frame], None] | None:
    """Return what draws the comparison, None where none is wanted."""
    compare, meta = opened.compare, opened.reader.meta
    if compare is None:
        return None

    def draw(before: Frame, after: Frame) -> None:
        number = before.index - opened.reader.first_index
        if number < start or (stop is not None and number >= stop):
            return
        pictures = (as_picture(shown(frame, meta), rotation=meta.rotation) for frame in (before, after))
        compare.write(*pictures, pts=before.pts)

    return draw
