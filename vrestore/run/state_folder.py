"""The folder beside a target that holds a job's state, and the lock that keeps two runs apart."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vrestore.errors import TargetError
from vrestore.files import parts_of, place_of, writing

STATE_FOLDER = ".vrestore"
"""Hidden beside targets; it goes when nothing is left in it."""

_TRIES = 10  # to take a lock whose file or folder goes at the same moment


def work_folder(target: str | Path) -> Path:
    """Return the folder for the state of the job that writes this target; nothing is made."""
    place = place_of(target)
    return place.parent / STATE_FOLDER / place.name


@contextmanager
def sole_writer(target: str) -> Iterator[None]:
    """Keep other runs from a target meanwhile, and clear away what a killed one left of it.

    Raises TargetError in one line when another process is at it. Standard output and folders that cannot
    be written to are left to whoever writes.
    """
    place = place_of(target)
    if target == "-" or not os.access(place.parent, os.W_OK | os.X_OK):
        yield
        return
    with locked(work_folder(target), what=repr(target)):
        for part in parts_of(place):
            shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)
        yield


@contextmanager
def locked(folder: Path, *, what: str) -> Iterator[None]:
    """Hold the lock of a state folder, which is made for it and removed with it when nothing else is in it.

    The system gives the lock back when its process dies, so that a dead process never stands in the way.
    """
    file = folder / "lock"
    with writing(what):
        handle = _taken(file, what=what)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(handle)
        with suppress(OSError):  # not empty, or gone with its parent
            folder.rmdir()
            folder.parent.rmdir()


def _taken(file: Path, *, what: str) -> int:
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(handle), file.stat()):
                    os.truncate(handle, 0)
                    os.write(handle, f"{os.getpid()} {socket.gethostname()}\n".encode())
                    return handle
            except BlockingIOError as error:
                owner = os.pread(handle, 300, 0).decode(errors="replace").split()
                os.close(handle)
                raise TargetError(
                    f"{what} is being written by {_named(owner)}; wait for it or stop it"
                ) from error
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
    raise TargetError(f"{what} is being written by other runs that come and go; try again")


def _named(owner: list[str]) -> str:
    return f"process {owner[0]} on {owner[1]}" if len(owner) == 2 else "another process"
