"""Painting by a network of the user's own: what it is shown of a picture, and how its work is put in."""

from __future__ import annotations

import cv2
import numpy as np

from vrestore.frames import Box
from vrestore.methods.inpaint.texture.onnx_painter.network import PaintingNetwork
from vrestore.methods.inpaint.texture.pyramid import Floats, Mask, continued, resized

SIDE = 512
"""Pixels that a network is shown at least, where there are so many."""

CONTEXT = 2
"""How many times as wide and high as what is painted that is, at least."""

MOST_SIDE, MULTIPLE = 1024, 8
"""Pixels that a network of any size is shown at most, and what their number is a multiple of: networks halve
pictures three times and more."""


def surroundings_of(part: Box, whole: Box) -> Box:
    """Return what is shown of a picture to paint a part: a square around it, as far as there is one."""
    side = max(SIDE, CONTEXT * max(part.width, part.height))
    width, height = min(side, whole.width), min(side, whole.height)
    x = part.x + (part.width - width) // 2
    y = part.y + (part.height - height) // 2
    return Box(min(max(x, 0), whole.width - width), min(max(y, 0), whole.height - height), width, height)


def painted_by(network: PaintingNetwork, picture: Floats, is_source: Mask) -> Floats | None:
    """Return a picture (H, W, 3) in [0, 1] with all painted that is no source; None where nothing is one.

    It is shown at its own size if the network takes that, else smaller. What a network of a fixed size needs
    beyond it is the picture's mirror image, so that nothing is stretched.
    """
    if not is_source.any():
        return None
    height, width = is_source.shape
    scale = min(1.0, *(most / side for most, side in zip(_most(network), (height, width), strict=True)))
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    shown, is_hole = picture, ~is_source
    if scale < 1:
        shown = resized(picture, *inner, cv2.INTER_AREA)
        is_hole = resized(is_hole.astype(np.float32), *inner, cv2.INTER_AREA) > 0
    below, beside = (
        (side or -(-got // MULTIPLE) * MULTIPLE) - got
        for side, got in zip(network.ports.size, inner, strict=True)
    )
    around = np.pad(shown, ((0, below), (0, beside), (0, 0)), "symmetric")
    made = network.paint(around, np.pad(is_hole, ((0, below), (0, beside)), "symmetric"))
    made = made[: inner[0], : inner[1]]
    # At the rim what is painted and what is known should be the same. It is matched at this size: what a
    # smaller picture lacks of the detail is not to be told from light.
    difference = np.where(is_hole[..., None], np.float32(0), shown - made)
    made = (made + continued(difference, is_hole)).clip(0, 1)
    if scale < 1:
        made = resized(made, height, width, cv2.INTER_CUBIC).clip(0, 1)
    return np.where(is_source[..., None], picture, made)


def _most(network: PaintingNetwork) -> tuple[int, int]:
    """Return the height and width that a network can be shown at most."""
    height, width = network.ports.size
    return height or MOST_SIDE, width or MOST_SIDE
