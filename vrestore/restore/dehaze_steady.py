"""What keeps a dehazed shot from flickering: the haze is smoothed over time, never the pixels.

Depth and tint follow what moves: the last frame's are carried along the flow and mixed with this frame's, as
far as the flow leads back to where it came from and the picture there is the same. The air light is that of
the first frames of the shot together; it may then follow as slowly, or not at all. A cut begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.flow.estimate import DisFlow
from vrestore.ops.warp import pixel_grid, warp
from vrestore.restore.dehaze_dcp import local_air
from vrestore.restore.dehaze_haze import Veil
from vrestore.restore.dehaze_look import Look
from vrestore.restore.dehaze_settings import DehazeSettings

FIRST_FRAMES = 8
"""Of a shot, whose air lights together are the shot's; also the stage's latency."""

MOST_KEPT = 0.99
"""Share of the last frame's haze in this one's at `steady` 1: a time constant of 100 frames; 16 at 0.9."""

ROUND_TRIP = 1.0
"""Error of the flow there and back, in pixels at the working size, at which trust is exp(-1/2)."""

SAME = 0.06
"""Difference of brightness at which trust is exp(-1/2)."""


@dataclass(slots=True)
class Memory:
    """What is remembered of the last frame of a shot: the air's colour (3,), the look, the maps (1, C, h, w).

    All None where nothing is.
    """

    air: Tensor | None = None
    look: Look | None = None
    maps: Tensor | None = None


def steadied(veils: Iterator[Veil], settings: DehazeSettings, memory: Memory | None = None) -> Iterator[Veil]:
    """Give every frame's haze with what the user asked of the air light, steady within each shot.

    `memory` is of the frame given last; what it holds at first is of the frame before these.
    """
    memory = Memory() if memory is None else memory
    count = 0

    def scene(veil: Veil) -> int:
        nonlocal count
        count += veil.look.starts_scene
        return count

    for _, shot in groupby(veils, key=scene):
        yield from _steadied_shot(shot, settings, memory)


def _steadied_shot(veils: Iterator[Veil], settings: DehazeSettings, memory: Memory) -> Iterator[Veil]:
    if settings.steady == 0:
        yield from (_with_air(veil, veil.air, settings) for veil in veils)
        return
    first = list(islice(veils, FIRST_FRAMES))
    air = memory.air
    if air is None or first[0].look.starts_scene:
        air = torch.stack([veil.air for veil in first]).median(0).values
        memory.maps = None
    kept = MOST_KEPT * settings.steady**0.5
    rate = 1 - kept if settings.air_light == "auto" else 0.0
    flow = DisFlow("fast")
    for veil in chain(first, veils):
        memory.air = air = air.lerp(veil.air, rate)
        yield _mixed(_with_air(veil, air, settings), memory, kept, flow)


def _with_air(veil: Veil, air: Tensor, settings: DehazeSettings) -> Veil:
    """Give the haze with the air light that was asked for, from place to place only where it was not."""
    if settings.air is not None:
        return Veil(veil.look, veil.depth, torch.tensor(settings.air), None)
    if settings.night:
        tint = local_air(veil.look.picture) - air[:, None, None]
        return Veil(veil.look, veil.depth, air, tint)
    return Veil(veil.look, veil.depth, air, veil.tint if settings.air_light == "auto" else None)


def _mixed(veil: Veil, memory: Memory, kept: float, flow: DisFlow) -> Veil:
    """Mix the haze of the next frame with that of the last, of which so much is kept where it is trusted."""
    size = veil.depth.shape[-2:]
    maps = veil.depth
    if veil.tint is not None:
        maps = torch.cat([maps, F.interpolate(veil.tint, size=size, mode="bilinear")], 1)
    if memory.look is not None and memory.maps is not None:
        there, trust = _way(veil.look, memory.look, size, flow)
        maps = maps + kept * trust * (warp(memory.maps, there, padding="border") - maps)
    memory.look, memory.maps = veil.look, maps
    return Veil(veil.look, maps[:, :1], veil.air, None if veil.tint is None else maps[:, 1:])


def _way(this: Look, last: Look, size: torch.Size, flow: DisFlow) -> tuple[Tensor, Tensor]:
    """Give the flow of this frame towards the last, and how far to trust it, both of `size`."""
    pair = [(look.luma[0, 0] * 255).round().to(torch.uint8).numpy() for look in (this, last)]
    there = torch.from_numpy(flow(pair[0], pair[1]))[None]
    back = torch.from_numpy(flow(pair[1], pair[0]))[None]
    height, width = there.shape[-2:]
    error = (there + warp(back, there, padding="border")).square().sum(1, keepdim=True)
    change = (this.luma - warp(last.luma, there, padding="border")).square()
    trust = torch.exp(-0.5 * (error / ROUND_TRIP**2 + change / SAME**2))
    x, y = (pixel_grid(height, width) + there[0]).unbind(0)
    inside = (x >= -1) & (x <= width) & (y >= -1) & (y <= height)
    small = F.interpolate(torch.cat([there, trust * inside], 1), size=size, mode="area")
    scale = torch.tensor(np.array(size[::-1]) / (width, height), dtype=torch.float32)
    return small[:, :2] * scale[:, None, None], small[:, 2:]
