"""What an ONNX network takes and gives, recognized by names, types and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vrestore.errors import ModelError
from vrestore.methods.inpaint.texture.onnx_painter.session import KNOWN

SIDES = 64, 4096
"""The least and the most pixels that a fixed height or width may have."""

ALLOWED = (
    "an image 1x3xHxW and a mask 1x1xHxW, both float or both uint8, and a picture 1x3xHxW in return, "
    f"H and W free or from {SIDES[0]} to {SIDES[1]}"
)

_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(uint8)": np.dtype(np.uint8),
}


@dataclass(frozen=True, slots=True)
class Ports:
    """The names of what a network takes and gives, their type, and height and width where they are fixed."""

    image: str
    mask: str
    output: str
    type: np.dtype[Any]
    size: tuple[int | None, int | None]


def ports_of(session: Any, name: str) -> Ports:  # noqa: ANN401 - ONNX Runtime has no types
    """Recognize what a network takes and gives; raises ModelError, with `name`, where it is no painter's."""
    taken, given = session.get_inputs(), session.get_outputs()
    image, mask = _found(taken, ("image",), 3), _found(taken, ("mask",), 1)
    output = _found(given, ("output", "result"), 3)
    if image and mask and output and image is not mask and len(taken) == 2 and image.type == mask.type:
        pairs = list(zip(_sizes(image), _sizes(mask), strict=True))[2:]
        heights, widths = ({side for side in pair if side is not None} for pair in pairs)
        sides = heights | widths
        if len(heights) <= 1 and len(widths) <= 1 and all(SIDES[0] <= side <= SIDES[1] for side in sides):
            size = next(iter(heights), None), next(iter(widths), None)
            return Ports(image.name, mask.name, output.name, _TYPES[image.type], size)
    raise ModelError(
        f"the painter {name!r} takes {_said(taken)} and gives {_said(given)}; allowed is {ALLOWED}; "
        f"pass a file such as {KNOWN}"
    )


def _found(ports: Sequence[Any], names: tuple[str, ...], channels: int) -> Any:  # noqa: ANN401
    """Return the one port that may be 1 x channels x H x W, by its name if there are several, else None."""
    fitting = [port for port in ports if port.type in _TYPES and _fits(_sizes(port), channels)]
    named = [port for port in fitting if any(name in port.name.lower() for name in names)]
    best = named or fitting
    return best[0] if len(best) == 1 else None


def _fits(sizes: Sequence[int | None], channels: int) -> bool:
    return len(sizes) == 4 and sizes[0] in {1, None} and sizes[1] in {channels, None}


def _sizes(port: Any) -> list[int | None]:  # noqa: ANN401
    """Return the shape, None for what is free; an output may say nothing of it."""
    return [size if isinstance(size, int) and size > 0 else None for size in port.shape or [None] * 4]


def _said(ports: Sequence[Any]) -> str:
    """Name ports as people do: `image float 1x3x512x512`."""
    return ", ".join(map(_said_of, ports)) or "nothing"


def _said_of(port: Any) -> str:  # noqa: ANN401
    shape = "x".join(map(str, port.shape or ())) or "of any shape"
    return f"{port.name} {port.type.removeprefix('tensor(').rstrip(')')} {shape}"
