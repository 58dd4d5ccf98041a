"""The clips that are measured on: the real ones beside the repository, and the one that can be drawn."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import ROOT
from vrestore.media.preview.display import as_picture, shown
from vrestore.media.reader import open_video

Pictures = NDArray[np.uint8]
"""(T, H, W, 3) RGB."""

Masks = NDArray[np.bool_]
"""(T, H, W), True is to be filled."""


class Size(NamedTuple):
    """The size of a picture, in pixels."""

    height: int
    width: int


@dataclass(frozen=True)
class Clip:
    """A clip in memory with a hole; `masks` are as many as `frames`, or fewer frames are used."""

    name: str
    frames: Pictures
    masks: Masks

    def __post_init__(self) -> None:
        if self.frames.shape[:3] != self.masks.shape:
            raise ValueError(f"{self.name}: frames {self.frames.shape[:3]}, masks {self.masks.shape}")

    def blanked(self) -> Pictures:
        """Return the frames with the hole set to black: all that a method may see."""
        frames = self.frames.copy()
        frames[self.masks] = 0
        return frames


def find_data(asked: Path | None) -> Path | None:
    """Return the folder of real clips: the one asked for, VRESTORE_DATA, or the one beside the repository.

    None where there is none; a folder that was asked for and is missing raises FileNotFoundError.
    """
    named = asked or (Path(os.environ["VRESTORE_DATA"]) if "VRESTORE_DATA" in os.environ else None)
    folder = named or ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    if named is not None:
        raise FileNotFoundError(f"no folder {str(named)!r} with real clips")
    return None


def clip_names(data: Path) -> list[str]:
    """Return the names of the validation clips of inpainting, sorted."""
    return sorted(path.stem for path in (data / "val" / "inpaint").glob("*.mp4"))


def read_clip(data: Path, name: str, hole: str, *, frames: int, size: Size | None) -> Clip:
    """Read the first `frames` frames of a clip with its hole of a kind, resized unless `size` is None."""
    folder = data / "val" / "inpaint"
    pictures = np.stack(list(islice(_pictures(folder / f"{name}.mp4", size), frames)))
    masks = np.stack(list(islice(_masks(folder / f"{name}.{hole}.mkv", size), len(pictures))))
    return Clip(name, pictures[: len(masks)], masks)


def drawn_clip(frames: int) -> Clip:
    """Draw the first frames of the demo's clip; the ball and its shadow are the hole."""
    pairs = runpy.run_path(str(ROOT / "examples" / "demo_clip.py"))["pictures"]()
    pictures, masks = zip(*islice(pairs, frames), strict=True)
    return Clip("meadow", np.stack(pictures), np.stack(masks) > 0)


def _pictures(path: Path, size: Size | None) -> Iterator[NDArray[np.uint8]]:
    with open_video(path) as reader:
        for frame in reader:
            rgb = shown(frame, reader.meta)
            yield as_picture(rgb if size is None else _shrunk(rgb, size))


def _masks(path: Path, size: Size | None) -> Iterator[NDArray[np.bool_]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            mask = frame.to_ndarray(format="gray") > 127  # 255 is a hole, 0 is not
            yield mask if size is None else _shrunk_mask(mask, size)


def _shrunk(rgb: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    small = cv2.resize(rgb.transpose(1, 2, 0), (size.width, size.height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).transpose(2, 0, 1)


def _shrunk_mask(mask: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    codes = mask.astype(np.uint8)
    return cv2.resize(codes, (size.width, size.height), interpolation=cv2.INTER_NEAREST) > 0
