"""The passes over the patches of one track: flow, links and propagation, each on what the last one filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from vrestore.methods.inpaint.patches.gray import gray_filled, gray_without_hole
from vrestore.methods.inpaint.patches.patch import Patch, luma_of
from vrestore.methods.inpaint.propagation.correspondence import link
from vrestore.methods.inpaint.propagation.filled import Filled, Known
from vrestore.methods.inpaint.propagation.pair_flow import View, estimate_pair
from vrestore.methods.inpaint.propagation.propagate import propagate
from vrestore.methods.inpaint.settings import Settings
from vrestore.methods.inpaint.tools import Tools
from vrestore.ops.warp.consistency import Tolerance

FIRST_TOLERANCE = Tolerance(pixels=3.0, softness=1.0)
SECOND_TOLERANCE = Tolerance(pixels=7.0, softness=2.1)


def fill(
    patches: Iterator[Patch], settings: Settings, tools: Tools, *, known: Known | None = None
) -> Iterator[Filled]:
    """Fill the patches of a track: the first pass on completed flow, the others on flow of filled patches.

    `known` is what the hole of the first patch was filled with before, if it was. All passes but the last
    are there for the flow of the next one and carry luma only, as flow sees no color. Colors of little
    confidence are as they were fetched: see `vrestore.methods.inpaint.propagation.blending.regularize`.
    """
    # As fine as the flow is searched: a finer picture would show it nothing.
    cell, run = settings.cell, tools.fallback.run
    luma = None if known is None else replace(known, colors=luma_of(known.colors))
    views = (run(partial(_without_hole, cell=cell), patch) for patch in patches)
    tolerance, carried = FIRST_TOLERANCE, settings.carried_frames
    for _ in range(settings.passes - 1):
        filled = _pass(views, tolerance, settings, tools, luma, channels=1, carried_frames=carried)
        views = (run(partial(_with_filling, cell=cell), each) for each in filled)
        # Wider: texture that was propagated is right in kind before it is right in place.
        tolerance, carried = SECOND_TOLERANCE, 0
    return _pass(views, tolerance, settings, tools, known, channels=3, carried_frames=carried)


def _without_hole(patch: Patch, *, cell: int) -> View:
    return View(patch, gray_without_hole(patch, cell), is_filled=False)


def _with_filling(filled: Filled, *, cell: int) -> View:
    return View(filled.patch, gray_filled(filled.patch, filled.colors, cell), is_filled=True)


def _pass(
    views: Iterator[View],
    tolerance: Tolerance,
    settings: Settings,
    tools: Tools,
    known: Known | None,
    *,
    channels: int,
    carried_frames: int,
) -> Iterator[Filled]:
    links = link(
        views,
        flow=partial(
            estimate_pair, estimate=tools.flow, cell=settings.cell, is_chosen=settings.carried_frames > 0
        ),
        cell=settings.cell,
        tolerance=tolerance,
        executor=tools.executor,
        fallback=tools.fallback,
        # A pair for each thread, and one waiting for each.
        ahead=2 * settings.threads,
        carried_frames=carried_frames,
    )
    return propagate(
        links,
        chunk=settings.chunk,
        look_ahead=settings.look_ahead,
        scale=settings.scale,
        known=known,
        channels=channels,
        sharpness=settings.sharpness if channels > 1 else 0.0,  # flow sees cells, which are smooth anyway
        origin_frames=settings.origin_frames if channels > 1 else 0,
        keeps_steps=channels > 1 and settings.texture_side > 0,
        executor=tools.executor,
        fallback=tools.fallback,
    )
