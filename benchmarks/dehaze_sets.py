"""What dehazing is measured on: pairs, a hazed recording with true depth, clear clips, real fog.

Folders are those of the data: `val/dehaze/sots_indoor` and `val/dehaze/revide` (hazy and clear pictures),
`val/dehaze/rgbd_*` (recordings with depth), `val/inpaint/*.mp4` (clear).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Pictures
from vrestore.media.preview.display import as_picture, shown
from vrestore.media.reader import open_video
from vrestore.training.dehaze.scenes import read_recordings
from vrestore.training.dehaze.weather import Hazed, Weather, add_haze

WEATHERS = {
    "thin": Weather(density=0.5, air=(0.87, 0.88, 0.9), noise=0.002, drifts=False, seed=11),
    "medium": Weather(density=1.0, air=(0.8, 0.8, 0.8), noise=0.002, drifts=False, seed=12),
    "dense": Weather(density=1.7, air=(0.92, 0.9, 0.86), noise=0.002, drifts=False, seed=13),
}
"""The hazes put over recordings: they are even. Density is the optical depth of what is half-way far."""


@dataclass(frozen=True)
class Case:
    """Hazy pictures and their truth, (T, H, W, 3) both; a pair of pictures has T = 1.

    `haze` is what was put over them, where that is known.
    """

    name: str
    hazy: Pictures
    truth: Pictures
    haze: Hazed | None = None


def indoor_pairs(data: Path) -> list[Case]:
    """Read the synthetic pairs of `sots_indoor`."""
    folder = data / "val/dehaze/sots_indoor"
    return [
        Case(path.stem, _read(path)[None], _read(folder / "clear" / path.name)[None])
        for path in sorted((folder / "hazy").glob("*.png"))
    ]


def real_pairs(data: Path) -> list[Case]:
    """Read the real pairs of `revide`."""
    found = sorted((data / "val/dehaze/revide").glob("*_hazy.png"))
    return [
        Case(
            path.stem.removesuffix("_hazy"),
            _read(path)[None],
            _read(path.with_name(path.name.replace("_hazy", "_clear")))[None],
        )
        for path in found
    ]


def hazed_recordings(data: Path) -> list[Case]:
    """Put hazes over the recordings with depth."""
    cases = []
    for folder in sorted((data / "val/dehaze").glob("rgbd_*")):
        for recording in read_recordings(folder):
            clear = recording.pictures.astype(np.float32) / np.float32(255)
            depth = recording.depth / np.median(recording.depth)
            for name, weather in WEATHERS.items():
                hazed = add_haze(clear, depth, weather)
                hazy = np.rint(hazed.pictures * 255).astype(np.uint8)
                cases.append(Case(f"{folder.name} {name}", hazy, recording.pictures, hazed))
    return cases


def clear_clips(data: Path, *, frames: int) -> list[Case]:
    """Read the first frames of clips without haze, whose truth is themselves."""
    cases = []
    for path in sorted((data / "val/inpaint").glob("*.mp4")):
        pictures = read_pictures(path, frames=frames)
        cases.append(Case(path.stem, pictures, pictures))
    return cases


def read_pictures(path: Path, *, frames: int) -> Pictures:
    """Read the first frames of a clip as RGB."""
    with open_video(path) as reader:
        return np.stack([as_picture(shown(frame, reader.meta)) for frame in islice(iter(reader), frames)])


def _read(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(path)
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)
