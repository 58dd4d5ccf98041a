"""Haze by the network: every frame is encoded once, and cleared with its neighbours of the same scene."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from vrestore.errors import ModelError
from vrestore.models.blocks import in_channels_last
from vrestore.models.cgidn import CgIdn, Features, Haze
from vrestore.restore.dehaze_haze import Estimator, Veil
from vrestore.restore.dehaze_look import Look


@dataclass(frozen=True, slots=True)
class _Seen:
    look: Look
    features: Features
    scene: int


def network_estimator(network: nn.Module, *, device: str = "cpu") -> Estimator:
    """Give what estimates haze by a network, put on a device; raises ModelError where it gives no haze."""
    if not isinstance(network, CgIdn) or network.config.output != "haze":
        raise ModelError("these weights do not estimate haze; pass weights of cgidn-small")
    place = torch.device(device)
    placed = in_channels_last(network.to(place)).eval()

    def estimate(looks: Iterator[Look]) -> Iterator[Veil]:
        return _estimate(looks, placed, place)

    return estimate


def _estimate(looks: Iterator[Look], network: CgIdn, device: torch.device) -> Iterator[Veil]:
    reach = network.config.reach
    kept: deque[_Seen] = deque(maxlen=network.config.frames)
    scene = 0
    for look in looks:
        scene += look.starts_scene
        with torch.inference_mode():
            kept.append(_Seen(look, network.encode(look.picture.to(device)), scene))
        if len(kept) > reach:
            yield _cleared(kept, len(kept) - 1 - reach, network)
    for index in range(max(0, len(kept) - reach), len(kept)):
        yield _cleared(kept, index, network)


def _cleared(kept: deque[_Seen], index: int, network: CgIdn) -> Veil:
    """Clear one of the frames kept; where its scene ends, the nearest frame of it stands in."""
    reach, middle = network.config.reach, kept[index]
    window = []
    for place in range(index - reach, index + reach + 1):
        step = 1 if place < index else -1
        place = min(max(place, 0), len(kept) - 1)
        while kept[place].scene != middle.scene:
            place += step
        window.append(kept[place].features)
    with torch.inference_mode():
        haze = network.clear(window)
    if not isinstance(haze, Haze):
        raise TypeError(f"{network.config.name} gave no haze")
    return Veil(middle.look, haze.depth.cpu(), haze.air[0].cpu(), haze.tint.cpu())
