"""Clear clips with depth to put haze into: photographs that are moved, clips, and recordings with true depth.

Everything is read once, made small and kept in memory. A photograph's and a clip's depth is made up: the
ground or a room in perspective, in layers that end where colors do, with a far sky. It need not be true:
what a network is to learn is how haze looks, not how scenes are built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.errors import InputError
from vrestore.training.data.sources import Sources, read_clip, read_photograph
from vrestore.training.dehaze.weather import Maps, Pictures

T = TypeVar("T")
Number = TypeVar("Number", np.uint8, np.float32)

Bytes = NDArray[np.uint8]

CLIP_SIDE = 208
"""Shorter side that clips are kept at."""

CLIP_FRAMES = 48
SMALLEST, LARGEST = 1.0, 1.8
"""The shorter side of a picture before a piece is cut out of it, in shorter sides of the piece."""

SHARE_CLIPS, SHARE_RECORDED = 0.25, 0.2
"""Of the samples, where there are such; the others are photographs."""

SHARE_BLACK, BLACK_QUANTILE, MOST_BLACK = 0.75, 0.02, 0.5
"""Photographs and clips have haze of their own: most are given a black as dark as without it."""

MILLIMETRES = 1000.0
HELD_BACK = 40
"""Every so many-th photograph is for validation."""


@dataclass(frozen=True)
class Scene:
    """A clear clip and how far away everything is, in units of its own."""

    pictures: Pictures
    depth: Maps


@dataclass(frozen=True)
class Recording:
    """A clip with measured depth."""

    pictures: Bytes
    """(T, H, W, 3)."""
    depth: Maps
    """(T, H, W), metres, no gaps."""


@dataclass(frozen=True)
class Scenery:
    """All there is to draw from."""

    photographs: tuple[Bytes, ...]
    clips: tuple[Bytes, ...]
    recordings: tuple[Recording, ...]

    @staticmethod
    def load(folder: Path, *, held_out_frames: int = 0) -> Scenery:
        """Read `stills/`, `video/` and `rgbd/*/` of a folder.

        Args:
            held_out_frames: of the end of every recording, not to be used; and no clip of the same name is.
        """
        sources = Sources.find(folder)
        recorded = sorted(path for path in (folder / "rgbd").glob("*") if (path / "color.mp4").is_file())
        names = {path.name for path in recorded}
        videos = [path for path in sources.clips if path.stem.split("_")[0] not in names]
        return Scenery(
            tuple(read_photograph(path) for path in sources.photographs),
            tuple(_small(read_clip(path)[:CLIP_FRAMES]) for path in videos),
            tuple(read_recording(path, held_out_frames=held_out_frames) for path in recorded),
        )

    def split(self) -> tuple[Scenery, Scenery]:
        """Return what is to learn from, and photographs held back to validate on."""
        kept = tuple(each for index, each in enumerate(self.photographs) if index % HELD_BACK)
        return Scenery(kept, self.clips, self.recordings), Scenery(self.photographs[::HELD_BACK], (), ())

    def draw(self, random: np.random.Generator, *, frames: int, height: int, width: int) -> Scene:
        """Draw a clip of so many frames of that size."""
        kind = random.random()
        if self.recordings and kind < SHARE_RECORDED:
            return _recolored(
                _recorded(self._one(random, self.recordings), random, frames, height, width), random
            )
        if self.clips and kind < SHARE_RECORDED + SHARE_CLIPS:
            scene = _filmed(self._one(random, self.clips), random, frames, height, width)
        else:
            scene = _moved(self._one(random, self.photographs), random, frames, height, width)
        return _recolored(_blackened(scene, random), random)

    @staticmethod
    def _one(random: np.random.Generator, things: tuple[T, ...]) -> T:
        return things[int(random.integers(len(things)))]


def read_recording(folder: Path, *, held_out_frames: int = 0) -> Recording:
    """Read `color.mp4` and `depth/*.png` (uint16, millimetres, 0 unknown) but for the last frames."""
    pictures = read_clip(folder / "color.mp4")
    count = len(pictures) - held_out_frames
    files = sorted((folder / "depth").glob("*.png"))[:count]
    depth = [_without_gaps(_read_depth(path)) for path in files]
    return Recording(pictures[:count], np.stack(depth))


def _read_depth(path: Path) -> NDArray[np.uint16]:
    codes = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if codes is None or codes.ndim != 2:
        raise InputError(f"cannot read depth from {str(path)!r}: it must be a gray picture of millimetres")
    return codes.astype(np.uint16)


def _without_gaps(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return metres, where unknown those of the nearest place that is known."""
    unknown = (codes == 0).astype(np.uint8)
    if not unknown.any() or unknown.all():
        return np.maximum(codes, 1).astype(np.float32) / MILLIMETRES
    _, labels = cv2.distanceTransformWithLabels(unknown, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    table = np.zeros(int(labels.max()) + 1, np.float32)
    known = unknown == 0
    table[labels[known]] = codes[known]
    return table[labels] / MILLIMETRES


def _small(frames: Bytes) -> Bytes:
    height, width = frames.shape[1:3]
    factor = min(1.0, CLIP_SIDE / min(height, width))
    size = (round(width * factor), round(height * factor))
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])


def _recorded(
    recording: Recording, random: np.random.Generator, frames: int, height: int, width: int
) -> Scene:
    indices = _indices(len(recording.pictures), random, frames)
    cut = _Cut.draw(recording.pictures.shape[1:3], random, height, width)
    pictures = np.stack([cut(recording.pictures[index]) for index in indices])
    depth = np.stack([cut(recording.depth[index]) for index in indices])
    return Scene(_unit(pictures), depth)


def _filmed(clip: Bytes, random: np.random.Generator, frames: int, height: int, width: int) -> Scene:
    cut = _Cut.draw(clip.shape[1:3], random, height, width)
    pictures = _unit(np.stack([cut(clip[index]) for index in _indices(len(clip), random, frames)]))
    return Scene(pictures, layered_depth(pictures, random))


def _moved(photograph: Bytes, random: np.random.Generator, frames: int, height: int, width: int) -> Scene:
    """Let a camera pan, zoom and roll a little over a photograph."""
    room = 12
    cut = _Cut.draw(photograph.shape[:2], random, height + room, width + room)
    picture = _unit(cut(photograph)[None])
    both = np.concatenate([picture[0], layered_depth(picture, random)[0][..., None]], -1)
    velocity, zoom, roll = random.normal(0, 2.5, 2), random.normal(0, 0.006), random.normal(0, 0.004)
    center = np.array([(width + room) / 2, (height + room) / 2])
    seen = []
    for index in range(frames):
        time = index - frames // 2
        matrix = cv2.getRotationMatrix2D(tuple(center), np.degrees(roll * time), 1 + zoom * time)
        matrix[:, 2] = matrix[:, 2] + np.clip(velocity * time, -room, room) - room / 2
        seen.append(cv2.warpAffine(both, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101))
    clip = np.stack(seen).astype(np.float32)
    return Scene(np.clip(clip[..., :3], 0, 1), np.maximum(clip[..., 3], 1e-3))


def _indices(length: int, random: np.random.Generator, frames: int) -> list[int]:
    """Return frames of a clip, forwards or backwards, one after the other or with one or two left out."""
    step = int(random.integers(1, 4))
    step = max(1, min(step, (length - 1) // max(frames - 1, 1)))
    start = int(random.integers(0, max(1, length - step * (frames - 1))))
    indices = [min(start + step * index, length - 1) for index in range(frames)]
    return indices[::-1] if random.random() < 0.5 else indices


@dataclass(frozen=True)
class _Cut:
    """A piece of a picture at some size, perhaps mirrored."""

    size: tuple[int, int]
    x: int
    y: int
    height: int
    width: int
    is_mirrored: bool

    @staticmethod
    def draw(shape: tuple[int, ...], random: np.random.Generator, height: int, width: int) -> _Cut:
        least = max(height / shape[0], width / shape[1])
        factor = least * random.uniform(SMALLEST, LARGEST)
        rows, columns = max(height, round(shape[0] * factor)), max(width, round(shape[1] * factor))
        x, y = int(random.integers(columns - width + 1)), int(random.integers(rows - height + 1))
        return _Cut((columns, rows), x, y, height, width, bool(random.random() < 0.5))

    def __call__(self, picture: NDArray[Number]) -> NDArray[Number]:
        """Return the piece, of the same type."""
        shrinks = self.size[0] < picture.shape[1]
        resized = cv2.resize(
            picture, self.size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        piece = resized[self.y : self.y + self.height, self.x : self.x + self.width]
        return np.asarray(piece[:, ::-1] if self.is_mirrored else piece, picture.dtype)


def _unit(codes: Bytes) -> Pictures:
    return codes.astype(np.float32) / np.float32(255)


def _blackened(scene: Scene, random: np.random.Generator) -> Scene:
    """Take away what haze there is already, mostly."""
    if random.random() >= SHARE_BLACK:
        return scene
    darkest = float(np.quantile(scene.pictures[0, ::4, ::4].min(-1), BLACK_QUANTILE))
    pictures = np.maximum(scene.pictures - darkest, 0) / (1 - min(darkest, MOST_BLACK))
    return Scene(pictures.astype(np.float32), scene.depth)


def _recolored(scene: Scene, random: np.random.Generator) -> Scene:
    """Vary exposure, contrast, saturation and white balance."""
    pictures = scene.pictures ** np.float32(np.exp(random.normal(0, 0.3)))
    gray = pictures.mean(-1, keepdims=True)
    pictures = gray + (pictures - gray) * np.float32(random.uniform(0.6, 1.3))
    gains = random.uniform(0.5, 1.1) * (1 + random.normal(0, 0.04, 3))
    return Scene(np.clip(pictures * gains.astype(np.float32), 0, 1), scene.depth)


def layered_depth(pictures: Pictures, random: np.random.Generator) -> Maps:
    """Make up a depth for a clip, the same for what looks the same, with mean 1; (T, H, W)."""
    height, width = pictures.shape[1:3]
    rows, columns = max(4, height // 2), max(4, width // 2)
    small = np.stack([cv2.resize(each, (columns, rows), interpolation=cv2.INTER_AREA) for each in pictures])
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) / min(rows, columns)
    base = _perspective(x, y, random)
    share, owned = _layers(small, x, y, base, random)
    mixed = random.uniform(0.1, 1.0)
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
        below = y / high - random.uniform(0.05, 0.6)
        nearest = random.uniform(0.04, 0.15)
        return np.asarray(1 / np.maximum(below, nearest), np.float32)
    if kind < 0.65:
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
    apart = ((soft[:, :, :, None] - seeds) ** 2).sum(-1) * weight**2
    apart += (x[..., None] - x[i, j]) ** 2 + (y[..., None] - y[i, j]) ** 2
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
    _, labels = cv2.connectedComponents(smooth.astype(np.uint8), connectivity=4)
    top = np.unique(labels[:2][smooth[:2]])
    is_sky = np.isin(labels, top).astype(np.float32)
    if is_sky.mean() < 0.1:
        return np.zeros_like(is_sky)
    return np.asarray(
        cv2.blur(cv2.morphologyEx(is_sky, cv2.MORPH_CLOSE, np.ones((5, 5))), (3, 3)), np.float32
    )
