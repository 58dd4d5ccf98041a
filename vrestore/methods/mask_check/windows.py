"""The few frames of a video that a mask is checked against, small and gray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vrestore.frames import MaskArray, VideoMeta
from vrestore.masks.masks import Masks
from vrestore.masks.shapes import grown, shrunk
from vrestore.media.preview.luma import Luma, small_luma, small_size
from vrestore.media.reader import open_video

LINES = 160
"""Height that pictures are looked at: flow of them takes 3 ms, and a mask off by 6 pixels of 480 shows."""

PLACES = 3
"""Windows, spread over the frames with a hole."""

LOOKED_AT, AROUND = 6, 8
"""Frames of a window whose masks are judged, and those before and after them that they are compared with."""

LEAST_FRAMES = LOOKED_AT + 2 * AROUND
"""A hole that is in fewer frames is not checked against the picture."""


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive frames: `pictures[i]` is frame `first + i`; judged are `start` to before `stop`."""

    first: int
    pictures: Sequence[Luma]
    start: int
    stop: int

    def picture(self, number: int) -> Luma | None:
        """Return a frame by its number, None for one that was not read."""
        index = number - self.first
        return self.pictures[index] if 0 <= index < len(self.pictures) else None


class SmallMasks:
    """The masks of a video in the size of its small pictures."""

    def __init__(self, masks: Masks, meta: VideoMeta) -> None:
        self._masks, self._size = masks, (meta.height, meta.width)
        self._end = masks.first + frame_count(masks, meta)
        self._scale = min(1.0, LINES / meta.height)
        self._kept: dict[int, MaskArray] = {}

    def drawn(self, number: int) -> MaskArray | None:
        """Return what is marked in a frame, None for frames that are not there."""
        if not self._masks.first <= number < self._end:
            return None
        if number not in self._kept:
            mask, size = self._masks.drawn(number), small_size(*self._size, lines=LINES)
            self._kept[number] = np.zeros(size, np.bool_) if mask is None else self._small(mask)
        return self._kept[number]

    def hole(self, number: int) -> MaskArray | None:
        """Return what is filled in a frame, the feather included, None for frames that are not there."""
        drawn = self.drawn(number)
        if drawn is None or not drawn.any():
            return drawn
        pixels = round((self._masks.grow + self._masks.feather) * self._scale)
        return grown(drawn, pixels) if pixels > 0 else shrunk(drawn, -pixels)

    def _small(self, mask: MaskArray) -> MaskArray:
        height, width = small_size(*mask.shape, lines=LINES)
        shares = cv2.resize(
            mask.view(np.uint8) * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA
        )
        return np.asarray(shares > 127)  # half of 255


def frame_count(masks: Masks, meta: VideoMeta) -> int:
    """Return of how many frames the masks are known; about, where the video does not say its length."""
    known = len(masks.summaries)
    if not masks.goes_on or meta.frame_count is not None or meta.duration_seconds is None:
        return known
    return max(known, round(meta.duration_seconds * meta.rate) - masks.first)


def read_windows(source: str, masks: Masks, meta: VideoMeta) -> Iterator[Window]:
    """Read the windows of a video; none where too few frames have a hole.

    Raises InputError where the source cannot be read.
    """
    first, known = masks.first, len(masks.summaries)
    holes = [
        index
        for index in range(frame_count(masks, meta))
        if masks.summaries[min(index, known - 1)] is not None
    ]
    if len(holes) < LEAST_FRAMES:
        return
    for place in range(PLACES):
        start = first + holes[(2 * place + 1) * len(holes) // (2 * PLACES)]
        begin, end = max(first, start - AROUND), start + LOOKED_AT + AROUND
        with open_video(source, start=begin, stop=end) as reader:
            pictures = [small_luma(frame, reader.meta.pixel_format, lines=LINES) for frame in reader]
            begin = reader.first_index
        stop = min(start + LOOKED_AT, begin + len(pictures))
        yield Window(begin, pictures, start, stop)
