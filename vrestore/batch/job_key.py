"""What makes two jobs the same: the content they read, their options, weights and version."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from vrestore import __version__
from vrestore.batch.journal import Journal
from vrestore.files import check_source_file
from vrestore.parallel.task import METHODS, Task
from vrestore.run.content_hash import FileHash, content_of, sum_of
from vrestore.run.file_stamps import files_behind, stamp_of

_NOT_OF_THE_RESULT = {"threads", "memory", "device", "overwrite", "target", "resume"}
"""Options that say how or where, not what."""


def key_of(task: Task, job: Any, *, journal: Journal, base: Path) -> str:  # noqa: ANN401 - any method's job
    """Return the key of a job in a journal, 64 hexadecimal digits.

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
        "reads": [content_of(source, partial(_known_sum, journal=journal)) for source in method.reads(job)],
        "weights": dict(method.weights(job)),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def sums_for(task: Task, job: Any, *, journal: Journal) -> list[FileHash]:  # noqa: ANN401
    """Return what a journal knows of the files that a job reads: its worker need not hash them again."""
    files = [file for source in METHODS[task.command].reads(job) for file in files_behind(source)]
    stamps = ((file, stamp_of(file)) for file in files)
    known = ((file, stamp, journal.sum(file, stamp)) for file, stamp in stamps if stamp)
    return [(str(file), list(stamp), digest) for file, stamp, digest in known if digest]


def _known_sum(file: Path, *, journal: Journal) -> str:
    """Return the hash of a file, from the journal where that has seen it in the same state."""
    check_source_file(str(file))
    stamp = stamp_of(file)
    known = journal.sum(file, stamp) if stamp else None
    if known:
        return known
    digest = sum_of(file)
    if stamp and stamp == stamp_of(file):
        journal.add_sum(file, stamp, digest)
    return digest
