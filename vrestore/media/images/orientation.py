"""How an image file says that it is to be turned: its Exif orientation, read and written.

Exif 2.32 (CIPA DC-008), section 4.6; it lies in APP1 of JPEG, in `eXIf` of PNG, in `EXIF` of WebP. A TIFF
file is such a block itself.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from vrestore.frames import Rotation

_TURNS = {
    1: Rotation(),
    2: Rotation(is_mirrored=True),
    3: Rotation(-180),
    4: Rotation(-180, is_mirrored=True),
    5: Rotation(-90, is_mirrored=True),
    6: Rotation(-90),
    7: Rotation(90, is_mirrored=True),
    8: Rotation(90),
}
_TAG, _SHORT, _ENTRY = 0x0112, 3, 12
_PNG, _EXIF = b"\x89PNG\r\n\x1a\n", b"Exif\0\0"
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_START_OF_SCAN = 0xDA


def orientation_of(data: bytes) -> Rotation:
    """Return how a viewer turns an image file, by its bytes; not at all where it does not say."""
    for block in _blocks(data):
        order = _BYTE_ORDERS.get(block[:4])
        if order is not None:
            return _TURNS.get(_orientation(block, order), Rotation())
    return Rotation()


def with_orientation(data: bytes, rotation: Rotation) -> bytes:
    """Return a JPEG, PNG or TIFF file that is to be turned, unless it says so already; others as they are."""
    if orientation_of(data) == rotation:
        return data
    number = next(
        number
        for number, turn in _TURNS.items()
        if turn.quarters == rotation.quarters and turn.is_mirrored == rotation.is_mirrored
    )
    entry = struct.pack(">HHIHH", _TAG, _SHORT, 1, number, 0)
    block = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    if data[:2] == b"\xff\xd8":
        return data[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(_EXIF + block)) + _EXIF + block + data[2:]
    if data[:8] == _PNG:
        named = b"eXIf" + block
        chunk = struct.pack(">I", len(block)) + named + struct.pack(">I", zlib.crc32(named))
        header = len(_PNG) + 25  # IHDR
        return data[:header] + chunk + data[header:]
    if data[:4] in _BYTE_ORDERS:
        return _with_entry(data, _BYTE_ORDERS[data[:4]], number)
    return data


def _blocks(data: bytes) -> Iterator[bytes]:
    """Yield what may be the blocks of Exif data in an image file, each beginning with its byte order."""
    if data[:4] in _BYTE_ORDERS:
        yield data
    elif data[:2] == b"\xff\xd8":
        yield from (part[len(_EXIF) :] for kind, part in _segments(data) if kind == 0xE1)
    elif data[:8] == _PNG:
        yield from (part for kind, part in _chunks(data, 8, order=">", tail=4) if kind == b"eXIf")
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        parts = (part for kind, part in _chunks(data, 12, order="<", tail=0) if kind == b"EXIF")
        yield from (part.removeprefix(_EXIF) for part in parts)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the content of each segment of JPEG before the picture's own."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != _START_OF_SCAN:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        yield data[place + 1], data[place + 4 : place + 2 + length]
        place += 2 + length


def _chunks(data: bytes, place: int, *, order: str, tail: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each chunk of PNG, where the length comes first, or of RIFF."""
    while place + 8 <= len(data):
        first, second = data[place : place + 4], data[place + 4 : place + 8]
        name, counted = (second, first) if order == ">" else (first, second)
        (length,) = struct.unpack(f"{order}I", counted)
        yield name, data[place + 8 : place + 8 + length]
        place += 8 + length + tail + (length % 2 if order == "<" else 0)


def _orientation(block: bytes, order: str) -> int:
    """Return the number that the first directory of a block has for the orientation, 0 without one."""
    for tag, _, _, value in _entries(block, order)[0]:
        if tag == _TAG:
            return int(struct.unpack(f"{order}H", value[:2])[0])
    return 0


def _entries(block: bytes, order: str) -> tuple[list[tuple[int, int, int, bytes]], bytes]:
    """Return the entries of the first directory (tag, type, count, four bytes of value), and what follows."""
    if len(block) < 8:
        return [], b""
    (place,) = struct.unpack_from(f"{order}I", block, 4)
    count = int.from_bytes(block[place : place + 2], "little" if order == "<" else "big")
    held, end = block[place + 2 : place + 2 + count * _ENTRY], place + 2 + count * _ENTRY
    whole = held[: len(held) // _ENTRY * _ENTRY]
    return list(struct.iter_unpack(f"{order}HHI4s", whole)), block[end : end + 4]


def _with_entry(data: bytes, order: str, number: int) -> bytes:
    """Return a TIFF file whose first directory is written anew at its end, with the orientation."""
    entries, following = _entries(data, order)
    own = (_TAG, _SHORT, 1, struct.pack(f"{order}HH", number, 0))
    entries = sorted([entry for entry in entries if entry[0] != _TAG] + [own])
    padded = data + bytes(len(data) % 2)
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(
        struct.pack(f"{order}HHI4s", *entry) for entry in entries
    )
    return padded[:4] + struct.pack(f"{order}I", len(padded)) + padded[8:] + directory + following
