"""Jobs in a TOML file, checked whole before the first frame.

output = "restored"          # where targets lie that do not say otherwise
[defaults]                   # options of all jobs that know them
quality = "draft"
[[job]]
command = "inpaint"          # or another one that writes a video; options are those of the command
source = "a.mp4"             # relative to the file, like every path in it
mask = "a.png"
target = "a.clean.mp4"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vrestore.batching.task_list import check_distinct, ordered
from vrestore.errors import InputError, MaskError, TargetError, UsageError, VRestoreError
from vrestore.files import check_folder, check_source_file, place_of, reason_of
from vrestore.media.images.sequence import images_of, is_pattern, is_sequence
from vrestore.models.library import SUFFIX
from vrestore.option_schema import Plain, files_of, options_of, words_for_files
from vrestore.parallel.task import Task, job_of
from vrestore.run.job import PATCH_SUFFIX, command_named, default_target
from vrestore.run.options import RunOptions
from vrestore.run.state_folder import STATE_FOLDER

_LARGEST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """The jobs of a file. `base` is where targets lie that do not say otherwise, `state` has the journal."""

    tasks: list[Task]
    base: Path
    state: Path


def read_manifest(path: Path) -> Manifest:
    """Read and check all jobs.

    Raises:
        UsageError: what is written is no TOML, or words that are not understood; two jobs with one target.
        InputError, MaskError, TargetError: a source or mask is missing, a target cannot be written.
    """
    values = _parsed(path)
    unknown = sorted(set(values) - {"output", "defaults", "job"})
    if unknown:
        raise UsageError(
            f"{str(path)!r}: there is no {unknown[0]!r}; known are output, [defaults] and [[job]]"
        )
    folder, defaults, jobs = path.parent, values.get("defaults", {}), values.get("job", [])
    output = values.get("output", "")
    if not isinstance(output, str) or not isinstance(defaults, dict):
        raise UsageError(f"{str(path)!r}: output is a string, [defaults] a table")
    tables = [job for job in jobs if isinstance(job, dict)] if isinstance(jobs, list) else []
    if not tables or tables != jobs:
        raise UsageError(f"{str(path)!r} holds no [[job]]")
    base = folder / output
    tasks, problems = [], []
    for number, job in enumerate(tables, 1):
        try:
            tasks.append(_task(dict(job), defaults, folder, output, where=f"{str(path)!r}, job {number}"))
        except VRestoreError as error:
            problems.append(error)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise type(problems[0])(f"{problems[0]}{more}")
    check_distinct(tasks)
    return Manifest(ordered(tasks), base, folder / STATE_FOLDER / path.name)


def _parsed(path: Path) -> dict[str, Plain]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise UsageError(f"{str(path)!r} is too large for a list of jobs")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, tomllib.TOMLDecodeError | RecursionError | UnicodeDecodeError):
            raise UsageError(f"{str(path)!r} is not TOML: {error}") from error
        raise InputError(f"{str(path)!r} cannot be read ({reason_of(error)})") from error


def _task(
    job: dict[str, Plain], defaults: Mapping[str, Plain], folder: Path, output: str, *, where: str
) -> Task:
    name, source, target = job.pop("command", None), job.pop("source", None), job.pop("target", None)
    if not isinstance(source, str) or not source or source == "-":
        raise UsageError(f"{where}: source is the name of a video, got {source!r}")
    if not isinstance(target, str | None) or target in {"", "-"}:
        raise UsageError(f"{where}: target is the name of a file, got {target!r}")
    command = command_named(str(name), where=where)
    kinds = (RunOptions, *command.options)
    options = {key: value for key, value in defaults.items() if key in options_of(*kinds)} | job
    for word in (*files_of("read", *kinds), *files_of("written", *kinds)):
        is_file = word in options and word not in words_for_files(options, *kinds)
        options |= {word: _placed(options[word], folder)} if is_file else {}
    if str(options.get("model", "")).endswith(SUFFIX):  # else it is a name
        options["model"] = _placed(options["model"], folder)
    place = str(folder / source)
    if target is not None:
        target = _below(folder / output, target)
    is_patch = bool(options.get("patch_only"))
    if target is None and output:
        named = Path(source).with_suffix(PATCH_SUFFIX) if is_patch else Path(source)
        target = _below(folder / output, named.name)
    task = Task(str(name), place, target or default_target(place, command, is_patch=is_patch), options)
    try:
        _check(task, [place, *job_of(task).reads], base=folder / output)
    except VRestoreError as error:
        raise type(error)(f"{where}: {error}") from error
    return task


def _below(folder: Path, name: str) -> str:
    return str(folder / name) + ("/" if name.endswith("/") else "")


def _placed(value: Plain, folder: Path) -> Plain:
    """Return paths from the manifest's folder; what is no path is left to be told of."""
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    return str(folder / value) if isinstance(value, str) else value


def _check(task: Task, reads: Iterable[str | Path], *, base: Path) -> None:
    """Raise for a source or mask that is not there and for a target that has no place."""
    for number, source in enumerate(reads):
        try:
            if is_sequence(source) or is_pattern(source):
                images_of(source)
            else:
                check_source_file(str(source))
        except InputError as error:
            raise (MaskError(f"mask {error}") if number else error) from error
    place = place_of(task.target)
    if not place.is_relative_to(base.resolve()):
        check_folder(place.parent, name=task.target)
    if place.is_dir() != task.target.endswith("/") and place.exists():
        raise TargetError(f"{task.target!r} is {'a folder' if place.is_dir() else 'no folder'}")
