"""A look through a video that finds its parts: decoded once, nothing restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from vrestore.frames import MaskedFrame
from vrestore.methods.base import Sharding
from vrestore.methods.sharding import Met
from vrestore.parallel.sharding.shard_files import ShardTask, ShardWriter, frame_checksum, shard_path
from vrestore.run.job import Job
from vrestore.run.job_files import Ready
from vrestore.run.resume import segment_frames


def find_shards(ready: Ready, folder: Path, seen: Callable[[int], None]) -> Iterator[ShardTask]:
    """Yield the parts of a video in order, each as soon as it is known.

    Args:
        ready: the job; its source is read to the end.
        folder: where its segments lie; the file of a part lies there once the part is yielded.
        seen: is told how many frames were looked at.
    """
    start = number = segments = count = 0
    before: tuple[Met, int] | None = None
    writer = ShardWriter(shard_path(folder, 0), 0, name=ready.job.target)
    try:
        for index, met in enumerate(_met(ready)):
            # A part is yielded when the first frame behind it is met: the last frame's neighbors are known
            # then.
            this = met, frame_checksum(met.shot.frame)
            if before is not None and met.starts_segment and met.is_free:
                writer.add(*this)  # a source for the frames before it
                yield _part(ready, writer, number=number, segments=segments, start=start, stop=index)
                start, number, segments = index, number + segments, 0
                writer = ShardWriter(shard_path(folder, number), index - 1, name=ready.job.target)
                writer.add(*before)  # and the frame before for those behind it, as a source as well
            writer.add(*this)
            segments += met.starts_segment
            before, count = this, index + 1
            seen(count)
        yield _part(ready, writer, number=number, segments=segments, start=start, stop=count)
    finally:
        writer.close()


def _met(ready: Ready) -> Iterator[Met]:
    masks, sharding = ready.opened.masks, sharding_of(ready.job)
    items = (MaskedFrame(frame, masks.hole(frame)) for frame in ready.files.reader)
    return sharding.survey(ready.opened, items, segment_frames(ready.files))


def sharding_of(job: Job) -> Sharding:
    """Return how a job is worked on in parts; raises ValueError for one that is not."""
    if job.sharding is None:
        raise ValueError(f"{job.command.name} is not worked on in parts")
    return job.sharding


def _part(
    ready: Ready, writer: ShardWriter, *, number: int, segments: int, start: int, stop: int
) -> ShardTask:
    writer.finish(ready.opened.masks.summaries, start=start, stop=stop)
    reader = ready.files.reader
    damage = reader.damage
    return ShardTask(
        number=number,
        segments=segments,
        start=start,
        stop=stop,
        first_index=reader.first_index,
        first_pts=reader.first_pts,
        is_damaged=bool(damage.corrupt_packets or damage.corrupt_frames),
        opened=sharding_of(ready.job).describe(ready.opened),
    )
