"""Textured scenes seen by a camera, with holes: what the restorer is judged on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.frames import Box, Color, Frame, Hole, HoleSummary, MaskedFrame, PixelFormat, union_of
from vrestore.media.formats import pixel_format, plane_shapes
from vrestore.methods.inpaint.patches.plates import Plate
from vrestore.methods.inpaint.stage import InpaintStats, Settings, inpaint

Rgb = NDArray[np.float32]
"""(3, H, W) in [0, 1]."""

QUICK = Settings(passes=2, preset="medium", chunk=5, look_ahead=8, margin=32, threads=1)
ONCE = Settings(passes=1, preset="medium", chunk=5, look_ahead=8, margin=32, threads=1)
"""For what does not depend on the number of passes."""


def layout(name: str) -> PixelFormat:
    """Return the pixel format of that name, which there must be."""
    found = pixel_format(name)
    assert found is not None
    return found


def texture(height: int, width: int, *, seed: int = 0) -> Rgb:
    """Return a picture with detail at several scales and every color about the middle."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for scale in (1.5, 4, 12):
        noise = cv2.GaussianBlur(rng.standard_normal((height, width, 3)), (0, 0), scale)
        picture += noise / noise.std()
    return np.ascontiguousarray(np.clip(0.5 + 0.1 * picture, 0, 1).transpose(2, 0, 1), np.float32)


def panned(world: Rgb, *, count: int, height: int, width: int, step: tuple[float, float]) -> list[Rgb]:
    """Look at the world from a camera that moves by `step` (x, y) pixels a frame, from its corner on."""
    seen = []
    for index in range(count):
        shift = np.float32([[1, 0, -step[0] * index], [0, 1, -step[1] * index]])
        view = cv2.warpAffine(np.ascontiguousarray(world.transpose(1, 2, 0)), shift, (width, height))
        seen.append(np.ascontiguousarray(view.transpose(2, 0, 1)))
    return seen


def frame_of(picture: Rgb, index: int) -> Frame:
    """Return a picture as an rgb24 frame."""
    rgb = np.rint(picture.transpose(1, 2, 0) * 255).astype(np.uint8)
    return Frame((np.ascontiguousarray(rgb.reshape(rgb.shape[0], -1)),), index * 10, 10, index)


def rgb_of(frame: Frame) -> Rgb:
    """Return an rgb24 frame as a picture."""
    (plane,) = frame.planes
    return np.ascontiguousarray(plane.reshape(plane.shape[0], -1, 3).transpose(2, 0, 1), np.float32) / 255


def noise_frame(format: PixelFormat, *, height: int, width: int, index: int, seed: int = 0) -> Frame:
    """Return a frame of noise in any layout."""
    rng = np.random.default_rng((index, seed))
    planes = []
    for shape in plane_shapes(format, height=height, width=width):
        codes = rng.integers(0, format.peak + 1, shape) << format.components[0].shift
        planes.append(codes.astype(format.dtype))
    return Frame(tuple(planes), index * 10, 10, index)


def hole_of_boxes(*parts: Box, alpha: int = 255) -> Hole | None:
    """Return a hole of whole boxes, None without any."""
    if not parts:
        return None
    box = union_of(parts)
    values = np.zeros((box.height, box.width), np.uint8)
    for part in parts:
        inner = part.relative_to(box)
        values[inner.rows, inner.columns] = alpha
    return Hole(box, values, parts)


def summaries_of(holes: Iterable[Hole | None]) -> list[HoleSummary | None]:
    """Say of each hole what a mask source would."""
    return [None if hole is None else HoleSummary(hole.parts, hole.pixel_count) for hole in holes]


def repairing(
    items: Iterator[MaskedFrame],
    *,
    summaries: Sequence[HoleSummary | None],
    height: int,
    width: int,
    format: str = "rgb24",
    settings: Settings = QUICK,
    tally: InpaintStats | None = None,
    plates: Mapping[int, Plate] | None = None,
) -> Iterator[Frame]:
    """Inpaint with the settings of a test."""
    return inpaint(
        items,
        summaries=summaries,
        height=height,
        width=width,
        format=layout(format),
        color=Color(),
        settings=settings,
        tally=tally if tally is not None else InpaintStats(),
        plates=plates,
    )


def repaired(
    frames: Sequence[Frame],
    holes: Sequence[Hole | None],
    *,
    height: int,
    width: int,
    format: str = "rgb24",
    summaries: Sequence[HoleSummary | None] | None = None,
    settings: Settings = QUICK,
    tally: InpaintStats | None = None,
    plates: Mapping[int, Plate] | None = None,
) -> list[Frame]:
    """Inpaint a list of frames; summaries are those of the holes unless given."""
    result = repairing(
        map(MaskedFrame, frames, holes),
        summaries=summaries_of(holes) if summaries is None else summaries,
        height=height,
        width=width,
        format=format,
        settings=settings,
        tally=tally,
        plates=plates,
    )
    return list(result)


def hole_psnr(actual: Iterable[Rgb], expected: Iterable[Rgb], holes: Iterable[Hole | None]) -> float:
    """Return the PSNR in dB over the pixels of the holes."""
    errors = []
    for one, other, hole in zip(actual, expected, holes, strict=True):
        if hole is not None:
            box = hole.box
            difference = (one - other)[:, box.rows, box.columns][:, hole.alpha > 0]
            errors.append(np.square(difference, dtype=np.float64).ravel())
    return float(-10 * np.log10(np.concatenate(errors).mean() + 1e-12))
