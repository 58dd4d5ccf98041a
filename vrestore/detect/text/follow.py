"""Lines of writing of a whole video: looked for now and then, and in between when they come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vrestore.detect.text.found import Found
from vrestore.detect.text.line import Line
from vrestore.detect.text.reading import LineFinder
from vrestore.media.preview.luma import Luma

HELD = 4
"""Looks since which frames are held: a line that is seen late is traced back so far."""

GAP = 3
"""Frames for which a line may look otherwise: what is behind it flashes, or the encoder skipped it."""


class Look(NamedTuple):
    """A frame: its number from the first one read, its picture (h, w), and whether it begins a scene."""

    number: int
    picture: Luma
    starts_scene: bool


@dataclass(slots=True)
class Following:
    """Takes frames one after the other and holds those since the last looks.

    Args:
        find: finds lines in one picture.
        stride: of so many frames one is looked at.
        may_move: lines are followed where they move.
        keep: says which lines are of use; others are let go at once.
    """

    find: LineFinder
    stride: int
    may_move: bool
    keep: Callable[[Found], bool]
    done: list[Found] = field(default_factory=list)
    _standing: list[Line] = field(default_factory=list)
    _held: list[Look] = field(default_factory=list)
    _looked: int = -1  # the last frame that lines were looked for in

    def add(self, look: Look) -> None:
        """Take the next frame."""
        self._held.append(look)
        if look.number - self._looked >= self.stride:
            self._look()

    def finish(self) -> None:
        """Look at what is left; lines that stand at the end do so to the last frame."""
        if self._held and self._held[-1].number > self._looked:
            self._look()
        for line in self._standing:
            self._end(line)
        self._standing = []

    def _look(self) -> None:
        new = [each for each in self._held if each.number > self._looked]
        self._standing = [line for line in self._standing if self._goes_on(line, new)]
        last = new[-1]
        for box in self.find(last.picture):
            if not any(line.covers(box) for line in self._standing):
                self._standing.append(self._traced_back(Line(box, last.picture, last.number)))
        self._looked = last.number
        self._held = [each for each in self._held if each.number > last.number - HELD * self.stride]

    def _goes_on(self, line: Line, new: list[Look]) -> bool:
        """Follow a line through frames; return False where it is gone in one of them."""
        for number, each in enumerate(new):
            if not self._takes(line, new[number : number + 1 + GAP]):
                line.comes_or_goes |= not each.starts_scene
                line.look_for_motion(each.picture)
                self._end(line)
                return False
        line.look_for_motion(new[-1].picture)
        return True

    def _traced_back(self, line: Line) -> Line:
        """Return a line that is seen for the first time with the frames before that show it."""
        back = self._held[::-1]
        for number, each in enumerate(back[1:], start=1):
            if not self._takes(line, back[number : number + 1 + GAP], is_before=True):
                line.comes_or_goes |= not back[number - 1].starts_scene
                line.look_for_motion(each.picture)
                return line
        line.look_for_motion(self._held[0].picture)
        return line

    def _takes(self, line: Line, ahead: Sequence[Look], *, is_before: bool = False) -> bool:
        """Let a line take the first of some frames; return False where it is gone for all of them."""
        taken = line.take(ahead[0].picture, is_before=is_before, may_move=self.may_move)
        if not taken and any(line.is_in(each.picture, is_before=is_before) for each in ahead[1:]):
            line.pass_by(is_before=is_before)
            return True
        return taken

    def _end(self, line: Line) -> None:
        found = line.found()
        if self.keep(found):
            self.done.append(found)
