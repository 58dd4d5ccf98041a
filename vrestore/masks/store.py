"""The masks of a whole clip, packed, each different one once.

Bits of the bounding box, deflated, in a file that lies in memory while it is small: an hour of masks
costs megabytes, and the memory in use does not grow with the clip.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
import zlib
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

import cv2
import numpy as np

from vrestore.errors import MaskError
from vrestore.frames import MaskArray

EMPTY = 0
"""The number under which the mask without pixels is kept."""

_MEMORY_BYTES = 16 << 20
_FAST = 1  # zlib level: 0.03 ms for a 480p mask, higher ones save little on masks
_BOX = Struct("<4i")


class _Entry(NamedTuple):
    offset: int
    length: int
    box: tuple[int, int, int, int]


class MaskStore:
    """Keeps masks of one size and gives them back by number; may be used from several threads."""

    def __init__(self, *, height: int, width: int) -> None:
        self._shape = height, width
        self._entries = [_Entry(0, 0, (0, 0, 0, 0))]
        self._numbers: dict[bytes, int] = {}
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115 - closed by close()
        self._end = 0
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, self._file.close)

    def add(self, mask: MaskArray | None) -> int:
        """Keep a mask (H, W) and return its number, the old one if an equal mask is kept already."""
        if mask is None:
            return EMPTY
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        if not width:
            return EMPTY
        bits = np.packbits(mask[y : y + height, x : x + width])
        data = zlib.compress(bits.tobytes(), _FAST)
        digest = blake2b(data, key=_BOX.pack(x, y, width, height), digest_size=16).digest()
        with self._lock:
            if digest not in self._numbers:
                self._append(data)
                self._numbers[digest] = len(self._entries)
                self._entries.append(_Entry(self._end - len(data), len(data), (x, y, width, height)))
            return self._numbers[digest]

    def mask(self, number: int) -> MaskArray:
        """Return the mask of that number as a new array (H, W)."""
        entry = self._entries[number]
        x, y, width, height = entry.box
        result = np.zeros(self._shape, bool)
        if number != EMPTY:
            with self._lock:
                self._file.seek(entry.offset)
                data = self._file.read(entry.length)
            bits = np.frombuffer(zlib.decompress(data), np.uint8)
            inside = np.unpackbits(bits, count=width * height).reshape(height, width)
            result[y : y + height, x : x + width] = inside
        return result

    def close(self) -> None:
        """Free the space; no mask can be asked for afterwards."""
        self._finalizer()

    def _append(self, data: bytes) -> None:
        try:
            self._file.seek(self._end)
            self._file.write(data)
        except OSError as error:
            raise MaskError(
                f"cannot keep the masks in {tempfile.gettempdir()!r}: {error.strerror}; "
                "free some space or set TMPDIR"
            ) from error
        self._end += len(data)
