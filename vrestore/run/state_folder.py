"""The folder beside a target that holds a job's state, and the lock that keeps two runs apart."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout, has_fcntl

from vrestore.errors import TargetError
from vrestore.files import parts_of, place_of, writing

STATE_FOLDER = ".vrestore"
"""The hidden folder beside targets; it goes when nothing is left in it."""

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

    The system releases the lock when its process dies, so that a dead process never stands in the way.
    Raises TargetError, which names the process that holds it.
    """
    file, owner = folder / "lock", folder / "owner"
    with writing(what):
        lock = _taken(file, owner, what=what)
    try:
        yield
    finally:
        # The lock file goes while it is still held, or it would be that of whoever comes next.
        for own in (owner, file) if has_fcntl else (owner,):
            with suppress(OSError):
                own.unlink()
        lock.release()  # this removes the file where there is no fcntl
        with suppress(OSError):  # not empty, or gone with its parent
            folder.rmdir()
            folder.parent.rmdir()


def _taken(file: Path, owner: Path, *, what: str) -> FileLock:
    for _ in range(_TRIES):
        with _folder_going(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(file, timeout=0, thread_local=False)
            try:
                lock.acquire()
            except Timeout as error:
                if not file.exists():  # it was removed while this process waited to open it
                    continue
                raise TargetError(
                    f"{what} is being written by {_named(owner)}; wait for it or stop it"
                ) from error
            try:
                # Not in the lock file itself: Windows lets nobody read what another process has locked.
                owner.write_text(f"{os.getpid()} {socket.gethostname()}\n", encoding="utf-8")
            except BaseException:
                lock.release()
                raise
            return lock
    raise TargetError(f"{what} is being written by other runs that come and go; try again")


@contextmanager
def _folder_going(folder: Path) -> Iterator[None]:
    """Pass over what the system says of a folder that its last user removes at the same moment."""
    try:
        yield
    except FileNotFoundError:
        return
    except FileExistsError:  # of mkdir, when the folder is gone before it looks again
        if any(path.exists() and not path.is_dir() for path in (folder, folder.parent)):
            raise


def _named(owner: Path) -> str:
    try:
        words = owner.read_text(encoding="utf-8", errors="replace").split()
    except OSError:  # not written yet, or gone already
        words = []
    return f"process {words[0]} on {words[1]}" if len(words) == 2 else "another process"
