"""How the frames of a video are taken together: scenes, runs of frames with holes, and where it may be cut.

Inpainting follows this frame by frame; a survey finds the same borders beforehand, without restoring.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vrestore.frames import Box, Frame, Hole, HoleSummary
from vrestore.masks.tracks import Track
from vrestore.methods.inpaint.frame_buffer import FrameBuffer, are_tracked, tracks_from
from vrestore.methods.inpaint.settings import InpaintStats, SpanState
from vrestore.methods.segmenter import Segments
from vrestore.methods.sharding import Met, Shard
from vrestore.methods.shots import Shot


class SpanTracker:
    """The tracks of the run of frames with holes that is under way.

    `tracked_from` tells the frame that they were found from, and the parts of its hole.
    """

    def __init__(
        self, summaries: Sequence[HoleSummary | None], *, margin: int, height: int, width: int
    ) -> None:
        self._summaries, self._margin, self._size = summaries, margin, (height, width)
        self.tracks: list[Track] = []
        self.tracked_from: tuple[int, tuple[Box, ...]] = 0, ()

    def begin(self, index: int, hole: Hole) -> None:
        """Let a run begin at a frame; tracks that hold its hole, those of the scene before, serve on."""
        if not are_tracked(self.tracks, index, hole):
            self._track(index, hole.parts)

    def go_on(self, carried: SpanState) -> None:
        """Let the run go on that another one knows the beginning of."""
        self._track(carried.first, carried.parts)

    def forget(self) -> None:
        """Let the next run begin as if nothing were before it."""
        self.tracks = []

    def holds(self, index: int, shot: Shot) -> bool:
        """Tell whether a frame is of the run under way; the first one without a hole is too."""
        return not shot.starts_scene and are_tracked(self.tracks, index, shot.hole)

    def _track(self, first: int, parts: tuple[Box, ...]) -> None:
        self.tracked_from = first, parts
        self.tracks = tracks_from(first, parts, self._summaries, self._margin, *self._size)


@dataclass(slots=True)
class Span:
    """Frames with holes within a scene, from number `first` on, that are repaired together.

    It ends before number `end` wherever that is, None for nowhere. `carried` is what the segment before knows
    of its beginning. Whoever repairs it sets the other two before asking for what comes after it.
    """

    first: int
    carried: SpanState | None
    end: int | None
    stop: int
    """The number of the frame after its last."""
    state: SpanState | None = None
    """What the span that goes on behind the end needs to know; None where none does."""


def take_apart(
    buffer: FrameBuffer,
    tracker: SpanTracker,
    tally: InpaintStats,
    *,
    segments: Segments[SpanState, InpaintStats] | None = None,
    part: Shard | None = None,
) -> Iterator[Frame | Span]:
    """Yield the frames of a video that pass as they are, and in place of the others their spans, in order.

    `segments` are cut on the way; what is before their start, or from the stop of a `part` on, passes.
    """
    index = 0 if part is None else part.first
    carried: SpanState | None = None
    while (shot := buffer.get(index)) is not None:
        # Before its start a run that goes on has written everything.
        is_before = segments is not None and index < segments.start
        is_outside = is_before or (part is not None and index >= part.stop)
        if not is_outside:
            if segments is not None and index == segments.start and segments.carried is not None:
                # In the middle of a span: what the segment before knew of it goes on.
                carried = segments.carried
                tracker.go_on(carried)
            elif segments is not None and carried is None and segments.is_due(index):
                segments.cut(index, None, tally)
                # As a run would begin here, so that it makes no difference whether one does.
                tracker.forget()
            tally.scenes += shot.starts_scene
            tally.frames += shot.hole is None
        if is_outside or shot.hole is None:
            yield shot.frame
            index += 1
            buffer.forget_before(index - 1)
            continue
        tracker.begin(index, shot.hole)
        tally.max_tracks = max(tally.max_tracks, len(tracker.tracks))
        # Whoever repairs it says where it stops, for that is seen only while its frames are read.
        span = Span(index, carried, None if segments is None else segments.end, stop=index)
        yield span
        index, carried = span.stop, span.state  # what was yielded is repaired by now
        if segments is not None and carried is not None:
            segments.cut(index, carried, tally)


def survey(shots: Iterator[Shot], tracker: SpanTracker, *, length: int) -> Iterator[Met]:
    """Tell of each frame whether inpainting, cut after `length` frames or later, begins a segment with it."""
    segments = Segments[SpanState, InpaintStats](length)
    is_running = False
    for index, shot in enumerate(shots):
        goes_on = is_running and shot.hole is not None and tracker.holds(index, shot)
        if goes_on and index < segments.end:
            yield Met(shot, starts_segment=False, is_free=False)
            continue
        is_due = goes_on or segments.is_due(index)
        if is_due:
            segments.cut(index, None, InpaintStats())
            if not goes_on:
                tracker.forget()
        is_running = shot.hole is not None
        if shot.hole is not None:
            tracker.begin(index, shot.hole)
        yield Met(shot, starts_segment=is_due or index == 0, is_free=not goes_on)
