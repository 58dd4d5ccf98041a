"""A picture of an overlay as a model of what it does to each component."""

from __future__ import annotations

import numpy as np

from vrestore.detect.overlay.fit import LEAST_OPAQUE, MOST_OPAQUE, Blend
from vrestore.frames import Box, VideoMeta
from vrestore.masks.overlay_picture import Picture
from vrestore.media.color.color_matrix import coding_of
from vrestore.media.color.convert import shift_of
from vrestore.methods.inpaint.overlay.model import cell_mean, unit_of


def given_blends(picture: Picture, box: Box, meta: VideoMeta) -> list[Blend]:
    """Return what a picture (H, W, 4) says of each component in a box of the decoded picture."""
    form = meta.pixel_format
    coding = coding_of(form, meta.color, height=meta.height)
    inside = picture[box.rows, box.columns]
    opacity = np.minimum(inside[:, :, 3], np.float32(MOST_OPAQUE))
    opacity = np.where(opacity < LEAST_OPAQUE, np.float32(0), opacity)
    blends = []
    for component, row, zero in zip(
        meta.pixel_format.components, coding.from_rgb, coding.offset, strict=False
    ):
        color = ((inside[:, :, :3] @ row + zero) / unit_of(form)).astype(np.float32)  # (h, w)
        shift = shift_of(component)
        blends.append(Blend(1 - cell_mean(opacity, shift), cell_mean(opacity * color, shift)))
    return blends
