"""The dehazing network's training: examples by step, and validation on photographs that were held back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vrestore.device.devices import AskedPrecision, Precision
from vrestore.errors import ModelError
from vrestore.models.cgidn.haze_head import Haze, HazeHead
from vrestore.models.cgidn.network import CgIdn
from vrestore.training.ahead import Ahead
from vrestore.training.data.sources import Picture
from vrestore.training.dehaze.examples import Examples, Judged, draw_examples, judge, take_away
from vrestore.training.dehaze.scenes import Scenery
from vrestore.training.loop import State
from vrestore.training.precision import autocast, learning_precision

VALIDATION_SEED, VALIDATION_BATCHES, SHOWN = 99, 6, 12
"""The seed and the batches that are judged, the same for all networks, and how many examples are shown."""


@dataclass(frozen=True)
class ExampleSettings:
    """What a step sees: `batch` single pictures of this size, or half as many clips of the network's window.

    A clip costs three times as much and teaches no more but how to use neighbors.
    """

    batch: int = 8
    height: int = 192
    width: int = 256
    clip_every: int = 8
    """Every so many-th step sees clips."""


class Dehazing:
    """A `vrestore.training.loop.Task`."""

    def __init__(
        self,
        network: CgIdn,
        scenery: Scenery,
        settings: ExampleSettings,
        *,
        seed: int,
        device: torch.device,
        precision: AskedPrecision = "auto",
        drawers: int = 1,
    ) -> None:
        self.network: CgIdn = network
        self._settings, self._seed, self._device = settings, seed, device
        self._learnt_from, held_back = scenery.split()
        # Drawn once: figures of different steps are of the same examples.
        self._validation = [
            self._drawn(held_back, (VALIDATION_SEED, index), clips=True).to(device)
            for index in range(VALIDATION_BATCHES)
        ]
        self._ahead = Ahead(self._examples, threads=drawers)
        trial = self._drawn(held_back, (VALIDATION_SEED,), clips=False).to(device)
        self.precision, self.precision_words = learning_precision(
            precision, network, lambda tried: self._judged(network, trial, tried).total
        )

    def losses(self, step: int) -> dict[str, Tensor]:
        """See `Task`."""
        return vars(self._judged(self.network, self._ahead.at(step).to(self._device), self.precision))

    def validate(self, network: nn.Module) -> tuple[dict[str, float], Picture | None]:
        """See `Task`: the losses, and for some examples haze, result, truth, transmission and its truth."""
        assert isinstance(network, CgIdn)
        sums: dict[str, list[float]] = {}
        rows: list[Picture] = []
        with torch.inference_mode(), autocast(self._device, self.precision):
            for examples in self._validation:
                for name, value in vars(judge(network, examples)).items():
                    sums.setdefault(f"validation {name}", []).append(float(value))
                if len(rows) < SHOWN:
                    rows += _rows(network, examples)
        halves = [np.concatenate(rows[index:SHOWN:2]) for index in range(2)]
        return {name: float(np.mean(values)) for name, values in sums.items()}, np.concatenate(halves, axis=1)

    def state(self) -> State:
        """See `Task`: there is nothing."""
        return {}

    def restore(self, state: State) -> None:
        """See `Task`."""

    def _judged(self, network: CgIdn, examples: Examples, precision: Precision) -> Judged:
        with autocast(self._device, precision):
            return judge(network, examples)

    def _examples(self, step: int) -> Examples:
        clips = step % self._settings.clip_every == 0
        return self._drawn(self._learnt_from, (self._seed, step), clips=clips)

    def _drawn(self, scenery: Scenery, seed: tuple[int, ...], *, clips: bool) -> Examples:
        own = self._settings
        # A clip costs the work of its frames, so there are half as many of them.
        count, frames = (own.batch // 2, self.network.config.frames) if clips else (own.batch, 1)
        return draw_examples(
            scenery, seed=seed, count=count, frames=frames, height=own.height, width=own.width
        )


def only_air_learns(network: CgIdn) -> None:
    """Let nothing of a network learn but what reads the air light, and its tint, which makes up for it.

    Raises:
        ModelError: The network gives pictures, no haze.
    """
    if not isinstance(network.head, HazeHead):
        raise ModelError(f"{network.config.name} reads no air light; train a network that gives haze")
    network.requires_grad_(requires_grad=False)
    for part in (network.head.air, network.head.tint):
        part.requires_grad_(requires_grad=True)


def _rows(network: CgIdn, examples: Examples) -> list[Picture]:
    middle = examples.hazy[:, network.config.reach]
    seen = network(examples.hazy)
    if isinstance(seen, Haze):
        cleared, transmission = take_away(seen, middle)
        maps = [transmission, examples.transmission]
    else:
        cleared, maps = seen, []
    cells = [middle, cleared, examples.clear, *(each.expand(-1, 3, -1, -1) for each in maps)]
    # Side by side, (N, 3, H, cells * W), then channels last as pictures lie in files.
    pictures = torch.cat([cell.float() for cell in cells], 3).clamp(0, 1).permute(0, 2, 3, 1)
    codes = (255 * pictures).round().to(torch.uint8).cpu().numpy()
    return list(codes)
