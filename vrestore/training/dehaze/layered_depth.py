"""A depth for pictures that have none: made up, so that haze can be put into them.

It is the ground or a room in perspective, in layers that end where colors do, with a far sky. It need not be
true: what a network is to learn is how haze looks, not how scenes are built.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.training.dehaze.weather import Maps, Pictures


def layered_depth(pictures: Pictures, random: np.random.Generator) -> Maps:
    """Make up a depth for a clip, the same for what looks the same, with mean 1; (T, H, W)."""
    height, width = pictures.shape[1:3]
    rows, columns = max(4, height // 2), max(4, width // 2)
    small = np.stack([cv2.resize(each, (columns, rows), interpolation=cv2.INTER_AREA) for each in pictures])
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) / min(rows, columns)
    # At half the size: depth is smooth but at edges, which small pictures have as well.
    base = _perspective(x, y, random)
    share, owned = _layers(small, x, y, base, random)
    mixed = random.uniform(0.1, 1.0)
    # Each place is as deep as the layers it belongs to, by its shares in them: (T, h, w, K) x (K,).
    layered = np.einsum("thwk,k->thw", share, owned, optimize=True)
    depth = mixed * base + (1 - mixed) * layered
    depth *= np.exp(random.uniform(0, 0.3) * _bumps(random, rows, columns))
    if random.random() < 0.8:
        sky = np.stack([_sky(each) for each in small])
        depth = depth * (1 - sky) + sky * depth.max() * random.uniform(1.5, 3.0)
    large = np.stack([cv2.resize(each, (width, height)) for each in depth.astype(np.float32)])
    return np.asarray(np.maximum(large / large.mean(), 1e-2), np.float32)


def _perspective(x: Maps, y: Maps, random: np.random.Generator) -> Maps:
    """Draw how far away things are by their place: over a ground, in a room, on a slope, or all alike."""
    kind = random.random()
    high, wide = float(y.max()) + 1e-6, float(x.max()) + 1e-6
    if kind < 0.35:
        # A ground seen from above: depth is 1 / (rows below the horizon), cut off where it would be endless.
        below = y / high - random.uniform(0.05, 0.6)
        nearest = random.uniform(0.04, 0.15)
        return np.asarray(1 / np.maximum(below, nearest), np.float32)
    if kind < 0.65:
        # A room: the nearer of the walls and of floor and ceiling, each a plane along the camera's axis.
        across = np.abs(x / wide - random.uniform(0.2, 0.8)) / random.uniform(0.4, 1.0)
        down = np.abs(y / high - random.uniform(0.2, 0.7)) / random.uniform(0.4, 1.0)
        return np.asarray(1 / np.maximum(np.maximum(across, down), random.uniform(0.1, 0.5)), np.float32)
    if kind < 0.85:
        angle, slope = random.uniform(-np.pi, 0), random.uniform(0.2, 1.5)
        return np.asarray(np.exp(slope * (np.cos(angle) * x + np.sin(angle) * y)), np.float32)
    return np.ones_like(x)


def _layers(
    small: Pictures, x: Maps, y: Maps, base: Maps, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each place's share in every layer, (T, h, w, K), and the layers' depths, (K,).

    A layer is what lies near a seed in place and color.
    """
    count = int(random.integers(5, 20))
    rows, columns = x.shape
    i, j = random.integers(rows, size=count), random.integers(columns, size=count)
    weight = float(np.exp(random.uniform(np.log(0.7), np.log(4.0))))
    soft = np.stack([cv2.blur(each, (3, 3)) for each in small])
    seeds = soft[0, i, j]
    # Distances to the seeds in color and place, as SLIC has them (Achanta et al. 2012): (T, h, w, K).
    apart = ((soft[:, :, :, None] - seeds) ** 2).sum(-1) * weight**2
    apart += (x[..., None] - x[i, j]) ** 2 + (y[..., None] - y[i, j]) ** 2
    # A softmax over the layers: borders are a little soft, as a hard one would be off by a pixel anyway.
    share = np.exp(-(apart - apart.min(-1, keepdims=True)) * 40)
    share /= share.sum(-1, keepdims=True)
    owned = base[i, j] * np.exp(random.normal(0, 0.6, count))
    return share.astype(np.float32), owned.astype(np.float32)


def _bumps(random: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    grid = random.normal(0, 1, tuple(random.integers(2, 8, 2))).astype(np.float32)
    return np.asarray(cv2.resize(grid, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)


def _sky(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Guess where the sky is, in [0, 1]: bright, not green or red, without texture, joined to the top.

    Less than a tenth of the picture is none.
    """
    gray = picture.mean(-1)
    rough = cv2.blur(np.abs(cv2.Laplacian(cv2.blur(gray, (3, 3)), cv2.CV_32F)), (3, 3))
    bluish = picture[..., 2] > picture.max(-1) - 0.06
    smooth = (rough < 0.03) & bluish & (gray > 0.45)
    # What is bright and smooth but not joined to the top is a wall or a road.
    _, labels = cv2.connectedComponents(smooth.astype(np.uint8), connectivity=4)
    top = np.unique(labels[:2][smooth[:2]])
    is_sky = np.isin(labels, top).astype(np.float32)
    if is_sky.mean() < 0.1:
        return np.zeros_like(is_sky)
    return np.asarray(
        cv2.blur(cv2.morphologyEx(is_sky, cv2.MORPH_CLOSE, np.ones((5, 5))), (3, 3)), np.float32
    )
