"""The finished segments of a job, kept beside its target so that the same command goes on from them.

The state folder of a target holds `state.json`, which says what the segments were made from and how, and for
each segment a record, the files with its pictures, and what the next segment needs of it. A record is written
last, whole or not at all, and names its files by their hashes: what is damaged is noticed and made again.
It is JSON and arrays of numbers; nothing is unpickled.
"""

from __future__ import annotations

import json
import shutil
from array import array
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict
from hashlib import file_digest, sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar
from zipfile import BadZipFile

import numpy as np

from vrestore.errors import TargetError
from vrestore.files import commit, part_beside, writing
from vrestore.media.container.segment_files import CONTAINERS, Segment
from vrestore.methods.base import Values
from vrestore.methods.segmenter import C
from vrestore.run.state_folder import sole_writer, work_folder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
"""What is counted, of values that JSON holds."""

VERSION = 5
PICTURE = "picture"
"""The label of the target's own segments; further clips have others."""

MORE_MEMORY = "what an earlier run left was made with more memory; it is made again"

_HEAD = "state.json"
_OURS = {".json", ".npz", *CONTAINERS.values()}
"""Suffixes of what is removed; the lock and a batch's logs may lie there too."""

_DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, BadZipFile, EOFError)


class CheckpointStore(Generic[C, T]):
    """The finished segments of a target: those that an earlier run left, and those that come.

    Args:
        target: whose segments they are.
        facts: returns what they are made from and how, each fact under the word for it; asked once, when it
            is first needed, because it means reading the sources.
        numbers: those of the plan that the result depends on.
        carried, tally: what a segment needs of the one before, and what is counted.
        check: raises an error if what is read has changed meanwhile.
        number, start: where only a part of the picture is made, its first segment and frame.

    `segments` by label, `tally` and `carried` are what an earlier run left, nothing until `load` is called.
    """

    def __init__(
        self,
        target: str,
        *,
        facts: Callable[[], Mapping[str, str]],
        numbers: Mapping[str, Any],
        carried: type[C],
        tally: type[T],
        check: Callable[[], None],
        number: int = 0,
        start: int = 0,
    ) -> None:
        self._target, self._folder = target, work_folder(target)
        self._number, self._first = number, start
        self._facts, self._check = facts, check
        self.numbers = numbers
        self._kind_of_carried, self._kind_of_tally = carried, tally
        self._forget()

    @property
    def folder(self) -> Path:
        """Where the segments lie."""
        return self._folder

    @property
    def start(self) -> int:
        """The number of the first frame that no finished segment holds."""
        return self.segments[PICTURE][-1].stop if PICTURE in self.segments else self._first

    @property
    def number(self) -> int:
        """The number of the segment that comes next."""
        return self._number + len(self.segments.get(PICTURE, ()))

    def load(self) -> str:
        """Take over what an earlier run left; returns the reason where not all of it can be, else nothing."""
        reason = self._load() if (self._folder / _HEAD).exists() else ""
        self._clear()
        return reason

    def share(self, max_bytes: int) -> str:
        """Let parts be kept here by other processes; returns the reason where what lies here does not fit.

        A plan that needs no more than `max_bytes` is taken over, all that does not fit is removed.
        """
        own = self.numbers
        reason = self._load_head() if (self._folder / _HEAD).exists() else ""
        if not reason and self.numbers.get("expected_bytes", 0) > max_bytes:
            reason = MORE_MEMORY
        if reason:
            self.numbers = own
            self.drop()
        with writing(self._target):
            self._write_head()
        return reason

    def leave(self) -> None:
        """Remove what other processes were told for segments of which there is none."""
        if not any(self._folder.glob("[0-9]*.json")):
            _remove_all(self._folder)

    def load_part(self, stop: int) -> None:
        """Take over the segments of a part that ends before the frame `stop`, as far as they are whole."""
        self._load_records(stop)
        self._since = self.start

    def drop(self) -> None:
        """Remove all segments."""
        self._forget()
        self._clear()

    def keep(self, segments: Mapping[str, Segment], tally: T, carried: C | None) -> None:
        """Remember a segment, of each file a part, and wait until that is on the disk.

        Args:
            segments: by label.
            tally: what was counted up to its end, from the start of the part that this process makes.
            carried: what the next one needs of it.
        """
        number = self.number
        with writing(self._target):
            self._write_head()
            self._check()  # before the record: a segment of a source that changed must not be taken over
            values: Values = {
                "segments": {label: _described(segment) for label, segment in segments.items()},
                "since": self._since,
                "tally": asdict(tally),
                "carried": None if carried is None else self._write_carried(number, carried),
            }
            self._write(self._record(number), _sealed(values))
        for label, segment in segments.items():
            self.segments.setdefault(label, []).append(segment)

    def _forget(self) -> None:
        self.segments: dict[str, list[Segment]] = {}
        self.tally = self._kind_of_tally()
        self.carried: C | None = None
        self._since = 0
        self._totals: dict[int, T] = {}

    def _load(self) -> str:
        return self._load_head() or self._load_records()

    def _load_head(self) -> str:
        try:
            head = _unsealed(self._folder / _HEAD)
            facts, numbers = head["facts"], head["numbers"]
        except _DAMAGE as error:
            return f"what an earlier run left is damaged ({_reason(error)}); it is made again"
        others = [word for word, fact in self._facts().items() if facts.get(word) != fact]
        if others:
            return f"what an earlier run left is of another {', '.join(others)}; it is made again"
        self.numbers = numbers
        return ""

    def _load_records(self, stop: int | None = None) -> str:
        # Up to the first that is missing or damaged: what comes behind was made from what was carried over
        # it.
        for number in count(self._number):
            if stop is not None and self.start >= stop:
                return ""
            try:
                if not self._record(number).exists():
                    return ""
                self._take(number, _unsealed(self._record(number)))
            except _DAMAGE as error:
                return f"segment {number} of an earlier run is damaged ({_reason(error)}); it is made again"
        return ""

    def _take(self, number: int, values: dict[str, Any]) -> None:
        """Take over a segment, if all of it is as it was written."""
        found = {label: self._segment(said) for label, said in values["segments"].items()}
        tally = self._kind_of_tally(**values["tally"])
        self.carried = None if values["carried"] is None else self._read_carried(number, values["carried"])
        since = int(values["since"])
        # A part counts from its own start. Parts are taken over in order, so what was counted up to there is
        # known.
        if since:  # counted by a process that made a part
            tally = self._totals.get(since, self._kind_of_tally()) + tally  # type: ignore[operator]  # such can be
        self.tally = self._totals[found[PICTURE].stop] = tally
        for label, segment in found.items():
            self.segments.setdefault(label, []).append(segment)

    def _segment(self, said: dict[str, Any]) -> Segment:
        path = self._folder / Path(said["file"]).name
        _check_sum(path, said["sha256"])
        lists = (array("q", said[name]) for name in ("stamps", "ranks", "durations"))
        return Segment(path, int(said["first"]), *lists)

    def _write_carried(self, number: int, carried: C) -> str:
        place = self._carried(number)
        self._write(place, lambda file: np.savez(file, **carried.packed()))  # type: ignore[arg-type]  # no allow_pickle
        return _sum(place)

    def _read_carried(self, number: int, digest: str) -> C:
        _check_sum(self._carried(number), digest)
        with np.load(self._carried(number), allow_pickle=False) as arrays:
            return self._kind_of_carried.unpacked(dict(arrays))

    def _write_head(self) -> None:
        """Write what the segments are made from and how, unless it is there."""
        if not (self._folder / _HEAD).exists():
            head = {"facts": dict(self._facts()), "numbers": dict(self.numbers)}
            self._write(self._folder / _HEAD, _sealed(head))

    def _write(self, place: Path, put: Callable[[BinaryIO], object]) -> None:
        """Write a file whole or not at all, and wait until it is on the disk."""
        part = part_beside(place)
        try:
            with part.open("wb") as file:
                put(file)
            commit(part, place)
        finally:
            part.unlink(missing_ok=True)

    def _record(self, number: int) -> Path:
        return self._folder / f"{number:06}.json"

    def _carried(self, number: int) -> Path:
        return self._folder / f"{number:06}.npz"

    def _clear(self) -> None:
        """Remove what belongs to no segment that is taken over."""
        known = {segment.path for segments in self.segments.values() for segment in segments}
        for number in range(len(self.segments.get(PICTURE, ()))):
            known |= {self._record(number), self._carried(number), self._folder / _HEAD}
        _remove_all(self._folder, but=known)


def drop_segments(target: str) -> None:
    """Remove all that is kept for a target, unless another run is at it; to be called once it is done."""
    if target != "-" and work_folder(target).is_dir():
        with suppress(TargetError), sole_writer(target):
            _remove_all(work_folder(target))


def frames_kept(target: str) -> int:
    """Return how many frames of an unfinished target are kept for a run that goes on with it."""
    if target == "-":
        return 0
    frames = 0
    for number in count():
        try:
            said = _unsealed(work_folder(target) / f"{number:06}.json")["segments"][PICTURE]
            frames = said["first"] + len(said["stamps"])
        except _DAMAGE:
            return frames
    return frames


def _remove_all(folder: Path, *, but: Collection[Path] = ()) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix not in _OURS or path in but:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _described(segment: Segment) -> Values:
    return {
        "file": segment.path.name,
        "sha256": _sum(segment.path),
        "first": segment.first,
        "stamps": list(segment.stamps),
        "ranks": list(segment.ranks),
        "durations": list(segment.durations),
    }


def _sealed(values: Mapping[str, object]) -> Callable[[BinaryIO], object]:
    """Return what writes values with a sum by which damage to them is noticed."""
    # The sum is of the text with sorted keys, which reading and writing again does not change.
    text = json.dumps(values, sort_keys=True)
    line = {"v": VERSION, "sum": sha256(text.encode()).hexdigest(), "values": values}
    return lambda file: file.write(json.dumps(line).encode() + b"\n")


def _unsealed(place: Path) -> dict[str, Any]:
    """Read values again; raises one of the errors of _DAMAGE where they are not what was written."""
    line = json.loads(place.read_bytes())
    values: dict[str, Any] = line["values"]
    if line["v"] != VERSION or line["sum"] != sha256(json.dumps(values, sort_keys=True).encode()).hexdigest():
        raise ValueError(f"{place.name} is not what was written")
    return values


def _check_sum(path: Path, expected: str) -> None:
    if _sum(path) != expected:
        raise ValueError(f"{path.name} is not what was written")


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{Path(str(error.filename)).name} is missing"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is no JSON"
    return str(error) or type(error).__name__
