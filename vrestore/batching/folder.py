"""A folder of videos as tasks, and a folder that is watched for new ones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vrestore.batching.discover import Selection, find_videos, mask_for, name_of
from vrestore.batching.task_list import check_distinct
from vrestore.detect.base import Detector
from vrestore.errors import InputError, MaskError, UsageError
from vrestore.media.container.damage import ending_of
from vrestore.option_schema import Words, files_of
from vrestore.parallel.task import Task, job_of
from vrestore.run.file_stamps import FileStamp, stamps_of
from vrestore.run.job import PATCH_SUFFIX, command_named
from vrestore.run.options import RunOptions
from vrestore.run.state_folder import STATE_FOLDER

STEADY_SECONDS = 3.0
"""A file that has not changed for so long, and is whole as far as its own sizes say, is complete."""

_UNFINISHED = {".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".!ut", ".filepart"}


@dataclass(frozen=True, slots=True)
class FolderJobs:
    """One method for all videos of a folder.

    Args:
        command: the words after `vrestore`, such as `inpaint` or `mask bright`.
        folder: where the videos lie, in sub-folders too.
        output: where results go, in the same sub-folders; `FOLDER.COMMAND` beside it if None.
        masks: where the masks lie, see `discover.mask_for`; None where no video has one of its own.
        name: of a target, see `discover.name_of`; that of the source if None, `{stem}.mask.mkv` for masks
            and `{stem}.mov` for patches.
        selection: which files are taken.
        options: of the method, the same for all.
    """

    command: str
    folder: Path
    output: Path | None = None
    masks: Path | None = None
    name: str | None = None
    selection: Selection = field(default_factory=Selection)
    options: Words = field(default_factory=dict)

    def __post_init__(self) -> None:
        name_of(self.template, Path("stem.mp4"))
        if not self.folder.is_dir():
            raise InputError(f"{str(self.folder)!r} is no folder; a batch takes a folder of videos")
        if self.masks is not None and not self.masks.is_dir():
            raise MaskError(
                f"{str(self.masks)!r} is no folder; --masks takes one, --mask a mask for all videos"
            )
        command = command_named(self.command)
        for word in sorted({*files_of("written", RunOptions, *command.options)} & set(self.options)):
            raise UsageError(f"{word} is a file for one video; a list of jobs can name one for each")
        if os.path.realpath(self.base) == os.path.realpath(self.folder):
            raise UsageError(f"{str(self.base)!r} holds the sources; give the results a folder of their own")

    @property
    def template(self) -> str:
        """What targets are named by."""
        if self.name is not None:
            return self.name
        if isinstance(command_named(self.command), Detector):
            return "{stem}.mask.mkv"
        return f"{{stem}}{PATCH_SUFFIX}" if self.options.get("patch_only") else "{name}"

    @property
    def base(self) -> Path:
        """The folder of the results."""
        if self.output is not None:
            return self.output
        named = self.folder if self.folder.name not in {"", ".."} else self.folder.resolve()
        return named.parent / f"{named.name}.{command_named(self.command).name}"

    @property
    def state(self) -> Path:
        """The folder of the journal."""
        return self.base / STATE_FOLDER

    def tasks(self) -> list[Task]:
        """Return a task for each video; what has no mask is a task that is refused."""
        without = [self.base, *([self.masks] if self.masks else [])]
        if self.masks and os.path.realpath(self.masks) == os.path.realpath(self.folder):
            without.remove(self.masks)
        found = find_videos(self.folder, self.selection, without=without)
        return [self._task(inside) for inside in found]

    def checked_tasks(self) -> list[Task]:
        """Return the tasks once the options are understood and no two have one target.

        Raises UsageError for options that the method does not know, before anything is done.
        """
        tasks = self.tasks()
        check_distinct(tasks)
        understood = next((task for task in tasks if not task.refused), None)
        if understood is not None:
            job_of(understood)
        return tasks

    def _task(self, inside: Path) -> Task:
        source, target = self.folder / inside, self.base / inside.parent / name_of(self.template, inside)
        options, refused = dict(self.options), ""
        if self.masks is not None:
            try:
                given = options.get("mask")
                more = given if isinstance(given, list) else [given] if given else []
                options["mask"] = [str(mask_for(inside, self.masks)), *more]
            except MaskError as error:
                refused = str(error)
        return Task(self.command, str(source), str(target), options, refused)


def watched(jobs: FolderJobs, *, steady_seconds: float = STEADY_SECONDS) -> Iterator[Task | None]:
    """Yield a task for each video as it is complete, for ever; None while there is none.

    A video without its mask waits for it. One that is written again later is yielded again.
    """
    yielded: dict[str, dict[Path, FileStamp | None]] = {}
    seen: dict[str, tuple[float, dict[Path, FileStamp | None]]] = {}
    while True:
        try:
            tasks = jobs.tasks()
        except InputError:
            tasks = []  # still empty, or gone for a moment as network folders do
        for task in tasks:
            reads = task.options.get("mask")
            now = stamps_of([task.source, *map(str, reads if isinstance(reads, list) else [])])
            # A file still being copied changes between two looks, and its sizes do not match its content.
            since, before = seen.get(task.source, (0.0, None))
            if before != now:
                seen[task.source] = time.monotonic(), now
            elif (
                yielded.get(task.source) != now
                and time.monotonic() - since >= steady_seconds
                and not task.refused
                and _is_whole(Path(task.source))
            ):
                yielded[task.source] = now
                yield task
        yield None


def _is_whole(path: Path) -> bool:
    """Say whether a file is as long as it says itself; formats that do not say are taken as whole."""
    if path.suffix.lower() in _UNFINISHED:
        return False
    try:
        ending = ending_of(path)
    except OSError:
        return False
    return path.stat().st_size > 0 and ending.has_index and not ending.missing_bytes
