"""How propagation works and what it counts: plain values, so that nothing heavy is loaded for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box
from vrestore.plan import FlowPreset

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Which network corrects what was propagated, and how: `scale` times smaller than the picture."""

    model: str
    scale: int
    precision: Precision
    device: str = "cpu"

    def line(self) -> str:
        """Say which network works, in what arithmetic, and where."""
        return f"network {Path(self.model).stem}, {self.precision} on {self.device}"


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


@dataclass(frozen=True, slots=True)
class Carried:
    """What a segment that starts within a run of frames with holes needs of the one before.

    The run started at frame `first`, whose hole had those `parts`. For each of its tracks, in order, the
    colours (3, n) in [0, 1] and confidence (n) that the hidden pixels of the last frame were given.
    """

    first: int
    parts: tuple[Box, ...]
    colours: tuple[NDArray[np.float32], ...]
    confidence: tuple[NDArray[np.float32], ...]


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
    given_up: int = 0
    """Frames that the network gave on the CPU because its device had too little memory."""


@dataclass(slots=True)
class Segments:
    """Where a video may be cut, so that its parts can be worked on one after the other.

    A segment ends `length` frames after its start or later, where a run of frames with holes ends or begins;
    at twice that it ends wherever it is. `borders` is filled while frames pass: the frame that starts a new
    segment, before it is given, and what it needs, if anything; `tallies` has what was counted up to there.

    A run may go on at such a border: frames before `start` then pass as they are and are not counted, and
    `carried` is what the run before found there.
    """

    length: int
    start: int = 0
    carried: Carried | None = None
    borders: dict[int, Carried | None] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)
    _begun: int = 0

    def __post_init__(self) -> None:
        self._begun = self.start

    @property
    def end(self) -> int:
        """The frame that the present segment must end before, wherever that is."""
        return self._begun + 2 * self.length

    def is_due(self, index: int) -> bool:
        """Tell whether a segment may end before a frame that needs nothing of the one before."""
        return index - self._begun >= self.length

    def cut(self, index: int, carried: Carried | None, tally: Tally) -> None:
        """Let a new segment start at a frame."""
        self.borders[index], self.tallies[index] = carried, replace(tally)
        self._begun = index
