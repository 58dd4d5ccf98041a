"""Clips out of photographs: a camera that moves, and things that move before it.

Real clips are few, photographs many. Each layer is a photograph that moves by a similarity transform of its
own, smoothly and with a hand's tremor; the layers before the first are cut out in the shape of blobs, so that
parts of the scene are covered and uncovered.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.training.data.shapes import blob
from vrestore.training.data.sources import Picture, Pictures

Path = NDArray[np.float64]
"""(T, 2, 3): where each frame's pixels lie in the layer's picture, (x, y) -> (x, y)."""

MAX_SPEED = 7.0
"""Pixels a frame at which a layer travels at most."""

MAX_LAYERS = 3
"""How many layers there are before the background at most."""

TREMOR = 0.35
"""Pixels that a hand trembles by at most, as a standard deviation."""


def draw_scene(
    rng: np.random.Generator, photograph: Callable[[], Picture], *, count: int, height: int, width: int
) -> Pictures:
    """Draw `count` frames of a scene; `photograph` returns another picture each time it is called."""
    path = draw_path(rng, photograph_size=(height, width), count=count, height=height, width=width)
    background = _fitted(photograph(), height, width)
    frames = np.stack([_seen(background, place, height, width) for place in path])
    for _ in range(int(rng.integers(0, MAX_LAYERS + 1))):
        texture = _fitted(photograph(), height, width)
        size = rng.uniform(0.15, 0.6) * min(height, width)
        outline = blob(rng, height, width, size=size).astype(np.float32)
        # An edge in a photograph is a pixel or two wide: a hard one would be learnt as the mark of a layer.
        shape = cv2.GaussianBlur(outline, (0, 0), rng.uniform(0.5, 1.5))
        own = draw_path(rng, photograph_size=(height, width), count=count, height=height, width=width)
        for frame, place in zip(frames, own, strict=True):
            moved = _seen(texture, place, height, width)
            cover = cv2.warpAffine(shape, place, (width, height), flags=_READ)[..., None]
            # The "over" of Porter and Duff 1984, with a layer that is opaque where its shape is.
            frame[...] = np.rint(frame * (1 - cover) + moved * cover)
    return frames


def draw_path(
    rng: np.random.Generator, *, photograph_size: tuple[int, int], count: int, height: int, width: int
) -> Path:
    """Draw a smooth way of a camera over a picture of `photograph_size` (height, width)."""
    # A similarity transform for each frame: p -> zoom * R(angle) (p - center) + middle + (x, y). Place, angle
    # and log zoom drift evenly, speed swings, and noise of each frame's own is the hand.
    time = np.arange(count)
    speed = rng.choice([0.0, 1.0, 1.0, 1.0]) * MAX_SPEED * rng.random() ** 1.5
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.06, count))
    pace = speed * (1 + 0.3 * np.sin(time * rng.uniform(0.05, 0.4) + rng.uniform(0, 6)))
    tremor = rng.random() * TREMOR
    x = np.cumsum(pace * np.cos(heading)) + rng.normal(0, tremor, count)
    y = np.cumsum(pace * np.sin(heading)) + rng.normal(0, tremor, count)
    angle = (
        rng.normal(0, 0.15) + np.cumsum(np.full(count, rng.normal(0, 0.004))) + rng.normal(0, 0.001, count)
    )
    # An even rate of log zoom is what a camera does that nears a wall at a steady rate of its distance.
    zoom = rng.uniform(0.7, 1.0) * np.exp(np.cumsum(np.full(count, rng.normal(0, 0.004))))
    # The clip's middle frame looks at the photograph's middle, so both ends stray from it as little as can
    # be.
    middle = np.array([photograph_size[1] - 1, photograph_size[0] - 1]) / 2 - [x[count // 2], y[count // 2]]
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    turn = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)  # (T, 2, 2)
    center = np.array([width - 1, height - 1]) / 2
    offset = middle + np.stack([x, y], -1) - turn @ center  # (T, 2): the frame's own center is what stays
    return np.concatenate([turn, offset[..., None]], -1)


_READ = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def _seen(picture: Picture, place: NDArray[np.float64], height: int, width: int) -> Picture:
    seen = cv2.warpAffine(picture, place, (width, height), flags=_READ, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(seen, np.uint8)


def _fitted(picture: Picture, height: int, width: int) -> Picture:
    """Shrink or stretch a photograph until it just covers the size, and cut its middle."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    size = (max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale)))
    # Means of areas do not alias where a picture shrinks; they would make blocks where it grows.
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, size, interpolation=interpolation)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])
