"""What is missing from a source: frames that could not be decoded, a file that ends too early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vrestore.media.timing.movie_end import top_boxes

_MOVIE_BOXES = {b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"styp", b"sidx", b"uuid"}
_TRANSPORT_PACKET = 188  # bytes, each beginning with G
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


@dataclass(frozen=True, slots=True)
class Damage:
    """What a source could not give.

    `texts` are sentences for the report, one for each kind of damage; none when all is well.
    """

    corrupt_packets: int = 0
    corrupt_frames: int = 0
    truncated: bool = False
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a file's own sizes compare with its length; `has_index` is False for MP4 without moov.

    With `is_whole` an index of all samples says that none is missing, whatever is said of durations.
    """

    missing_bytes: int = 0
    has_index: bool = True
    is_whole: bool = False


def ending_of(path: Path) -> Ending:
    """Say whether the file ends before the end that its own structure declares.

    MP4 and MOV by their boxes, Matroska and WebM by the segment's size, AVI by the RIFF size, transport
    streams by their packets. Other
    files, and recordings whose size was left open, are taken as whole.
    """
    with path.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(0)
        head = file.read(12)
        file.seek(0)
        if head[4:8] in _MOVIE_BOXES:
            return _movie_ending(file, length)
        if head[:4] == _EBML:
            return _matroska_ending(file, length)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return Ending(max(0, 8 + int.from_bytes(head[4:8], "little") - length))
        file.seek(_TRANSPORT_PACKET)
        if head[:1] == b"G" == file.read(1):
            return Ending(-length % _TRANSPORT_PACKET)
    return Ending()


def describe(
    *, corrupt_packets: int, corrupt_frames: int, ending: Ending, missing_seconds: float, missing_frames: int
) -> Damage:
    """Put what was seen into words; 0 is nothing of that kind."""
    texts = []
    truncated = ending.missing_bytes > 0 or missing_seconds > 0 or missing_frames > 0
    if truncated:
        parts = [_many(missing_frames, "frame")] if missing_frames else []
        parts += [f"{missing_seconds:.2f} s"] if missing_seconds > 0 else []
        parts += [_many(ending.missing_bytes, "byte")] if ending.missing_bytes else []
        texts.append(f"the source ends too early: {', '.join(parts)} missing of what it declares")
    if corrupt_packets:
        texts.append(f"{_many(corrupt_packets, 'packet')} of the picture could not be decoded")
    if corrupt_frames:
        texts.append(f"{_many(corrupt_frames, 'frame')} decoded with errors")
    return Damage(corrupt_packets, corrupt_frames, truncated, tuple(texts))


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _movie_ending(file: BinaryIO, length: int) -> Ending:
    end, has_index, has_fragments = 0, False, False
    for box in top_boxes(file, length):
        end = box.place + box.size
        has_index |= box.name == b"moov" and end <= length
        has_fragments |= box.name == b"moof"
    missing = max(0, end - length)
    return Ending(missing, has_index, is_whole=has_index and not has_fragments and not missing)


def _matroska_ending(file: BinaryIO, length: int) -> Ending:
    file.seek(4)
    header = _ebml_size(file.read)
    if header is None:
        return Ending()
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return Ending()
    size = _ebml_size(file.read)
    return Ending() if size is None else Ending(max(0, file.tell() + size - length))


def _ebml_size(read: Callable[[int], bytes]) -> int | None:
    """Return the number at the file's position, None for "not known" and at the end of the file."""
    first = int.from_bytes(read(1), "big")
    if not first:
        return None
    more = 8 - first.bit_length()
    value = (first & ((1 << (7 - more)) - 1)) << (8 * more) | int.from_bytes(read(more), "big")
    return None if value == (1 << (7 * (more + 1))) - 1 else value
