"""The hole of every frame: files and boxes united, inverted, grown, feathered, checked before work begins.

Order: read, threshold, unite, invert, grow, feather. `invert` turns what the files and boxes say of a
frame; frames of which none says anything (outside a box's times, past the ends of an offset mask) stay
untouched. Masks and boxes are drawn on the picture as a player shows it, holes lie in the decoded one.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from vrestore.errors import MaskError, UsageError
from vrestore.frames import Frame, FrameNumbers, Hole, HoleSummary, MaskArray, VideoMeta
from vrestore.masks.boxes import TimedBox, as_seconds, read_box
from vrestore.masks.reading import MaskTrack, Stretch, counted_frames, track_masks
from vrestore.masks.shapes import hole_of
from vrestore.masks.store import EMPTY, MaskStore
from vrestore.media.choices import Fit
from vrestore.media.clock import FrameClock

MOST_COVERED = 0.9
"""A mask that covers more of the picture than this, on average, is taken for an inverted one."""

_GROW_LINES, _FEATHER_LINES = 120, 240  # one pixel for so many lines of the picture
_KEPT_HOLES = 8  # in memory at a time; neighboring frames often share one


@dataclass(frozen=True, slots=True)
class MaskOptions:
    """What the user says of the mask.

    Args:
        paths: images, folders or patterns of images, videos; united.
        boxes: `x,y,w,h[@start-stop]`, see `boxes`; united with the paths.
        invert: fill what is not marked.
        grow: pixels by which the mask is widened, negative to narrow it; None is height / 120.
        feather: pixels over which the filling fades out around the grown mask; None is height / 240.
        offset: mask frame i stands over video frame i + offset. Other than 0 it also says that the
            mask need not be as long as the video. Boxes and single images do not move.
        fit: whether a mask of another size is an error or resized.
        allow_full: take a mask that covers nearly everything.
    """

    paths: tuple[Path, ...] = ()
    boxes: tuple[str, ...] = ()
    invert: bool = False
    grow: int | None = None
    feather: int | None = None
    offset: int = 0
    fit: Fit = "error"
    allow_full: bool = False

    def __post_init__(self) -> None:
        if not self.paths and not self.boxes:
            raise UsageError("nothing says what to fill; pass --mask or --box")
        if self.feather is not None and self.feather < 0:
            raise UsageError(f"feather is {self.feather} pixels; 0 or more are allowed")


def widths(grow: int | None, feather: int | None, *, height: int) -> tuple[int, int]:
    """Return by how many pixels masks are grown and feathered; None is what the height asks for."""
    return (
        round(height / _GROW_LINES) if grow is None else grow,
        round(height / _FEATHER_LINES) if feather is None else feather,
    )


class _State(NamedTuple):
    """All that the hole of a frame depends on: the files' mask by number, and the boxes by index."""

    files: int | None
    boxes: tuple[int, ...]


def open_masks(
    options: MaskOptions,
    meta: VideoMeta,
    *,
    frame_times: Sequence[float] | None = None,
    first_frame: int = 0,
    is_trimmed: bool = False,
    start_pts: int | None = None,
) -> Masks:
    """Read and check all masks for a video.

    Args:
        options: what the user says.
        meta: the video; its `frame_count` is that of the part that is read.
        frame_times: seconds since the source's first frame for each frame that is read. Without them the
            summaries place boxes with times by the frame rate, which may be off by a frame, or by more
            where the rate varies; holes are placed by the frames' own times in any case.
        first_frame: number of the first frame that is read. Masks and boxes count the source's frames.
        is_trimmed: the video is not read to its end, so that a mask may be longer than what is read.
        start_pts: timestamp of the source's first frame; None takes it from the first frame asked about.

    Raises:
        UsageError: a box cannot be read.
        MaskError: a mask is missing, unreadable, of the wrong size, count or rate, empty, or covers more
            than MOST_COVERED of the picture; a box lies outside the picture or the video.
    """
    is_whole = first_frame == 0 and not is_trimmed
    if options.offset and is_whole and meta.frame_count is None:
        meta = replace(meta, frame_count=counted_frames(meta.source))  # where an offset mask ends
    stretch = _of_source(meta, first_frame, is_whole=is_whole)
    boxes = tuple(read_box(text, stretch.meta, is_whole=is_whole) for text in options.boxes)
    store = MaskStore(height=meta.height, width=meta.width)
    try:
        track = track_masks(options.paths, stretch, offset=options.offset, fit=options.fit, store=store)
        clock = FrameClock(meta, first_frame=first_frame, times=frame_times, start_pts=start_pts)
        frames = _Frames(meta.numbers, first_frame, clock)
        return Masks(options, stretch, track=track, boxes=boxes, store=store, frames=frames)
    except BaseException:
        store.close()
        raise


def _of_source(meta: VideoMeta, first_frame: int, *, is_whole: bool) -> Stretch:
    """Return the source's own frames that are read, which masks and boxes count."""
    numbers, count = meta.numbers, meta.frame_count
    first = numbers.source(first_frame)
    if count is not None:
        count = numbers.source(first_frame + count - 1) + 1 - first if count else 0
        count = (numbers.source_count or count) if is_whole else count
    return Stretch(replace(meta, frame_count=count, rate=meta.rate / numbers.ratio), first, is_whole=is_whole)


@dataclass(frozen=True, slots=True)
class _Frames:
    """The frames that are read: the index of the first, the source's frames they are made of, their times."""

    numbers: FrameNumbers
    first: int
    clock: FrameClock


class Masks:
    """A MaskSource. `grow` and `feather` are what the options came to, in pixels, `first` the first frame.

    Equal masks give the same Hole object while it is among the last few. May be asked from several
    threads. Close it, or use `with`, to give its temporary file back early.
    """

    def __init__(
        self,
        options: MaskOptions,
        stretch: Stretch,
        *,
        track: MaskTrack,
        boxes: tuple[TimedBox, ...],
        store: MaskStore,
        frames: _Frames,
    ) -> None:
        height = stretch.meta.height
        self.grow, self.feather = widths(options.grow, options.feather, height=height)
        self.options, self.first = options, frames.first
        self._track, self._boxes = track, boxes
        self._store, self._frames = store, frames
        self._is_timed = any(box.is_timed for box in boxes)
        self._holes: OrderedDict[_State, Hole | None] = OrderedDict()
        self._lock = threading.Lock()
        self._summaries = self._survey(stretch)

    @property
    def summaries(self) -> Sequence[HoleSummary | None]:
        return self._summaries

    @property
    def goes_on(self) -> bool:
        """Whether the last summary stands for all frames that follow; else there are no more masks."""
        return self._track.end is None

    def hole(self, frame: Frame) -> Hole | None:
        """Return the hole of a frame by its index in the source; raises MaskError past the masks' end."""
        with self._lock:
            seconds = self._frames.clock.seconds(frame) if self._is_timed else Fraction(0)
            state = self._state(frame.index, seconds)
            if state in self._holes:
                self._holes.move_to_end(state)
                return self._holes[state]
            hole = self._shaped(self._mask(state))
            self._holes[state] = hole
            if len(self._holes) > _KEPT_HOLES:
                self._holes.popitem(last=False)
            return hole

    def drawn(self, number: int) -> MaskArray | None:
        """Return what files and boxes mark in a frame by its number, (H, W), before it is grown.

        None is nothing. Boxes with times are placed by the frame rate. Raises MaskError past the masks' end.
        """
        with self._lock:
            return self._mask(self._state(number, self._frames.clock.expected(number)))

    def close(self) -> None:
        """Remove the temporary file in which masks are kept."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _state(self, index: int, seconds: Fraction) -> _State:
        number = self._frames.numbers.source(index)
        boxes = tuple(
            index for index, box in enumerate(self._boxes) if box.covers(number=number, seconds=seconds)
        )
        return _State(self._track.number(number), boxes)

    def _mask(self, state: _State) -> MaskArray | None:
        """Return the united mask before it is grown, None where nothing is said or nothing is marked."""
        if state.files is None and not state.boxes:
            return None
        if state.files in {None, EMPTY} and not state.boxes and not self.options.invert:
            return None
        mask = self._store.mask(state.files or EMPTY)
        for index in state.boxes:
            box = self._boxes[index].box
            mask[box.rows, box.columns] = True
        return ~mask if self.options.invert else mask

    def _shaped(self, mask: MaskArray | None) -> Hole | None:
        return None if mask is None else hole_of(mask, grow=self.grow, feather=self.feather)

    def _survey(self, stretch: Stretch) -> list[HoleSummary | None]:
        """Look at the mask of every frame; raises MaskError when all are empty or nearly all is covered."""
        seen: dict[_State, tuple[HoleSummary | None, int]] = {}
        summaries, covered = [], 0
        stop = self._frames.numbers.first(stretch.first + self._frame_count(stretch))
        for index in range(self._frames.first, stop):
            state = self._state(index, self._frames.clock.expected(index))
            if state not in seen:
                mask = self._mask(state)
                hole = self._shaped(mask)
                summary = None if hole is None else HoleSummary(hole.parts, hole.pixel_count)
                seen[state] = summary, 0 if mask is None else int(np.count_nonzero(mask))
            summaries.append(seen[state][0])
            covered += seen[state][1]
        if not summaries:
            raise MaskError("the mask holds no frame that can be read")
        share = covered / (len(summaries) * stretch.meta.height * stretch.meta.width)
        if not any(summaries):
            raise MaskError(self._why_empty(share))
        if share > MOST_COVERED and not self.options.allow_full:
            advice = "drop --invert" if self.options.invert else "is it inverted? pass --invert"
            raise MaskError(f"mask covers {share:.0%} of the picture; {advice}, or --yes to go on")
        return summaries

    def _frame_count(self, stretch: Stretch) -> int:
        """Return of how many frames of the source there is something to say; the last stands for the rest."""
        masks, declared = len(self._track.numbers), stretch.meta.frame_count
        if self._track.end is not None and (stretch.is_whole or declared is None):
            return masks
        if declared is not None:
            return max(1, declared)
        ends = [moment for box in self._boxes for moment in (box.start, box.stop) if moment is not None]
        frames = [math.ceil(as_seconds(moment, stretch.meta) * stretch.meta.rate) for moment in ends]
        return max([masks, *(frame - stretch.first for frame in frames)]) + 1

    def _why_empty(self, share: float) -> str:
        if share > 0:
            return f"nothing is left of the mask when it is narrowed by {-self.grow} pixels"
        if self._boxes:
            return (
                "mask is empty: no frame that is read lies in the times of a box, and no file marks a pixel"
            )
        if self._track.brightest <= 1 / 2:
            return (
                f"mask is empty: its brightest value is {self._track.brightest:.0%} of full scale; "
                "what is to be filled is above 50%"
            )
        return "mask is empty in all frames that are read; check --invert, --mask-offset, --start and --stop"
