"""Reads pickles of torch as data: nothing is imported, looked up or called.

A pickle is a program for a stack machine, and Python's own machine calls whatever the program names. This
one knows what torch writes of tensors, dictionaries and numbers (protocol 2) and refuses all else. A name
stays a name; an object of one of the few classes that a checkpoint of TSAM may hold becomes a blank. So the
worst that a file can do is be refused.
"""

from __future__ import annotations

import math
import pickle
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from vrestore.errors import ModelError

OPCODE_LIMIT = 1_000_000
"""The most instructions of a pickle; a checkpoint of TSAM with its optimisers has about 70 thousand.

An instruction makes an object of at most 64 bytes beside what it reads, so this bounds the memory too.
"""

_SIZE_LIMIT = 2**40
"""The most of an offset, a side or a stride.

A stride is not bounded by the storage where its side is 1, and torch counts in 64 bits.
"""
_STORAGES = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_BLANKS = {
    "utils.logger.Logger",
    "_codecs.encode",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
}
"""What the records of a training may hold: its logger, and numpy's numbers."""
_DICTIONARY, _TENSOR = "collections.OrderedDict", "torch._utils._rebuild_tensor_v2"
_KNOWN = {_DICTIONARY, _TENSOR} | _BLANKS | _STORAGES.keys()


@dataclass(frozen=True)
class Storage:
    """Numbers that lie in the file beside the pickle."""

    key: str
    dtype: str
    """Its name in torch, such as float32."""
    count: int


@dataclass(frozen=True)
class StoredTensor:
    """A tensor whose numbers have not been read; it lies within its storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Blank:
    """Stands for an object that has no say; what it held is dropped."""


@dataclass(frozen=True)
class Pickle:
    """What a pickle says."""

    value: object
    """What it describes: dict, list, tuple, str, int, float, bool, None, `StoredTensor`, `Storage` and
    `Blank`, nested to any depth, so whoever walks it must not recurse."""
    storages: dict[str, Storage]
    """All storages that it names, by key."""


def read_pickle(stream: BinaryIO) -> Pickle:
    """Read the pickle at the stream's place, and leave the stream behind its end.

    Raises ModelError for what is damaged or is none of the things that weights need.
    """
    machine = _Machine(stream)
    try:
        return Pickle(machine.run(), machine.storages)
    except (EOFError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"its pickle is damaged ({error or type(error).__name__})") from error


@dataclass(frozen=True)
class _Name:
    text: str


class _Machine:
    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        # The machine of `pickletools`: a stack, marks that set a part of it aside, and a memo for what is
        # used twice. Marks are kept as stacks below this one, as in Python's own `pickle._Unpickler`.
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        """The stacks under each mark."""
        self.memo: dict[int, object] = {}
        self.storages: dict[str, Storage] = {}

    def run(self) -> object:
        for _ in range(OPCODE_LIMIT):
            code = self.take(1)
            if code == pickle.STOP:
                return self.stack.pop()
            if code in _VALUES:
                value = _VALUES[code](self)  # may change the stack for the one under the last mark
                self.stack.append(value)
            elif code in _CHANGES:
                _CHANGES[code](self)
            else:
                raise ModelError(f"its pickle holds the instruction {_spelt(code)}, which no weights need")
        raise ModelError(
            f"its pickle has more than {OPCODE_LIMIT:,} instructions, far more than weights need"
        )

    def take(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise EOFError("it ends too early")
        return data

    def number(self, form: str) -> int:
        return cast("int", struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def pop(self, count: int) -> tuple[object, ...]:
        return tuple(reversed([self.stack.pop() for _ in range(count)]))

    def pop_to_mark(self) -> list[object]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def name(self) -> _Name:
        # Where Python's own machine imports the module and looks the name up, a text is compared.
        module, name = (self.stream.readline().decode().removesuffix("\n") for _ in range(2))
        text = f"{module}.{name}"
        if text not in _KNOWN:
            raise ModelError(f"its pickle names {text!r}, which no weights need")
        return _Name(text)

    def make(self) -> object:
        # REDUCE and NEWOBJ call the maker; here the three things that torch has made are known by name.
        maker, arguments = self.pop(2)
        if not isinstance(maker, _Name) or not isinstance(arguments, tuple):
            raise TypeError("it calls what is no name")
        if maker.text in _BLANKS:
            return Blank()
        if maker.text == _TENSOR:
            return _stored_tensor(arguments)
        if maker.text != _DICTIONARY or arguments:
            raise TypeError(f"it calls {maker.text}")
        return {}

    def storage(self) -> Storage:
        # BINPERSID asks the reader for what lies outside the pickle: the numbers of a storage.
        storage = _storage(self.stack.pop())
        if self.storages.setdefault(storage.key, storage) != storage:
            raise ValueError(f"it describes the storage {storage.key!r} twice, and differently")
        return storage

    def drop_state(self) -> None:
        """Pass over attributes: those of a logger, or the versions that torch notes beside a state."""
        state = self.stack.pop()
        if not isinstance(self.stack[-1], (Blank, dict)) or not isinstance(state, (dict, tuple)):
            raise TypeError("it gives a state to what has none")

    def extend(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError("it appends to what is no list")
        target.extend(items)

    def update(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise TypeError("it sets items of what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # A tuple's hash recurses without a guard: nested deep enough, it would crash the process.
            if not isinstance(key, (str, int)):
                raise TypeError("a key is neither text nor a whole number")
            target[key] = value


def _storage(identity: object) -> Storage:
    """Read what torch writes for a storage: the word, class, key, device, count; last, once, a view."""
    match identity:
        case ("storage", _Name(text), str(key), str(), int(count), *view) if (
            text in _STORAGES and count >= 0 and view in ([], [None])
        ):
            return Storage(key, _STORAGES[text], count)
    raise ValueError("a storage is not described as torch does")


def _stored_tensor(arguments: tuple[object, ...]) -> StoredTensor:
    # The arguments of `torch._utils._rebuild_tensor_v2`: storage, offset, shape, stride, requires_grad,
    # hooks.
    match arguments:
        case (Storage() as storage, int(offset), tuple(shape), tuple(stride), bool(), dict(), *_):
            pass
        case _:
            raise ValueError("a tensor is not described as torch does")
    if not all(isinstance(number, int) and 0 <= number < _SIZE_LIMIT for number in (offset, *shape, *stride)):
        raise ValueError("a tensor has a size that cannot be")
    # The highest index that is read. With a side of 0 this is too low, but then nothing is read.
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if last >= storage.count or math.prod(shape) > storage.count:
        raise ValueError("a tensor is larger than its storage")
    return StoredTensor(storage, offset, shape, stride)


def _spelt(code: bytes) -> str:
    names = {opcode.code: opcode.name for opcode in pickletools.opcodes}
    return names.get(code.decode("latin-1"), repr(code))


_VALUES: dict[bytes, Callable[[_Machine], object]] = {
    pickle.NONE: lambda _: None,
    pickle.NEWTRUE: lambda _: True,
    pickle.NEWFALSE: lambda _: False,
    pickle.BININT: lambda machine: machine.number("<i"),
    pickle.BININT1: lambda machine: machine.number("<B"),
    pickle.BININT2: lambda machine: machine.number("<H"),
    pickle.LONG1: lambda machine: int.from_bytes(machine.take(machine.number("<B")), "little", signed=True),
    pickle.BINFLOAT: lambda machine: machine.number(">d"),
    pickle.BINUNICODE: lambda machine: machine.take(machine.number("<I")).decode(),
    pickle.EMPTY_LIST: lambda _: [],
    pickle.EMPTY_DICT: lambda _: {},
    pickle.EMPTY_TUPLE: lambda _: (),
    pickle.TUPLE1: lambda machine: machine.pop(1),
    pickle.TUPLE2: lambda machine: machine.pop(2),
    pickle.TUPLE3: lambda machine: machine.pop(3),
    pickle.TUPLE: lambda machine: tuple(machine.pop_to_mark()),
    pickle.BINGET: lambda machine: machine.memo[machine.number("<B")],
    pickle.LONG_BINGET: lambda machine: machine.memo[machine.number("<I")],
    pickle.GLOBAL: lambda machine: machine.name(),
    pickle.BINPERSID: lambda machine: machine.storage(),
    pickle.REDUCE: lambda machine: machine.make(),
    pickle.NEWOBJ: lambda machine: machine.make(),
}
"""Instructions that push a value."""

_CHANGES: dict[bytes, Callable[[_Machine], object]] = {
    pickle.PROTO: lambda machine: machine.take(1),
    pickle.MARK: lambda machine: machine.mark(),
    pickle.BINPUT: lambda machine: machine.memo.update({machine.number("<B"): machine.stack[-1]}),
    pickle.LONG_BINPUT: lambda machine: machine.memo.update({machine.number("<I"): machine.stack[-1]}),
    pickle.APPEND: lambda machine: machine.extend([machine.stack.pop()]),
    pickle.APPENDS: lambda machine: machine.extend(machine.pop_to_mark()),
    pickle.SETITEM: lambda machine: machine.update(list(machine.pop(2))),
    pickle.SETITEMS: lambda machine: machine.update(machine.pop_to_mark()),
    pickle.BUILD: lambda machine: machine.drop_state(),
}
"""Instructions that alter what is there."""
