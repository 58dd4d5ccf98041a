"""Find the lines of writing of a video and mark them in the frames that show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vrestore.detect.base import View
from vrestore.detect.text.follow import Following, Look
from vrestore.detect.text.found import Found, as_box, enlarged
from vrestore.detect.text.options import TextOptions
from vrestore.detect.text.reading import WITHOUT_NETWORK, find_by_strokes, line_finder
from vrestore.errors import MaskError
from vrestore.frames import Frame, MaskArray, MaskedFrame, VideoMeta
from vrestore.media.preview.luma import small_luma
from vrestore.media.rotation import displayed_size, turned, turned_back
from vrestore.methods.shots import mark_cuts
from vrestore.progress import ProgressEvent

LINES = 1080
"""Height that pictures are looked at; larger ones are made smaller, and what is found larger again."""

BETWEEN = Fraction(2, 5)
"""Seconds between frames in which lines are looked for; when they come and go is seen in those between."""

MOST_TOLD = 12
"""Lines whose boxes are told unasked."""

SHORTEST, LONGEST = Fraction(2, 5), Fraction(10)
"""Seconds that a line stands at least, and at most: what stands longer is a logo or belongs to the scene."""


def find_text(view: View, frames: Iterator[Frame], options: TextOptions) -> Iterator[MaskArray]:
    """Yield what lines of writing cover of each frame, once all frames are read.

    Raises MaskError where there are none.
    """
    meta = view.meta
    network = line_finder(threads=view.threads)
    if network is None:
        view.say(WITHOUT_NETWORK)
    choice = _Choice(meta.rate, is_all=options.scene_text)
    stride = max(1, int(meta.rate * BETWEEN))
    following = Following(network or find_by_strokes, stride, options.scene_text, choice.keeps)
    count, first = 0, 0
    for shot in mark_cuts((MaskedFrame(frame, None) for frame in frames), format=meta.pixel_format):
        first = shot.frame.index if count == 0 else first
        picture = small_luma(shot.frame, meta.pixel_format, lines=_lines(meta))
        following.add(Look(count, turned(picture, rotation=meta.rotation), shot.starts_scene))
        count += 1
        view.progress(ProgressEvent("progress", "text", count, meta.frame_count))
    following.finish()
    if not following.done:
        raise MaskError("; ".join([*choice.left_alone(), _NOTHING]))
    for words in choice.left_alone():
        view.say(words)
    lines = sorted(following.done, key=lambda line: line.start)
    height, width = displayed_size(meta.height, meta.width, rotation=meta.rotation)
    scale = max(1.0, height / LINES)
    lines = [enlarged(line, scale=scale, height=height, width=width) for line in lines]
    view.say(f"found: {len(lines)} line(s) of words")
    boxes = [as_box(line) for line in lines]
    if options.boxes or len(boxes) <= MOST_TOLD:
        for line in boxes:
            box = line.box
            place = f"{box.x},{box.y},{box.width},{box.height}"
            view.say(f"found: --box {place}@{first + line.start}-{first + line.stop}")
    for mask in _masks(boxes if options.boxes else lines, count, height=height, width=width):
        yield turned_back(mask, rotation=meta.rotation)


_NOTHING = (
    "no words are found that come, stand for a while and go; say where they are with --box, find what stands "
    "all the time by vrestore mask logo, or pass --scene-text"
)


@dataclass(slots=True)
class _Choice:
    """Which lines are meant; of those left alone that may be meant it counts how many there are."""

    rate: Fraction
    is_all: bool
    long: int = 0
    still: int = 0

    def keeps(self, line: Found) -> bool:
        """Return whether a line is to be marked."""
        seconds = len(line.path) / self.rate
        if self.is_all:
            return True
        if line.moves or seconds < SHORTEST:
            return False
        # Before a still camera words of the scene stand too, but from its first frame to its last.
        may_be_scene = line.is_before_still and not line.comes_or_goes
        self.long += seconds > LONGEST
        self.still += seconds <= LONGEST and may_be_scene
        return seconds <= LONGEST and not may_be_scene

    def left_alone(self) -> list[str]:
        """Return a line for each kind of those left alone."""
        said = []
        if self.long:
            said.append(f"{self.long} line(s) that stand longer than {LONGEST} seconds are left")
        if self.still:
            said.append(f"{self.still} line(s) that stand all the time before a still camera are left")
        return said


def _lines(meta: VideoMeta) -> int:
    """Return the height of the decoded picture that gives LINES as it is shown."""
    shown, _ = displayed_size(meta.height, meta.width, rotation=meta.rotation)
    return max(1, round(meta.height * min(1.0, LINES / shown)))


def _masks(lines: Sequence[Found], count: int, *, height: int, width: int) -> Iterator[MaskArray]:
    """Yield the pixels of lines in each frame, (height, width); they are in the order of their starts."""
    coming, standing = list(reversed(lines)), list[Found]()
    for number in range(count):
        while coming and coming[-1].start <= number:
            standing.append(coming.pop())
        standing = [line for line in standing if number < line.stop]
        mask = np.zeros((height, width), np.bool_)
        for line in standing:
            box = line.place(number)
            inside = mask[box.rows, box.columns]
            inside |= line.pixels[: inside.shape[0], : inside.shape[1]]
        yield mask
