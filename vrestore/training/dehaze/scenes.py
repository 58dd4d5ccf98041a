"""Clear clips with depth to put haze into: photographs that are moved, clips, and recordings with true depth.

Everything is read once, made small and kept in memory. A photograph's and a clip's depth is made up, see
`layered_depth`.
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
from vrestore.training.dehaze.layered_depth import layered_depth
from vrestore.training.dehaze.weather import Maps, Pictures

T = TypeVar("T")
Number = TypeVar("Number", np.uint8, np.float32)

Bytes = NDArray[np.uint8]

CLIP_SIDE = 208
"""The shorter side that clips are kept at."""

CLIP_FRAMES = 48
"""How many frames of a clip are kept: all clips lie in memory."""

SMALLEST, LARGEST = 1.0, 1.8
"""The shorter side of a picture before a piece is cut out of it, in shorter sides of the piece."""

SHARE_CLIPS, SHARE_RECORDED = 0.2, 0.35
"""The shares of the samples, where there are such; the others are photographs."""

SHARE_BLACK, BLACK_QUANTILE, MAX_BLACK = 0.75, 0.02, 0.5
"""Photographs and clips have haze of their own: most get a black as dark as without it."""

MILLIMETRES = 1000.0
HELD_BACK, RECORDED_HELD_BACK = 40, 8
"""Every so many-th photograph, and every so many-th still with depth, is for validation."""


@dataclass(frozen=True)
class Scene:
    """A clear clip and how far away everything is, in units of its own."""

    pictures: Pictures
    depth: Maps


@dataclass(frozen=True)
class Recording:
    """A clip with measured depth, or a still, which is one of one frame."""

    pictures: Bytes
    """(T, H, W, 3)."""
    depth: Maps
    """(T, H, W), metres or a unit of its own, no gaps."""


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
            held_out_frames: how many at the end of a clip with depth are not to be used, but half of it is;
                no clip of its name in `video` is.
        """
        sources = Sources.find(folder)
        recorded = sorted(path for path in (folder / "rgbd").glob("*") if path.is_dir())
        names = {path.name for path in recorded}
        videos = [path for path in sources.clips if path.stem.split("_")[0] not in names]
        return Scenery(
            tuple(read_photograph(path) for path in sources.photographs),
            tuple(_small(read_clip(path)[:CLIP_FRAMES]) for path in videos),
            tuple(each for path in recorded for each in read_recordings(path, held_out_frames)),
        )

    def split(self) -> tuple[Scenery, Scenery]:
        """Return what is to learn from, and photographs held back to validate on."""
        used = tuple(each for index, each in enumerate(self.photographs) if index % HELD_BACK)
        stills = [each for each in self.recordings if len(each.pictures) == 1]
        clips = [each for each in self.recordings if len(each.pictures) > 1]
        learnt = [each for index, each in enumerate(stills) if index % RECORDED_HELD_BACK]
        held_back = Scenery(self.photographs[::HELD_BACK], (), tuple(stills[::RECORDED_HELD_BACK]))
        return Scenery(used, self.clips, (*clips, *learnt)), held_back

    def draw(self, random: np.random.Generator, *, frames: int, height: int, width: int) -> Scene:
        """Draw a clip of so many frames of that size."""
        kind = random.random()
        if self.recordings and kind < SHARE_RECORDED:
            # A clip's frames are much alike: it counts as often as the root of their number.
            often = np.sqrt([len(each.pictures) for each in self.recordings])
            recording = self.recordings[int(random.choice(len(often), p=often / often.sum()))]
            return _recolored(_recorded(recording, random, frames, height, width), random)
        if self.clips and kind < SHARE_RECORDED + SHARE_CLIPS:
            scene = _filmed(self._one(random, self.clips), random, frames, height, width)
        else:
            scene = _moved(self._one(random, self.photographs), None, random, frames, height, width)
        return _recolored(_blackened(scene, random), random)

    @staticmethod
    def _one(random: np.random.Generator, things: tuple[T, ...]) -> T:
        return things[int(random.integers(len(things)))]


def read_recordings(folder: Path, held_out_frames: int = 0) -> list[Recording]:
    """Read `color.mp4`, but for its last frames, or stills `color/*.jpg`, with their depth.

    Depth is `depth_filled/*.png`, else `depth/*.png`: uint16, millimetres or another unit, 0 unknown.
    """
    filled = folder / "depth_filled"
    files = sorted((filled if filled.is_dir() else folder / "depth").glob("*.png"))
    clip = folder / "color.mp4"
    if not clip.is_file():
        stills = sorted((folder / "color").glob("*.jpg"))
        return [
            Recording(read_photograph(still)[None], _without_gaps(_read_depth(file))[None])
            for still, file in zip(stills, files, strict=True)
        ]
    pictures = read_clip(clip)
    count = len(pictures) - min(held_out_frames, len(pictures) // 2)
    depth = [_without_gaps(_read_depth(path)) for path in files[:count]]
    return [Recording(pictures[:count], np.stack(depth))]


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
    # Each unknown pixel gets the label of its nearest known one; a table turns labels into depths.
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
    if len(recording.pictures) < frames:
        return _moved(recording.pictures[0], recording.depth[0], random, frames, height, width)
    indices = _indices(len(recording.pictures), random, frames)
    cut = _Cut.draw(recording.pictures.shape[1:3], random, height, width)
    pictures = np.stack([cut(recording.pictures[index]) for index in indices])
    depth = np.stack([cut(recording.depth[index]) for index in indices])
    return Scene(_unit(pictures), depth)


def _filmed(clip: Bytes, random: np.random.Generator, frames: int, height: int, width: int) -> Scene:
    cut = _Cut.draw(clip.shape[1:3], random, height, width)
    pictures = _unit(np.stack([cut(clip[index]) for index in _indices(len(clip), random, frames)]))
    return Scene(pictures, layered_depth(pictures, random))


def _moved(
    photograph: Bytes,
    depth: NDArray[np.float32] | None,
    random: np.random.Generator,
    frames: int,
    height: int,
    width: int,
) -> Scene:
    """Let a camera pan, zoom and roll a little over a photograph, whose depth is made up if none is known."""
    room = 12  # pixels that the camera can move by before it sees the border
    cut = _Cut.draw(photograph.shape[:2], random, height + room, width + room)
    picture = _unit(cut(photograph)[None])
    far = layered_depth(picture, random)[0] if depth is None else cut(depth)
    # Color and depth go through the same warp, (H, W, 4), so that the depth stays that of the picture.
    both = np.concatenate([picture[0], far[..., None]], -1)
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
    step = int(random.integers(1, 4))  # as much motion as a camera of a third of the rate would have
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
        min_factor = max(height / shape[0], width / shape[1])
        factor = min_factor * random.uniform(SMALLEST, LARGEST)
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
    # The dark channel prior turned round (He, Sun and Tang 2009): without haze something is black in some
    # channel nearly everywhere, so the dark quantile of the darkest channels is about A (1 - t) of haze.
    darkest = float(np.quantile(scene.pictures[0, ::4, ::4].min(-1), BLACK_QUANTILE))
    pictures = np.maximum(scene.pictures - darkest, 0) / (1 - min(darkest, MAX_BLACK))
    return Scene(pictures.astype(np.float32), scene.depth)


def _recolored(scene: Scene, random: np.random.Generator) -> Scene:
    """Vary exposure, contrast, saturation and white balance."""
    pictures = scene.pictures ** np.float32(np.exp(random.normal(0, 0.3)))
    gray = pictures.mean(-1, keepdims=True)  # (T, H, W, 1)
    pictures = gray + (pictures - gray) * np.float32(random.uniform(0.6, 1.3))
    gains = random.uniform(0.5, 1.1) * (1 + random.normal(0, 0.04, 3))
    return Scene(np.clip(pictures * gains.astype(np.float32), 0, 1), scene.depth)
