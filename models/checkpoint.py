"""Files of `torch.save`, of both formats, read without running what they hold.

Since torch 1.6 a checkpoint is a zip archive: `NAME/data.pkl`, and the numbers of each storage uncompressed
in `NAME/data/KEY`. Before, it was five pickles in a row (a magic number, the protocol, the writer's sizes of
numbers, the content, the keys of the storages), then for each key a count in 8 bytes and its numbers.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import torch
from torch import Tensor

from vrestore.errors import ModelError
from vrestore.models.unpickle import Storage, StoredTensor, read_pickle

PICKLE_LIMIT_BYTES = 16 * 2**20
"""The most that a pickle may have; that of a checkpoint of TSAM with its optimisers has 350 thousand."""
_ZIP_START = b"PK\x03\x04"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# Protocol 2 (80 02), then LONG1 (8a) with its 10 bytes: the magic number as a pickle of its own.
_LEGACY_START = b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little")
_COUNT_BYTES = 8
_ZIP_ERRORS = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
"""What `zipfile` raises for damage; RuntimeError is for an entry that is encrypted."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, open for reading."""

    content: object
    """The value of its pickle, see `vrestore.models.unpickle.Pickle`."""
    size_bytes: int
    read: Callable[[Storage], bytes]
    """Return the bytes of a storage, or raise ModelError."""

    def tensors(self, stored: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
        """Read tensors; those that share a storage in the file share it here.

        Raises ModelError for numbers that are missing, damaged, or claimed to be more than the file has.
        """
        storages = {value.storage.key: value.storage for value in stored.values()}
        # Each fits in the file, but many that overlap could still ask for more memory than there is.
        if sum(map(_size_bytes, storages.values())) > self.size_bytes:
            raise ModelError("its storages claim more bytes than the file has")
        flat = {key: _numbers(self.read(storage), storage) for key, storage in storages.items()}
        # In bounds: `unpickle` refuses a tensor whose last number lies behind the end of its storage.
        return {
            name: flat[value.storage.key].as_strided(value.shape, value.stride, value.offset)
            for name, value in stored.items()
        }


@contextmanager
def open_checkpoint(path: Path) -> Iterator[Checkpoint]:
    """Open a file of `torch.save`.

    Raises ModelError when it is none, is damaged, or holds what `read_pickle` refuses.
    """
    with path.open("rb") as file:
        start = file.read(len(_LEGACY_START))
        file.seek(0)
        if start.startswith(_ZIP_START):
            yield _open_zip(file, size_bytes=path.stat().st_size)
        elif start == _LEGACY_START:
            yield _open_legacy(file, size_bytes=path.stat().st_size)
        else:
            raise ModelError("it is no file of torch.save")


def _open_zip(file: BinaryIO, *, size_bytes: int) -> Checkpoint:
    try:
        archive = zipfile.ZipFile(file)
    except _ZIP_ERRORS as error:
        raise ModelError(f"its archive is damaged or not whole ({error})") from error
    # The folder is called as the file was when it was saved, so it is not known beforehand.
    roots = [name.removesuffix("data.pkl") for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise ModelError(f"its archive has {len(roots)} pickles of data, not one")
    root = roots[0]

    def read(storage: Storage) -> bytes:
        return _entry(archive, f"{root}data/{storage.key}", size=_size_bytes(storage))

    if f"{root}byteorder" in archive.namelist():
        _check_order(is_little=_entry(archive, f"{root}byteorder") == b"little")
    content = read_pickle(io.BytesIO(_entry(archive, f"{root}data.pkl")))
    return Checkpoint(content.value, size_bytes, read)


def _entry(archive: zipfile.ZipFile, name: str, *, size: int | None = None) -> bytes:
    """Read an entry of this size; None is any up to that of a pickle."""
    try:
        entry = archive.getinfo(name)
    except KeyError as error:
        raise ModelError(f"its archive has no entry {name!r}") from error
    # Stored as it is, an entry cannot unpack to more than the file has: no archive bomb.
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ModelError(f"its entry {name!r} is compressed, which torch never does")
    if size is None and entry.file_size > PICKLE_LIMIT_BYTES:
        raise ModelError(
            f"its entry {name!r} has {entry.file_size:,} bytes, more than {PICKLE_LIMIT_BYTES:,}"
        )
    if size is not None and entry.file_size != size:
        raise ModelError(f"its entry {name!r} has {entry.file_size:,} bytes, not {size:,}")
    try:
        return archive.read(entry)
    except _ZIP_ERRORS as error:
        raise ModelError(f"its entry {name!r} is damaged ({error})") from error


def _open_legacy(file: BinaryIO, *, size_bytes: int) -> Checkpoint:
    # Bounded, and read from memory: a pickle that claims a string of 4 GiB finds the end instead.
    head = io.BytesIO(file.read(PICKLE_LIMIT_BYTES))
    # The order of `torch.serialization._legacy_save`: magic, protocol, system, content, keys, numbers.
    magic, protocol, system = (read_pickle(head).value for _ in range(3))
    if (magic, protocol) != (_MAGIC, _PROTOCOL) or not isinstance(system, dict):
        raise ModelError("it is no file of torch.save")
    _check_order(is_little=system.get("little_endian") is True)
    content = read_pickle(head)
    keys = read_pickle(head).value
    if not isinstance(keys, list) or not all(
        isinstance(key, str) and key in content.storages for key in keys
    ):
        raise ModelError("its list of storages is damaged")
    ordered = [content.storages[key] for key in keys]
    starts = _legacy_starts(file, ordered, start=head.tell(), size_bytes=size_bytes)

    def read(storage: Storage) -> bytes:
        if storage.key not in starts:
            raise ModelError(f"its storage {storage.key!r} is missing")
        file.seek(starts[storage.key])
        return file.read(_size_bytes(storage))

    return Checkpoint(content.value, size_bytes, read)


def _legacy_starts(
    file: BinaryIO, storages: Sequence[Storage], *, start: int, size_bytes: int
) -> dict[str, int]:
    """Find where the numbers of each storage begin; they lie one behind the other."""
    starts = {}
    for storage in storages:
        file.seek(start)
        count = int.from_bytes(file.read(_COUNT_BYTES), "little")
        starts[storage.key] = start + _COUNT_BYTES
        start += _COUNT_BYTES + _size_bytes(storage)
        if start > size_bytes:
            raise ModelError(f"it ends within the storage {storage.key!r}, it is not whole")
        if count != storage.count:
            raise ModelError(f"its storage {storage.key!r} has {count:,} numbers, not {storage.count:,}")
    return starts


def _check_order(*, is_little: bool) -> None:
    if not is_little:
        raise ModelError("its numbers are not in little-endian order; save it on an ordinary processor")


def _numbers(data: bytes, storage: Storage) -> Tensor:
    if not data:
        return torch.empty(0, dtype=_dtype(storage))  # frombuffer wants a number at least
    # A bytearray, because torch warns of memory that may not be written to.
    return torch.frombuffer(bytearray(data), dtype=_dtype(storage))


def _dtype(storage: Storage) -> torch.dtype:
    return cast("torch.dtype", getattr(torch, storage.dtype))


def _size_bytes(storage: Storage) -> int:
    return storage.count * _dtype(storage).itemsize
