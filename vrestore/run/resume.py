"""What a run does with finished segments: finds those of an earlier run, and keeps those that come."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from vrestore import __version__
from vrestore.media.container.segment_files import Segment, SegmentDir
from vrestore.media.container.segment_writer import SegmentWriter
from vrestore.methods.base import OpenedMethod
from vrestore.methods.segmenter import C, Segments
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.checkpoint import MORE_MEMORY, PICTURE, CheckpointStore, T
from vrestore.run.content_hash import content_of, sum_of
from vrestore.run.file_stamps import check_unchanged
from vrestore.run.job_files import JobFiles, frames_about
from vrestore.run.options import device_kind

M = TypeVar("M", bound=OpenedMethod)


def store_for(files: JobFiles, opened: OpenedMethod) -> CheckpointStore[Any, Any] | None:
    """Return what keeps finished segments, nothing loaded yet; None for a target written in one piece."""
    writer = files.writer
    if not isinstance(writer, SegmentWriter):
        return None
    return CheckpointStore(
        files.job.target,
        facts=partial(_facts, files, writer, opened),
        numbers=opened.numbers,
        carried=opened.carried,
        tally=opened.stats,
        check=partial(check_unchanged, files.stamps),
    )


def resumed(store: CheckpointStore[Any, Any], files: JobFiles, opened: M, *, progress: Progress) -> M:
    """Take over what an earlier run left, unless the job says not to; return the method to go on with."""
    if not files.job.run.resume:
        store.drop()
    why = store.load()
    if store.start and store.numbers.get("expected_bytes", 0) > opened.plan.memory_bytes:
        store.drop()
        why = MORE_MEMORY
    if why:
        progress(ProgressEvent("warning", text=why))
    if not store.start:
        return opened
    frames = frames_about(files.reader.meta)
    of = "" if frames is None else f" of {frames}"
    progress(ProgressEvent("plan", text=f"goes on at frame {store.start}{of}, where an earlier run stopped"))
    return opened.replanned(store.numbers)


def shared(store: CheckpointStore[Any, Any], files: JobFiles, opened: M, *, progress: Progress) -> M:
    """Let other processes keep segments too, those of an earlier run left where they fit; see `resumed`."""
    if not files.job.run.resume:
        store.drop()
    if why := store.share(opened.plan.memory_bytes):
        progress(ProgressEvent("warning", text=why))
    return opened.replanned(store.numbers)


def segment_frames(files: JobFiles) -> int:
    """Return after how many frames a segment may end; twice that are the most."""
    return max(1, round(files.job.run.segment * files.reader.meta.rate / 2))


def begin(
    files: JobFiles, kept: CheckpointStore[C, T], tally: T, *, stop: int | None = None, mark: str = ""
) -> Segments[C, T]:
    """Let all that is written begin with the segments that there are, and keep what comes.

    Returns where the video is cut; `tally` counts from where `kept` starts. Where others write too, this ends
    before the frame `stop`, and its files are told from theirs by a `mark`.
    """
    segments = Segments[C, T](segment_frames(files), start=kept.start, carried=kept.carried)
    # The number of the first segment that this process keeps track of; not 0 where it makes a part.
    first = kept.number - len(kept.segments.get(PICTURE, ()))

    def keep(segment: Segment) -> None:
        index = kept.number - first
        parts = {PICTURE: segment}
        for label, clip in files.clips.items():
            if clip.series is not None:
                parts[label] = clip.series.finished[index]  # it came to the border before
        kept.keep(parts, *segments.taken(segment.stop, tally))

    def place(label: str, keep: Callable[[Segment], None]) -> SegmentDir:
        return SegmentDir(
            kept.folder,
            label + mark,
            finished=list(kept.segments.get(label, ())),
            is_border=segments.borders.__contains__,
            keep=keep,
            start=segments.start,
            number=first,
            stop=stop,
        )

    if isinstance(files.writer, SegmentWriter):
        files.writer.begin(place(PICTURE, keep))
    for label, clip in files.clips.items():
        clip.begin(place(label, lambda _segment: None), first_pts=files.reader.first_pts)
    return segments


def _facts(files: JobFiles, writer: SegmentWriter, opened: OpenedMethod) -> dict[str, str]:
    """Return what the segments are made from and how, by the words for it."""
    job = files.job
    options = [job.output_settings(), opened.settings(), sorted(files.clips), device_kind(files.device)]
    facts = {
        "version": __version__,
        "source": content_of(job.source, sum_of),
        "mask": [content_of(path, sum_of) for path in job.reads],
        "encoder": [writer.codec, writer.header.hex()],
        "set of options": [job.command.name, *options],
    }
    return {word: _hash(fact) for word, fact in facts.items()}


def _hash(fact: object) -> str:
    return sha256(json.dumps(fact, sort_keys=True).encode()).hexdigest()
