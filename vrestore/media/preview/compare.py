"""Two videos in one picture: beside each other, wiped, stacked, or their difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from vrestore.errors import InputError
from vrestore.files import check_target
from vrestore.frames import VideoMeta
from vrestore.media.choices import Layout
from vrestore.media.preview.display import ClipWriter, Picture, as_picture, shown
from vrestore.media.reader import VideoReader, open_video
from vrestore.media.write_result import Discarding

GAIN = 8
"""How many times a difference is amplified; 16 code values then reach black or white."""

_GRAY = 128
_RULE = (255, 255, 255)
_RULE_LINES = 240  # one pixel of rule for so many lines of the picture
_LETTER_LINES = 24  # one pixel of capital letter for so many lines; below, letters cannot be read
_SMALLEST_LETTER, _FONT_LETTER = 8, 21  # pixels of a capital, the latter at font scale 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two videos are apart, over RGB as displayed, in dB; infinite where they are equal.

    `psnr_mean` is that of the mean squared error over all frames, `psnr_min` that of the worst frame.
    """

    frame_count: int
    psnr_mean: float
    psnr_min: float


def side(before: Picture, after: Picture) -> Picture:
    """Put before left and after right, a rule between them."""
    rule = np.full((before.shape[0], _rule_pixels(before), 3), _RULE, np.uint8)
    return np.hstack([_labelled(before, "before"), rule, _labelled(after, "after")])


def stack(before: Picture, after: Picture) -> Picture:
    """Put before above after, a rule between them."""
    rule = np.full((_rule_pixels(before), before.shape[1], 3), _RULE, np.uint8)
    return np.vstack([_labelled(before, "before"), rule, _labelled(after, "after")])


def split(before: Picture, after: Picture) -> Picture:
    """Show the left half of before and the right half of after, a line where they meet."""
    middle, rule = before.shape[1] // 2, _rule_pixels(before)
    result = _labelled(after, "after", right=True)
    result[:, :middle] = _labelled(before, "before")[:, :middle]
    result[:, max(0, middle - rule // 2) : middle + (rule + 1) // 2] = _RULE
    return result


def difference(before: Picture, after: Picture) -> Picture:
    """Show after minus before, amplified by GAIN around middle gray, which means equal."""
    step = after.astype(np.int16) - before.astype(np.int16)
    return np.clip(_GRAY + GAIN * step, 0, 255).astype(np.uint8)


LAYOUTS: dict[Layout, Callable[[Picture, Picture], Picture]] = {
    "side": side,
    "split": split,
    "difference": difference,
    "stack": stack,
}


class CompareWriter(Discarding):
    """A clip of pairs of pictures drawn in one layout; `clip` is what they are written to.

    Raises TargetError when the target cannot be written, or exists and may not be overwritten.
    """

    def __init__(
        self,
        target: str | Path,
        meta: VideoMeta,
        *,
        layout: Layout = "side",
        overwrite: bool = False,
        sources: tuple[Path, ...] = (),
    ) -> None:
        place = check_target(Path(target), sources=sources, overwrite=overwrite)
        self._draw = LAYOUTS[layout]
        self.clip = ClipWriter(place, meta)

    def write(self, before: Picture, after: Picture, *, pts: int) -> None:
        """Add a pair of the same size at a time of the video's time base."""
        if before.shape != after.shape:
            raise ValueError(f"pictures of one size are compared, got {before.shape} and {after.shape}")
        self.clip.write(self._draw(before, after), pts)

    def finish(self) -> None:
        """Finish the clip and let it have its name."""
        self.clip.finish()

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
        self.clip.discard()


def compare_files(
    before: str | Path,
    after: str | Path,
    target: str | Path,
    *,
    layout: Layout = "side",
    overwrite: bool = False,
) -> Comparison:
    """Draw two videos of the same size and frame count as one clip, with the times of the first.

    Raises:
        InputError: one cannot be read, or they differ in size or count.
        TargetError: the target is one of them, exists, or cannot be written.
    """
    with ExitStack() as opened:
        first, second = (opened.enter_context(open_video(source)) for source in (before, after))
        _check_pair(first, second)
        sources = (Path(before), Path(after))
        writer = opened.enter_context(
            CompareWriter(target, first.meta, layout=layout, overwrite=overwrite, sources=sources)
        )
        errors: list[float] = []
        for old, new in zip_longest(first, second):
            if old is None or new is None:
                longer = second if old is None else first
                raise InputError(
                    f"{longer.meta.source!r} goes on after {len(errors)} frames, where the other video "
                    "ends; compare videos of the same frame count"
                )
            old_rgb, new_rgb = shown(old, first.meta), shown(new, second.meta)
            errors.append(float(np.mean(np.square(old_rgb - new_rgb), dtype=np.float64)))
            rotation = first.meta.rotation
            pair = [as_picture(rgb, rotation=rotation) for rgb in (old_rgb, new_rgb)]
            writer.write(*pair, pts=old.pts)
        writer.finish()
    return Comparison(len(errors), _decibels(sum(errors) / len(errors)), _decibels(max(errors)))


def _check_pair(first: VideoReader, second: VideoReader) -> None:
    a, b = first.meta, second.meta
    if (a.width, a.height) != (b.width, b.height):
        raise InputError(
            f"{a.source!r} is {a.width}x{a.height}, {b.source!r} is {b.width}x{b.height}; "
            "compare videos of the same size"
        )
    if a.frame_count is not None and b.frame_count is not None and a.frame_count != b.frame_count:
        raise InputError(
            f"{a.source!r} has {a.frame_count} frames, {b.source!r} has {b.frame_count}; "
            "compare videos of the same frame count"
        )


def _decibels(error: float) -> float:
    return math.inf if error == 0 else -10 * math.log10(error)


def _rule_pixels(picture: Picture) -> int:
    """Return the width of a rule: even, so that two even pictures stay an even one."""
    return max(2, 2 * round(len(picture) / _RULE_LINES / 2))


def _labelled(picture: Picture, text: str, *, right: bool = False) -> Picture:
    """Return a copy with a word in a top corner, without it where it has no room."""
    result = picture.copy()
    letter = max(_SMALLEST_LETTER, round(picture.shape[0] / _LETTER_LINES))
    scale, thickness = letter / _FONT_LETTER, max(1, letter // 10)
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    margin = letter // 2
    if width + 4 * margin > picture.shape[1] // 2 or height + below + 4 * margin > picture.shape[0]:
        return result
    left = picture.shape[1] - width - 2 * margin if right else 2 * margin
    ground = result[margin : 2 * margin + height + below + margin // 2, left - margin : left + width + margin]
    ground //= 3
    place = (left, 2 * margin + height)
    cv2.putText(result, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _RULE, thickness, cv2.LINE_AA)
    return result
