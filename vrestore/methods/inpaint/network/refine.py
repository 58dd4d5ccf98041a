"""The network's stage: filled patches in, the same patches with the network's colors out.

The network corrects what was propagated. It sees windows around the holes (see `network.windows`), runs as an
exact stream over a stretch of frames, and may work on a smaller picture: then its correction is brought up to
size and added, and what was copied keeps its full resolution.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.device.devices import Precision
from vrestore.errors import ModelError
from vrestore.masks.tracks import Track
from vrestore.methods.inpaint.network.stream import Stream
from vrestore.methods.inpaint.network.windows import Window, clip_of, motion_between, window_of
from vrestore.methods.inpaint.plan import window_size
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.inpaint.settings import NetworkSettings
from vrestore.methods.inpaint.tools import Tools
from vrestore.models.blocks import in_channels_last
from vrestore.models.tsam.network import Clip, Tsam
from vrestore.models.weights import load_model
from vrestore.ops.dispatch import TORCH, Backend, select
from vrestore.ops.warp.shift_align import Motion
from vrestore.threads import Arrived, Pending

_TYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}

CHUNK = 4
"""Frames pushed through the network at once: more bring no speed on a processor, only latency."""


@lru_cache(maxsize=2)
def load_refiner(settings: NetworkSettings) -> Refiner:
    """Load the network that settings name; a batch loads it once.

    Raises:
        ModelError: There is no such model, it is damaged, or it is none that fills holes.
    """
    # Half the bytes with bf16; what comes out is added to float32 colors.
    network = load_model(settings.model, device=settings.device, dtype=_TYPES[settings.precision])
    if not isinstance(network, Tsam):
        raise ModelError(f"the model {settings.model!r} fills no holes; pass one for inpainting with --model")
    backend = select(settings.device, asked=settings.kernels)
    return Refiner(in_channels_last(network), settings.scale, backend)


@dataclass(frozen=True)
class Refiner:
    """A network put to work; `scale` says how many times smaller than the picture it works.

    A network that paints instead of correcting what was propagated has its say as far as that is doubtful.
    """

    network: Tsam
    scale: int = 1
    backend: Backend = TORCH
    """What aligns features on the network's device: kernels, or torch's tables."""

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def paint(
        self,
        filled: Iterator[Filled],
        track: Track,
        tools: Tools,
        *,
        network_cpu_frames: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Filled]:
        """Correct the filled patches of a track, in order.

        Frames that have no hole, nor neighbor one with a hole, pass as they are and end the clip. Motion is
        estimated on the threads of `tools`. `network_cpu_frames` is told of frames that the network's
        device had too little memory for.
        """
        height, width = window_size(track, scale=self.scale)
        stretch: _Stretch | None = None
        for before, this, after in _with_neighbors(filled):
            # A neighbor without a hole shows what is behind it: it is let in, those farther off are not.
            if any(each is not None and each.patch.hidden_count for each in (before, this, after)):
                stretch = stretch or _Stretch(self, height, width, tools, network_cpu_frames)
                yield from stretch.push(this)
                continue
            if stretch is not None:
                yield from stretch.finish()
                # A gap ends the clip: what comes later is too far to be compared.
                stretch = None
            yield this
        if stretch is not None:
            yield from stretch.finish()


class _Stretch:
    """Frames of a track that follow one another without a gap: one clip for the network."""

    def __init__(
        self,
        refiner: Refiner,
        height: int,
        width: int,
        tools: Tools,
        network_cpu_frames: Callable[[int], None],
    ) -> None:
        self._refiner, self._height, self._width = refiner, height, width
        self._tools, self._fallback = tools, tools.fallback
        self._stream = Stream(refiner.network, network_cpu_frames, backend=refiner.backend)
        self._last: Window | None = None
        self._gathered: list[Window] = []
        self._motions: list[Pending[Motion]] = []
        self._waiting: deque[_Waiting] = deque()
        self._coming: Pending[Sequence[Tensor]] = Arrived(())

    def push(self, filled: Filled) -> Iterator[Filled]:
        """Take the next frame, give those that are ready."""
        window = self._window_of(filled)
        if self._last is not None:
            flow, scale = self._tools.network_flow, self._refiner.scale
            submit = self._tools.executor.submit
            # On a thread, while the network works on the frames before.
            self._motions.append(submit(motion_between, self._last, window, flow, scale=scale))
        self._last = window
        self._gathered.append(window)
        if len(self._gathered) == CHUNK:
            yield from self._run()

    def _window_of(self, filled: Filled) -> Window:
        """Cut the window of a patch, on the CPU where the patch's device has no memory for it."""
        cut = partial(window_of, height=self._height, width=self._width, transfers=self._fallback.transfers)
        return self._fallback.run(cut, filled)

    def finish(self) -> Iterator[Filled]:
        """Yield the frames that are left."""
        if self._gathered:
            yield from self._run()
        yield from map(self._painted, self._coming.result())
        with torch.inference_mode():
            for picture in self._stream.finish():
                yield self._painted(picture[0])  # (1, 3, h, w) to (3, h, w)

    def _run(self) -> Iterator[Filled]:
        clip, windows = self._fallback.run(self._clip_of, self._gathered)
        self._waiting.extend(map(_Waiting, windows, clip.frames))
        motions = [each.result() for each in self._motions]
        motion = Motion.join(motions) if motions else no_motion(clip)
        self._gathered, self._motions = [], []
        # The chunk before is through by now; it goes on while this one is gathered.
        before = self._coming.result()
        self._coming = self._pushed(clip, motion)
        yield from map(self._painted, before)

    def _pushed(self, clip: Clip, motion: Motion) -> Pending[Sequence[Tensor]]:
        """Begin to push frames through the network, for those that are ready.

        On a processor that is done on a thread, beside what comes before and after; a device is beside this
        one by itself.
        """
        # Devices are asked by one thread only, in the order of the frames.
        if clip.frames.device.type == self._refiner.device.type == "cpu":
            return self._tools.executor.submit(self._push, clip, motion)
        return Arrived(self._push(clip, motion))

    def _push(self, clip: Clip, motion: Motion) -> Sequence[Tensor]:
        with torch.inference_mode():
            return self._stream.push(clip, motion).unbind()

    def _clip_of(self, windows: list[Window]) -> tuple[Clip, list[Window]]:
        """Put windows together, and return them as well: where there is no memory they are on the CPU."""
        return shrunk(clip_of(windows), self._refiner.scale), windows

    def _painted(self, picture: Tensor) -> Filled:
        return self._fallback.run(partial(self._corrected, picture), self._waiting.popleft())

    def _corrected(self, picture: Tensor, waiting: _Waiting) -> Filled:
        window = waiting.window
        filled, scale, device = window.filled, self._refiner.scale, window.values.device
        if not filled.patch.hidden_count:
            return filled
        correction = picture.to(device).float() - waiting.seen.to(device)  # (3, h, w)
        if scale > 1:
            size = [self._height, self._width]
            # The difference is enlarged, not the picture: what was copied keeps its full resolution.
            correction = F.interpolate(correction[None], size=size, mode="bilinear", align_corners=False)[0]
        if not self._refiner.network.config.refines:
            correction = correction * (1 - window.values[6:7])  # by its confidence, (1, h, w)
        colors = window.values[:3] + correction
        x, y = (filled.patch.points[: filled.patch.hidden_count].long() - window.corner).unbind(1)  # (n) each
        return replace(filled, colors=colors[:, y, x].clamp(0, 1))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A window on its way through the network, and its picture (3, h, w) as the network saw it."""

    window: Window
    seen: Tensor


def shrunk(clip: Clip, scale: int) -> Clip:
    """Return a clip `scale` times smaller; what is hidden in part is hidden, colors are means of cells."""
    if scale == 1:
        return clip
    return Clip(
        F.avg_pool2d(clip.frames, scale),
        F.max_pool2d(clip.holes.float(), scale) > 0,  # hidden where any pixel is
        F.avg_pool2d(clip.confidence, scale),
        F.avg_pool2d(clip.hints, scale),
    )


def no_motion(clip: Clip) -> Motion:
    """Return the motion of the first frame of a clip: none."""
    height, width = (side // 2 for side in clip.frames.shape[-2:])  # motion is given at half the size
    flow, occlusion = torch.zeros(0, 2, height, width), torch.zeros(0, 1, height, width)  # P = 0 pairs
    return Motion(flow, flow, occlusion, occlusion)


def _with_neighbors(items: Iterator[Filled]) -> Iterator[tuple[Filled | None, Filled, Filled | None]]:
    """Yield each item with the one before and the one after, None at the ends."""
    before: Filled | None = None
    this = next(items, None)
    while this is not None:
        after = next(items, None)
        yield before, this, after
        before, this = this, after
