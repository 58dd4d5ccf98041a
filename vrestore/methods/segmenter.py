"""Where a video is cut so that its parts can be worked on one after the other, whatever the method."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

from numpy.typing import NDArray


class Packable(Protocol):
    """What a method carries over a border, as arrays of numbers by name."""

    def packed(self) -> Mapping[str, NDArray[Any]]:
        """Return all of it."""
        ...

    @classmethod
    def unpacked(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what was packed; raises LookupError or ValueError for what was not."""
        ...


C = TypeVar("C", bound=Packable)
"""What a segment needs of the one before."""

T = TypeVar("T")
"""What is counted while frames pass."""


@dataclass(slots=True)
class Segments(Generic[C, T]):
    """Where a video may be cut, so that its parts can be worked on one after the other.

    A segment ends `length` frames after its start or later, where the next frame needs nothing of the one
    before; at twice that it ends wherever it is. `borders` is filled while frames pass: the frame that starts
    a new segment, before it is given, and what it needs, if anything; `tallies` has what was counted up to
    there. Both until it is `taken`: a border stays, what it needs may be large.

    A run may go on at such a border: frames before `start` then pass as they are and are not counted, and
    `carried` is what the run before found there.
    """

    length: int
    start: int = 0
    carried: C | None = None
    borders: dict[int, C | None] = field(default_factory=dict)
    tallies: dict[int, T] = field(default_factory=dict)
    _begun: int = 0

    def __post_init__(self) -> None:
        self._begun = self.start

    @property
    def end(self) -> int:
        """The frame that the present segment must end before, wherever that is."""
        return self._begun + 2 * self.length

    def is_due(self, index: int) -> bool:
        """Tell whether a segment may end before a frame that needs nothing of the one before."""
        return index - self._begun >= self.length

    def cut(self, index: int, carried: C | None, tally: T) -> None:
        """Let a new segment start at a frame."""
        self.borders[index], self.tallies[index] = carried, deepcopy(tally)
        self._begun = index

    def taken(self, index: int, tally: T) -> tuple[T, C | None]:
        """Return what was counted up to a border, and what starts there needs, which is forgotten here.

        At the end of the video, which is no border, that is all of `tally` and nothing.
        """
        if index not in self.borders:
            return tally, None
        carried, self.borders[index] = self.borders[index], None
        return self.tallies.pop(index), carried
