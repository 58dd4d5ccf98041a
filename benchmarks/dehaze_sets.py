"""What dehazing is measured on: pairs, a hazed recording with true depth, clear clips, real fog.

Folders are those of the data: `val/dehaze/sots_indoor` and `val/dehaze/revide` (hazy and clear pictures),
`train/rgbd/*` (its last frames are kept from training), `val/inpaint/*.mp4` (clear).
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
from vrestore.training.dehaze.scenes import read_recording
from vrestore.training.dehaze.weather import Weather, add_haze

HELD_OUT = 100
"""Frames at the end of a recording that training keeps from."""

WEATHER = Weather(density=0.28, air=(0.87, 0.88, 0.9), noise=0.002, drifts=False, seed=11)
"""The haze of the hazed recording: it is even, and each metre takes 24 % of the light."""


@dataclass(frozen=True)
class Case:
    """Hazy pictures and their truth, (T, H, W, 3) both; a pair of pictures has T = 1."""

    name: str
    hazy: Pictures
    truth: Pictures


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
    """Put haze over the last frames of the recordings with depth."""
    cases = []
    for folder in sorted(path for path in (data / "train/rgbd").glob("*") if path.is_dir()):
        recording = read_recording(folder)
        clear = recording.pictures[-HELD_OUT:]
        hazed = add_haze(clear.astype(np.float32) / np.float32(255), recording.depth[-HELD_OUT:], WEATHER)
        cases.append(Case(folder.name, np.rint(hazed.pictures * 255).astype(np.uint8), clear))
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
