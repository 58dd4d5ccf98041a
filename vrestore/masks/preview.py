"""Show a hole on its frame, so that a mask can be checked before hours of work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.errors import UsageError
from vrestore.files import check_target
from vrestore.frames import Frame, Hole, VideoMeta
from vrestore.masks.masks import MaskOptions, Masks, open_masks
from vrestore.media.choices import FieldWork
from vrestore.media.preview.display import (
    PICTURE_SUFFIXES,
    ClipWriter,
    Picture,
    as_picture,
    save_picture,
    shown,
)
from vrestore.media.reader import open_video

TINT = (1.0, 0.05, 0.1)
"""The red that a hole is tinted with, RGB."""

_CONTOUR = (1.0, 1.0, 0.3)
_TINT_SHARE, _HATCH_SHARE = 0.4, 0.65  # of the tint in the picture, between and on the hatch's lines
_HATCH_PERIOD = 8  # pixels across the lines, at any size, so that thin holes are hatched too
_HATCH_WIDTH = 2


@dataclass(frozen=True, slots=True)
class Preview:
    """What was drawn: `frame` is None for a clip, `covered` the hole's mean share of the picture."""

    path: Path
    frame: int | None
    covered: float


def overlay(rgb: NDArray[np.float32], hole: Hole | None) -> NDArray[np.float32]:
    """Return the picture, (3, H, W) in [0, 1], with the hole tinted red, hatched and outlined.

    The tint fades as the feather does; the outline runs on the hole's outermost pixels, inside it.
    """
    result = rgb.copy()
    if hole is None:
        return result
    alpha = hole.alpha.astype(np.float32) / 255
    rows = np.arange(hole.box.y, hole.box.y + hole.box.height)[:, None]
    columns = np.arange(hole.box.x, hole.box.x + hole.box.width)[None]
    on_line = (rows + columns) % _HATCH_PERIOD < _HATCH_WIDTH
    share = alpha * np.where(on_line, np.float32(_HATCH_SHARE), np.float32(_TINT_SHARE))
    inside = result[:, hole.box.rows, hole.box.columns]
    inside += share * (np.array(TINT, np.float32)[:, None, None] - inside)
    inside[:, _outline(hole.alpha > 0)] = np.array(_CONTOUR, np.float32)[:, None]
    return result


def preview(
    source: str | Path,
    target: str | Path,
    *,
    masks: MaskOptions,
    at: str | int | None = None,
    overwrite: bool = False,
    deinterlace: bool = False,
) -> Preview:
    """Draw the holes on a video, as a picture of one frame or as a clip, after the target's suffix.

    Args:
        source: the video.
        target: an image file or a video file.
        masks: what the user says of the mask.
        at: frame number or time of the picture; None is the frame with the largest hole.
        overwrite: whether an existing target may be replaced.
        deinterlace: whether the frames of an interlaced source are made whole, one of each.

    Raises:
        UsageError: `at` is given for a clip, or is no time.
        InputError, MaskError, TargetError: as for reading, masking and writing.
    """
    place = check_target(Path(target), sources=(Path(source),), overwrite=overwrite)
    is_picture = place.suffix.lower() in PICTURE_SUFFIXES
    if at is not None and not is_picture:
        raise UsageError(f"--at is for a picture; {str(target)!r} is none, give it a name such as mask.png")
    fields: FieldWork | None = "frames" if deinterlace else None
    with (
        open_video(source, fields=fields) as reader,
        open_masks(masks, reader.meta, start_pts=reader.first_pts) as opened,
    ):
        if not is_picture:
            with ClipWriter(place, reader.meta) as clip:
                shares = [_drawn(frame, opened, reader.meta, clip) for frame in reader]
                clip.finish()
            return Preview(Path(target), None, sum(shares) / len(shares))
        wanted = _largest(opened) if at is None else at
        with open_video(source, start=wanted, fields=fields) as later:
            frame = next(iter(later))
            hole = opened.hole(frame)
            save_picture(_picture(frame, hole, later.meta), place)
            return Preview(Path(target), frame.index, _share(hole, later.meta))


def _drawn(frame: Frame, masks: Masks, meta: VideoMeta, clip: ClipWriter) -> float:
    hole = masks.hole(frame)
    clip.write(_picture(frame, hole, meta), frame.pts)
    return _share(hole, meta)


def _picture(frame: Frame, hole: Hole | None, meta: VideoMeta) -> Picture:
    return as_picture(overlay(shown(frame, meta), hole), rotation=meta.rotation)


def _share(hole: Hole | None, meta: VideoMeta) -> float:
    return 0.0 if hole is None else hole.pixel_count / (meta.height * meta.width)


def _largest(masks: Masks) -> int:
    counts = [0 if summary is None else summary.pixel_count for summary in masks.summaries]
    return int(np.argmax(counts))


def _outline(hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the hole's pixels with one of four neighbors outside it; the crop's edge counts as outside."""
    around = np.pad(hole, 1).view(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(around, kernel)[1:-1, 1:-1]
    return np.asarray(hole & (inner == 0))
