"""Dehazing: look, estimate, steady, render; scenes by themselves, one frame in, one frame out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import numpy as np
import torch

from vrestore.frames import Colour, Frame, MaskedFrame, PixelFormat
from vrestore.models.cgidn_configs import HAZE_CONFIGS
from vrestore.restore.dehaze_dcp import estimate_dark
from vrestore.restore.dehaze_haze import Estimator, Veil
from vrestore.restore.dehaze_look import look_at
from vrestore.restore.dehaze_render import Coming, Renderer
from vrestore.restore.dehaze_settings import CarriedHaze, DehazeSettings, DehazeTally
from vrestore.restore.dehaze_steady import Memory, steadied
from vrestore.restore.place import Place
from vrestore.restore.scenes import mark_cuts
from vrestore.restore.segments import Segments

Observer = Callable[[Veil], None]

FRAMES_BEFORE = max(config.reach for config in HAZE_CONFIGS.values())
"""That are looked at again where a run goes on: as far as any network looks back, at least 1 for the flow."""


def dehaze(
    items: Iterator[MaskedFrame],
    *,
    estimate: Estimator = estimate_dark,
    format: PixelFormat,
    colour: Colour,
    settings: DehazeSettings,
    tally: DehazeTally,
    observe: Observer | None = None,
    segments: Segments[CarriedHaze, DehazeTally] | None = None,
) -> Iterator[Frame]:
    """Clear a video: frames in, as many frames out, in order.

    `observe` is told the steadied haze of every frame before the frame is given. With `segments` the video is
    cut where it says, which changes no frame, and what is before its start passes as it is.

    On a device planes go there once and finished ones come back, while the next frame is worked on; what a
    frame needs and the device has no memory for is done on the CPU. Raises DeviceError where the kernels that
    are asked for cannot run.
    """
    place = Place(settings.device, kernels=settings.kernels)
    render, memory = Renderer(settings, format=format, colour=colour), Memory()
    shots = mark_cuts(items, format=format)
    start = 0 if segments is None else segments.start
    for shot in islice(shots, max(0, start - FRAMES_BEFORE)):
        yield shot.frame
    veils = estimate(look_at(shots, format=format, colour=colour, place=place))
    for veil in islice(veils, min(start, FRAMES_BEFORE)):
        memory.look = veil.look
        place.gave_up(veil.look.frame.index)
        yield veil.look.frame
    carried = None if segments is None else segments.carried
    if carried is not None:
        memory.air, memory.maps = torch.from_numpy(carried.air), torch.from_numpy(carried.maps)
        render.figures = carried.figures.tolist()

    def coming() -> Iterator[Coming]:
        last = carried
        for index, veil in enumerate(steadied(veils, settings, memory), start):
            if segments is not None and veil.look.starts_scene and segments.is_due(index):
                segments.cut(index, None, tally)
            elif segments is not None and index == segments.end:
                segments.cut(index, last, tally)
            _count(veil, tally)
            if observe is not None:
                observe(veil)
            yield render(veil)
            tally.given_up += place.gave_up(veil.look.frame.index)
            if segments is not None and index + 1 == segments.end:
                last = _carried(memory, render)

    yield from _arrived(coming(), waiting=0 if place.is_cpu else 1)


def _arrived(coming: Iterator[Coming], *, waiting: int) -> Iterator[Frame]:
    """Give frames as they come, but let so many wait: their copies run beside the next one's work."""
    begun: deque[Coming] = deque()
    for frame in coming:
        begun.append(frame)
        if len(begun) > waiting:
            yield begun.popleft()()
    for frame in begun:
        yield frame()


def _carried(memory: Memory, render: Renderer) -> CarriedHaze | None:
    """Give what the next frame needs of the last within a scene; None where nothing is steadied."""
    if memory.air is None or memory.maps is None:
        return None
    return CarriedHaze(memory.air.cpu().numpy(), memory.maps.cpu().numpy(), np.array(render.figures))


def _count(veil: Veil, tally: DehazeTally) -> None:
    tally.frames += 1
    tally.transmission += veil.look.place.work(veil.look.frame.index, partial(_transmission, veil))
    if veil.look.starts_scene:
        tally.scenes += 1
        red, green, blue = veil.air.clamp(0, 1).tolist()
        tally.airs.append((red, green, blue))


def _transmission(veil: Veil, device: torch.device) -> float:
    return float(torch.exp(-veil.depth.to(device)).mean())
