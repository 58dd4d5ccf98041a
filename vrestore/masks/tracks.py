"""Tracks: the groups of holes of a run of frames that are restored together.

Holes whose surroundings meet, in one frame or from one frame to the next, belong to one track; far-apart
holes (a logo here, a subtitle there) are tracks of their own, each worked on at full resolution in a box
that follows it. Arithmetic on boxes only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vrestore.frames import Box, union_of

ALIGNMENT = 8
"""Boxes start and stop at multiples of this, so that no cell of chroma or flow is cut, but at the picture's
edge."""


@dataclass(frozen=True, slots=True)
class Track:
    """A hole over time: `holes[index]` is the box of its hidden pixels in that frame.

    A hole with a `tail` stays there in every frame from index `tail_start` on.
    """

    holes: Mapping[int, Box]
    tail: Box | None
    tail_start: int
    margin: int
    height: int
    width: int

    def canvas(self, index: int) -> Box:
        """Return the box that restoring needs of a frame: its hole's and its neighbors' surroundings.

        Also for the frames before the first hole and after the last; of frames further away nothing is
        needed, and the box is a token that keeps the tracks of a run in step.
        """
        near = [self.hole(i) for i in (index - 1, index, index + 1)]
        holes = [hole for hole in near if hole is not None]
        if not holes:
            return Box(0, 0, min(ALIGNMENT, self.width), min(ALIGNMENT, self.height))
        box = union_of(holes).grown(self.margin, height=self.height, width=self.width)
        return aligned(box, height=self.height, width=self.width)

    def hole(self, index: int) -> Box | None:
        """Return the box of the hole in a frame, None where there is none."""
        if index >= self.tail_start and self.tail is not None:
            return self.tail
        return self.holes.get(index)


def find_tracks(
    parts: Sequence[Sequence[Box]], *, first: int, is_open: bool, margin: int, height: int, width: int
) -> list[Track]:
    """Group the holes of consecutive frames, `parts[i]` being those of frame `first + i`.

    With `is_open` the last frame's holes stay for all frames that follow.
    """
    groups = _Groups()
    before: list[tuple[int, Box]] = []
    for boxes in parts:
        grown = [box.grown(margin, height=height, width=width) for box in boxes]
        these = [(groups.add(), box) for box in grown]
        for position, (label, box) in enumerate(these):
            for other, neighbor in before + these[:position]:
                if box.intersection(neighbor) is not None:
                    groups.join(label, other)
        before = these
    found: dict[int, dict[int, Box]] = {}
    label = 0
    for index, boxes in enumerate(parts, start=first):
        for box in boxes:
            holes = found.setdefault(groups.root(label), {})
            holes[index] = holes[index].union(box) if index in holes else box
            label += 1
    end = first + len(parts) - 1
    return [
        Track(holes, holes.get(end) if is_open else None, end, margin, height, width)
        for holes in found.values()
    ]


def aligned(box: Box, *, height: int, width: int) -> Box:
    """Return the box widened to multiples of ALIGNMENT, within a picture of `height` by `width`."""
    left, top = box.x - box.x % ALIGNMENT, box.y - box.y % ALIGNMENT
    right = min(width, -(-(box.x + box.width) // ALIGNMENT) * ALIGNMENT)
    bottom = min(height, -(-(box.y + box.height) // ALIGNMENT) * ALIGNMENT)
    return Box(left, top, right - left, bottom - top)


class _Groups:
    """Union-find over the holes in the order they are met."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def add(self) -> int:
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def root(self, label: int) -> int:
        while self._parents[label] != label:
            self._parents[label] = self._parents[self._parents[label]]
            label = self._parents[label]
        return label

    def join(self, a: int, b: int) -> None:
        a, b = self.root(a), self.root(b)
        self._parents[max(a, b)] = min(a, b)
