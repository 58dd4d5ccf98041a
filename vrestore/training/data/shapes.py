"""Shapes of holes and of things: blobs, brush strokes, writing, logos; and how they stay or move."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""(H, W), True is inside."""

Masks = NDArray[np.bool_]
"""(T, H, W), True is to be filled."""

CORNERS = 12
"""The corners of the polygon that a blob is rounded from."""


def blob(rng: np.random.Generator, height: int, width: int, *, size: float) -> Mask:
    """Draw a rounded shape of about `size` pixels across, anywhere in the picture."""
    center = rng.uniform(0.15, 0.85, 2) * [width, height]
    return _polygon(_outline(rng, size) + center, height, width)


def draw_holes(rng: np.random.Generator, *, count: int, height: int, width: int, max_pixels: int) -> Masks:
    """Draw the holes of a clip, of one of the `KINDS`; none is wider or higher than `max_pixels`."""
    kind = str(rng.choice(list(KINDS), p=list(_SHARES.values())))
    return KINDS[kind](rng, count, height, width, max_pixels)


def moving_object(rng: np.random.Generator, count: int, height: int, width: int, max_pixels: int) -> Masks:
    """Draw a shape that walks through the picture and changes its outline a little."""
    size = rng.uniform(0.45, 1.0) * max_pixels
    first, last = _outline(rng, size), _outline(rng, size)
    start = rng.uniform(0.15, 0.85, 2) * [width, height]
    step = rng.normal(0, 3.0, 2)
    # An even walk with a random one on it, (T, 2), kept so far inside that a part of the shape always shows.
    way = start + np.arange(count)[:, None] * step + np.cumsum(rng.normal(0, 0.4, (count, 2)), 0)
    inside = np.clip(way, size * 0.3, [width - size * 0.3, height - size * 0.3])
    # The outline goes half of the way to another one and back, so that what is hidden differs in each frame.
    swing = 0.5 + 0.5 * np.sin(np.arange(count) * rng.uniform(0.05, 0.3))
    return np.stack(
        [
            _polygon(first + 0.5 * share * (last - first) + place, height, width)
            for share, place in zip(swing, inside, strict=True)
        ]
    )


def stationary_blob(rng: np.random.Generator, count: int, height: int, width: int, max_pixels: int) -> Masks:
    """Draw a shape that stays where it is."""
    size = rng.uniform(0.5, 1.0) * max_pixels
    center = rng.uniform(0.2, 0.8, 2) * [width, height]
    return _still(_polygon(_outline(rng, size) + center, height, width), count)


def box(rng: np.random.Generator, count: int, height: int, width: int, max_pixels: int) -> Masks:
    """Draw a rectangle that stays where it is."""
    mask = np.zeros((height, width), bool)
    tall, wide = (int(side) for side in rng.uniform(0.2, 1.0, 2) * max_pixels)
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    mask[top : top + max(4, tall), left : left + max(4, wide)] = True
    return _still(mask, count)


def strokes(rng: np.random.Generator, count: int, height: int, width: int, max_pixels: int) -> Masks:
    """Draw scratches: thin curved lines within a square."""
    canvas = np.zeros((height, width), np.uint8)
    corner = rng.uniform(0, 1, 2) * [width - max_pixels, height - max_pixels]
    for _ in range(int(rng.integers(1, 6))):
        points = corner + rng.uniform(0.05, 0.95, (4, 2)) * max_pixels
        time = np.linspace(0, 1, 30)[:, None]
        # A cubic Bezier curve: Bernstein's polynomials of degree 3 over its four points.
        curve = sum(
            weight * point
            for weight, point in zip(
                [(1 - time) ** 3, 3 * time * (1 - time) ** 2, 3 * time**2 * (1 - time), time**3],
                points,
                strict=True,
            )
        )
        line = np.rint(curve).astype(np.int32)[:, None]
        cv2.polylines(canvas, [line], isClosed=False, color=1, thickness=int(rng.integers(2, 12)))
    left, top = (int(place) for place in corner)
    return _still(_within(canvas > 0, left, top, max_pixels), count)


def writing(rng: np.random.Generator, count: int, height: int, width: int, max_pixels: int) -> Masks:
    """Draw a line of letters as of a subtitle, with an outline."""
    canvas = np.zeros((height, width), np.uint8)
    letters = "".join(chr(code) for code in rng.integers(ord("A"), ord("z"), 14))
    scale = rng.uniform(0.4, 0.9)
    thickness = int(rng.integers(1, 3))
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    # Letters are dropped until the line, with its outline, fits the largest hole.
    while cv2.getTextSize(letters, font, scale, thickness)[0][0] > max_pixels - 8 and len(letters) > 2:
        letters = letters[:-1]
    (wide, tall), _ = cv2.getTextSize(letters, font, scale, thickness)
    x = int(rng.integers(2, max(3, width - wide - 2)))
    y = int(rng.integers(tall + 2, max(tall + 3, height - tall)))
    cv2.putText(canvas, letters, (x, y), font, scale, 1, thickness + int(rng.integers(0, 4)))
    grown = cv2.dilate(canvas, np.ones((int(rng.integers(1, 5)),) * 2, np.uint8))
    left, top, *_ = cv2.boundingRect(grown)
    return _still(_within(grown > 0, left, top, max_pixels), count)


KINDS: Mapping[str, Callable[[np.random.Generator, int, int, int, int], Masks]] = {
    "moving object": moving_object,
    "stationary blob": stationary_blob,
    "box": box,
    "strokes": strokes,
    "writing": writing,
}
_SHARES = {"moving object": 0.4, "stationary blob": 0.3, "box": 0.15, "strokes": 0.08, "writing": 0.07}


def _outline(rng: np.random.Generator, size: float) -> NDArray[np.float64]:
    """Draw the corners of a shape around (0, 0), (k, 2), that fits a square of `size` pixels."""
    # Sorted by angle the corners do not cross: a star-shaped polygon, about twice as long as wide at most.
    angle = np.sort(rng.uniform(0, 2 * np.pi, CORNERS))
    radius = size / 2 * rng.uniform(0.45, 1.0, CORNERS)
    stretch = np.array([1.0, rng.uniform(0.5, 1.0)])
    if rng.random() < 0.5:
        stretch = stretch[::-1]
    return np.asarray(np.stack([np.cos(angle), np.sin(angle)], -1) * radius[:, None] * stretch)


def _polygon(corners: NDArray[np.float64], height: int, width: int) -> Mask:
    canvas = np.zeros((height, width), np.uint8)
    cv2.fillPoly(canvas, [np.rint(corners).astype(np.int32)[:, None]], 1)
    # Opening takes off what is thinner than 5 pixels, and rounds the corners.
    return cv2.morphologyEx(canvas, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0


def _within(mask: Mask, left: int, top: int, side: int) -> Mask:
    """Keep what lies in a square."""
    cropped = np.zeros_like(mask)
    square = (slice(top, top + side), slice(left, left + side))
    cropped[square] = mask[square]
    return cropped


def _still(mask: Mask, count: int) -> Masks:
    return np.repeat(mask[None], count, axis=0)  # (H, W) to (T, H, W)
