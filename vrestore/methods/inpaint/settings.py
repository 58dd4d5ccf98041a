"""How propagation works and what it counts: plain values, so that nothing heavy is loaded for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vrestore.device.devices import Kernels, Precision
from vrestore.flow.estimator import FlowName
from vrestore.frames import Box
from vrestore.methods.inpaint.painted import Painted


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Which network corrects what was propagated, and how: `scale` times smaller than the picture."""

    model: str
    scale: int
    precision: Precision
    device: str = "cpu"
    kernels: Kernels = "auto"

    def line(self) -> str:
        """Say which network works, in what arithmetic, and where."""
        return f"network {Path(self.model).stem}, {self.precision} on {self.device}"


@dataclass(frozen=True, slots=True)
class PainterSettings:
    """Which ONNX file of the user's own paints what no frame shows, known by its hash, and where."""

    file: str
    sha256: str
    threads: int
    device: str = "cpu"

    def line(self) -> str:
        """Say which file paints, and where."""
        return f"painter {Path(self.file).name} on {self.device}"


@dataclass(frozen=True, slots=True)
class Settings:
    """How hard propagation tries; `chunk` and `look_ahead` count frames and bound the memory.

    `scale` is the finest pyramid level of the flow, `margin` the pixels around a hole that are looked at,
    `sharpness` that of `vrestore.ops.warp.propagate.fetch`.
    """

    passes: int = 3
    preset: FlowName = "medium"
    scale: int = 1
    chunk: int = 45
    look_ahead: int = 45
    margin: int = 96
    sharpness: float = 0.0
    carried_frames: int = 24
    """Frames of the future that know of the motion in the hole, and frames that are done at a time; 0: the
    motion of a hole is guessed pair by pair."""
    origin_frames: int = 36
    """Frames of the past that colors are read from, once and sharp, in the end; 0: they stay as blended."""
    texture_side: int = 9
    """The side of the patches, in pixels, that what no frame shows is painted with; 0: it stays smooth."""
    painter: PainterSettings | None = None
    """What paints in place of texture from patches."""
    has_grain: bool = False
    """Whether what is filled is given the grain of what lies around it."""
    threads: int = 2
    network: NetworkSettings | None = None
    device: str = "cpu"
    """What holes are filled on; the network has its own."""
    kernels: Kernels = "auto"

    @property
    def cell(self) -> int:
        """The side of the squares of pixels that flow is estimated on."""
        return 1 << self.scale


@dataclass(frozen=True, slots=True)
class SpanState:
    """What a segment that starts within a run of frames with holes needs of the one before.

    The run started at frame `first`, whose hole had those `parts`. For each of its tracks, in order, the
    colors (3, n) in [0, 1] and confidence (n) that the hidden pixels of the last frame were given, and what
    is known of painting them, None where that is not done.
    """

    first: int
    parts: tuple[Box, ...]
    colors: tuple[NDArray[np.float32], ...]
    confidence: tuple[NDArray[np.float32], ...]
    painted: tuple[Painted | None, ...]

    def packed(self) -> dict[str, NDArray[Any]]:
        """Return it as arrays by name."""
        boxes = [[box.x, box.y, box.width, box.height] for box in self.parts]
        arrays = {
            "first": np.array(self.first),
            "parts": np.array(boxes),
            "tracks": np.array(len(self.colors)),
        }
        arrays |= {f"colors{index}": each for index, each in enumerate(self.colors)}
        arrays |= {f"confidence{index}": each for index, each in enumerate(self.confidence)}
        for index, painted in enumerate(self.painted):
            if painted is not None:
                arrays |= {f"painted{index}.{name}": each for name, each in painted.packed().items()}
        return arrays

    @classmethod
    def unpacked(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what was packed."""
        colors, confidence = (
            tuple(arrays[f"{name}{index}"] for index in range(int(arrays["tracks"])))
            for name in ("colors", "confidence")
        )
        parts = tuple(Box(*part) for part in arrays["parts"].tolist())
        painted = tuple(_painted(arrays, f"painted{index}.") for index in range(len(colors)))
        return cls(int(arrays["first"]), parts, colors, confidence, painted)


def _painted(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Painted | None:
    own = {name.removeprefix(prefix): each for name, each in arrays.items() if name.startswith(prefix)}
    return Painted.unpacked(own) if own else None


@dataclass(slots=True)
class InpaintStats:
    """Where the pixels of the holes came from, counted while frames pass."""

    frames: int = 0
    repaired_frames: int = 0
    hole_pixels: int = 0
    copied: int = 0
    blended: int = 0
    painted: int = 0
    textured: int = 0
    """Of what was painted, what was with texture."""
    from_past: int = 0
    """Pixels that were read once, from an earlier frame."""
    from_future: int = 0
    age_frames: int = 0
    """Frames between these pixels and where they were read, summed up."""
    scenes: int = 0
    max_tracks: int = 0
    network_cpu_frames: int = 0
    """Frames that the network gave on the CPU because its device had too little memory."""
    cpu_fallback_frames: int = 0
    """Frames whose holes were filled on the CPU for the same reason."""
    grain_frames: int = 0
    """Frames whose holes were given grain."""
    grain_thousandths: int = 0
    """How strong it was in these, summed up, in thousandths of 255 levels."""
    overlay_restored: int = 0
    """Pixels of an overlay that were inverted; of one that is a mean of both, its share."""
    overlay_filled: int = 0
    overlay_edges_before: int = 0
    """How much frames show of the overlay's edges, summed up, and how much the result does."""
    overlay_edges_after: int = 0

    def __add__(self, other: InpaintStats) -> InpaintStats:
        """Return what was counted in two parts of a video."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        return InpaintStats(**counts | {"max_tracks": max(self.max_tracks, other.max_tracks)})
