"""Work on a part of a video: what a worker does, told by a file in the target's state folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vrestore.device.devices import choose_device
from vrestore.device.memory import peak_device_bytes, peak_memory_bytes
from vrestore.errors import InputError
from vrestore.frames import Frame
from vrestore.media.container.segment_writer import SegmentWriter
from vrestore.media.reader import Excerpt
from vrestore.methods.base import Context, OpenedMethod, Values
from vrestore.parallel.sharding.partition import sharding_of
from vrestore.parallel.sharding.shard_files import ShardFile, ShardTask, frame_checksum, shard_path
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.checkpoint import CheckpointStore
from vrestore.run.execute import end_clips, open_job, pass_frames
from vrestore.run.file_stamps import check_unchanged
from vrestore.run.job import Job
from vrestore.run.pipeline import Timings
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


def run_shard(job: Job, task: ShardTask, *, progress: Progress) -> ShardReport:
    """Make the segments of a part, going on where an earlier worker stopped.

    The source is read from a key frame before the part on. Where other frames come then than the whole video
    has, it is read from its beginning.

    Raises InputError where other frames come even so.
    """
    job = replace(job, run=replace(job.run, overwrite=True, report=None))  # that is checked already
    seconds = dict[str, float]()
    before = None
    # Where a seek lands depends on the demuxer; frames that are not those of the survey show it by their
    # sums.
    with ShardFile(shard_path(work_folder(job.target), task.number), task) as part:
        # A damaged source is never sought in: what comes after a seek into damage is not what a survey saw.
        for is_sought in (True, False)[task.is_damaged :]:
            store = _part_store(job, task)
            before = store.start if before is None else before
            try:
                _work(job, task, part, store, progress, seconds, is_sought=is_sought)
            except OtherFrames:
                continue
            device_bytes = peak_device_bytes(choose_device(job.run.device))
            return ShardReport(before - task.start, seconds, peak_memory_bytes(), device_bytes)
    raise InputError(
        f"{job.source!r} gives other frames to a worker than to the run; is it the same file on all machines?"
    )


def _part_store(job: Job, task: ShardTask) -> CheckpointStore[Any, Any]:
    """Return what keeps the part's segments, with those that there are."""
    kinds = sharding_of(job).kinds()
    store = CheckpointStore(
        job.target, facts=dict, numbers={}, carried=kinds.carried, tally=kinds.stats, check=lambda: None,
        number=task.number, start=task.start,
    )  # fmt: skip
    store.load_part(task.stop)
    return store


def _work(
    job: Job,
    task: ShardTask,
    part: ShardFile,
    store: CheckpointStore[Any, Any],
    progress: Progress,
    seconds: dict[str, float],
    *,
    is_sought: bool,
) -> None:
    if store.start >= task.stop:
        return
    first = max(0, store.start - 1)  # what is done is a source for what is not
    index, pts = task.first_index + first, part.pts(first)
    excerpt = Excerpt(index, pts, task.first_index, task.first_pts, is_sought=is_sought and first > 0)

    def reopened(context: Context, *options: object) -> OpenedMethod:
        return sharding_of(job).reopen(context, part, task.opened, *options)

    with ExitStack() as closing:
        ready = open_job(job, closing, progress, excerpt=excerpt, opening=reopened)
        files, stats = ready.files, ready.opened.stats()
        if not isinstance(files.writer, SegmentWriter):
            raise ValueError("a part is for a target that is written in segments")
        segments = begin(files, store, stats, stop=task.stop, mark=f"-{secrets.token_hex(4)}")
        pass_frames(
            ready,
            _checked(files.reader, task, part, first),
            part,
            ready.opened.transform(stats, segments, part.from_frame(first)),
            progress=partial(_tell, progress, task, first),
            timings=Timings(seconds),
            start=segments.start,
            stop=task.stop,
        )
        check_unchanged(files.stamps)
        end_clips(files)
        files.writer.end()


def _checked(frames: Iterable[Frame], task: ShardTask, part: ShardFile, first: int) -> Iterator[Frame]:
    """Yield the frames of a part from number `first` on; raises OtherFrames where they are not its frames."""
    wanted = range(first, part.last + 1)
    for position, frame in zip(wanted, frames, strict=False):
        if frame.index != task.first_index + position or frame.pts != part.pts(position):
            raise OtherFrames
        if not task.is_damaged and frame_checksum(frame) != part.checksum(position):
            raise OtherFrames
        yield frame
        if position == part.last:
            return
    raise OtherFrames


def _tell(progress: Progress, task: ShardTask, first: int, event: ProgressEvent) -> None:
    """Tell how many of the part's own frames are done."""
    done = min(max(first + event.frame - task.start, 0), task.frames)
    progress(replace(event, frame=done, frames=task.frames))
