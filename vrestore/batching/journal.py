"""What happened to each job, one line an event, kept through crashes: the memory of a batch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, Self, get_args

from vrestore.errors import InputError, TargetError
from vrestore.files import synchronise, writing
from vrestore.run.file_stamps import FileStamp

VERSION = 1

Event = Literal["started", "done", "failed", "sum"]

_LONGEST_LINE = 1 << 20  # bytes; ours are below 10 kB


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal knows of a job.

    `exit_code` is that of its last end. `is_open` says that it was begun and not ended, and `is_ours` that
    what lies at its target then is from it. `failures` are those that the job itself is to blame for.
    """

    is_done: bool = False
    is_open: bool = False
    is_ours: bool = False
    exit_code: int = 0
    target_bytes: int | None = None
    failures: int = 0
    error: str = ""
    log: str = ""


class Journal:
    """Reads what is there, then appends; every event but a file's sum is on the disk when `add` returns.

    A last line that is torn, as a power cut leaves it, is taken away. Raises InputError, with the number of
    the line, for any other line that is none of ours. It is JSON and read as JSON, nothing else.
    """

    def __init__(self, place: Path) -> None:
        self._name = str(place)
        self._pasts: dict[str, Past] = {}
        self._sums: dict[tuple[str, FileStamp], str] = {}
        with writing(self._name):
            is_new = not place.exists()
            self._file = place.open("ab", buffering=0)  # closing is to write nothing more
        try:
            self._read(place)
            if is_new:
                synchronise(place.parent)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def past(self, key: str) -> Past:
        """Return what is known of a job."""
        return self._pasts.get(key, Past())

    def file_hash(self, path: Path, stamp: FileStamp) -> str | None:
        """Return the hash that a file in this state had, None if it was never taken."""
        return self._sums.get((str(path), stamp))

    def add_file_hash(self, path: Path, stamp: FileStamp, digest: str) -> None:
        """Remember the hash of a file in a state."""
        self._write(
            {"event": "sum", "path": str(path), "stamp": list(stamp), "sha256": digest}, is_safe=False
        )

    def add(self, event: Event, key: str, **values: object) -> None:
        """Remember an event of a job and wait until it is on the disk."""
        self._write({"event": event, "key": key, "time": _now(), **values}, is_safe=True)

    def _write(self, values: Mapping[str, object], *, is_safe: bool) -> None:
        line = {"v": VERSION, **values}
        if not os.fstat(self._file.fileno()).st_nlink:
            raise TargetError(f"the journal {self._name!r} vanished; nothing more is written, run again")
        with writing(self._name):
            data = json.dumps(line).encode() + b"\n"
            while data:  # a disk that is nearly full takes a part, and says no to the rest
                data = data[self._file.write(data) :]
            if is_safe:
                os.fsync(self._file.fileno())
        self._take(line)  # only now: what could not be written is not known

    def _read(self, place: Path) -> None:
        whole = 0
        with writing(self._name), place.open("rb") as file:
            for number, (line, is_last) in enumerate(_lines(file), 1):
                try:
                    self._take(_values(line))
                except (ValueError, RecursionError, TypeError, KeyError) as error:
                    if is_last:
                        break
                    raise InputError(
                        f"line {number} of the journal {self._name!r} is not one that vrestore wrote "
                        f"({str(error) or type(error).__name__}); move the journal away to begin anew"
                    ) from error
                whole += len(line)
            self._file.truncate(whole)

    def _take(self, line: Mapping[str, object]) -> None:
        """Bring what is known up to date by one line."""
        event = line["event"]
        if event == "sum":
            self._sums[_text(line["path"]), FileStamp(*_numbers(line["stamp"], count=3))] = _text(
                line["sha256"]
            )
            return
        key = _text(line["key"])
        past = self.past(key)
        if event == "started":
            past = Past(is_open=True, is_ours=line["ours"] is True, failures=_number(line["failures"]))
        elif event == "done":
            size = line["target_bytes"]
            past = Past(
                is_done=True,
                exit_code=_number(line["exit_code"]),
                target_bytes=None if size is None else _number(size),
            )
        elif event == "failed":
            past = Past(
                exit_code=_number(line["exit_code"]),
                failures=past.failures + (line["counts"] is True),
                error=_text(line["error"]),
                log=_text(line["log"]),
            )
        else:
            raise ValueError(f"event is one of {', '.join(get_args(Event))}, got {event!r}")
        self._pasts[key] = past


def _lines(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield every line with whether it is the last one."""
    line = file.readline(_LONGEST_LINE)
    while line:
        following = file.readline(_LONGEST_LINE)
        yield line, not following
        line = following


def _values(line: bytes) -> dict[str, object]:
    if not line.endswith(b"\n"):
        raise ValueError("it has no end")
    values = json.loads(line)
    if not isinstance(values, dict):
        raise TypeError("it is no object")
    if values.get("v") != VERSION:
        raise ValueError(f"its version is {values.get('v')!r}, known is {VERSION}")
    return values


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a string is expected, got {value!r:.40}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a whole number is expected, got {value!r:.40}")
    return value


def _numbers(values: object, *, count: int) -> list[int]:
    if not isinstance(values, list) or len(values) != count:
        raise TypeError(f"{count} numbers are expected, got {values!r:.40}")
    return [_number(value) for value in values]


def _now() -> str:
    """Return the time for people to read; nothing is decided by it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
