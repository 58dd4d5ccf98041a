"""Parts of a video that can be worked on side by side, and what a worker needs to know of one.

A part begins at a border that needs nothing of what is before it. What is known of its frames, their times,
sums by which others are noticed, the starts of scenes and the holes, lies in a file beside the segments.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zipfile import ZIP_DEFLATED, ZipFile
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from vrestore.errors import InputError
from vrestore.files import writing
from vrestore.frames import Box, Frame, Hole, HoleSummary
from vrestore.methods.sharding import Met, Shard

_FAST = 1  # level of zlib; alpha is mostly 0 and 255
_CACHED_HOLES = 8  # at a time; neighboring frames often share one


@dataclass(frozen=True, slots=True)
class ShardTask:
    """A part in plain words, for a worker.

    Its frames are those from `start` to before `stop`, of a reader's whole; its first segment has that
    `number`, and all its segments are `segments`. The whole begins with the source's frame `first_index` at
    `first_pts`. A source that `is_damaged` may be decoded to other frames each time. `opened`
    says what a worker must know of the opened method.
    """

    number: int
    segments: int
    start: int
    stop: int
    first_index: int
    first_pts: int
    is_damaged: bool
    opened: dict[str, Any]

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.stop - self.start


def shard_path(folder: Path, number: int) -> Path:
    """Return the file of the part that begins with the segment of a number."""
    return folder / f"part.{number:06}.npz"


def frame_checksum(frame: Frame) -> int:
    """Return a number that tells a frame, with its time, from others."""
    value = crc32(f"{frame.pts} {frame.duration}".encode())
    for plane in frame.planes:
        value = crc32(np.ascontiguousarray(plane).data, value)
    return value


class ShardWriter:
    """Writes what is known of a part while its frames are met; `first` is the number of the first one."""

    def __init__(self, place: Path, first: int, *, name: str) -> None:
        self._first, self._name = first, name
        with writing(name):
            self._file = ZipFile(place, "w", ZIP_DEFLATED, compresslevel=_FAST)
        self._pts: list[int] = []
        self._checksums: list[int] = []
        self._scenes: list[bool] = []
        self._holes: list[int] = []
        self._last: deque[tuple[Hole, int]] = deque(maxlen=_CACHED_HOLES)
        self._count = 0

    def add(self, met: Met, checksum: int) -> None:
        """Take the next frame."""
        self._pts.append(met.shot.frame.pts)
        self._checksums.append(checksum)
        self._scenes.append(met.shot.starts_scene)
        self._holes.append(-1 if met.shot.hole is None else self._number(met.shot.hole))

    def finish(self, summaries: Sequence[HoleSummary | None], *, start: int, stop: int) -> None:
        """Write what is left, of the summaries of the whole those that say something of the part."""
        offset, own = _summaries_for(summaries, start, stop)
        boxes = [_numbers(box) for summary in own if summary for box in summary.parts]
        self._put("first", self._first)
        self._put("pts", np.array(self._pts, np.int64))
        self._put("sums", np.array(self._checksums, np.uint32))
        self._put("scenes", np.array(self._scenes, np.bool_))
        self._put("holes", np.array(self._holes, np.int32))
        self._put("summaries_first", offset)
        self._put("summaries", np.array([len(each.parts) if each else 0 for each in own], np.int32))
        self._put("summaries_boxes", np.array(boxes, np.int32).reshape(-1, 4))
        with writing(self._name):
            self._file.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        with suppress(OSError):
            self._file.close()

    def _number(self, hole: Hole) -> int:
        """Return the number under which a hole lies in the file; the last few are not written twice."""
        for known, number in self._last:
            if known is hole:
                return number
        number, self._count = self._count, self._count + 1
        self._put(f"alpha{number}", hole.alpha)
        boxes = [_numbers(box) for box in (hole.box, *hole.parts)]
        self._put(f"boxes{number}", np.array(boxes, np.int32))
        self._last.append((hole, number))
        return number

    def _put(self, name: str, values: NDArray[Any] | int) -> None:
        with writing(self._name), self._file.open(f"{name}.npy", "w") as member:
            np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)


class ShardFile:
    """What is known of a part, as a MaskSource and more; holes are read when they are asked for.

    Raises InputError where it cannot be read, as on a machine that does not see the folder.
    """

    def __init__(self, place: Path, task: ShardTask) -> None:
        self._first_index = task.first_index
        try:
            self._file = np.load(place, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{str(place)!r} cannot be read; do all machines see the target's folder under this name?"
            ) from error
        self._first, self._stop = int(self._file["first"]), task.stop
        self._pts, self._checksums = self._file["pts"], self._file["sums"]
        self._scenes, self._holes = self._file["scenes"], self._file["holes"]
        self._cache: OrderedDict[int, Hole] = OrderedDict()
        self._summaries = self._read_summaries()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def summaries(self) -> Sequence[HoleSummary | None]:
        return self._summaries

    @property
    def last(self) -> int:
        """The number of the last frame."""
        return self._first + len(self._pts) - 1

    def pts(self, position: int) -> int:
        """Return the timestamp of the frame of a number."""
        return int(self._pts[position - self._first])

    def checksum(self, position: int) -> int:
        """Return the checksum of the frame of a number, see `frame_checksum`."""
        return int(self._checksums[position - self._first])

    def from_frame(self, first: int) -> Shard:
        """Return the part for a method whose frames begin with the one of number `first`."""
        cuts = np.flatnonzero(self._scenes) + self._first
        return Shard(first, self._stop, frozenset(cuts.tolist()))

    def hole(self, frame: Frame) -> Hole | None:
        """Return the hole of a frame by its index in the source."""
        number = int(self._holes[frame.index - self._first_index - self._first])
        if number < 0:
            return None
        if number not in self._cache:  # the archive is read member by member, so memory stays small
            box, *parts = _boxes(self._file[f"boxes{number}"])
            self._cache[number] = Hole(box, self._file[f"alpha{number}"], tuple(parts))
            if len(self._cache) > _CACHED_HOLES:
                self._cache.popitem(last=False)
        return self._cache[number]

    def _read_summaries(self) -> list[HoleSummary | None]:
        boxes = iter(_boxes(self._file["summaries_boxes"]))
        before = [None] * int(self._file["summaries_first"])
        counts = self._file["summaries"].tolist()
        return before + [HoleSummary(tuple(islice(boxes, count)), 0) if count else None for count in counts]


def _summaries_for(
    summaries: Sequence[HoleSummary | None], start: int, stop: int
) -> tuple[int, Sequence[HoleSummary | None]]:
    """Return those from `start` on up to where no run goes on any more that began before `stop`."""
    # A hole that began in this part may go on behind it, and how it goes on decides where it is cut out.
    first = min(start, len(summaries) - 1)
    behind = range(max(stop, first), len(summaries))
    end = next((index for index in behind if summaries[index] is None), len(summaries) - 1)
    return first, summaries[first : end + 1]


def _numbers(box: Box) -> list[int]:
    return [box.x, box.y, box.width, box.height]


def _boxes(numbers: NDArray[Any]) -> Iterator[Box]:
    return (Box(*values) for values in numbers.tolist())
