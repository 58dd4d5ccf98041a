"""Haze by the network: frames are encoded once, and cleared with their neighbors of the same scene.

The network sees every second frame. Haze between two of them is the mean of theirs: it is smooth, and is
steadied along the motion afterwards, where a frame's own estimate counts a few hundredths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain

import torch
from torch import Tensor, nn

from vrestore.device.devices import Precision
from vrestore.errors import ModelError
from vrestore.methods.dehaze.estimators.estimate import Estimator, HazeEstimate
from vrestore.methods.dehaze.thumbnail import Thumbnail
from vrestore.models.blocks import in_channels_last
from vrestore.models.cgidn.config import HazeConfig
from vrestore.models.cgidn.haze_head import Haze
from vrestore.models.cgidn.network import CgIdn, Features
from vrestore.models.meta_init import empty
from vrestore.ops.dispatch import Backend

EVERY = 2
"""The network sees every so many-th frame, by its number in the video, and the first of each scene."""


@dataclass(frozen=True, slots=True)
class _Seen:
    look: Thumbnail
    features: Features
    scene: int


class _Networks:
    """A network wherever it is asked for: itself where it is, else a copy of its state."""

    def __init__(self, network: CgIdn, backend: Backend, precision: Precision) -> None:
        self._network, self._backend, self._precision = network, backend, precision
        self._placed: dict[torch.device, CgIdn] = {}

    def on(self, device: torch.device) -> CgIdn:
        if device not in self._placed:
            placed = in_channels_last(_on(self._network, device)).eval()
            placed.use(self._backend)
            self._placed[device] = placed
        return self._placed[device]

    @contextmanager
    def thinking(self, device: torch.device) -> Iterator[CgIdn]:
        """Yield the network on a device, in its precision; coordinates always have 32 bits."""
        lower = self._precision == "bf16"
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=lower):
            yield self.on(device)

    def encode(self, picture: Tensor) -> Features:
        """Encode a picture (1, 3, h, w) where it is."""
        with self.thinking(picture.device) as network:
            return network.encode(picture)


def network_estimator(network: nn.Module, *, precision: Precision = "fp32", every: int = EVERY) -> Estimator:
    """Return what estimates haze by a network, which is copied to where the frames are worked on.

    It sees the frames whose number `every` divides, and the first of each scene.
    Raises ModelError where the network gives no haze.
    """
    if not isinstance(network, CgIdn) or network.config.output != "haze":
        raise ModelError("these weights do not estimate haze; pass weights of cgidn-small")

    def estimate(looks: Iterator[Thumbnail]) -> Iterator[HazeEstimate]:
        for first in looks:
            networks = _Networks(network, first.backend, precision)
            yield from _between(chain([first], looks), network.config, networks, every)

    return estimate


def frames_before(config: HazeConfig, every: int = EVERY) -> int:
    """Return how many frames before one have a say in its haze."""
    # The last frame seen is up to every - 1 frames back, and its window reaches from there.
    return every - 1 + every * config.reach


def _between(
    looks: Iterator[Thumbnail], config: HazeConfig, networks: _Networks, every: int
) -> Iterator[HazeEstimate]:
    """Yield the haze of all frames: of those seen and, by their two neighbors', of those between."""
    waiting: deque[Thumbnail] = deque()

    def seen() -> Iterator[Thumbnail]:
        is_first = True
        for look in looks:
            if is_first or look.starts_scene or look.frame.index % every == 0:
                yield look
            else:
                waiting.append(look)
            is_first = False

    last: HazeEstimate | None = None
    for estimate in _estimate(seen(), config, networks):
        follows = None if estimate.look.starts_scene else estimate
        while waiting and waiting[0].frame.index < estimate.look.frame.index:
            yield _mean(waiting.popleft(), last, follows)
        yield estimate
        last = estimate
    for look in waiting:
        yield _mean(look, last, None)


def _mean(look: Thumbnail, last: HazeEstimate | None, follows: HazeEstimate | None) -> HazeEstimate:
    """Return the haze of a frame between two that were seen, the second of which may be of another scene."""
    assert last is not None  # the first frame of a scene is always seen
    return look.run(_mixed, look, last, follows or last)


def _mixed(look: Thumbnail, last: HazeEstimate, follows: HazeEstimate) -> HazeEstimate:
    def mean(one: Tensor, other: Tensor) -> Tensor:
        return torch.lerp(one.to(look.device), other.to(look.device), 0.5)

    tint = None
    if last.tint is not None and follows.tint is not None:
        tint = mean(last.tint, follows.tint)
    return HazeEstimate(look, mean(last.depth, follows.depth), mean(last.air, follows.air), tint)


def _on(network: CgIdn, device: torch.device) -> CgIdn:
    state = network.state_dict()
    # The caller's own network, where no copy is needed.
    if all(value.device == device for value in state.values()):
        return network
    # Without memory of its own; `assign` then takes the moved tensors as they are.
    placed = empty(partial(CgIdn, network.config))
    placed.load_state_dict({name: value.to(device) for name, value in state.items()}, assign=True)
    return placed


def _estimate(looks: Iterator[Thumbnail], config: HazeConfig, networks: _Networks) -> Iterator[HazeEstimate]:
    # As many as a window has: what is older is asked for no more.
    kept: deque[_Seen] = deque(maxlen=config.frames)
    scene = 0
    for look in looks:
        scene += look.starts_scene

        kept.append(_Seen(look, look.run(networks.encode, look.picture), scene))
        if len(kept) > config.reach:
            yield _cleared(kept, len(kept) - 1 - config.reach, config, networks)
    for index in range(max(0, len(kept) - config.reach), len(kept)):
        yield _cleared(kept, index, config, networks)


def _cleared(kept: deque[_Seen], index: int, config: HazeConfig, networks: _Networks) -> HazeEstimate:
    """Clear one of the frames kept; where its scene ends, the nearest frame of it stands in."""
    reach, middle = config.reach, kept[index]
    window = []
    for place in range(index - reach, index + reach + 1):
        # Towards the middle frame, which is of its own scene, so the search ends there at the latest.
        step = 1 if place < index else -1
        place = min(max(place, 0), len(kept) - 1)
        while kept[place].scene != middle.scene:
            place += step
        window.append(kept[place].features)

    def cleared(look: Thumbnail) -> HazeEstimate:
        # What is the same frame twice in the window stays the same object, by which the network knows it.
        here = {id(features): features.to(look.device) for features in window}
        with networks.thinking(look.device) as network:
            haze = network.clear([here[id(features)] for features in window])
        if not isinstance(haze, Haze):
            raise TypeError(f"{config.name} gave no haze")
        return HazeEstimate(look, haze.depth, haze.air[0], haze.tint)

    return middle.look.run(cleared, middle.look)
