"""One run of frames with holes, repaired track by track and put together again.

Loads torch: `inpaint` loads this in the background while frames without a hole pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from vrestore.device.transfers import Transfers, normalize_oom, with_cpu_fallback
from vrestore.frames import Box, Color, Frame, Hole, PixelFormat
from vrestore.masks.tracks import Track, aligned
from vrestore.media.color.convert import composite, known_rgb
from vrestore.methods.inpaint.frame_buffer import FrameBuffer
from vrestore.methods.inpaint.network.refine import load_refiner
from vrestore.methods.inpaint.passes import fill
from vrestore.methods.inpaint.patches.device_color import DeviceColor
from vrestore.methods.inpaint.patches.device_patch import device_patch
from vrestore.methods.inpaint.patches.patch import Patch, make_patch
from vrestore.methods.inpaint.propagate import Filled, Known, regularize
from vrestore.methods.inpaint.settings import InpaintStats, Settings, SpanState
from vrestore.methods.inpaint.span_tracker import SpanTracker
from vrestore.methods.shots import Shot
from vrestore.ops import Backend, Kernels, select

Observer = Callable[[Filled], None]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch use one thread a call."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def one_thread_here() -> None:
    """Let the thread that calls use no others for what torch does in it: each has a count of its own."""
    torch.set_num_threads(1)


@dataclass(frozen=True, slots=True)
class PatchIO:
    """Cuts patches from frames and puts them back, on a device if there is one."""

    height: int
    width: int
    format: PixelFormat
    color: Color
    on_device: DeviceColor | None
    backend: Backend
    """What serves the device."""

    def patch(self, index: int, shot: Shot, box: Box) -> Patch:
        """Cut a box out of a frame, without what its hole hides; on the CPU if the device has no memory."""
        alpha = np.zeros((box.height, box.width), np.uint8) if shot.hole is None else shot.hole.alpha_in(box)
        if self.on_device is not None:
            try:
                with normalize_oom():
                    known = self.on_device.known_rgb(shot.frame, box, alpha)
                    return device_patch(index, box, known, alpha > 0, backend=self.backend)
            except torch.OutOfMemoryError:
                pass
        rgb = known_rgb(shot.frame, box, alpha, format=self.format, color=self.color)
        return make_patch(index, box, rgb, alpha > 0)

    def put_back(self, hole: Hole, frame: Frame, filled: Filled) -> Callable[[], Frame]:
        """Begin to write a filled patch into the hole of a frame; the result waits for the whole frame."""
        return with_cpu_fallback(partial(self._written, hole, frame), filled)

    def down(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Begin to bring a tensor to the CPU, wherever it is; the result waits for it and gives it."""
        return tensor.cpu if self.on_device is None else self.on_device.staging.down(tensor)

    def _written(self, hole: Hole, frame: Frame, filled: Filled) -> Callable[[], Frame]:
        patch = filled.patch
        window = aligned(patch.hole, height=patch.box.height, width=patch.box.width)
        box = Box(patch.box.x + window.x, patch.box.y + window.y, window.width, window.height)
        alpha = hole.alpha_in(box)
        rgb = patch.filled(filled.colors, window)
        if self.on_device is not None and rgb.device.type != "cpu":
            return self.on_device.composite(frame, box, rgb, alpha)
        whole = composite(frame, box, rgb.numpy(), alpha, format=self.format, color=self.color)
        return partial(_itself, whole)


def make_patch_io(
    *, height: int, width: int, format: PixelFormat, color: Color, device: str, kernels: Kernels
) -> PatchIO:
    """Make the cutter of a video, for a device, by the operations asked for, or for `cpu`."""
    on_device = None
    if device != "cpu":
        on_device = DeviceColor(Transfers(torch.device(device)), format, color)
    return PatchIO(height, width, format, color, on_device, select(device, asked=kernels))


class HoleSpan:
    """One stretch of frames with holes, repaired track by track and put together again."""

    def __init__(
        self,
        reel: FrameBuffer,
        first: int,
        course: SpanTracker,
        cutter: PatchIO,
        settings: Settings,
        executor: Executor,
        tally: InpaintStats,
        observe: Observer | None,
        carried: SpanState | None = None,
        end: int | None = None,
    ) -> None:
        self._reel = reel
        self._first = first
        self._course, self._tracks = course, course.tracks
        self._cutter = cutter
        self._settings = settings
        self._executor = executor
        self._tally = tally
        self._painter = None if settings.network is None else load_refiner(settings.network)
        self._observe = observe
        self._carried, self._end = carried, end
        self._last: Sequence[Filled] = ()

    def carried(self) -> SpanState | None:
        """Return what the run that goes on behind the end needs of this one; None where none does."""
        if self._end is None or not self._last or self._last[0].patch.index != self._end - 1:
            return None
        after = self._reel.get(self._end)
        if after is None or after.hole is None or not self._course.holds(self._end, after):
            return None
        return SpanState(
            *self._course.tracked_from,
            tuple(each.colors.cpu().numpy() for each in self._last),
            tuple(each.confidence.cpu().numpy() for each in self._last),
        )

    def repaired(self) -> Iterator[Frame]:
        """Yield the frames of the run with their holes filled."""
        waiting: deque[Callable[[], Frame]] = deque()
        # One frame waits while its pixels come down from a device.
        most = 0 if self._cutter.on_device is None else 1
        for begun in self._begun():
            waiting.append(begun)
            if len(waiting) > most:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()

    def _begun(self) -> Iterator[Callable[[], Frame]]:
        """Begin to write the frames of the run."""
        # Not a tee: that keeps up to 57 shots that all have seen.
        fillings = [self._fill(number, track) for number, track in enumerate(self._tracks)]
        for filled in zip(*fillings, strict=True):
            index = filled[0].patch.index
            if self._end is not None and index >= self._end:
                return
            shot = self._reel.get(index)
            if shot is None or shot.hole is None or index < self._first:
                continue
            own = [
                each
                for track, each in zip(self._tracks, filled, strict=True)
                if track.hole(index) is not None
            ]
            frame: Callable[[], Frame] = partial(_itself, shot.frame)
            for each in own:
                frame = self._cutter.put_back(shot.hole, frame(), each)
                if self._observe is not None:
                    self._observe(each)
            self._last = filled
            yield partial(_after, with_cpu_fallback(partial(self._counting, shot), _Found(tuple(own))), frame)
            self._reel.forget_before(index)

    def _fill(self, number: int, track: Track) -> Iterator[Filled]:
        known = None
        if self._carried is not None:
            arrays = self._carried.colors[number], self._carried.confidence[number]
            known = Known(*(torch.from_numpy(array) for array in arrays))
        filled = fill(self._patches(self._shots(), track), self._settings, self._executor, known=known)
        if self._painter is None:
            return map(partial(with_cpu_fallback, regularize), filled)
        return self._painter.paint(filled, track, self._executor, network_cpu_frames=self._count_given_up)

    def _shots(self) -> Iterator[tuple[int, Shot]]:
        """Yield the run with the frame before and after it, where they are of the same scene.

        Behind an end come as many frames as propagation looks ahead.
        """
        start = self._reel.get(self._first)
        before = self._reel.get(self._first - 1) if self._first else None
        if before is not None and start is not None and not start.starts_scene:
            yield self._first - 1, before
        index = self._first
        while (shot := self._reel.get(index)) is not None:
            if index > self._first and not self._course.holds(index, shot):
                return
            if self._end is not None and index >= self._end + self._settings.look_ahead:
                return
            yield index, shot
            if shot.hole is None:
                return
            index += 1

    def _patches(self, shots: Iterator[tuple[int, Shot]], track: Track) -> Iterator[Patch]:
        for index, shot in shots:
            yield self._cutter.patch(index, shot, track.canvas(index))

    def _count_given_up(self, frames: int) -> None:
        self._tally.network_cpu_frames += frames

    def _counting(self, shot: Shot, found: _Found) -> Callable[[], None]:
        """Begin to count what a frame was filled with; the result waits for the numbers and adds them."""
        numbers = [
            self._cutter.down(torch.stack([(each.confidence > 0).sum(), each.is_blended.sum()]))
            for each in found.filled
        ]

        def count() -> None:
            tally = self._tally
            tally.frames += 1
            tally.repaired_frames += 1
            tally.hole_pixels += shot.hole.pixel_count if shot.hole is not None else 0
            for each, wait in zip(found.filled, numbers, strict=True):
                fetched, blended = wait().tolist()
                tally.painted += each.patch.hidden_count - fetched
                tally.blended += blended
                tally.copied += fetched - blended
            on_cpu = any(each.patch.device.type == "cpu" for each in found.filled)
            tally.cpu_fallback_frames += self._settings.device != "cpu" and on_cpu

        return count


@dataclass(frozen=True, slots=True)
class _Found:
    """What the holes of a frame were filled with."""

    filled: tuple[Filled, ...]

    def on_cpu(self) -> _Found:
        return _Found(tuple(each.on_cpu() for each in self.filled))


def _after(count: Callable[[], None], frame: Callable[[], Frame]) -> Frame:
    count()
    return frame()


def _itself(frame: Frame) -> Frame:
    return frame
