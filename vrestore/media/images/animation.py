"""Image files that hold more than one picture: animated PNG and WebP."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

_PNG, _ANIMATION_FLAG = b"\x89PNG\r\n\x1a\n", 0x02


def is_animation(path: Path) -> bool:
    """Say whether an image file holds several pictures; one that cannot be read does not."""
    try:
        with path.open("rb") as file:
            return _is_animated(file)
    except (OSError, ValueError):
        return False


def _is_animated(file: BinaryIO) -> bool:
    head = file.read(21)
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
        return bool(head[20:] and head[20] & _ANIMATION_FLAG)
    if head[:8] != _PNG:
        return False
    file.seek(len(_PNG))
    while len(chunk := file.read(8)) == 8 and chunk[4:] != b"IDAT":  # what makes a PNG animated lies before
        length = int.from_bytes(chunk[:4], "big")
        if chunk[4:] == b"acTL":
            return int.from_bytes(file.read(4), "big") > 1
        file.seek(length + 4, io.SEEK_CUR)  # and its sum
    return False
