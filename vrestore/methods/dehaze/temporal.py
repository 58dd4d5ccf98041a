"""What keeps a dehazed shot from flickering: the haze is smoothed over time, never the pixels.

Depth and tint follow what moves: the last frame's are carried along the flow and mixed with this frame's, as
far as the flow leads back to where it came from and the picture there is the same. The air light is that of
the first frames of the shot together; it may then follow as slowly, or not at all. A cut begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.flow.estimator import FlowEstimator, FlowName, make_estimator
from vrestore.methods.dehaze.estimators.dark_channel import local_air
from vrestore.methods.dehaze.estimators.estimate import HazeEstimate
from vrestore.methods.dehaze.settings import DehazeSettings
from vrestore.methods.dehaze.thumbnail import Thumbnail
from vrestore.ops.warp.warp import pixel_grid, warp
from vrestore.threads import Pending

FLOW: FlowName = "fast"
"""Fine enough for haze, which is smooth, on pictures as small as those that are looked at."""

FIRST_FRAMES = 8
"""The air lights of so many first frames together are the shot's; also the stage's latency."""

MOST_KEPT = 0.99
"""Share of the last frame's haze in this one's at `steady` 1: a time constant of 100 frames; 16 at 0.9."""

ROUND_TRIP = 1.0
"""Error of the flow there and back, in pixels at the working size, at which trust is exp(-1/2)."""

SAME = 0.06
"""Difference of brightness at which trust is exp(-1/2)."""


@dataclass(slots=True)
class TemporalState:
    """What is remembered of the last frame of a shot: the air's color (3,), the look, the maps (1, C, h, w).

    All None where nothing is. Each may be on the device or on the CPU.
    """

    air: Tensor | None = None
    look: Thumbnail | None = None
    maps: Tensor | None = None


@dataclass(frozen=True, slots=True)
class _Coming:
    """The haze of a frame, and the flow (2, 2, h, w) towards the frame before it and from there."""

    veil: HazeEstimate
    ways: Pending[Tensor] | None


@dataclass(frozen=True, slots=True)
class _Step:
    """The haze of a frame as it was steadied, and what is remembered of it."""

    veil: HazeEstimate
    air: Tensor
    maps: Tensor


def steadied(
    veils: Iterator[HazeEstimate],
    settings: DehazeSettings,
    memory: TemporalState | None = None,
    *,
    flow: FlowEstimator | None = None,
) -> Iterator[HazeEstimate]:
    """Yield every frame's haze with what the user asked of the air light, steady within each shot.

    `memory` is of the frame given last; what it holds at first is of the frame before these. `flow` is that
    of FLOW unless another is given.
    """
    memory = TemporalState() if memory is None else memory
    flow = make_estimator(FLOW) if flow is None else flow
    count = 0

    def scene(veil: HazeEstimate) -> int:
        nonlocal count
        count += veil.look.starts_scene
        return count

    for _, shot in groupby(veils, key=scene):
        yield from _steadied_shot(shot, settings, memory, flow)


def _steadied_shot(
    veils: Iterator[HazeEstimate], settings: DehazeSettings, memory: TemporalState, flow: FlowEstimator
) -> Iterator[HazeEstimate]:
    if settings.steady == 0:
        by_itself = partial(_by_itself, settings=settings)
        yield from (veil.look.run(by_itself, veil) for veil in veils)
        return
    first = list(islice(veils, FIRST_FRAMES))
    # A run that goes on within a shot brings the air light of its beginning.
    if memory.air is None or first[0].look.starts_scene:
        memory.air = _first_air(first)
        memory.maps = None
    last = None if memory.maps is None else memory.look
    with ThreadPoolExecutor(1, "flow") as executor:
        for coming in _with_flow(chain(first, veils), last, flow, executor):
            step = partial(_next, ways=coming.ways, settings=settings, memory=memory)
            done = coming.veil.look.run(step, coming.veil)
            memory.air, memory.look, memory.maps = done.air, done.veil.look, done.maps
            yield done.veil


def _with_flow(
    veils: Iterator[HazeEstimate], last: Thumbnail | None, flow: FlowEstimator, executor: Executor
) -> Iterator[_Coming]:
    """Let the flow of a shot's frames be estimated while the next one is looked at.

    `last` is the frame before the first, if there is one. Flow is the CPU's: the small pictures come down.
    """
    before = None if last is None else last.run(_brought, last)
    waiting: _Coming | None = None
    for veil in veils:
        this = veil.look.run(_brought, veil.look)
        coming = _Coming(veil, None if before is None else executor.submit(_ways, flow, this, before))
        before = this
        if waiting is not None:
            yield waiting
        waiting = coming
    if waiting is not None:
        yield waiting


def _brought(look: Thumbnail) -> Pending[Tensor]:
    """Begin to bring a look's luma to the CPU, (h, w) uint8."""
    return look.place.down((look.luma[0, 0] * 255).round().to(torch.uint8))


def _ways(flow: FlowEstimator, this: Pending[Tensor], last: Pending[Tensor]) -> Tensor:
    """Return the flow of a frame towards the last and of that towards it, (2, 2, h, w)."""
    pair = this.result().numpy(), last.result().numpy()
    return torch.from_numpy(np.stack([flow(pair[0], pair[1]), flow(pair[1], pair[0])]))


def _first_air(first: list[HazeEstimate]) -> Tensor:
    """Return the air light of the first frames of a shot together."""
    return first[0].look.run(_median, [veil.air for veil in first])


def _median(airs: list[Tensor]) -> Tensor:
    # Color by color; some may have been found on the CPU.
    return torch.stack([air.to(airs[0].device) for air in airs]).median(0).values  # (3,)


def _by_itself(veil: HazeEstimate, settings: DehazeSettings) -> HazeEstimate:
    return _with_air(veil, veil.air, settings)


def _with_air(veil: HazeEstimate, air: Tensor, settings: DehazeSettings) -> HazeEstimate:
    """Return the haze with the air light that was asked for, from place to place only where it was not."""
    if settings.air is not None:
        return HazeEstimate(veil.look, veil.depth, torch.tensor(settings.air).to(air.device), None)
    if settings.night:
        tint = local_air(veil.look.picture) - air[:, None, None]
        return HazeEstimate(veil.look, veil.depth, air, tint)
    return HazeEstimate(veil.look, veil.depth, air, veil.tint if settings.air_light == "auto" else None)


def _next(
    veil: HazeEstimate, ways: Pending[Tensor] | None, settings: DehazeSettings, memory: TemporalState
) -> _Step:
    """Steady the haze of the next frame of a shot."""
    # The root, so that half of the way is already a time constant of about three frames.
    kept = MOST_KEPT * settings.steady**0.5
    rate = 1 - kept if settings.air_light == "auto" else 0.0
    air = veil.air if memory.air is None else memory.air.to(veil.air.device).lerp(veil.air, rate)
    veil = _with_air(veil, air, settings)
    maps = _mixed(veil, ways, memory, kept)
    tint = None if veil.tint is None else maps[:, 1:]
    return _Step(HazeEstimate(veil.look, maps[:, :1], veil.air, tint), air, maps)


def _mixed(veil: HazeEstimate, ways: Pending[Tensor] | None, memory: TemporalState, kept: float) -> Tensor:
    """Mix the haze of the next frame with that of the last, of which so much is kept where it is trusted."""
    size = veil.depth.shape[-2:]
    maps = veil.depth
    if veil.tint is not None:
        maps = torch.cat([maps, F.interpolate(veil.tint, size=size, mode="bilinear")], 1)  # (1, 4, h, w)
    if ways is None or memory.look is None or memory.maps is None:
        return maps
    here = maps.device
    there, trust = _way(veil.look, memory.look.luma.to(here), size, ways.result())
    moved = warp(memory.maps.to(here), there, padding="border", backend=veil.look.backend)
    return maps + kept * trust * (moved - maps)


def _way(this: Thumbnail, last: Tensor, size: torch.Size, ways: Tensor) -> tuple[Tensor, Tensor]:
    """Return the flow of a frame towards the last, whose luma is given, and its trust, of `size`."""
    device, backend = this.luma.device, this.backend
    there, back = this.place.up(ways, device)[:, None]  # (1, 2, H, W) each
    height, width = there.shape[-2:]
    error = (there + warp(back, there, padding="border", backend=backend)).square().sum(1, keepdim=True)
    # Where the picture is another, flow found no counterpart, however well it leads back.
    change = (this.luma - warp(last, there, padding="border", backend=backend)).square()
    trust = torch.exp(-0.5 * (error / ROUND_TRIP**2 + change / SAME**2))  # (1, 1, H, W)
    x, y = (pixel_grid(height, width, device=device) + there[0]).unbind(0)
    inside = (x >= -1) & (x <= width) & (y >= -1) & (y <= height)
    small = F.interpolate(torch.cat([there, trust * inside], 1), size=size, mode="area")
    # Flow counts in pixels, which are larger in the maps.
    scaled = [small[:, :1] * (size[1] / width), small[:, 1:2] * (size[0] / height)]
    return torch.cat(scaled, 1), small[:, 2:]
