"""What makes two jobs the same: the content they read, their options, weights and version."""

from __future__ import annotations

import json
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from vrestore import __version__
from vrestore.errors import InputError
from vrestore.jobs.journal import Journal
from vrestore.jobs.steady import files_behind, stamp_of
from vrestore.jobs.task import METHODS, Task
from vrestore.media.demux import check_source_file, reason_of

_NOT_OF_THE_RESULT = {"threads", "memory", "device", "overwrite", "target"}
"""Options that say how or where, not what."""


def key_of(task: Task, job: Any, *, journal: Journal, base: Path) -> str:  # noqa: ANN401 - any method's job
    """Give the key of a job in a journal, 64 hexadecimal digits.

    Files count by their content, the target by its place below `base`, so that a folder may be moved and
    sources be renamed or touched. Raises InputError for a source or mask that cannot be read.
    """
    method = METHODS[task.command]
    target = Path(task.target)
    options = {name: value for name, value in task.options.items() if name not in _NOT_OF_THE_RESULT}
    facts = {
        "version": __version__,
        "command": task.command,
        "target": str(target.relative_to(base) if target.is_relative_to(base) else target),
        "options": {name: value for name, value in options.items() if name != "mask"},
        "reads": [_content(source, journal) for source in method.reads(job)],
        "weights": dict(method.weights(job)),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _content(source: str | Path, journal: Journal) -> list[tuple[str, str]]:
    """Give the hash of each file behind a source; images are told by their names, which say their order."""
    files = files_behind(source)
    is_one = files == [Path(source)]
    return [("" if is_one else file.name, _sum(file, journal)) for file in files]


def _sum(file: Path, journal: Journal) -> str:
    check_source_file(str(file))
    stamp = stamp_of(file)
    known = journal.sum(file, stamp) if stamp else None
    if known:
        return known
    try:
        with file.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{str(file)!r} cannot be read ({reason_of(error)})") from error
    if stamp and stamp == stamp_of(file):
        journal.add_sum(file, stamp, digest)
    return digest
