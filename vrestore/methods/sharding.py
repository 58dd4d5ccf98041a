"""Parts of a video that several workers share: between cuts that need nothing of what is before them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vrestore.frames import MaskedFrame
from vrestore.methods.shots import Shot


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a video whose scenes are known already, between borders that need nothing carried.

    The frames that come are those from number `first` on, and the one of number `stop`; what is before the
    start of the segments, and from `stop` on, is for looking at only. `cuts` are the frames among them that
    start a scene.
    """

    first: int
    stop: int
    cuts: frozenset[int]

    def shots(self, items: Iterable[MaskedFrame]) -> Iterator[Shot]:
        """Tell which frames start a scene."""
        for index, item in enumerate(items, self.first):
            yield Shot(item.frame, item.hole, index in self.cuts)


@dataclass(frozen=True, slots=True)
class Met:
    """A frame that a survey met; `is_free` where a segment from there on needs nothing of the one before."""

    shot: Shot
    starts_segment: bool
    is_free: bool
