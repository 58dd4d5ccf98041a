"""Dehazing: look, estimate, steady, render; scenes by themselves, one frame in, one frame out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from vrestore.device.fallback import DeviceFallback
from vrestore.flow.estimator import make_estimator
from vrestore.frames import Color, Frame, MaskedFrame, PixelFormat
from vrestore.methods.dehaze.estimators.dark_channel import estimate_dark
from vrestore.methods.dehaze.estimators.estimate import Estimator, HazeEstimate
from vrestore.methods.dehaze.estimators.network import frames_before
from vrestore.methods.dehaze.render import Renderer
from vrestore.methods.dehaze.settings import DehazeSettings, DehazeStats, HazeState
from vrestore.methods.dehaze.temporal import FLOW, TemporalState, steadied
from vrestore.methods.dehaze.thumbnail import make_thumbnail
from vrestore.methods.segmenter import Segments
from vrestore.methods.shots import mark_cuts
from vrestore.models.cgidn.config import HAZE_CONFIGS
from vrestore.ops import select
from vrestore.threads import Pending

Observer = Callable[[HazeEstimate], None]

FRAMES_BEFORE = max(frames_before(config) for config in HAZE_CONFIGS.values())
"""So many frames are looked at again where a run goes on, as far as any network looks back; flow needs 1."""


def dehaze(
    items: Iterator[MaskedFrame],
    *,
    estimate: Estimator = estimate_dark,
    format: PixelFormat,
    color: Color,
    settings: DehazeSettings,
    tally: DehazeStats,
    observe: Observer | None = None,
    segments: Segments[HazeState, DehazeStats] | None = None,
) -> Iterator[Frame]:
    """Clear a video: frames in, as many frames out, in order.

    `observe` is told the steadied haze of every frame before the frame is given. With `segments` the video is
    cut where it says, which changes no frame, and what is before its start passes as it is.

    On a device planes go there once and finished ones come back, while the next frame is worked on; what a
    frame needs and the device has no memory for is done on the CPU. Raises DeviceError where the kernels that
    are asked for cannot run.
    """
    place, backend = DeviceFallback(settings.device), select(settings.device, asked=settings.kernels)
    render, memory = Renderer(settings, format=format, color=color), TemporalState()
    shots = mark_cuts(items, format=format)
    start = 0 if segments is None else segments.start
    for shot in islice(shots, max(0, start - FRAMES_BEFORE)):
        yield shot.frame
    veils = estimate(make_thumbnail(shots, format=format, color=color, place=place, backend=backend))
    for veil in islice(veils, min(start, FRAMES_BEFORE)):
        # The flow of the first frame that is given leads back to it.
        memory.look = veil.look
        place.has_fallen(veil.look.frame.index)
        yield veil.look.frame
    carried = None if segments is None else segments.carried
    if carried is not None:
        memory.air, memory.maps = torch.from_numpy(carried.air), torch.from_numpy(carried.maps)
        render.figures = carried.figures.tolist()

    def coming() -> Iterator[Pending[Frame]]:
        last = carried
        for index, veil in enumerate(steadied(veils, settings, memory, flow=make_estimator(FLOW)), start):
            if segments is not None and veil.look.starts_scene and segments.is_due(index):
                segments.cut(index, None, tally)
            elif segments is not None and index == segments.end:
                segments.cut(index, last, tally)
            _count(veil, tally)
            if observe is not None:
                observe(veil)
            yield render(veil)
            tally.belief += render.belief
            tally.cpu_fallback_frames += place.has_fallen(veil.look.frame.index)
            if segments is not None and index + 1 == segments.end:
                # Asked after the frame before the end has been rendered, before the next one changes it.
                last = _carried(memory, render)

    # On a device the planes of one frame come down while the next is worked on.
    yield from _arrived(coming(), waiting=0 if place.is_cpu else 1)


def _arrived(coming: Iterator[Pending[Frame]], *, waiting: int) -> Iterator[Frame]:
    """Yield frames as they come, but let so many wait: their copies run beside the next one's work."""
    begun: deque[Pending[Frame]] = deque()
    for frame in coming:
        begun.append(frame)
        if len(begun) > waiting:
            yield begun.popleft().result()
    for frame in begun:
        yield frame.result()


def _carried(memory: TemporalState, render: Renderer) -> HazeState | None:
    """Return what the next frame needs of the last within a scene; None where nothing is steadied."""
    if memory.air is None or memory.maps is None:
        return None
    return HazeState(memory.air.cpu().numpy(), memory.maps.cpu().numpy(), np.array(render.figures))


def _count(veil: HazeEstimate, tally: DehazeStats) -> None:
    tally.frames += 1
    tally.transmission += veil.look.run(_transmission, veil.depth)
    if veil.look.starts_scene:
        tally.scenes += 1
        red, green, blue = veil.air.clamp(0, 1).tolist()
        tally.airs.append((red, green, blue))


def _transmission(depth: Tensor) -> float:
    return float(torch.exp(-depth).mean())
