"""The seams of the house, each with one method or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from vrestore.frames import Frame, Hole, HoleSummary, MaskedFrame

FrameTransform = Callable[[Iterator[MaskedFrame]], Iterator[Frame]]
"""The stages of a method joined: frames with holes in, repaired frames out, one for one."""


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
