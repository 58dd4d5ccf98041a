"""The network's stage: filled patches in, the same patches with the network's colours out.

The network corrects what was propagated. It sees windows around the holes (`vrestore.restore.windows`), runs
as an exact stream over a stretch of frames, and may work on a smaller picture: then its correction is brought
up to size and added, and what was copied keeps its full resolution.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.device import Precision
from vrestore.errors import ModelError
from vrestore.flow.estimate import DisFlow
from vrestore.models.blocks import in_channels_last
from vrestore.models.tsam import Clip, Tsam
from vrestore.models.weights import load_model
from vrestore.ops.operations import ByKernels, select
from vrestore.ops.shift_align import Motion
from vrestore.plan import FlowPreset, window_size
from vrestore.restore.propagate import Filled
from vrestore.restore.settings import NetworkSettings
from vrestore.restore.staging import Staging, one_kind_of_lack, tried
from vrestore.restore.stream import Stream
from vrestore.restore.windows import Window, clip_of, motion_between, window_of
from vrestore.tracks import Track

NETWORK_FLOW: FlowPreset = "fast"
"""Of DIS, for the motion that the network is given: it aligns features at half size and below."""

_TYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}

CHUNK = 4
"""Frames pushed through the network at once: more bring no speed on a processor, only latency."""


@lru_cache(maxsize=2)
def load_painter(settings: NetworkSettings) -> Painter:
    """Load the network that settings name; a batch loads it once.

    Raises:
        ModelError: There is no such model, it is damaged, or it is none that fills holes.
    """
    network = load_model(settings.model, device=settings.device, dtype=_TYPES[settings.precision])
    if not isinstance(network, Tsam):
        raise ModelError(f"the model {settings.model!r} fills no holes; pass one for inpainting with --model")
    operations = select(settings.device, asked=settings.kernels).operations
    kernels = operations if isinstance(operations, ByKernels) else None
    return Painter(in_channels_last(network), settings.scale, kernels)


@dataclass(frozen=True)
class Painter:
    """A network put to work; `scale` says how many times smaller than the picture it works.

    A network that paints instead of correcting what was propagated has its say as far as that is doubtful.
    """

    network: Tsam
    scale: int = 1
    kernels: ByKernels | None = None
    """That align features on the network's device; torch's tables without."""

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def paint(
        self,
        filled: Iterator[Filled],
        track: Track,
        executor: Executor,
        *,
        given_up: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Filled]:
        """Correct the filled patches of a track, in order.

        Frames that have no hole, nor neighbour one with a hole, pass as they are and end the clip. Motion is
        estimated on the threads of `executor`. `given_up` is told of frames that the network's device had too
        little memory for.
        """
        height, width = window_size(track, scale=self.scale)
        stretch: _Stretch | None = None
        for before, this, after in _with_neighbours(filled):
            if any(each is not None and each.patch.hidden_count for each in (before, this, after)):
                stretch = stretch or _Stretch(self, height, width, executor, given_up)
                yield from stretch.push(this)
                continue
            if stretch is not None:
                yield from stretch.finish()
                stretch = None
            yield this
        if stretch is not None:
            yield from stretch.finish()


class _Stretch:
    """Frames of a track that follow one another without a gap: one clip for the network."""

    def __init__(
        self,
        painter: Painter,
        height: int,
        width: int,
        executor: Executor,
        given_up: Callable[[int], None],
    ) -> None:
        self._painter, self._height, self._width = painter, height, width
        self._executor = executor
        self._stream = Stream(painter.network, given_up, kernels=painter.kernels)
        self._staging: Staging | None = None
        self._estimate = DisFlow(NETWORK_FLOW)
        self._last: Window | None = None
        self._gathered: list[Window] = []
        self._motions: list[Future[Motion]] = []
        self._waiting: deque[_Waiting] = deque()
        self._coming: Callable[[], Sequence[Tensor]] = tuple

    def push(self, filled: Filled) -> Iterator[Filled]:
        """Take the next frame, give those that are ready."""
        window = self._window_of(filled)
        if self._last is not None:
            pair, scale = (self._last, window), self._painter.scale
            self._motions.append(self._executor.submit(motion_between, *pair, self._estimate, scale=scale))
        self._last = window
        self._gathered.append(window)
        if len(self._gathered) == CHUNK:
            yield from self._run()

    def _window_of(self, filled: Filled) -> Window:
        """Cut the window of a patch, on the CPU where the patch's device has no memory for it."""
        if self._staging is None and filled.patch.device.type != "cpu":
            self._staging = Staging(filled.patch.device)
        cut = partial(window_of, height=self._height, width=self._width, staging=self._staging)
        return tried(cut, filled)

    def finish(self) -> Iterator[Filled]:
        """Give the frames that are left."""
        if self._gathered:
            yield from self._run()
        yield from map(self._painted, self._coming())
        with torch.inference_mode():
            for picture in self._stream.finish():
                yield self._painted(picture[0])

    def _run(self) -> Iterator[Filled]:
        clip = self._clip()
        self._waiting.extend(map(_Waiting, self._gathered, clip.frames))
        motions = [each.result() for each in self._motions]
        motion = Motion.join(motions) if motions else no_motion(clip)
        self._gathered, self._motions = [], []
        before = self._coming()
        self._coming = self._pushed(clip, motion)
        yield from map(self._painted, before)

    def _pushed(self, clip: Clip, motion: Motion) -> Callable[[], Sequence[Tensor]]:
        """Begin to push frames through the network; the result waits for those that are ready.

        On a processor that is done on a thread, beside what comes before and after; a device is beside this
        one by itself.
        """
        if clip.frames.device.type == self._painter.device.type == "cpu":
            return self._executor.submit(self._push, clip, motion).result
        pictures = self._push(clip, motion)
        return lambda: pictures

    def _push(self, clip: Clip, motion: Motion) -> Sequence[Tensor]:
        with torch.inference_mode():
            return self._stream.push(clip, motion).unbind()

    def _clip(self) -> Clip:
        """Put the gathered windows together, on the CPU where the device has no memory for that."""
        try:
            with one_kind_of_lack():
                return shrunk(clip_of(self._gathered), self._painter.scale)
        except torch.OutOfMemoryError:
            self._gathered = [window.on_cpu() for window in self._gathered]
        return shrunk(clip_of(self._gathered), self._painter.scale)

    def _painted(self, picture: Tensor) -> Filled:
        return tried(partial(self._corrected, picture), self._waiting.popleft())

    def _corrected(self, picture: Tensor, waiting: _Waiting) -> Filled:
        window = waiting.window
        filled, scale, device = window.filled, self._painter.scale, window.values.device
        if not filled.patch.hidden_count:
            return filled
        correction = picture.to(device).float() - waiting.seen.to(device)
        if scale > 1:
            size = [self._height, self._width]
            correction = F.interpolate(correction[None], size=size, mode="bilinear", align_corners=False)[0]
        if not self._painter.network.config.refines:
            correction = correction * (1 - window.values[6:7])
        colours = window.values[:3] + correction
        x, y = (filled.patch.points[: filled.patch.hidden_count].long() - window.corner).unbind(1)
        return replace(filled, colours=colours[:, y, x].clamp(0, 1))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A window on its way through the network, and its picture (3, h, w) as the network saw it."""

    window: Window
    seen: Tensor

    def on_cpu(self) -> _Waiting:
        return _Waiting(self.window.on_cpu(), self.seen.cpu())


def shrunk(clip: Clip, scale: int) -> Clip:
    """Give a clip `scale` times smaller; what is hidden in part is hidden, colours are means of cells."""
    if scale == 1:
        return clip
    return Clip(
        F.avg_pool2d(clip.frames, scale),
        F.max_pool2d(clip.holes.float(), scale) > 0,
        F.avg_pool2d(clip.confidence, scale),
        F.avg_pool2d(clip.hints, scale),
    )


def no_motion(clip: Clip) -> Motion:
    """Give the motion of the first frame of a clip: none."""
    height, width = (side // 2 for side in clip.frames.shape[-2:])
    flow, doubt = torch.zeros(0, 2, height, width), torch.zeros(0, 1, height, width)
    return Motion(flow, flow, doubt, doubt)


def _with_neighbours(items: Iterator[Filled]) -> Iterator[tuple[Filled | None, Filled, Filled | None]]:
    """Give each item with the one before and the one after, None at the ends."""
    before: Filled | None = None
    this = next(items, None)
    while this is not None:
        after = next(items, None)
        yield before, this, after
        before, this = this, after
