"""A look through a video that finds its parts: decoded once, nothing restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from vrestore.frames import MaskedFrame
from vrestore.methods.inpaint.method import Ready
from vrestore.methods.inpaint.span_tracker import Met, SpanTracker, survey
from vrestore.parallel.shard_files import PartWriter, ShardTask, part_file, sum_of_frame
from vrestore.run.resume import segment_frames


def parts_of(ready: Ready, folder: Path, seen: Callable[[int], None]) -> Iterator[ShardTask]:
    """Yield the parts of a video in order, each as soon as it is known.

    Args:
        ready: the job; its source is read to the end.
        folder: of its segments; the file of a part lies there when the part is given.
        seen: is told how many frames were looked at.
    """
    start = number = segments = count = 0
    before: tuple[Met, int] | None = None
    writer = PartWriter(part_file(folder, 0), 0, name=ready.job.target)
    try:
        for index, met in enumerate(_met(ready)):
            this = met, sum_of_frame(met.shot.frame)
            if before is not None and met.starts_segment and met.is_free:
                writer.add(*this)  # a source for the frames before it
                yield _part(ready, writer, number=number, segments=segments, start=start, stop=index)
                start, number, segments = index, number + segments, 0
                writer = PartWriter(part_file(folder, number), index - 1, name=ready.job.target)
                writer.add(*before)
            writer.add(*this)
            segments += met.starts_segment
            before, count = this, index + 1
            seen(count)
        yield _part(ready, writer, number=number, segments=segments, start=start, stop=count)
    finally:
        writer.close()


def _met(ready: Ready) -> Iterator[Met]:
    from vrestore.methods.shots import mark_cuts

    meta = ready.files.reader.meta
    course = SpanTracker(
        ready.masks.summaries, margin=ready.plan.margin, height=meta.height, width=meta.width
    )
    items = (MaskedFrame(frame, ready.masks.hole(frame)) for frame in ready.files.reader)
    return survey(mark_cuts(items, format=meta.pixel_format), course, length=segment_frames(ready.files))


def _part(
    ready: Ready, writer: PartWriter, *, number: int, segments: int, start: int, stop: int
) -> ShardTask:
    writer.finish(ready.masks.summaries, start=start, stop=stop)
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
        plan=ready.plan.to_dict(),
        network=None if ready.network is None else asdict(ready.network),
    )
