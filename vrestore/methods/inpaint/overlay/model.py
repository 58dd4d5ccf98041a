"""What an overlay does to the picture behind it, component by component, and the file that holds it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from vrestore.errors import MaskError
from vrestore.files import reason_of
from vrestore.frames import Box, Component, Frame, MaskArray, PixelFormat
from vrestore.media.color.convert import chroma_cells, samples_of, shift_of

Levels = NDArray[np.float32]
"""(h, w), code values in levels of 8 bits, whatever the depth."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What is done to one component, on its own grid: shown = keep * behind + light.

    `keep` (h, w) is in (0, 1], 1 where nothing lies over the picture. Outside of `measured` nothing is known.
    `noise` is the variance, in levels, that the encoder is taken to have left in what is shown, on the whole;
    `most_noise` that in a single frame.
    """

    keep: Levels
    light: Levels
    measured: MaskArray
    noise: float
    most_noise: float


_PARTS = tuple(part.name for part in fields(Layer))


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """An overlay in a box of the decoded picture; `main` is the component that it is seen best in.

    By less than `steady` the gain that is found in a frame may be off where all of it is there, or none.
    """

    box: Box
    layers: tuple[Layer, ...]
    main: int
    steady: float

    def save(self, path: Path) -> None:
        """Write the overlay to a file: of the same overlay the same bytes."""
        box = self.box
        arrays = {"box": np.array([box.x, box.y, box.width, box.height])}
        arrays |= {"main": np.array(self.main), "steady": np.array(self.steady)}
        for index, layer in enumerate(self.layers):
            arrays |= {f"{name}{index}": np.asarray(getattr(layer, name)) for name in _PARTS}
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # arrays by name are what it takes

    @staticmethod
    def load(path: Path) -> Overlay:
        """Read what `save` wrote; raises MaskError where that is not what the file holds."""
        try:
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                count = sum(name.startswith(_PARTS[0]) for name in arrays)
                layers = [Layer(*(arrays[f"{name}{index}"] for name in _PARTS)) for index in range(count)]
                layers = [
                    replace(layer, noise=float(layer.noise), most_noise=float(layer.most_noise))
                    for layer in layers
                ]
                box, main, steady = Box(*arrays["box"].tolist()), int(arrays["main"]), float(arrays["steady"])
                return Overlay(box, tuple(layers), main, steady)
        except (OSError, EOFError, KeyError, TypeError, ValueError, BadZipFile) as error:
            why = reason_of(error) if isinstance(error, OSError) else "it holds no measured overlay"
            raise MaskError(f"cannot read overlay {str(path)!r}: {why}") from error


def unit_of(format: PixelFormat) -> float:
    """Return how many code values a level of 8 bits is."""
    return float(2.0 ** (format.bits - 8))


def levels_of(frame: Frame, component: Component, box: Box, format: PixelFormat) -> Levels:
    """Return a component over a box of the picture, on its own grid."""
    return codes_of(frame, component, box).astype(np.float32) / np.float32(unit_of(format))


def codes_of(frame: Frame, component: Component, box: Box) -> NDArray[np.integer[Any]]:
    """Return the code values of a component over a box of the picture, on its own grid."""
    cells = chroma_cells(box, shift_of(component))
    samples = samples_of(frame.planes[component.plane], component)[cells.rows, cells.columns]
    return samples >> component.shift


def cell_mean(full: Levels, shift: tuple[int, int]) -> Levels:
    """Return the mean over each cell of so many logarithms of pixels across and down."""
    if shift == (0, 0):
        return full
    across, down = 1 << shift[0], 1 << shift[1]
    padded = np.pad(full, ((0, -full.shape[0] % down), (0, -full.shape[1] % across)), "edge")
    rows, columns = padded.shape[0] // down, padded.shape[1] // across
    return np.asarray(padded.reshape(rows, down, columns, across).mean(axis=(1, 3)), np.float32)
