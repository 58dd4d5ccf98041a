"""The files of a picture that is written in segments: what each holds, and where they lie.

A segment is whole by itself, begins with a key frame and needs nothing of the others.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vrestore.media.encode.containers import can_hold
from vrestore.media.encode.encoding import Encoding

CONTAINERS = {"nut": ".nut", "matroska": ".mkv", "mov": ".mov"}
"""Containers of segments in order of preference, with the extension of a segment's file."""

_VPX = {"libvpx", "libvpx-vp9"}

Keep = Callable[["Segment"], None]
"""Is told of a segment that is whole, read again, and on the disk."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished part of a target's picture.

    `first` is the number of its first frame in the target, `stamps` are when its frames are shown there, in
    order. Of its packets, in the order of the file, `ranks` tell which of the frames each is, and `durations`
    how long it is shown, 0 where the encoder does not say.
    """

    path: Path
    first: int
    stamps: array[int]
    ranks: array[int]
    durations: array[int]

    @property
    def stop(self) -> int:
        """The number of the frame after its last one."""
        return self.first + len(self.stamps)

    @property
    def delay(self) -> int:
        """How many packets later than its turn a frame may come."""
        return max(position - rank for position, rank in enumerate(self.ranks))


def segment_container(encoding: Encoding) -> str | None:
    """Return the container for segments of this encoding, None where there is none that keeps all of it."""
    if encoding.encoder in _VPX and encoding.layout.alpha is not None:
        return None  # its transparency lies beside the packets
    return next((name for name in CONTAINERS if can_hold(name, encoding.encoder)), None)


@dataclass(frozen=True, slots=True)
class SegmentDir:
    """Where the segments of a picture lie, which there are, and at which frames a new one begins.

    `folder` holds them under `label` and a number. `finished` are the first ones, from an earlier run that
    wrote the same. `is_border` tells whether the frame of a number begins a segment, and is asked once for
    each, in order. `keep` is told of each finished segment, in the thread that writes. Where only a part of
    the picture is written, it begins with the frame `start`, which begins the segment `number`, and ends
    before the frame `stop`.
    """

    folder: Path
    label: str
    finished: Sequence[Segment]
    is_border: Callable[[int], bool]
    keep: Keep
    start: int = 0
    number: int = 0
    stop: int | None = None
