"""The seams of the house, each with one method or two.

A list of frames is a FrameSource in a test, a generator function is a Stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from vrestore.frames import Frame, Hole, HoleSummary, MaskedFrame

In = TypeVar("In")
Out = TypeVar("Out")

Stage = Callable[[Iterator[In]], Iterator[Out]]
"""Takes items in presentation order, holds a bounded number, yields in presentation order."""

FrameTransform = Callable[[Iterator[MaskedFrame]], Iterator[Frame]]
"""The stages of a method joined: frames with holes in, repaired frames out, one for one."""


class FrameSource(Protocol):
    """Gives frames in presentation order."""

    def __iter__(self) -> Iterator[Frame]: ...


class FrameSink(Protocol):
    """Takes frames in presentation order."""

    def write(self, frame: Frame) -> None: ...


class MaskSource(Protocol):
    """Gives the hole of every frame.

    `summaries` are known before the first frame is decoded, one for each frame of the source
    (None: no hole), the last one standing for all that follow. `hole` may be asked in any order.
    """

    @property
    def summaries(self) -> Sequence[HoleSummary | None]: ...

    def hole(self, frame: Frame) -> Hole | None: ...
