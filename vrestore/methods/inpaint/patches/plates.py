"""Plates: clean pictures of single frames, which the user has drawn or photographed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.errors import InputError, UsageError
from vrestore.frames import MaskArray, VideoMeta
from vrestore.media.preview.display import shown
from vrestore.media.reader import open_video
from vrestore.media.rotation import displayed_size, turned, turned_back

Gray = NDArray[np.float32]

REACH = 24
"""Pixels by which a plate is tried to be moved, each way."""

LEAST_SHIFT = 2
"""Pixels: what lies off by less is no mistake."""

LEAST_GAIN = 0.7
"""A plate that is moved must differ by at most this share of what it differs by as it lies."""

LEAST_LIKENESS = 0.5
"""Correlation with the frame around the hole below which a plate shows something else."""

LEAST_CONTRAST = 0.02
"""Standard deviation around the hole, in shares of full scale, below which nothing can be told."""

NEAR, FAR = 4, 40
"""Pixels from the hole between which a plate is compared with its frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """The clean picture of a frame: `codes` (3, H, W), 16 bit RGB in full range, as decoded frames lie."""

    name: str
    frame: int
    codes: NDArray[np.uint16]


def read_plates(names: Sequence[str], frames: Sequence[int], meta: VideoMeta) -> tuple[Plate, ...]:
    """Read the plates of a video, one for each of the `frames`.

    Raises InputError where one cannot be read or has another size than the video as a player shows it.
    """
    return tuple(_read(name, frame, meta) for name, frame in zip(names, frames, strict=True))


def check_plate(plate: Plate, source: str, meta: VideoMeta, hole: MaskArray) -> None:
    """Compare a plate with its frame of the source around the `hole` (H, W) there.

    Raises UsageError where it lies elsewhere or shows something else.
    """
    try:
        with open_video(source, start=plate.frame, stop=plate.frame + 1) as reader:
            frame = next(iter(reader))
    except (InputError, StopIteration) as error:
        raise UsageError(
            f"plate {plate.name!r} is for frame {plate.frame}, which the video does not have"
        ) from error
    theirs = shown(frame, meta).mean(0)
    ours = plate.codes.mean(0, dtype=np.float32) / np.float32(65535)
    known = _around(hole)
    if not known.any() or theirs[known].std() < LEAST_CONTRAST:
        return
    as_it_lies = _difference(ours, theirs, known)
    across, down, moved = _best_shift(ours, theirs, known)
    if max(abs(across), abs(down)) >= LEAST_SHIFT and moved < LEAST_GAIN * as_it_lies:
        ways = [
            f"{abs(by)} pixels {words[by > 0]}"
            for by, words in ((across, ("left", "right")), (down, ("up", "down")))
            if by
        ]
        raise UsageError(
            f"plate {plate.name!r} does not lie on frame {plate.frame}: it would fit {' and '.join(ways)}; "
            "move it, or give the frame that it was made of"
        )
    if 1 - as_it_lies < LEAST_LIKENESS:
        raise UsageError(
            f"plate {plate.name!r} does not look like frame {plate.frame} around the hole; "
            "give the frame that it was made of"
        )


def _read(name: str, frame: int, meta: VideoMeta) -> Plate:
    with open_video(name) as reader:
        picture = next(iter(reader), None)
        if picture is None:
            raise InputError(f"plate {name!r} holds no picture")
        rgb = turned(shown(picture, reader.meta).transpose(1, 2, 0), rotation=reader.meta.rotation)
    height, width = displayed_size(meta.height, meta.width, rotation=meta.rotation)
    if rgb.shape[:2] != (height, width):
        raise InputError(
            f"plate {name!r} is {rgb.shape[1]}x{rgb.shape[0]}, the video is {width}x{height}; "
            "make it of a whole frame of the video"
        )
    decoded = turned_back(rgb, rotation=meta.rotation).transpose(2, 0, 1)
    return Plate(name, frame, np.rint(decoded.clip(0, 1) * np.float32(65535)).astype(np.uint16))


def _around(hole: MaskArray) -> MaskArray:
    """Return the pixels around a hole that a plate is compared in."""
    distance = cv2.distanceTransform((~hole).view(np.uint8), cv2.DIST_L2, 3)
    return np.asarray((distance > NEAR) & (distance <= FAR))


def _difference(ours: Gray, theirs: Gray, known: MaskArray) -> float:
    """Return 1 less the correlation of two pictures where they are known: their light does not matter."""
    a, b = ours[known], theirs[known]
    if min(a.std(), b.std()) < LEAST_CONTRAST / 2:
        return 1.0
    return 1 - float(np.corrcoef(a, b)[0, 1])


def _best_shift(ours: Gray, theirs: Gray, known: MaskArray) -> tuple[int, int, float]:
    """Return by how many pixels, right and down, a picture fits another best, and how it differs then."""
    x, y, width, height = cv2.boundingRect(known.view(np.uint8))
    rows = slice(max(0, y - REACH), y + height + REACH)
    columns = slice(max(0, x - REACH), x + width + REACH)
    ours, theirs, known = ours[rows, columns], theirs[rows, columns], known[rows, columns]
    found, least, step = (0, 0), _difference(ours, theirs, known), REACH // 3
    steps = range(-REACH, REACH + 1, step)
    while step:
        center = found
        for down in steps:
            for across in steps:
                by = center[0] + across, center[1] + down
                differs = _difference(np.roll(ours, (by[1], by[0]), (0, 1)), theirs, known)
                if differs < least:
                    found, least = by, differs
        step //= 2
        steps = range(-step, step + 1, max(step, 1))
    return *found, least
