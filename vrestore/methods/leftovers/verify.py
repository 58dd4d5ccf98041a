"""A second look over every frame of a result: what of the object, or of its shadow, is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Literal

import numpy as np

from vrestore.errors import LEFTOVERS_EXIT_CODE, InputError, UsageError
from vrestore.frames import VideoMeta
from vrestore.masks.masks import Masks, open_masks
from vrestore.masks.options import MaskWords, mask_options
from vrestore.media.reader import VideoReader, open_video
from vrestore.methods.base import Values
from vrestore.methods.leftovers.findings import rim_pixels, seconds_by, time_words
from vrestore.methods.leftovers.look import TOGETHER, Judgement, look
from vrestore.methods.leftovers.moments import Seen, moments_of, small_colors, small_hole
from vrestore.option_schema import PathLike
from vrestore.progress import Progress, ProgressEvent, silent

Kind = Literal["untouched", "rim", "shadow"]

LEAST_CHANGE = 0.01
"""Of white: a hole whose middle differs by less on average from the source was not filled."""

_MEANINGS = {
    "untouched": "the hole shows what the source shows",
    "rim": "a rim of what was removed is left",
    "shadow": "a shadow of what was removed is left",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames `start` to before `stop` in which something is found, with their times in seconds.

    `worst` is the frame in which it is worst, `pixels` how wide a rim is, 0 of all else.
    """

    kind: Kind
    start: int
    stop: int
    start_seconds: float
    stop_seconds: float
    worst: int
    pixels: int = 0

    def line(self) -> str:
        """Return it as a person reads it."""
        wide = f", about {self.pixels} pixels wide" if self.pixels else ""
        frames = (
            f"frames {self.start} to {self.stop - 1}" if self.stop - self.start > 1 else f"frame {self.start}"
        )
        times = f"{time_words(self.start_seconds)} to {time_words(self.stop_seconds)}"
        return f"{times} ({frames}): {_MEANINGS[self.kind]}{wide}, most in frame {self.worst}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in a result: `looked_at` of its `frames` have a hole.

    Of `told` of them there is something to say: elsewhere no other frame shows what lies around the hole.
    `grow` is what `--grow` should have been where a rim is left, else None.
    """

    frames: int
    looked_at: int
    told: int
    grow: int | None
    found: list[Stretch]

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, or 11 when something is found."""
        return LEFTOVERS_EXIT_CODE if self.found else 0

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        looked = (
            f"{self.looked_at} of {self.frames} frames have a hole; of {self.told} of them it can be told"
        )
        if not self.found:
            return [f"nothing is left of what was removed; {looked}"]
        lines = [each.line() for each in self.found]
        kinds = {each.kind for each in self.found}
        if "untouched" in kinds:
            lines.append("for untouched frames check --mask, --mask-offset and --invert")
        if self.grow is not None:
            lines.append(f"for the rim inpaint again with --grow {self.grow}, or --grow auto")
        if "shadow" in kinds:
            lines.append("for the shadow inpaint again with --grow shadow")
        return [*lines, looked]

    def to_dict(self) -> Values:
        """Return it for programs."""
        return {**asdict(self), "exit_code": self.exit_code}


def verify(
    source: PathLike, result: PathLike, words: MaskWords, *, progress: Progress = silent
) -> Verification:
    """Look at every frame of what `inpaint` made of a source with the same words.

    Raises InputError where the two are not of one size and length, else InputError, MaskError or UsageError
    as for reading videos and masks.
    """
    if "-" in (str(source), str(result)):
        raise UsageError("a result is looked at beside its source, and neither can be -; give two files")
    with (
        open_video(source) as reader,
        open_video(result) as made,
        open_masks(mask_options(words), reader.meta, start_pts=reader.first_pts) as masks,
    ):
        _check_sizes(reader.meta, made.meta)
        pairs = _Pairs(reader, made, masks)
        judgements = []
        for judgement in look(moments_of(pairs, made.meta), is_looked_at=lambda _: True):
            judgements.append(judgement)
            progress(ProgressEvent("progress", "verify", judgement.number + 1, reader.meta.frame_count))
        return _verification(judgements, pairs, made, masks)


class _Pairs:
    """The frames of a result with their holes; `untouched` are those that show what the source shows."""

    def __init__(self, source: VideoReader, result: VideoReader, masks: Masks) -> None:
        self._source, self._result, self._masks = source, result, masks
        self.count, self.untouched = 0, set[int]()

    def __iter__(self) -> Iterator[Seen]:
        for old, new in zip_longest(self._source, self._result):
            if old is None or new is None:
                shorter, longer = self._source.meta.source, self._result.meta.source
                if old is not None:
                    shorter, longer = longer, shorter
                raise InputError(
                    f"{shorter!r} has {self.count} frames, {longer!r} has more; "
                    "give a video and what was made of all of it"
                )
            self.count += 1
            hole = self._masks.hole(old)
            if hole is not None:
                before, after = small_colors(old, self._source.meta), small_colors(new, self._result.meta)
                meta = self._result.meta
                middle = small_hole(hole, before.shape[:2], height=meta.height, width=meta.width, least=255)
                difference = np.abs(before.astype(np.float32) - after)[middle] / 255
                if difference.size and float(difference.mean()) < LEAST_CHANGE:
                    self.untouched.add(old.index)
            yield Seen(old.index, new, hole)


def _check_sizes(source: VideoMeta, result: VideoMeta) -> None:
    if (source.width, source.height) != (result.width, result.height):
        raise InputError(
            f"{source.source!r} is {source.width}x{source.height}, {result.source!r} is "
            f"{result.width}x{result.height}; give a video and what was made of it"
        )
    if None not in (source.frame_count, result.frame_count) and source.frame_count != result.frame_count:
        raise InputError(
            f"{source.source!r} has {source.frame_count} frames, {result.source!r} has {result.frame_count}; "
            "give a video and what was made of all of it"
        )


def _verification(
    judgements: list[Judgement], pairs: _Pairs, result: VideoReader, masks: Masks
) -> Verification:
    untouched = [each for each in judgements if each.number in pairs.untouched]
    others = [each for each in judgements if each.is_told and each.number not in pairs.untouched]
    rims, shadows = (
        [each for each in others if each.rim],
        [each for each in others if each.has_shadow],
    )
    meta = result.meta
    found = [
        *_stretches("untouched", untouched, result),
        *_stretches("rim", rims, result),
        *_stretches("shadow", shadows, result),
    ]
    found.sort(key=lambda each: each.start)
    grow = masks.grow + rim_pixels(rims, meta) if rims else None
    told = len(others) + len(untouched)
    return Verification(pairs.count, len(judgements), told, grow, found)


def _stretches(kind: Kind, found: list[Judgement], result: VideoReader) -> Iterator[Stretch]:
    """Yield frames that are less than TOGETHER apart as one stretch."""
    seconds, length = seconds_by(result.meta, result.first_pts), float(1 / result.meta.rate)
    part: list[Judgement] = []
    for each in [*found, None]:
        if part and (each is None or each.number - part[-1].number >= TOGETHER):
            sizes = {
                "untouched": lambda _: 0.0,
                "rim": lambda one: one.excess,
                "shadow": lambda one: one.weight,
            }
            worst = max(part, key=sizes[kind])
            stop = round(seconds(part[-1]) + length, 3)
            pixels = rim_pixels(part, result.meta) if kind == "rim" else 0
            yield Stretch(
                kind, part[0].number, part[-1].number + 1, seconds(part[0]), stop, worst.number, pixels
            )
            part = []
        if each is not None:
            part.append(each)
