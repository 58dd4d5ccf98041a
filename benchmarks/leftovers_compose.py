"""Objects pasted on real clips, with and without a shadow: what should be there instead is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Masks, Pictures
from benchmarks.masks_compose import read_pictures, train_path

CLIPS = (
    *("cockatoo", "minimax_normal2", "vda_rollercoaster", "mmaction_test_mp4", "pp_hf_sample1"),
    *("videopainter_pexels_000000000", "cviiith_nature", "minimax_normal6", "otb_crossing", "tsdf_rgbd"),
)
"""Ten training clips: seven whose camera moves, three whose camera hardly does."""

STRENGTHS = (0.2, 0.3, 0.4, 0.5, 0.6)
"""How much of the light shadows take away, one for each clip in turn."""

FRAMES = 60
_TALL = 0.2  # of the picture's height, half of what the object is high
_SOFT = (2.0, 3.0, 4.0, 6.0)  # sigmas of shadows, in pixels

Levels = NDArray[np.float32]
"""(h, w) in [0, 1]."""


@dataclass(frozen=True)
class Composed:
    """A clip without an object (`truth`), with one, and with one that casts a shadow of that `strength`.

    `masks` (T, H, W) are what the object covers, `shadows` where the shadow takes 5 % of the light or more.
    """

    name: str
    truth: Pictures
    plain: Pictures
    shadowed: Pictures
    masks: Masks
    shadows: Masks
    strength: float


def compose(data: Path, name: str, *, number: int, frames: int = FRAMES) -> Composed:
    """Paste an object of a photograph on a training clip; `number` chooses which, its way and its shadow."""
    truth = read_pictures(train_path(data, name), frames=frames)
    count, height, width = truth.shape[:3]
    truth = truth[:, : height // 2 * 2, : width // 2 * 2]
    rng, strength = np.random.default_rng(number), STRENGTHS[number % len(STRENGTHS)]
    photo = _photo(data, number, truth.shape[1:3])
    outline = _Outline.drawn(rng, tall=_TALL * height)
    side, soft = float(rng.choice([-1, 1])), float(rng.choice(_SOFT))
    speed = rng.uniform(0.35, 0.6) * width / count * side  # crosses a third to a half of the picture
    plain, shadowed, masks, shadows = [], [], [], []
    for index, picture in enumerate(truth):
        x = width / 2 + speed * (index - count / 2)
        y = height * (0.45 + 0.06 * np.sin(index / 9))
        alpha = outline.at(x, y, picture.shape[:2])
        shade = outline.at(x + 0.45 * outline.tall * side, y + 0.75 * outline.tall, picture.shape[:2])
        shade = strength * np.asarray(cv2.GaussianBlur(shade, (0, 0), soft), np.float32)
        plain.append(_over(picture, photo, alpha, x, y))
        shadowed.append(_over(picture * (1 - shade[:, :, None]), photo, alpha, x, y))
        masks.append(alpha > 0.02)
        shadows.append(shade > 0.05)
    return Composed(
        name, truth, np.stack(plain), np.stack(shadowed), np.stack(masks), np.stack(shadows), strength
    )


@dataclass(frozen=True)
class _Outline:
    """A round shape with a few waves."""

    tall: float
    waves: NDArray[np.float64]  # (k, 2): how high, and turned how far

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, tall: float) -> _Outline:
        waves = np.stack([rng.uniform(0.02, 0.12, 4), rng.uniform(0, 2 * np.pi, 4)], 1)
        return cls(tall, waves)

    def at(self, x: float, y: float, size: tuple[int, int]) -> Levels:
        """Return how much of each pixel the shape covers."""
        turns = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        radius = 1 + sum(high * np.cos(k * turns + turned) for k, (high, turned) in enumerate(self.waves, 2))
        corners = np.stack(
            [x + 0.8 * self.tall * radius * np.cos(turns), y + self.tall * radius * np.sin(turns)], 1
        )
        canvas = np.zeros(size, np.uint8)
        cv2.fillPoly(canvas, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return np.asarray(canvas / np.float32(255), np.float32)


def _photo(data: Path, number: int, size: tuple[int, int]) -> Pictures:
    """Return a photograph as large as the picture, twice as wide and high, so that it can move."""
    files = sorted((data / "train" / "stills").glob("*.jpg"))
    codes = np.frombuffer(files[number * len(files) // 10].read_bytes(), np.uint8)
    photo = cv2.imdecode(codes, cv2.IMREAD_COLOR_RGB)
    if photo is None:
        raise ValueError(f"{files[number * len(files) // 10].name} is no photograph")
    return np.asarray(cv2.resize(photo, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _over(
    picture: NDArray[np.floating] | Pictures, photo: Pictures, alpha: Levels, x: float, y: float
) -> Pictures:
    """Paste the middle of a photograph at a place."""
    height, width = alpha.shape
    moved = np.array([[1, 0, x - width / 2], [0, 1, y - height / 2]], np.float32)
    pasted = cv2.warpAffine(photo, moved, (width, height), borderMode=cv2.BORDER_REFLECT)
    share = alpha[:, :, None]
    return np.asarray(np.rint((1 - share) * picture + share * pasted), np.uint8)
