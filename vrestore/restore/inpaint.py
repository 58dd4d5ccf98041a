"""Inpainting: scenes, runs of holes, tracks, two passes of flow and propagation, composite.

A run is a stretch of frames with holes within a scene. The frame before and the frame after it, where
they belong to the scene, are read as sources; frames far from any hole pass without being looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from vrestore.frames import Box, Colour, Frame, Hole, HoleSummary, MaskedFrame, PixelFormat
from vrestore.media.colour import composite, known_rgb
from vrestore.restore.passes import fill
from vrestore.restore.patch import Patch, make_patch
from vrestore.restore.propagate import Filled, soften
from vrestore.restore.scenes import Shot, mark_cuts
from vrestore.restore.settings import Settings, Tally
from vrestore.tracks import Track, aligned, find_tracks

Observer = Callable[[Filled], None]


def inpaint(
    items: Iterator[MaskedFrame],
    *,
    summaries: Sequence[HoleSummary | None],
    height: int,
    width: int,
    format: PixelFormat,
    colour: Colour,
    settings: Settings,
    tally: Tally,
    observe: Observer | None = None,
) -> Iterator[Frame]:
    """Repair a video: frames with holes in, whole frames out, one for one and in order.

    `observe` is told every filled patch, so that it can be drawn where colours came from.
    """
    reel = _Reel(mark_cuts(items, format=format))
    cutter = _Cutter(height, width, format, colour)
    with ThreadPoolExecutor(settings.threads, thread_name_prefix="flow") as executor:
        index = 0
        tracks: list[Track] = []
        while (shot := reel.get(index)) is not None:
            tally.scenes += shot.starts_scene
            if shot.hole is None:
                tally.frames += 1
                yield shot.frame
                index += 1
                reel.forget_before(index - 1)
                continue
            if not _are_tracked(tracks, index, shot.hole):  # else those of the scene before serve on
                tracks = _tracks_from(index, shot.hole, summaries, settings.margin, height, width)
            tally.most_tracks = max(tally.most_tracks, len(tracks))
            run = _Run(reel, index, tracks, cutter, settings, executor, tally, observe)
            for frame in run.repaired():
                yield frame
                index += 1


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let torch and OpenCV use one thread a call: frames are worked on side by side instead.

    With more, their threads and those of decoder and encoder wait for each other.
    """
    torch_threads, cv2_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(torch_threads)
        cv2.setNumThreads(cv2_threads)


class _Reel:
    """Shots by index, read when first asked for and kept until forgotten."""

    def __init__(self, shots: Iterator[Shot]) -> None:
        self._shots = shots
        self._kept: dict[int, Shot] = {}
        self._next = 0

    def get(self, index: int) -> Shot | None:
        while self._next <= index:
            shot = next(self._shots, None)
            if shot is None:
                return None
            self._kept[self._next] = shot
            self._next += 1
        return self._kept.get(index)

    def forget_before(self, index: int) -> None:
        for old in [i for i in self._kept if i < index]:
            del self._kept[old]


@dataclass(frozen=True, slots=True)
class _Cutter:
    """Cuts patches from frames and puts them back."""

    height: int
    width: int
    format: PixelFormat
    colour: Colour

    def patch(self, index: int, shot: Shot, box: Box) -> Patch:
        alpha = np.zeros((box.height, box.width), np.uint8) if shot.hole is None else shot.hole.alpha_in(box)
        rgb = known_rgb(shot.frame, box, alpha, format=self.format, colour=self.colour)
        return make_patch(index, box, rgb, alpha > 0)

    def put_back(self, shot: Shot, frame: Frame, filled: Filled) -> Frame:
        if shot.hole is None:
            return frame
        patch = filled.patch
        window = aligned(patch.hole, height=patch.box.height, width=patch.box.width)
        rgb = patch.filled(filled.colours, window).numpy()
        box = Box(patch.box.x + window.x, patch.box.y + window.y, window.width, window.height)
        return composite(frame, box, rgb, shot.hole.alpha_in(box), format=self.format, colour=self.colour)


def _tracks_from(
    first: int,
    hole: Hole,
    summaries: Sequence[HoleSummary | None],
    margin: int,
    height: int,
    width: int,
) -> list[Track]:
    """Find the tracks of the run that starts at frame `first`; the last summary holds for ever.

    The first frame's own hole counts, not its summary: where boxes have times, summaries may be a frame off.
    """
    parts = [hole.parts]
    for index in range(first + 1, len(summaries)):
        summary = summaries[index]
        if summary is None:
            break
        parts.append(summary.parts)
    last = summaries[-1]
    is_open = last is not None and first + len(parts) >= len(summaries) and last.parts == parts[-1]
    return find_tracks(parts, first=first, is_open=is_open, margin=margin, height=height, width=width)


def _are_tracked(tracks: Sequence[Track], index: int, hole: Hole | None) -> bool:
    """Tell whether tracks hold the whole hole of a frame; where summaries were off, they may not."""
    boxes = [track.hole(index) for track in tracks]
    parts = () if hole is None else hole.parts
    return all(any(box is not None and box.union(part) == box for box in boxes) for part in parts)


class _Run:
    """One stretch of frames with holes, repaired track by track and put together again."""

    def __init__(
        self,
        reel: _Reel,
        first: int,
        tracks: list[Track],
        cutter: _Cutter,
        settings: Settings,
        executor: Executor,
        tally: Tally,
        observe: Observer | None,
    ) -> None:
        self._reel = reel
        self._first = first
        self._tracks = tracks
        self._cutter = cutter
        self._settings = settings
        self._executor = executor
        self._tally = tally
        self._observe = observe

    def repaired(self) -> Iterator[Frame]:
        """Give the frames of the run with their holes filled."""
        # Not a tee: that keeps up to 57 shots that all have seen.
        fillings = [
            map(soften, fill(self._patches(self._shots(), track), self._settings, self._executor))
            for track in self._tracks
        ]
        for filled in zip(*fillings, strict=True):
            index = filled[0].patch.index
            shot = self._reel.get(index)
            if shot is None or shot.hole is None or index < self._first:
                continue
            frame = shot.frame
            own = [
                each
                for track, each in zip(self._tracks, filled, strict=True)
                if track.hole(index) is not None
            ]
            for each in own:
                frame = self._cutter.put_back(shot, frame, each)
                if self._observe is not None:
                    self._observe(each)
            self._count(shot, own)
            yield frame
            self._reel.forget_before(index)

    def _shots(self) -> Iterator[tuple[int, Shot]]:
        """Give the run with the frame before and after it, where they are of the same scene."""
        start = self._reel.get(self._first)
        before = self._reel.get(self._first - 1) if self._first else None
        if before is not None and start is not None and not start.starts_scene:
            yield self._first - 1, before
        index = self._first
        while (shot := self._reel.get(index)) is not None:
            if index > self._first and (
                shot.starts_scene or not _are_tracked(self._tracks, index, shot.hole)
            ):
                return
            yield index, shot
            if shot.hole is None:
                return
            index += 1

    def _patches(self, shots: Iterator[tuple[int, Shot]], track: Track) -> Iterator[Patch]:
        for index, shot in shots:
            yield self._cutter.patch(index, shot, track.canvas(index))

    def _count(self, shot: Shot, filled: Sequence[Filled]) -> None:
        tally = self._tally
        tally.frames += 1
        tally.repaired_frames += 1
        tally.hole_pixels += shot.hole.pixel_count if shot.hole is not None else 0
        for each in filled:
            fetched = int((each.confidence > 0).sum())
            blended = int(each.is_blended.sum())
            tally.painted += each.confidence.numel() - fetched
            tally.blended += blended
            tally.copied += fetched - blended
