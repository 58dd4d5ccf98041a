"""Whether what a run reads stays the same while it reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from vrestore.errors import InputError
from vrestore.media.images.sequence import images_of, is_sequence


class FileStamp(NamedTuple):
    """What tells one state of a file from another; None where there is no file.

    Times are compared for being equal only, so that a clock that jumps does no harm.
    """

    inode: int
    size: int
    modified_ns: int


def stamp_of(path: Path) -> FileStamp | None:
    """Return the state of a file as it is now, None where it cannot be seen."""
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return FileStamp(seen.st_ino, seen.st_size, seen.st_mtime_ns)


def files_behind(source: str | Path) -> list[Path]:
    """Return the files that a source or mask stands for: itself, or the images of a folder or pattern.

    Nothing for standard input and for images that are not there.
    """
    if str(source) == "-":
        return []
    try:
        if is_sequence(source):
            return images_of(source)
    except (InputError, OSError):
        return []
    return [Path(source)]


def stamps_of(sources: Iterable[str | Path]) -> dict[Path, FileStamp | None]:
    """Return the state of every file behind the sources."""
    return {path: stamp_of(path) for source in sources for path in files_behind(source)}


def check_unchanged(before: Mapping[Path, FileStamp | None]) -> None:
    """Raise InputError when a file is not what it was."""
    for path, stamp in before.items():
        if stamp_of(path) == stamp:
            continue
        what = "changed" if os.path.lexists(path) else "vanished"
        raise InputError(f"{str(path)!r} {what} while it was read; run again when nobody writes to it")
