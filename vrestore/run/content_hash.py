"""What a job reads, told by its content: files may be moved, renamed and touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import file_digest
from pathlib import Path

from vrestore.errors import InputError
from vrestore.files import check_source_file, reason_of
from vrestore.run.file_stamps import FileStamp, files_behind, stamp_of

FileHash = tuple[str, Sequence[int], str]
"""A file, its FileStamp and its hash."""

_KNOWN: dict[tuple[str, FileStamp], str] = {}


def preload_hashes(sums: Iterable[FileHash]) -> None:
    """Let this process take the hashes of files for those that another one has taken, until they change."""
    _KNOWN.update({(name, FileStamp(*stamp)): digest for name, stamp, digest in sums})


def content_of(source: str | Path, summed: Callable[[Path], str]) -> list[tuple[str, str]]:
    """Return the hash of each file behind a source; images are told by their names, which say their order."""
    files = files_behind(source)
    is_one = files == [Path(source)]
    return [("" if is_one else file.name, summed(file)) for file in files]


def sum_of(file: Path) -> str:
    """Return the hash of a file's content, read unless it is known; raises InputError when it cannot."""
    check_source_file(str(file))
    stamp = stamp_of(file)
    if stamp and (str(file), stamp) in _KNOWN:
        return _KNOWN[str(file), stamp]
    try:
        with file.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{str(file)!r} cannot be read ({reason_of(error)})") from error
