"""When the picture of an MP4 or MOV ends, which its packets do not tell.

They are as long as it takes until the next one is decoded. How long a track is shown stands in its header
(ISO/IEC 14496-12: `tkhd`, in the ticks of `mvhd`), with an edit list (`elst`) counted from the movie's
beginning, without one from the track's first picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_MOST_BYTES = 1 << 28
"""An index larger than that is not looked into."""


@dataclass(frozen=True, slots=True)
class TrackLength:
    """How long a track is shown, in seconds, and of how many a tick of that is."""

    seconds: Fraction
    tick: Fraction
    is_from_start: bool


@dataclass(frozen=True, slots=True)
class TopBox:
    """A box of a file itself: where it begins, of how many bytes it is, and of how many its header."""

    name: bytes
    place: int
    size: int
    header: int


def top_boxes(file: BinaryIO, length: int) -> Iterator[TopBox]:
    """Yield the boxes of an MP4 or MOV of so many bytes; the last may be said to reach beyond them.

    What is smaller than a box's header is none, and the end.
    """
    position = 0
    while position + 8 <= length:
        file.seek(position)
        head = file.read(16)
        size, header = _number(head, 0), 8
        if size == 1:
            size, header = _number(head, 8, 8), 16
        elif size == 0:  # to the end of the file
            size = length - position
        if size < 8:
            return
        yield TopBox(head[4:8], position, size, header)
        position += size


def track_length(path: Path, track: int) -> TrackLength | None:
    """Return how long a track is shown; None where the file does not say or is no whole MP4 or MOV."""
    with path.open("rb") as file:
        movie = _movie(file)
    boxes = dict(_boxes(movie))
    header = boxes.get(b"mvhd", b"")
    tick = _number(header, 20 if header[:1] == b"\1" else 12)
    for name, content in _boxes(movie):
        inner = dict(_boxes(content)) if name == b"trak" else {}
        head = inner.get(b"tkhd", b"")
        is_long = head[:1] == b"\1"
        if tick and head and _number(head, 20 if is_long else 12) == track:
            length = _number(head, 28, 8) if is_long else _number(head, 20)
            has_edits = b"elst" in dict(_boxes(inner.get(b"edts", b"")))
            is_known = 0 < length < (2**64 - 1 if is_long else 2**32 - 1)
            return TrackLength(Fraction(length, tick), Fraction(1, tick), has_edits) if is_known else None
    return None


def _movie(file: BinaryIO) -> bytes:
    """Return what the box `moov` holds, nothing where there is none."""
    for box in top_boxes(file, file.seek(0, 2)):
        if box.name == b"moov" and box.header <= box.size <= _MOST_BYTES:
            file.seek(box.place + box.header)
            return file.read(box.size - box.header)
        if box.size < box.header:
            break
    return b""


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the boxes in a box, each with its name and what it holds."""
    position = 0
    while position + 8 <= len(content):
        size = _number(content, position)
        if size < 8:
            return
        yield content[position + 4 : position + 8], content[position + 8 : position + size]
        position += size


def _number(content: bytes, position: int, size: int = 4) -> int:
    return int.from_bytes(content[position : position + size], "big")
