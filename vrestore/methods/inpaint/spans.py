"""One span of frames with holes, repaired track by track and put together again.

Loads torch: `inpaint` loads this in the background while frames without a hole pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vrestore.frames import Frame, Hole
from vrestore.masks.tracks import Track
from vrestore.methods.inpaint.frame_buffer import FrameBuffer
from vrestore.methods.inpaint.grain.follow import GrainFollower
from vrestore.methods.inpaint.network.refine import load_refiner
from vrestore.methods.inpaint.painted import Painted
from vrestore.methods.inpaint.patch_io import PatchIO
from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.methods.inpaint.propagation.blending import regularize
from vrestore.methods.inpaint.propagation.filled import Filled, Known
from vrestore.methods.inpaint.propagation.passes import fill
from vrestore.methods.inpaint.propagation.read_once import LINES, Scale, read_once
from vrestore.methods.inpaint.settings import InpaintStats, Settings, SpanState
from vrestore.methods.inpaint.span_tracker import Span, SpanTracker
from vrestore.methods.inpaint.texture.onnx_painter.network import load_network
from vrestore.methods.inpaint.texture.painter import Painter
from vrestore.methods.inpaint.tools import Tools
from vrestore.methods.shots import Shot
from vrestore.threads import Arrived, Awaited, Pending

Observer = Callable[[Filled], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the spans of a video are repaired with, and what is told of it."""

    buffer: FrameBuffer
    tracker: SpanTracker
    patch_io: PatchIO
    settings: Settings
    tools: Tools
    tally: InpaintStats
    observe: Observer | None


class HoleSpan:
    """One span of frames with holes, repaired track by track and put together again."""

    def __init__(self, span: Span, around: Surroundings) -> None:
        self._span, self._around = span, around
        self._buffer, self._tracker, self._tally = around.buffer, around.tracker, around.tally
        self._settings, self._tools = around.settings, around.tools
        self._tracks = around.tracker.tracks
        network = around.settings.network
        self._refiner = None if network is None else load_refiner(network)
        self._last: Sequence[Filled] = ()
        self._grain: GrainFollower | None = None
        if around.settings.has_grain:
            self._grain = GrainFollower(
                around.buffer,
                span.first,
                format=around.patch_io.format,
                settings=around.settings,
                tally=around.tally,
            )
        self._painters = [self._painter(number, track) for number, track in enumerate(self._tracks)]
        self._painted: tuple[Painted | None, ...] = ()

    def repaired(self) -> Iterator[Frame]:
        """Yield the frames of the span with their holes filled; in the end `span` is told where it stops."""
        waiting: deque[Pending[Frame]] = deque()
        # One frame waits while its pixels come down from a device.
        most = 0 if self._tools.fallback.is_cpu else 1
        for begun in self._begun():
            waiting.append(begun)
            if len(waiting) > most:
                yield waiting.popleft().result()
                self._span.stop += 1
        while waiting:
            yield waiting.popleft().result()
            self._span.stop += 1
        self._span.state = self._state()

    def _state(self) -> SpanState | None:
        """Return what the span that goes on behind the end needs of this one; None where none does."""
        end = self._span.end
        if end is None or not self._last or self._last[0].patch.index != end - 1:
            return None
        after = self._buffer.get(end)
        if after is None or after.hole is None or not self._tracker.holds(end, after):
            return None
        return SpanState(
            *self._tracker.tracked_from,
            tuple(each.colors.cpu().numpy() for each in self._last),
            tuple(each.confidence.cpu().numpy() for each in self._last),
            self._painted,
        )

    def _begun(self) -> Iterator[Pending[Frame]]:
        """Begin to write the frames of the span."""
        # Not a tee: that keeps up to 57 shots that all have seen.
        fillings = [self._fill(number, track) for number, track in enumerate(self._tracks)]
        for filled in zip(*fillings, strict=True):
            index = filled[0].patch.index
            if self._span.end is not None and index >= self._span.end:
                return
            shot = self._buffer.get(index)
            # The frame before and the one after are sources, and are given as they are by others.
            if shot is None or shot.hole is None or index < self._span.first:
                continue
            own = [
                each
                for track, each in zip(self._tracks, filled, strict=True)
                if track.hole(index) is not None
            ]
            frame: Pending[Frame] = Arrived(shot.frame)
            for each in own:
                # Tracks may share a cell of chroma, so each is written into what the last one left.
                frame = self._around.patch_io.put_back(shot.hole, frame.result(), each)
                if self._around.observe is not None:
                    self._around.observe(each)
            self._last = filled
            if self._span.end is not None and index == self._span.end - 1:
                self._painted = tuple(each.painted if each else None for each in self._painters)
            count = self._tools.fallback.run(partial(self._counting, shot), own)
            yield Awaited(partial(self._after, index, count, frame, shot.hole))
            self._buffer.forget_before(index)  # once all tracks have given the frame

    def _after(self, index: int, count: Callable[[], None], frame: Pending[Frame], hole: Hole) -> Frame:
        """Wait for a filled frame, count what it was filled with, and give it its grain."""
        count()
        filled = frame.result()
        return filled if self._grain is None else self._grain.given(index, filled, hole)

    def _fill(self, number: int, track: Track) -> Iterator[Filled]:
        known, carried = None, self._span.carried
        if carried is not None:
            arrays = carried.colors[number], carried.confidence[number]
            colors, confidence = (torch.from_numpy(array) for array in arrays)
            known = Known(colors, confidence)
        # Each track reads the shots for itself; the buffer keeps them until all have.
        filled = fill(self._patches(self._shots(), track), self._settings, self._tools, known=known)
        if self._refiner is None:
            made: Iterator[Filled] = (self._tools.fallback.run(regularize, each) for each in filled)
            painter = self._painters[number]
            if self._settings.origin_frames:
                made = read_once(
                    made,
                    scale=Scale(self._settings.cell, track.height / LINES),
                    frames=self._settings.origin_frames,
                    executor=self._tools.executor,
                    fallback=self._tools.fallback,
                    known=known,
                )
            return made if painter is None else map(painter.paint, made)
        return self._refiner.paint(filled, track, self._tools, network_cpu_frames=self._count_network_on_cpu)

    def _painter(self, number: int, track: Track) -> Painter | None:
        """Return what paints with texture what no frame of a track shows, if that is asked for."""
        side, carried = self._settings.texture_side, self._span.carried
        if self._refiner is not None or not side:
            return None
        painted = None if carried is None else carried.painted[number]
        own = self._settings.painter
        network = None if own is None else load_network(own)
        return Painter(side=side, grain=track.height / LINES, painted=painted, network=network)

    def _shots(self) -> Iterator[tuple[int, Shot]]:
        """Yield the span with the frame before and after it, where they are of the same scene.

        Behind an end come as many frames as propagation looks ahead.
        """
        first, end = self._span.first, self._span.end
        start = self._buffer.get(first)
        before = self._buffer.get(first - 1) if first else None
        if before is not None and start is not None and not start.starts_scene:
            yield first - 1, before
        index = first
        while (shot := self._buffer.get(index)) is not None:
            if index > first and not self._tracker.holds(index, shot):
                return
            if end is not None and index >= end + self._settings.look_ahead:
                return
            yield index, shot
            if shot.hole is None:
                return
            index += 1

    def _patches(self, shots: Iterator[tuple[int, Shot]], track: Track) -> Iterator[Patch]:
        for index, shot in shots:
            yield self._around.patch_io.patch(index, shot, track.canvas(index))

    def _count_network_on_cpu(self, frames: int) -> None:
        self._tally.network_cpu_frames += frames

    def _counting(self, shot: Shot, filled: Sequence[Filled]) -> Callable[[], None]:
        """Begin to count what a frame was filled with; the result waits for the numbers and adds them."""
        numbers = [self._tools.fallback.down(_counted(each)) for each in filled]

        def count() -> None:
            tally = self._tally
            tally.frames += 1
            tally.repaired_frames += 1
            tally.hole_pixels += shot.hole.pixel_count if shot.hole is not None else 0
            for each, counted in zip(filled, numbers, strict=True):
                fetched, blended, past, future, age, textured = counted.result().tolist()
                tally.from_past += past
                tally.from_future += future
                tally.age_frames += age
                tally.textured += textured
                tally.painted += each.patch.hidden_count - fetched
                tally.blended += blended
                tally.copied += fetched - blended
            # A patch once on the CPU stays there, so where it lies tells whether the device failed.
            on_cpu = any(each.patch.device.type == "cpu" for each in filled)
            tally.cpu_fallback_frames += self._settings.device != "cpu" and on_cpu

        return count


def _counted(filled: Filled) -> Tensor:
    """Count the pixels fetched, blended, read from past and future, their ages in all, and the textured."""
    age = torch.zeros(1, dtype=torch.int32) if filled.age is None else filled.age
    texture = torch.zeros_like(filled.is_blended) if filled.is_texture is None else filled.is_texture
    fetched, blended = (filled.confidence > 0) & ~texture, filled.is_blended & ~texture
    counts = [fetched, blended, age < 0, age > 0, age.abs(), texture]
    return torch.stack([each.sum().to(filled.confidence.device) for each in counts])
