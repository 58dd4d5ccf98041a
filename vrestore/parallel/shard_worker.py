"""Inpaint a part of a video: what a worker does, told by a file in the target's state folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from vrestore.device.devices import choose_device
from vrestore.device.memory import peak_device_bytes, peak_memory_bytes
from vrestore.errors import InputError
from vrestore.frames import Frame
from vrestore.media.container.segment_writer import SegmentWriter
from vrestore.media.reader import Excerpt
from vrestore.methods.inpaint.method import Ready, inpaint_method, open_reveal
from vrestore.methods.inpaint.options import InpaintJob
from vrestore.methods.inpaint.plan import Plan
from vrestore.methods.inpaint.settings import InpaintStats, NetworkSettings, SpanState
from vrestore.parallel.shard_files import PartFile, ShardTask, part_file, sum_of_frame
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.checkpoint import CheckpointStore
from vrestore.run.execute import end_clips, pass_frames
from vrestore.run.file_stamps import check_unchanged
from vrestore.run.job_files import open_run
from vrestore.run.pipeline import Timings
from vrestore.run.report import Values
from vrestore.run.resume import begin
from vrestore.run.state_folder import work_folder


class OtherFrames(Exception):
    """The frames that came are not those that the whole video has there."""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The account of a part; `frames_before` of its frames were done by a worker before this one."""

    frames_before: int
    stage_seconds: dict[str, float]
    peak_memory_bytes: int
    device_memory_bytes: int | None = None
    exit_code: int = 0
    damage: tuple[str, ...] = ()

    def to_dict(self) -> Values:
        """Return everything for programs, in plain types."""
        return {name: getattr(self, name) for name in self.__slots__}


def inpaint_part(job: InpaintJob, task: ShardTask, *, progress: Progress) -> ShardReport:
    """Make the segments of a part, going on where an earlier worker stopped.

    The source is read from a key frame before the part on. Where other frames come then than the whole video
    has, it is read from its beginning.

    Raises InputError where other frames come even so.
    """
    job = replace(job, overwrite=True, report=None)  # that is checked already
    seconds = dict[str, float]()
    before = None
    with PartFile(part_file(work_folder(job.target), task.number), task) as part:
        for is_sought in (True, False)[task.is_damaged :]:
            kept = _kept(job, task)
            before = kept.start if before is None else before
            try:
                _work(job, task, part, kept, progress, seconds, is_sought=is_sought)
            except OtherFrames:
                continue
            device_bytes = peak_device_bytes(choose_device(job.device))
            return ShardReport(before - task.start, seconds, peak_memory_bytes(), device_bytes)
    raise InputError(
        f"{job.source!r} gives other frames to a worker than to the run; is it the same file on all machines?"
    )


def _kept(job: InpaintJob, task: ShardTask) -> CheckpointStore[SpanState, InpaintStats]:
    """Return what keeps the part's segments, with those that there are."""
    kept = CheckpointStore(
        job.target, facts=dict, numbers={}, carried=SpanState, tally=InpaintStats, check=lambda: None,
        number=task.number, start=task.start,
    )  # fmt: skip
    kept.load_part(task.stop)
    return kept


def _work(
    job: InpaintJob,
    task: ShardTask,
    part: PartFile,
    kept: CheckpointStore[SpanState, InpaintStats],
    progress: Progress,
    seconds: dict[str, float],
    *,
    is_sought: bool,
) -> None:
    if kept.start >= task.stop:
        return
    first = max(0, kept.start - 1)  # what is done is a source for what is not
    index, pts = task.first_index + first, part.pts(first)
    excerpt = Excerpt(index, pts, task.first_index, task.first_pts, is_sought=is_sought and first > 0)
    timings, tally = Timings(seconds), InpaintStats()
    with ExitStack() as opened:
        files = open_run(job, opened, inputs=job.masks.paths, excerpt=excerpt)
        if not isinstance(files.writer, SegmentWriter):
            raise ValueError("a part is for a target that is written in segments")
        reveal = open_reveal(job, files, opened)
        network = None
        if task.network is not None:
            network = NetworkSettings(**{**task.network, "device": files.device})
        ready = Ready(job, files, part, {}, Plan(**task.plan), network, reveal)
        segments = begin(files, kept, tally, stop=task.stop, mark=f"-{secrets.token_hex(4)}")
        pass_frames(
            files,
            _checked(files.reader, task, part, first),
            part,
            inpaint_method(ready, tally, segments, part.from_frame(first)),
            stage="inpaint",
            progress=partial(_tell, progress, task, first),
            timings=timings,
            start=segments.start,
            stop=task.stop,
        )
        check_unchanged(files.stamps)
        end_clips(files)
        files.writer.end()


def _checked(frames: Iterable[Frame], task: ShardTask, part: PartFile, first: int) -> Iterator[Frame]:
    """Yield the frames of a part from number `first` on; raises OtherFrames where they are not its frames."""
    wanted = range(first, part.last + 1)
    for position, frame in zip(wanted, frames, strict=False):
        if frame.index != task.first_index + position or frame.pts != part.pts(position):
            raise OtherFrames
        if not task.is_damaged and sum_of_frame(frame) != part.sum(position):
            raise OtherFrames
        yield frame
        if position == part.last:
            return
    raise OtherFrames


def _tell(progress: Progress, task: ShardTask, first: int, event: ProgressEvent) -> None:
    """Tell how many of the part's own frames are done."""
    done = min(max(first + event.frame - task.start, 0), task.frames)
    progress(replace(event, frame=done, frames=task.frames))
