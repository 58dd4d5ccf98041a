"""How dehazing works and what it counts: plain values, so that nothing heavy is loaded for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vrestore.device.devices import Kernels
from vrestore.methods.dehaze.options import AirLight, DehazeOptions

Color = tuple[float, float, float]
"""RGB in [0, 1]."""


_DEFAULTS = DehazeOptions()


@dataclass(frozen=True, slots=True)
class DehazeSettings:
    """What a user may ask for; shares are in [0, 1].

    `air` is the color of the haze where it is given, and None where it is estimated, by `air_light`: once
    for each shot, or following it slowly and from place to place. `steady` 0 takes every frame by itself;
    `is_hazy` says that there is haze, which else is found out.
    `device` is `cpu` or `cuda:i`, `kernels` what is asked for there: see `vrestore.ops.select`.
    """

    strength: float = _DEFAULTS.strength / 100
    color: float = _DEFAULTS.color / 100
    keep_depth: bool = False
    protect_sky: bool = False
    night: bool = False
    is_hazy: bool = False
    air_light: AirLight = "auto"
    air: Color | None = None
    steady: float = _DEFAULTS.steady
    device: str = "cpu"
    kernels: Kernels = "auto"


@dataclass(frozen=True, slots=True)
class HazeState:
    """What a segment that starts within a scene needs of the one before, where haze is steadied.

    The `air` (3,) of the shot and the `maps` (1, C, h, w) of the last frame, as they were steadied, and the
    `figures` of the shot that taking the haze out follows.
    """

    air: NDArray[np.float32]
    maps: NDArray[np.float32]
    figures: NDArray[np.float64]

    def packed(self) -> dict[str, NDArray[Any]]:
        """Return it as arrays by name."""
        return {"air": self.air, "maps": self.maps, "figures": self.figures}

    @classmethod
    def unpacked(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what was packed."""
        return cls(arrays["air"], arrays["maps"], arrays["figures"])


@dataclass(slots=True)
class DehazeStats:
    """What was seen while frames passed."""

    frames: int = 0
    scenes: int = 0
    transmission: float = 0.0
    """Summed over frames; see `mean_transmission`."""
    belief: float = 0.0
    """Summed over frames; see `mean_belief`."""
    airs: list[Color] = field(default_factory=list)
    """The air light at the start of each scene."""
    cpu_fallback_frames: int = 0
    """Frames of which the CPU did something because the device had too little memory."""

    def __post_init__(self) -> None:
        self.airs = [(red, green, blue) for red, green, blue in self.airs]  # JSON knows lists only

    @property
    def mean_transmission(self) -> float:
        """The share of light that came through the haze, over all pixels; 1 is clear air."""
        return self.transmission / self.frames if self.frames else 1.0

    @property
    def mean_belief(self) -> float:
        """The share of the change that was made, as far as it is believed that there is haze; 1 is all."""
        return self.belief / self.frames if self.frames else 1.0
