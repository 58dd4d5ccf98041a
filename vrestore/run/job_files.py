"""The files of a job, opened and checked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from vrestore.device.devices import choose_device, device_number
from vrestore.errors import TargetError
from vrestore.files import check_target, place_of
from vrestore.frames import VideoMeta
from vrestore.media.container.feed import CopySource
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.patch.maker import PatchMaker
from vrestore.media.patch.source import patch_source
from vrestore.media.preview.compare import CompareWriter
from vrestore.media.preview.display import ClipWriter
from vrestore.media.reader import Excerpt, VideoReader, open_video
from vrestore.media.write_result import Writer, Written
from vrestore.media.writer import open_writer
from vrestore.methods.base import OpenedMethod
from vrestore.run.file_stamps import FileStamp, stamps_of
from vrestore.run.job import Job
from vrestore.run.pipeline import Timings


@dataclass(frozen=True, slots=True)
class JobFiles:
    """A job's files, checked and fitting; nothing but temporary files exists yet.

    `patch` is what makes the frames of a patch, where that alone is written.
    `clips` are what is written beside the target, by a label for each, `further` the names of these files.
    """

    job: Job
    reader: VideoReader
    writer: Writer
    compare: CompareWriter | None
    clips: dict[str, ClipWriter]
    further: dict[str, str]
    device: str
    patch: PatchMaker | None
    stamps: Mapping[Path, FileStamp | None]


@dataclass(frozen=True, slots=True)
class Ready:
    """A job whose words all fit together; nothing but temporary files exists yet."""

    job: Job
    files: JobFiles
    opened: OpenedMethod


@dataclass(frozen=True, slots=True)
class Done:
    """What is left of a run when the target is whole and verified."""

    frames: int
    written: Written
    damage: list[str]
    extra_files: list[str]
    timings: Timings


def open_files(job: Job, closing: ExitStack, *, excerpt: Excerpt | None = None) -> JobFiles:
    """Open source and targets, the quick checks first.

    `excerpt` are the frames that are read of the source, all if None. A video longer than the job's segments,
    or of unknown length, gets a SegmentWriter, where there can be one.
    """
    run = job.run
    device = choose_device(run.device)
    stamps = stamps_of([job.source, *job.reads])
    reader = closing.enter_context(
        open_video(
            job.source,
            start=run.start,
            stop=run.stop,
            rate=run.rate,
            threads=run.threads,
            protocols=run.protocols,
            excerpt=excerpt,
            cuda_device=device_number(device),
            fields=run.fields,
        )
    )
    if run.report is not None:
        check_target(Path(run.report), sources=[Path(job.source), *job.reads], overwrite=True)
    source, encode, patch = _patch(job, reader) if job.is_patch_only else (reader, run.encode, None)
    writer = closing.enter_context(
        open_writer(
            job.target,
            source,
            options=encode,
            overwrite=run.overwrite,
            strict=run.strict,
            in_segments=job.is_resumable and is_long(job, reader.meta),
        )
    )
    files = JobFiles(job, reader, writer, None, {}, {}, device, patch, stamps)
    if run.compare is None:
        return files
    compare = closing.enter_context(_comparison(job, reader))
    files.clips["compare"], files.further["compare"] = compare.clip, str(run.compare)
    return replace(files, compare=compare)


def _patch(job: Job, reader: VideoReader) -> tuple[CopySource, EncodeOptions, PatchMaker]:
    """Return what the writer of a patch takes for its source, what it is told, and what makes its frames."""
    source, encode = patch_source(job.target, reader, job.run.encode)
    return source, encode, PatchMaker(reader.meta, source.meta.pixel_format)


def is_long(job: Job, meta: VideoMeta) -> bool:
    """Tell whether the work is worth keeping, and what it is made from can be told when it is run again."""
    if not job.run.segment or job.source == "-" or job.run.protocols:
        return False
    frames = frames_about(meta)
    return frames is None or frames > job.run.segment * meta.rate


def frames_about(meta: VideoMeta) -> int | None:
    """Return how many frames there are, by the duration where no count is told; None without either."""
    if meta.frame_count is None and meta.duration_seconds is not None:
        return round(meta.duration_seconds * meta.rate)
    return meta.frame_count


def check_apart(name: str, place: str, target: str) -> None:
    """Refuse a further file to write that is the target; raises TargetError."""
    if place_of(place) == place_of(target):
        raise TargetError(f"{name} and the target are both {place!r}; give them different names")


def open_clip(files: JobFiles, closing: ExitStack, label: str, name: str, place: str) -> ClipWriter:
    """Open a clip that is written beside the target, as the option `name` asks for."""
    job = files.job
    check_apart(name, place, job.target)
    sources = [path for path in (Path(job.source),) if path.is_file()]
    checked = check_target(Path(place), sources=sources, overwrite=job.run.overwrite)
    clip = closing.enter_context(ClipWriter(checked, files.reader.meta))
    files.clips[label], files.further[label] = clip, place
    return clip


def _comparison(job: Job, reader: VideoReader) -> CompareWriter:
    place = str(job.run.compare)
    check_apart("--compare", place, job.target)
    sources = tuple(path for path in (Path(job.source),) if path.is_file())
    return CompareWriter(
        place, reader.meta, layout=job.run.compare_layout, overwrite=job.run.overwrite, sources=sources
    )
