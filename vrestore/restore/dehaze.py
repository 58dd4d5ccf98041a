"""Dehazing: look, estimate, steady, render; scenes by themselves, one frame in, one frame out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from vrestore.frames import Colour, Frame, MaskedFrame, PixelFormat
from vrestore.restore.dehaze_dcp import estimate_dark
from vrestore.restore.dehaze_haze import Estimator, Veil
from vrestore.restore.dehaze_look import look_at
from vrestore.restore.dehaze_render import Renderer
from vrestore.restore.dehaze_settings import DehazeSettings, DehazeTally
from vrestore.restore.dehaze_steady import steadied

Observer = Callable[[Veil], None]


def dehaze(
    items: Iterator[MaskedFrame],
    *,
    estimate: Estimator = estimate_dark,
    format: PixelFormat,
    colour: Colour,
    settings: DehazeSettings,
    tally: DehazeTally,
    observe: Observer | None = None,
) -> Iterator[Frame]:
    """Clear a video: frames in, as many frames out, in order.

    `observe` is told the steadied haze of every frame before the frame is given.
    """
    render = Renderer(settings, format=format, colour=colour)
    looks = look_at(items, format=format, colour=colour)
    for veil in steadied(estimate(looks), settings):
        _count(veil, tally)
        if observe is not None:
            observe(veil)
        yield render(veil)


def _count(veil: Veil, tally: DehazeTally) -> None:
    tally.frames += 1
    tally.transmission += float(torch.exp(-veil.depth).mean())
    if veil.look.starts_scene:
        tally.scenes += 1
        red, green, blue = veil.air.clamp(0, 1).tolist()
        tally.airs.append((red, green, blue))
