"""What jobs of every method have, and their files, opened and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from vrestore.device.devices import Kernels, choose_device, device_number
from vrestore.errors import TargetError
from vrestore.files import check_target, place_of
from vrestore.frames import VideoMeta
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.preview.compare import CompareWriter, Layout
from vrestore.media.preview.display import ClipWriter
from vrestore.media.reader import Excerpt, VideoReader, open_video
from vrestore.media.write_result import Writer
from vrestore.media.writer import open_writer
from vrestore.run.file_stamps import FileStamp, stamps_of


class Job(Protocol):
    """What jobs of every method have."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def encode(self) -> EncodeOptions: ...
    @property
    def start(self) -> str | None: ...
    @property
    def stop(self) -> str | None: ...
    @property
    def rate(self) -> Fraction | None: ...
    @property
    def device(self) -> str: ...

    @property
    def kernels(self) -> Kernels: ...
    @property
    def has_network(self) -> bool: ...
    @property
    def threads(self) -> int: ...
    @property
    def memory_bytes(self) -> int | None: ...
    @property
    def overwrite(self) -> bool: ...
    @property
    def strict(self) -> bool: ...
    @property
    def compare(self) -> str | None: ...
    @property
    def compare_layout(self) -> Layout: ...
    @property
    def report(self) -> str | None: ...
    @property
    def protocols(self) -> tuple[str, ...]: ...
    @property
    def segment_seconds(self) -> float: ...
    @property
    def resume(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class JobFiles:
    """A job's files, checked and fitting; nothing but temporary files exists yet.

    `inputs` are files that are read beside the source, `clips` what is written beside the target, by a word
    for each.
    """

    job: Job
    inputs: Sequence[Path]
    reader: VideoReader
    writer: Writer
    compare: CompareWriter | None
    clips: dict[str, ClipWriter]
    device: str
    stamps: Mapping[Path, FileStamp | None]


def open_run(
    job: Job, opened: ExitStack, *, inputs: Sequence[Path] = (), excerpt: Excerpt | None = None
) -> JobFiles:
    """Open source and targets, the quick checks first.

    `inputs` are files it reads beside the source, `excerpt` the frames that it reads of that, all if None. A
    video longer than the job's segments, or of unknown length, gets a SegmentWriter, where there can be one.
    """
    device = choose_device(job.device)
    stamps = stamps_of([job.source, *inputs])
    reader = opened.enter_context(
        open_video(
            job.source,
            start=job.start,
            stop=job.stop,
            rate=job.rate,
            threads=job.threads,
            protocols=job.protocols,
            excerpt=excerpt,
            cuda_device=device_number(device),
        )
    )
    if job.report is not None:
        check_target(Path(job.report), sources=[Path(job.source), *inputs], overwrite=True)
    writer = opened.enter_context(
        open_writer(
            job.target,
            reader,
            options=job.encode,
            overwrite=job.overwrite,
            strict=job.strict,
            in_segments=is_long(job, reader.meta),
        )
    )
    compare, clips = None, dict[str, ClipWriter]()
    if job.compare is not None:
        compare = opened.enter_context(_comparison(job, reader))
        clips["compare"] = compare.clip
    return JobFiles(job, inputs, reader, writer, compare, clips, device, stamps)


def is_long(job: Job, meta: VideoMeta) -> bool:
    """Tell whether the work is worth keeping, and what it is made from can be told when it is run again."""
    if not job.segment_seconds or job.source == "-" or job.protocols:
        return False
    frames = frames_about(meta)
    return frames is None or frames > job.segment_seconds * meta.rate


def frames_about(meta: VideoMeta) -> int | None:
    """Return how many frames there are, by the duration where no count is told; None without either."""
    if meta.frame_count is None and meta.duration_seconds is not None:
        return round(meta.duration_seconds * meta.rate)
    return meta.frame_count


def check_apart(name: str, place: str, target: str) -> None:
    """Refuse a further file to write that is the target; raises TargetError."""
    if place_of(place) == place_of(target):
        raise TargetError(f"{name} and the target are both {place!r}; give them different names")


def further_clip(name: str, place: str, job: Job, meta: VideoMeta) -> ClipWriter:
    """Open a clip that is written beside the target, as the option `name` asks for."""
    check_apart(name, place, job.target)
    sources = [path for path in (Path(job.source),) if path.is_file()]
    return ClipWriter(check_target(Path(place), sources=sources, overwrite=job.overwrite), meta)


def _comparison(job: Job, reader: VideoReader) -> CompareWriter:
    place = str(job.compare)
    check_apart("--compare", place, job.target)
    sources = tuple(path for path in (Path(job.source),) if path.is_file())
    return CompareWriter(
        place, reader.meta, layout=job.compare_layout, overwrite=job.overwrite, sources=sources
    )
