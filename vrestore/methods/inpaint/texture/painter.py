"""What no frame shows is painted with texture, once, and carried from frame to frame along the flow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from vrestore.device.transfers import CPU, moved
from vrestore.methods.inpaint.painted import LOST, MOST_KEYS, Key, Painted
from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.inpaint.propagation.origins import NOWHERE, Origins, carried_on, nowhere
from vrestore.methods.inpaint.texture.hole import LEAST_THICKNESS, OpenHole
from vrestore.methods.inpaint.texture.motion import carried_targets
from vrestore.methods.inpaint.texture.onnx_painter.network import PaintingNetwork


class Painter:
    """Paints the holes of a track, frame after frame."""

    def __init__(
        self,
        *,
        side: int,
        grain: float,
        painted: Painted | None = None,
        network: PaintingNetwork | None = None,
    ) -> None:
        """Start anew, or from what was `painted` of the first frame, which is given as it was filled.

        `side` is that of the patches in pixels, odd; `grain` pixels stand for one of a picture of 240 lines.
        With a `network` that paints instead of patches.
        """
        self._side, self._grain, self._given, self._network = side, grain, painted, network
        self._keys: dict[int, Key] = {} if painted is None else dict(painted.keys)
        self._before: tuple[Patch, Origins] | None = None

    @property
    def painted(self) -> Painted | None:
        """What is known after the last frame, None before the first."""
        if self._before is None:
            return None
        places = moved(self._before[1], CPU)
        return Painted(dict(self._keys), places.frame.numpy(), places.offset.numpy())

    def paint(self, filled: Filled) -> Filled:
        """Return the next frame with what no frame shows painted, where texture fits."""
        patch = filled.patch
        if self._given is not None:
            frames, offsets = (torch.from_numpy(each) for each in (self._given.frames, self._given.offsets))
            places, self._given = Origins(frames, offsets), None
        else:
            places = self._carried(filled)
            if patch.hidden_count and self._has_work(filled, places):
                hole = OpenHole(filled, places, self._grain)
                hole.read(self._keys)
                self._keep(patch.index, hole)
                places = hole.places
                filled = replace(
                    filled,
                    colors=torch.from_numpy(hole.colors).to(patch.device),
                    is_key=patch.index in self._keys,
                    is_texture=torch.from_numpy(hole.is_texture).to(patch.device),
                )
        self._before = patch, moved(places, patch.device)
        return replace(filled, step=None)

    def _has_work(self, filled: Filled, places: Origins) -> bool:
        """Tell whether there is something to read from a key, or enough to be painted into one."""
        unseen = filled.confidence == 0
        least = np.pi * (LEAST_THICKNESS * self._grain / 2) ** 2
        return bool((unseen & (places.frame >= 0)).any()) or (
            int((unseen & (places.frame == NOWHERE)).sum()) >= least
        )

    def _carried(self, filled: Filled) -> Origins:
        """Return where in the keys the hidden pixels lie, as far as the frame before knows."""
        patch = filled.patch
        if self._before is None or filled.step is None or not patch.hidden_count:
            return nowhere(patch)
        before, known = moved(self._before, patch.device)
        targets = carried_targets(filled, filled.step, self._grain)
        # Where flow leads is believed here even if it does not lead back: there is nothing better.
        trust = torch.ones(patch.hidden_count, device=patch.device)
        places = carried_on(patch, targets, trust, before, known, oldest=LOST, beside=LOST)
        x, y = targets.unbind(1)
        is_inside = (x >= 0) & (y >= 0) & (x <= before.box.width - 1) & (y <= before.box.height - 1)
        return replace(places, frame=torch.where(is_inside, places.frame, NOWHERE))

    def _keep(self, index: int, hole: OpenHole) -> None:
        """Paint a new key if one is needed, and let go of the oldest where there are too many."""
        key = hole.extended(side=self._side, network=self._network)
        if key is None:
            return
        self._keys[index] = key
        while len(self._keys) > MOST_KEYS:
            oldest = min(self._keys)
            hole.replace(oldest)
            del self._keys[oldest]
        self._keys = {number: key for number, key in self._keys.items() if number in hole.keys_in_use}
