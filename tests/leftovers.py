"""A drawn object that crosses a picture, with a shadow or without: what is left of it is known."""

import numpy as np

from tests.textured import panned, texture

HEIGHT, WIDTH, FRAMES, RADIUS = 96, 200, 22, 14
EXACT = {"grow": 0, "feather": 0}


def disc(index, *, radius=RADIUS, below=0, right=0):
    """Where the object stands: it crosses the picture while the camera pans."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(x - 40 - 6 * index - right, y - 42 - 8 * np.sin(index / 5) - below) <= radius


def scene(*, shade=0.0, object_at=disc, radius=RADIUS):
    """Yield RGB pictures of a texture that the camera pans over, with an object of another and its shadow."""
    behind = panned(
        texture(HEIGHT, WIDTH + 40, seed=1), count=FRAMES, height=HEIGHT, width=WIDTH, step=(1.5, 0)
    )
    before = texture(HEIGHT, WIDTH, seed=2)
    for index, picture in enumerate(behind):
        picture[:, disc(index, below=12, right=4)] *= 1 - shade
        inside = object_at(index, radius=radius)
        moved = np.roll(before, 6 * index, axis=2)
        picture[:, inside] = 0.4 * moved[:, inside] + np.array([0.55, 0.4, 0.05])[:, None]
        yield np.rint(picture.transpose(1, 2, 0).clip(0, 1) * 255).astype(np.uint8)


def nothing(index, *, radius):
    return np.zeros((HEIGHT, WIDTH), bool)


def ring(index, *, radius):
    return disc(index) & ~disc(index, radius=radius)
