"""What a writer is, and what it says when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from vrestore.frames import Frame


@dataclass(frozen=True, slots=True)
class KeptStream:
    """A stream of the source that went over packet for packet."""

    index: int
    kind: str
    packet_count: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A stream of the source that the target does not have, and why."""

    index: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """What came out: the file or folder, its frames, what else it holds and what it could not.

    `losses` are all that it does not hold of the source, in words; of these, `dropped` are the streams.
    """

    path: Path
    frame_count: int
    byte_count: int
    codec: str
    container: str
    kept: tuple[KeptStream, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    losses: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Discarding:
    """What is being written: leaving its `with` block removes it unless it was finished."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
        raise NotImplementedError


class Writer(Protocol):
    """Takes the frames of one video; what was not finished leaves nothing behind.

    `warnings` says what was chosen differently from the source, `losses` what the target cannot hold;
    both are known from the start, `warnings` may grow. `codec` is FFmpeg's name of the encoder.
    """

    @property
    def codec(self) -> str: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def losses(self) -> list[str]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def write(self, frame: Frame) -> None:
        """Encode one frame; timestamps must increase."""

    def finish(self) -> Written:
        """Make the output whole and give it its name; raises TargetError when that fails."""

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
