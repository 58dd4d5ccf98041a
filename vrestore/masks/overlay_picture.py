"""The picture of an overlay that a user has: its colors, and how opaque it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.errors import MaskError
from vrestore.frames import VideoMeta
from vrestore.masks.files import decoded_image
from vrestore.media.choices import Fit
from vrestore.media.rotation import displayed_size, turned_back

Picture = NDArray[np.float32]
"""(H, W, 4), RGB and alpha in [0, 1]."""


def read_overlay(path: Path, meta: VideoMeta, *, fit: Fit) -> Picture:
    """Return an overlay as it lies on the decoded picture; the file shows it as a player shows the video.

    Raises MaskError for a file that is no picture, has no transparency, is empty or of another size.
    """
    picture, white = decoded_image(path, what="overlay")
    if picture.ndim != 3 or picture.shape[2] != 4:
        raise MaskError(
            f"overlay {str(path)!r} has no transparency, which says how much shines through; give a picture "
            "with alpha such as an RGBA PNG, or pass it as --mask to fill what it covers"
        )
    scaled = np.divide(picture, white, dtype=np.float32)
    if not scaled[:, :, 3].any():
        raise MaskError(f"overlay {str(path)!r} is empty: its alpha is 0 all over")
    height, width = displayed_size(meta.height, meta.width, rotation=meta.rotation)
    if scaled.shape[:2] != (height, width):
        if fit == "error":
            raise MaskError(
                f"overlay {str(path)!r} is {picture.shape[1]}x{picture.shape[0]}, video is {width}x{height}; "
                "pass --mask-fit resize"
            )
        # Colors count by their alpha, so that what a transparent pixel hides does not show at edges.
        scaled[:, :, :3] *= scaled[:, :, 3:]
        scaled = np.asarray(cv2.resize(scaled, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        scaled[:, :, :3] /= np.maximum(scaled[:, :, 3:], 1e-6)
    return turned_back(scaled[:, :, [2, 1, 0, 3]], rotation=meta.rotation)
