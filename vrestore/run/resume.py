"""What a run does with finished segments: finds those of an earlier run, and keeps those that come."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TypeVar

from vrestore import __version__
from vrestore.media.container.segment_files import Segment, SegmentDir
from vrestore.media.container.segment_writer import SegmentWriter
from vrestore.methods.dehaze.plan import DehazePlan
from vrestore.methods.inpaint.plan import Plan
from vrestore.methods.segmenter import C, Segments
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.checkpoint import MORE_MEMORY, PICTURE, CheckpointStore, T
from vrestore.run.content_hash import content_of, sum_of
from vrestore.run.file_stamps import check_unchanged
from vrestore.run.job_files import JobFiles, frames_about

P = TypeVar("P", Plan, DehazePlan)

_HOW = {
    *("source", "target", "threads", "memory_bytes", "device", "overwrite", "strict", "resume"),
    *("compare", "report", "reveal_map", "matte"),
}
"""Settings that say how or where, not what; files are told by their content."""


def kept_for(
    files: JobFiles,
    *,
    numbers: Mapping[str, int],
    settings: Callable[[], Mapping[str, object]],
    carried: type[C],
    tally: type[T],
) -> CheckpointStore[C, T] | None:
    """Return what keeps finished segments, nothing loaded yet; None for a target written in one piece.

    Args:
        files: those of the run.
        numbers: what the memory decides of the plan: a run that goes on takes them from the run before.
        settings: gives the effective ones, without files that it reads; asked once, when first needed.
        carried, tally: what a segment needs of the one before, and what is counted.
    """
    writer = files.writer
    if not isinstance(writer, SegmentWriter):
        return None
    return CheckpointStore(
        files.job.target,
        facts=partial(_facts, files, writer, settings),
        numbers=numbers,
        carried=carried,
        tally=tally,
        check=partial(check_unchanged, files.stamps),
    )


def resumed(kept: CheckpointStore[C, T], files: JobFiles, plan: P, *, progress: Progress) -> P:
    """Take over what an earlier run left, unless the job says not to; returns the plan to go on with."""
    if not files.job.resume:
        kept.drop()
    why = kept.load()
    if kept.start and kept.numbers.get("expected_bytes", 0) > plan.memory_bytes:
        kept.drop()
        why = MORE_MEMORY
    if why:
        progress(ProgressEvent("warning", text=why))
    if not kept.start:
        return plan
    frames = frames_about(files.reader.meta)
    of = "" if frames is None else f" of {frames}"
    progress(ProgressEvent("plan", text=f"goes on at frame {kept.start}{of}, where an earlier run stopped"))
    return replace(plan, **kept.numbers)


def shared(kept: CheckpointStore[C, T], files: JobFiles, plan: P, *, progress: Progress) -> P:
    """Let other processes keep segments too, those of an earlier run left where they fit; see `resumed`."""
    if not files.job.resume:
        kept.drop()
    if why := kept.share(plan.memory_bytes):
        progress(ProgressEvent("warning", text=why))
    return replace(plan, **kept.numbers)


def segment_frames(files: JobFiles) -> int:
    """Return after how many frames a segment may end; twice that are the most."""
    return max(1, round(files.job.segment_seconds * files.reader.meta.rate / 2))


def begin(
    files: JobFiles, kept: CheckpointStore[C, T], tally: T, *, stop: int | None = None, mark: str = ""
) -> Segments[C, T]:
    """Let all that is written begin with the segments that there are, and keep what comes.

    Gives where the video is cut; `tally` counts from where `kept` starts. Where others write too, this ends
    before the frame `stop`, and its files are told from theirs by a `mark`.
    """
    segments = Segments[C, T](segment_frames(files), start=kept.start, carried=kept.carried)
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


def _facts(
    files: JobFiles, writer: SegmentWriter, settings: Callable[[], Mapping[str, object]]
) -> dict[str, str]:
    """Return what the segments are made from and how, by the words for it."""
    options = {name: value for name, value in settings().items() if name not in _HOW}
    facts = {
        "version": __version__,
        "source": content_of(files.job.source, sum_of),
        "mask": [content_of(path, sum_of) for path in files.inputs],
        "encoder": [writer.codec, writer.header.hex()],
        "set of options": [options, sorted(files.clips), files.device.partition(":")[0]],
    }
    return {word: _hash(fact) for word, fact in facts.items()}


def _hash(fact: object) -> str:
    return sha256(json.dumps(fact, sort_keys=True).encode()).hexdigest()
