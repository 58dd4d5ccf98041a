"""A job as a value: a command, what it reads and writes, and what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vrestore.detect.base import Detector
from vrestore.detect.registry import detectors
from vrestore.errors import UsageError
from vrestore.media.images.sequence import is_pattern
from vrestore.methods.base import Method, Sharding, Values
from vrestore.methods.registry import methods
from vrestore.option_schema import (
    PathLike,
    as_plain,
    files_of,
    files_read,
    made_from,
    names_that,
    options_of,
    settings_of,
    words_for_files,
)
from vrestore.run.options import RunOptions

Command = Method | Detector
"""What a job is done by: both have options, and make something of a video."""

DETECTOR_PREFIX = "mask "
"""Detectors are commands below `vrestore mask`."""

PATCH_SUFFIX = ".mov"
"""Of files that hold a patch, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that a command can be told, checked: `options` are a value of each of its kinds."""

    command: Command
    source: str
    target: str
    run: RunOptions
    options: tuple[Any, ...]

    @property
    def is_resumable(self) -> bool:
        """Whether a later run can go on with what this one has done."""
        return isinstance(self.command, Method) and self.command.is_resumable

    @property
    def sharding(self) -> Sharding | None:
        """How several workers share the video, None where they cannot."""
        return self.command.sharding if isinstance(self.command, Method) else None

    @property
    def reads(self) -> list[Path]:
        """The files that are read beside the source, such as masks."""
        return [Path(path) for values in self.options for path in files_read(values)]

    @property
    def weights(self) -> Mapping[str, str]:
        """The hashes of the weights that are used, by name."""
        return self.command.weights(*self.options)

    @property
    def is_patch_only(self) -> bool:
        """Whether what is changed is written alone, with alpha."""
        return isinstance(self.command, Method) and self.command.is_patch_only(*self.options)

    def settings(self) -> Values:
        """Return all that was said, as reports call it."""
        settings: Values = {}
        for values in (self.run, *self.options):
            settings = merged(settings, settings_of(values))
        return settings | {"source": self.source, "target": self.target}

    def output_settings(self) -> Values:
        """Return what was said that affects the output, but for files, which count by what they hold."""
        told: Values = {}
        for values in (self.run, *self.options):
            kind = type(values)
            files = {*files_of("read", kind), *files_of("written", kind)}
            names = (name for name in names_that("output", kind) if name not in files)
            told |= {name: as_plain(getattr(values, name)) for name in names}
            told |= words_for_files({name: getattr(values, name) for name in files_of("read", kind)}, kind)
        return told


def make_job(command: Command, source: PathLike, **words: Any) -> Job:  # noqa: ANN401 - those of any command
    """Return the job for these words, those of RunOptions and of the command's own options.

    Raises TypeError for a word that neither knows, UsageError for values that are not allowed.
    """
    if isinstance(command, Detector):
        _check_for_masks(words)
    run, *options = made_from(words, RunOptions, *command.options)
    job = Job(command, str(source), str(run.target), run, tuple(options))
    if run.target is not None:
        return job
    return replace(job, target=default_target(str(source), command, is_patch=job.is_patch_only))


def command_named(name: str, *, where: str = "") -> Command:
    """Return a command by the words that follow `vrestore`, such as `inpaint` or `mask bright`.

    Raises UsageError, beginning with `where`, for any other.
    """
    commands: dict[str, Command] = {**methods()}
    commands |= {DETECTOR_PREFIX + detector: value for detector, value in detectors().items()}
    if name not in commands:
        begin = f"{where}: " if where else ""
        raise UsageError(f"{begin}command is one of {', '.join(commands)}, got {name!r}")
    return commands[name]


def command_words(command: Command) -> str:
    """Return the words that follow `vrestore` for a command."""
    return command.name if isinstance(command, Method) else DETECTOR_PREFIX + command.name


def default_target(source: str, command: Command, *, is_patch: bool = False) -> str:
    """Return `video.inpaint.mp4` beside `video.mp4`; for a folder or pattern of images a folder.

    A patch is `video.patch.mov`, since MOV holds alpha and editors read it.
    A file that exists is a file, whatever its name looks like: `50%done.mp4` is no pattern.
    A mask is a video of its own, whatever the source: `video.mask.mkv`.
    """
    path = Path(source)
    has_numbers = is_pattern(path) and not path.is_file()
    if isinstance(command, Detector):
        named = path.resolve() if path.name in {"", ".."} else path
        stem = named.name if path.is_dir() else named.stem
        stem = stem.replace("%", "") if has_numbers else stem
        return str(named.with_name(f"{stem}.mask.mkv"))
    if source == "-":
        return "-"
    if path.is_dir():
        return f"{_beside(path, command.name)}/"
    if has_numbers:
        return f"{_beside(path.parent, command.name)}/"
    if is_patch:
        return str(path.with_name(f"{path.stem}.patch{PATCH_SUFFIX}"))
    return str(path.with_name(f"{path.stem}.{command.name}{path.suffix}"))


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Values:
    """Return two tables as one, also the tables within them; what `other` says goes before."""
    both = dict(one)
    for name, value in other.items():
        before = both.get(name)
        is_table = isinstance(before, dict) and isinstance(value, Mapping)
        both[name] = merged(before, value) if is_table and before is not None else value
    return both


def _beside(folder: Path, method: str) -> Path:
    named = folder.resolve() if folder.name in {"", ".."} else folder
    return named.parent / f"{named.name}.{method}"


def _check_for_masks(words: Mapping[str, Any]) -> None:
    for name, each in options_of(RunOptions).items():
        if each.option.is_of_pictures and name in words:
            raise TypeError(f"{name!r} says how a picture is written, and a detector writes a mask")
