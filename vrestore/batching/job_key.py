"""What makes two jobs the same: the content they read, their options, weights and version."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from pathlib import Path

from vrestore import __version__
from vrestore.batching.journal import Journal
from vrestore.files import check_source_file
from vrestore.option_schema import files_of, names_that, words_for_files
from vrestore.parallel.task import Task
from vrestore.run.content_hash import FileHash, content_of, sum_of
from vrestore.run.file_stamps import files_behind, stamp_of
from vrestore.run.job import Job
from vrestore.run.options import RunOptions, device_kind


def key_of(task: Task, job: Job, *, journal: Journal, base: Path) -> str:
    """Return the key of a job in a journal, 64 hexadecimal digits.

    Files count by their content, the target by its place below `base`, so that a folder may be moved and
    sources be renamed or touched. Of the options those count that affect the output, of the device its kind.
    Raises InputError for a source or mask that cannot be read.
    """
    target, kinds = Path(task.target), (RunOptions, *job.command.options)
    counted = {*names_that("output", *kinds)} - {*files_of("read", *kinds)}
    facts = {
        "version": __version__,
        "command": task.command,
        "target": str(target.relative_to(base) if target.is_relative_to(base) else target),
        "options": {name: value for name, value in task.options.items() if name in counted}
        | words_for_files(task.options, *kinds),
        "device": device_kind(job.run.device),
        "reads": [content_of(source, partial(_known_hash, journal=journal)) for source in _read_by(job)],
        "weights": dict(job.weights),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def hashes_for(job: Job, *, journal: Journal) -> list[FileHash]:
    """Return what a journal knows of the files that a job reads: its worker need not hash them again."""
    files = [file for source in _read_by(job) for file in files_behind(source)]
    stamps = ((file, stamp_of(file)) for file in files)
    known = ((file, stamp, journal.file_hash(file, stamp)) for file, stamp in stamps if stamp)
    return [(str(file), list(stamp), digest) for file, stamp, digest in known if digest]


def _read_by(job: Job) -> list[str | Path]:
    return [job.source, *job.reads]


def _known_hash(file: Path, *, journal: Journal) -> str:
    """Return the hash of a file, from the journal where that has seen it in the same state."""
    check_source_file(str(file))
    stamp = stamp_of(file)
    known = journal.file_hash(file, stamp) if stamp else None
    if known:
        return known
    digest = sum_of(file)
    if stamp and stamp == stamp_of(file):  # else it was written to while it was read
        journal.add_file_hash(file, stamp, digest)
    return digest
