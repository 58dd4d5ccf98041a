"""A line of writing that is followed from frame to frame: whether it is there, and whether it moves."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.detect.text.found import Found, Place, box_at
from vrestore.detect.text.strokes import Field, stroke_mask
from vrestore.frames import Box
from vrestore.media.preview.luma import Luma

PRESENT = 0.3
"""Share of its own gradients that frames show where a line is there."""

_EDGES = 0.35  # of the steepest gradients of a line, those of its strokes have
_SEARCHED = 8  # pixels that a line of the scene may move to between two looks
_ALIKE, _BETTER = 0.6, 0.08  # correlation of a line that moved with itself, and more than at its old place
_STILL = 0.55  # share of the picture's gradients that stay before a camera that stands still
_SMALL = 4  # times smaller is the picture that tells whether the camera moves


class Line:
    """A line in a box of a frame, `seen`, of which the picture (h, w) is given; taken from there on."""

    def __init__(self, box: Box, picture: Luma, seen: int) -> None:
        height, width = picture.shape
        self.box, self.start = box, seen
        self.path: list[Place] = [(0, 0)]
        self.moves, self.comes_or_goes, self.is_before_still = False, False, True
        self._region = box.grown(2 * box.height, height=height, width=width)
        self._look = picture[box.rows, box.columns].copy()
        across, down = _gradients(self._look)
        steep = np.hypot(across, down)
        edges = steep > max(4.0, _EDGES * float(np.percentile(steep, 97)))
        self._gradients = across * edges, down * edges
        self._whole = self._around(picture)
        self._sum = np.zeros((self._region.height, self._region.width))
        self._squares = np.zeros_like(self._sum)
        self._count = 0
        self._add(picture)

    def take(self, picture: Luma, *, is_before: bool = False, may_move: bool = False) -> bool:
        """Take the frame after those so far, or the one before; return False where it does not show the line.

        With `may_move` it is looked for beside its place too.
        """
        place = self.path[0 if is_before else -1]
        if self._shows(picture, place):
            if place == (0, 0):
                self._add(picture)
        else:
            moved = self._beside(picture, place) if may_move else None
            if moved is None:
                return False
            self.moves, place = True, moved
        self._note(place, is_before=is_before)
        return True

    def is_in(self, picture: Luma, *, is_before: bool) -> bool:
        """Return whether a picture shows it where the first or the last frame so far does."""
        return self._shows(picture, self.path[0 if is_before else -1])

    def pass_by(self, *, is_before: bool) -> None:
        """Note that it stands in the next frame, or in the one before, though that does not show it."""
        self._note(self.path[0 if is_before else -1], is_before=is_before)

    def look_for_motion(self, picture: Luma) -> None:
        """Note whether a picture shows the line beside its place, and whether the camera moved till then."""
        self.moves |= self._beside(picture, (0, 0)) is not None
        self.is_before_still &= _share(self._whole, self._around(picture)) > _STILL

    def found(self) -> Found:
        """Return what is to be marked: its strokes where it stands, all of its box where it moves."""
        if self.moves:
            box, pixels = self.box, np.ones((self.box.height, self.box.width), np.bool_)
        else:
            mean = (self._sum / self._count).astype(np.float32)
            variance = self._squares / self._count - np.square(self._sum / self._count)
            change = np.sqrt(np.maximum(0, variance)).astype(np.float32)
            box, pixels = self._region, stroke_mask(mean, change, self.box.relative_to(self._region))
        return Found(
            box, pixels, self.start, tuple(self.path), self.moves, self.comes_or_goes, self.is_before_still
        )

    def covers(self, box: Box) -> bool:
        """Return whether a box is of the same line, and no much longer one."""
        own = box_at(self.box, self.path[-1])
        common = own.intersection(box)
        if common is None:
            return False
        return 2 * common.area > min(own.area, box.area) and box.area < 1.3 * own.area

    def _note(self, place: Place, *, is_before: bool) -> None:
        if is_before:
            self.start -= 1
            self.path.insert(0, place)
        else:
            self.path.append(place)

    def _shows(self, picture: Luma, place: Place) -> bool:
        box = box_at(self.box, place)
        return _share(self._gradients, _gradients(picture[box.rows, box.columns])) > PRESENT

    def _beside(self, picture: Luma, place: Place) -> Place | None:
        """Return where near a place a picture shows the line, None where it does not or only just there."""
        height, width = picture.shape
        box = box_at(self.box, place)
        near = box.grown(_SEARCHED, height=height, width=width)
        alike = cv2.matchTemplate(picture[near.rows, near.columns], self._look, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(alike)
        here = float(alike[box.y - near.y, box.x - near.x])
        if best < _ALIKE or best < here + _BETTER:
            return None
        return near.x + x - self.box.x, near.y + y - self.box.y

    def _add(self, picture: Luma) -> None:
        values = picture[self._region.rows, self._region.columns].astype(np.float64)
        self._sum += values
        self._squares += values * values
        self._count += 1

    def _around(self, picture: Luma) -> tuple[Field, Field]:
        """Return the gradients of a picture made small, 0 where the line is."""
        small = cv2.resize(picture, None, fx=1 / _SMALL, fy=1 / _SMALL, interpolation=cv2.INTER_AREA)
        across, down = _gradients(np.asarray(small, np.uint8))
        box = self.box.grown(2 * _SMALL, height=picture.shape[0], width=picture.shape[1])
        rows = slice(box.y // _SMALL, -(-(box.y + box.height) // _SMALL))
        columns = slice(box.x // _SMALL, -(-(box.x + box.width) // _SMALL))
        across[rows, columns] = down[rows, columns] = 0
        return across, down


def _gradients(picture: NDArray[np.uint8]) -> tuple[Field, Field]:
    """Return the gradients to the right and down, (h, w) each, 0 at the last column and row."""
    values = picture.astype(np.float32)
    across, down = np.zeros_like(values), np.zeros_like(values)
    across[:, :-1], down[:-1] = np.diff(values, axis=1), np.diff(values, axis=0)
    return across, down


def _share(own: tuple[Field, Field], others: tuple[Field, Field]) -> float:
    """Return how much of its own gradients others hold: 1 where they are the same."""
    power = sum(float(np.vdot(each, each)) for each in own)
    return sum(float(np.vdot(one, other)) for one, other in zip(own, others, strict=True)) / max(power, 1.0)
