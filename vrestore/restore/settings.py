"""How propagation works and what it counts: plain values, so that nothing heavy is loaded for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vrestore.plan import FlowPreset

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Which network corrects what was propagated, and how: `scale` times smaller than the picture."""

    model: str
    scale: int
    precision: Precision


@dataclass(frozen=True, slots=True)
class Settings:
    """How hard propagation tries; `chunk` and `look_ahead` count frames and bound the memory.

    `scale` is the finest pyramid level of the flow, `margin` the pixels around a hole that are looked at.
    """

    passes: int = 3
    preset: FlowPreset = "medium"
    scale: int = 1
    chunk: int = 45
    look_ahead: int = 45
    margin: int = 96
    threads: int = 2
    network: NetworkSettings | None = None


@dataclass(slots=True)
class Tally:
    """Where the pixels of the holes came from, counted while frames pass."""

    frames: int = 0
    repaired_frames: int = 0
    hole_pixels: int = 0
    copied: int = 0
    blended: int = 0
    painted: int = 0
    scenes: int = 0
    most_tracks: int = 0
