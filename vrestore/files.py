"""Files: checked before the work, written beside their place, moved there when they are whole."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import av

from vrestore.errors import InputError, TargetError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two letters at least: `c:` is a drive of Windows

_IS_WINDOWS = sys.platform == "win32"
_RESERVED = re.compile(r"(CON|CONIN\$|CONOUT\$|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Devices of Windows, whatever extension they are given."""
_FORBIDDEN = set('<>:"|?*') | {chr(code) for code in range(32)}
_WINDOWS_PATH = 259  # characters (MAX_PATH without its end), unless the system was told to allow long paths
_REPLACE_TRIES, _REPLACE_SECONDS = 20, 0.1
"""On Windows a virus scanner or an indexer may have a file open just after it was written."""

_STEM_BYTES = 100
"""So much of a target's name goes into that of its unfinished part: names are not longer than 255 bytes."""


def check_source_file(source: str) -> None:
    """Raise InputError unless `source` is a readable file with something in it."""
    path = Path(source)
    try:
        if path.is_dir():
            raise InputError(f"{source!r} is a folder; give a video file or a folder of images")
        if not path.exists():
            if _ADDRESS.match(source) and not path.anchor:
                raise InputError(f"{source!r} is not a file; download it first, only local files are read")
            raise InputError(f"{source!r} does not exist")
        if not path.is_file():
            raise InputError(f"{source!r} is not a regular file")
        if path.stat().st_size == 0:
            raise InputError(f"{source!r} is empty (0 bytes)")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise InputError(f"{source!r} cannot be read ({reason_of(error)})") from error


def place_of(target: str | Path) -> Path:
    """Return the path that a target's name stands for, links followed.

    Raises TargetError for a link that leads round in a circle and for what can be no path.
    """
    check_name(Path(target), name=str(target))  # first: Windows itself already drops dots and finds devices
    try:
        place = Path(os.path.realpath(target))
        if not place.is_symlink():  # realpath stops where a link leads back to itself
            return place
    except (OSError, ValueError) as error:
        raise TargetError(f"{str(target)!r} cannot be written ({reason_of(error)})") from error
    raise TargetError(f"{str(target)!r} cannot be written: its links lead round in a circle")


def check_target(target: Path, *, sources: Iterable[Path], overwrite: bool) -> Path:
    """Return the path to write to (links followed) once nothing speaks against it.

    Raises TargetError when it exists and may not be overwritten, is one of the sources, is a folder,
    or when its folder is missing or cannot be written.
    """
    name = str(target)
    place = place_of(target)
    with writing(name):
        for source in sources:
            if place.exists() and source.exists() and place.samefile(source):
                raise TargetError(f"{name!r} is the source; a file is never restored onto itself")
        if place.is_dir():
            raise TargetError(f"{name!r} is a folder; give a file name")
        if place.exists() and not stat.S_ISREG(place.stat().st_mode):
            raise TargetError(f"{name!r} is not a regular file")
        if place.exists() and not overwrite:
            raise TargetError(f"{name!r} exists; pass -y to overwrite it")
    check_folder(place.parent, name=name)
    return place


def check_name(place: Path, *, name: str) -> None:
    """Raise TargetError for what Windows takes for another name, where this is Windows."""
    if not _IS_WINDOWS:
        return
    reason = windows_refusal(place.name)
    length = len(str(part_beside(place.absolute()))) if place.name else 0  # longer than the target's own
    if reason is None and length > _WINDOWS_PATH and not _has_long_paths():
        reason = f"its unfinished part has a path of {length} characters, Windows allows {_WINDOWS_PATH}"
    if reason is not None:
        raise TargetError(f"{name!r} cannot be written: {reason}; give another name")


def windows_refusal(name: str) -> str | None:
    """Say why Windows has no file of this name, None where it has.

    It opens a device for `nul.mp4`, drops a dot or space at the end, and writes a hidden stream beside the
    file `a` for `a:b`; none of them says a word.
    """
    if _RESERVED.fullmatch(name):
        return f"{name.partition('.')[0]!r} is a device of Windows"
    if name.endswith((".", " ")):
        return "Windows drops dots and spaces at the end of a name"
    found = sorted(_FORBIDDEN & set(name))
    return f"Windows allows no {found[0]!r} in a name" if found else None


def _has_long_paths() -> bool:
    """Tell whether this Windows allows paths beyond MAX_PATH (a switch of the system since Windows 10)."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.WinDLL("ntdll").RtlAreLongPathsEnabled())
    else:  # noqa: RET505 - what follows a return is unreachable to mypy on the other systems
        return False


def check_folder(folder: Path, *, name: str) -> None:
    """Raise TargetError unless files can be made in the folder."""
    if not folder.exists():
        raise TargetError(f"{name!r} cannot be written: there is no folder {str(folder)!r}")
    if not folder.is_dir():
        raise TargetError(f"{name!r} cannot be written: {str(folder)!r} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise TargetError(f"{name!r} cannot be written: no permission to write to {str(folder)!r}")


def part_beside(place: Path) -> Path:
    """Return a name in the same folder that nothing has yet, hidden and with the same extension."""
    return place.with_name(f"{_part_stem(place)}{secrets.token_hex(4)}{place.suffix}")


def parts_of(place: Path) -> list[Path]:
    """Return the unfinished parts, files or folders, that lie beside a place under names of `part_beside`."""
    name = re.compile(re.escape(_part_stem(place)) + "[0-9a-f]{8}" + re.escape(place.suffix))
    return [path for path in place.parent.iterdir() if name.fullmatch(path.name)]


def _part_stem(place: Path) -> str:
    stem = os.fsencode(place.name.removesuffix(place.suffix))
    if len(stem) > _STEM_BYTES:  # what is cut off still tells one target from another
        stem = stem[:_STEM_BYTES] + sha256(stem).hexdigest()[:16].encode()
    return f".{stem.decode(errors='ignore')}.part"


def commit(part: Path, place: Path) -> None:
    """Put the finished part, which nobody has open any more, on the disk and under its final name."""
    with writing(str(place)):
        synchronise(part)
        replace(part, place)
        synchronise(place.parent)


def replace(part: Path, place: Path) -> None:
    """Give a file or folder the name of another in one step; wait on Windows where somebody has one open.

    Raises PermissionError when that does not end within a few seconds.
    """
    for _ in range(_REPLACE_TRIES if _IS_WINDOWS else 0):
        try:
            part.replace(place)
        except PermissionError:
            time.sleep(_REPLACE_SECONDS)
        else:
            return
    part.replace(place)


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn what the system or FFmpeg say against writing into TargetError."""
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        raise TargetError(f"{name!r} cannot be written ({reason_of(error)})") from error


def synchronise(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if _IS_WINDOWS and path.is_dir():
        return  # Windows opens no folders, and keeps names in its journal
    # Windows flushes only what was opened for writing; elsewhere a file may be read-only.
    handle = os.open(path, os.O_RDWR if _IS_WINDOWS else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reason_of(error: Exception) -> str:
    """Return the error in one line, without paths and codes."""
    if isinstance(error, av.FFmpegError | OSError) and error.strerror:
        return str(error.strerror).splitlines()[0].lower()
    return str(error).splitlines()[0] if str(error) else type(error).__name__
