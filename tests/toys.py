"""A method and a detector of one's own, as plugins bring them: the example of CONTRIBUTING.md.

`VRESTORE_PLUGINS=tests/toys.py vrestore negative clip.mp4` inverts the picture,
`VRESTORE_PLUGINS=tests/toys.py vrestore mask bright clip.mp4 -o mask.mkv` marks what is brighter than a
level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vrestore.detect import registry as detectors
from vrestore.detect.base import Detector, View
from vrestore.frames import Box, Frame, MaskArray, VideoMeta
from vrestore.methods import registry as methods
from vrestore.methods.frame_by_frame import frame_by_frame
from vrestore.option_schema import FILL, check_range, option


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeOptions:
    """What `negative` can be told."""

    share: float = option(100.0, "0 (copy) to 100 (all), 100 by default.", metavar="N")

    def __post_init__(self) -> None:
        check_range("share", self.share, 100)


def negative(meta: VideoMeta, options: NegativeOptions) -> Callable[[Frame], Frame]:
    """Return what inverts the code values of every plane, and leaves an alpha plane alone."""
    top = (1 << meta.pixel_format.bits) - 1
    planes = {component.plane for component in meta.pixel_format.components}

    def inverted(frame: Frame) -> Frame:
        changed = {}
        for number in planes:
            plane = frame.planes[number]
            # v + share * ((top - v) - v): the plane itself at 0, its negative at 1
            mixed = plane + options.share / 100 * (top - 2.0 * plane)
            changed[number] = np.rint(mixed).astype(plane.dtype)
        return frame.with_planes(changed)

    return inverted


NEGATIVE = methods.register(
    frame_by_frame(
        "negative",
        "Invert the picture.",
        negative,
        options=NegativeOptions,
        examples={"run": "vrestore negative clip.mp4 --share 50"},
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrightOptions:
    """What `bright` can be told."""

    level: float = option(75.0, "Percent of white above which a pixel is marked.", panel=FILL, metavar="N")

    def __post_init__(self) -> None:
        check_range("level", self.level, 100)


def bright(view: View, frames: Iterator[Frame], options: BrightOptions) -> Iterator[MaskArray]:
    """Yield what is brighter than a level in any of the colors."""
    from vrestore.media.color.convert import to_rgb

    meta = view.meta
    whole = Box(0, 0, meta.width, meta.height)
    for frame in frames:
        rgb = to_rgb(frame, whole, format=meta.pixel_format, color=meta.color)  # (3, H, W) in [0, 1]
        marked: MaskArray = rgb.max(0) > options.level / 100
        yield marked


BRIGHT = detectors.register(
    Detector("bright", "Mark what is brighter than a level.", (BrightOptions,), bright)
)
