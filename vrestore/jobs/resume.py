"""What inpainting does with finished segments: finds those of an earlier run, and keeps those that come."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256

from vrestore import __version__
from vrestore.jobs.content import content_of, sum_of
from vrestore.jobs.job import InpaintJob
from vrestore.jobs.run import Opened
from vrestore.jobs.segments import PICTURE, Kept
from vrestore.jobs.steady import check_unchanged
from vrestore.media.segment_writer import SegmentWriter
from vrestore.media.segments import Place, Segment
from vrestore.plan import Plan
from vrestore.protocols import Progress, ProgressEvent
from vrestore.restore.segments import Segments
from vrestore.restore.settings import Carried, Tally

_NUMBERS = ("passes", "chunk", "look_ahead", "frames_held", "expected_bytes")
"""Of a plan, what the memory decides: a run that goes on takes them from the run before."""

_HOW = {
    *("source", "target", "threads", "memory_bytes", "device", "overwrite", "strict", "resume"),
    *("compare", "report", "reveal_map"),
    *("paths", "allow_full"),  # of masks
}
"""Settings that say how or where, not what; files are told by their content."""


def kept_for(
    job: InpaintJob, files: Opened, plan: Plan, settings: Callable[[], Mapping[str, object]]
) -> Kept[Carried, Tally] | None:
    """Give what keeps finished segments, nothing loaded yet; None for a target written in one piece."""
    writer = files.writer
    if not isinstance(writer, SegmentWriter):
        return None
    return Kept(
        job.target,
        facts=partial(_facts, job, files, writer, settings),
        numbers={name: getattr(plan, name) for name in _NUMBERS},
        carried=Carried,
        tally=Tally,
        check=partial(check_unchanged, files.stamps),
    )


def resumed(
    kept: Kept[Carried, Tally], plan: Plan, *, afresh: bool, frames: int | None, progress: Progress
) -> Plan:
    """Take over what an earlier run left, unless all is to be done afresh; gives the plan to go on with."""
    if afresh:
        kept.drop()
    why = kept.load()
    if kept.start and kept.numbers["expected_bytes"] > plan.memory_bytes:
        kept.drop()
        why = "what an earlier run left was made with more memory; it is made again"
    if why:
        progress(ProgressEvent("warning", text=why))
    if not kept.start:
        return plan
    of = "" if frames is None else f" of {frames}"
    progress(ProgressEvent("plan", text=f"goes on at frame {kept.start}{of}, where an earlier run stopped"))
    return replace(plan, **kept.numbers)


def begin(
    job: InpaintJob, files: Opened, kept: Kept[Carried, Tally], tally: Tally
) -> Segments[Carried, Tally]:
    """Let all that is written begin with the segments that there are, and keep what comes.

    Gives where the video is cut; `tally` counts from where `kept` starts.
    """
    length = max(1, round(job.segment_seconds * files.reader.meta.rate / 2))  # twice that at most
    segments = Segments[Carried, Tally](length, start=kept.start, carried=kept.carried)

    def keep(segment: Segment) -> None:
        number = len(kept.segments.get(PICTURE, ()))
        parts = {PICTURE: segment}
        for label, clip in files.clips.items():
            if clip.series is not None:
                parts[label] = clip.series.finished[number]  # it came to the border before
        counted = segments.tallies.get(segment.stop, tally)
        kept.keep(parts, tally=counted, carried=segments.borders.get(segment.stop))

    def place(label: str, keep: Callable[[Segment], None]) -> Place:
        finished = kept.segments.get(label, ())
        return Place(kept.folder, label, finished, segments.borders.__contains__, keep)

    if isinstance(files.writer, SegmentWriter):
        files.writer.begin(place(PICTURE, keep))
    for label, clip in files.clips.items():
        clip.begin(place(label, lambda _segment: None), first_pts=files.reader.first_pts)
    return segments


def _facts(
    job: InpaintJob, files: Opened, writer: SegmentWriter, settings: Callable[[], Mapping[str, object]]
) -> dict[str, str]:
    """Give what the segments are made from and how, by the words for it."""
    options = {name: value for name, value in settings().items() if name not in _HOW}
    options["masks"] = {name: value for name, value in asdict(job.masks).items() if name not in _HOW}
    facts = {
        "version": __version__,
        "source": content_of(job.source, sum_of),
        "mask": [content_of(path, sum_of) for path in job.masks.paths],
        "encoder": [writer.codec, writer.header.hex()],
        "set of options": [options, sorted(files.clips), files.device],
    }
    return {word: _hash(fact) for word, fact in facts.items()}


def _hash(fact: object) -> str:
    return sha256(json.dumps(fact, sort_keys=True).encode()).hexdigest()
