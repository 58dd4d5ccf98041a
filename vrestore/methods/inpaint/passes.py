"""The passes over the patches of one track: flow, links and propagation, each on what the last one filled."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from vrestore.device.transfers import with_cpu_fallback
from vrestore.flow.dis import DisFlow
from vrestore.methods.inpaint.correspondence import Estimator, View, link
from vrestore.methods.inpaint.patches.patch import Patch, luma_of
from vrestore.methods.inpaint.propagate import Filled, Known, propagate
from vrestore.methods.inpaint.settings import Settings
from vrestore.ops.warp.consistency import Tolerance

FIRST_TOLERANCE = Tolerance(pixels=3.0, softness=1.0)
SECOND_TOLERANCE = Tolerance(pixels=7.0, softness=2.1)


def fill(
    patches: Iterator[Patch], settings: Settings, executor: Executor, *, known: Known | None = None
) -> Iterator[Filled]:
    """Fill the patches of a track: the first pass on completed flow, the others on flow of filled patches.

    `known` is what the hole of the first patch was filled with before, if it was. All passes but the last
    are there for the flow of the next one and carry luma only, as flow sees no color. Colors of little
    confidence are as they were fetched: see `vrestore.methods.inpaint.propagate.regularize`.
    """
    cell = 1 << settings.scale
    estimate = DisFlow(settings.preset, scale=settings.scale, shrunk=settings.scale)
    luma = None if known is None else replace(known, colors=luma_of(known.colors))
    views = (with_cpu_fallback(partial(_without_hole, cell=cell), patch) for patch in patches)
    tolerance = FIRST_TOLERANCE
    for _ in range(settings.passes - 1):
        filled = _pass(views, estimate, tolerance, settings, executor, luma, channels=1)
        views = (with_cpu_fallback(partial(_with_filling, cell=cell), each) for each in filled)
        tolerance = SECOND_TOLERANCE
    return _pass(views, estimate, tolerance, settings, executor, known, channels=3)


def _without_hole(patch: Patch, *, cell: int) -> View:
    return View(patch, patch.gray_without_hole(cell), is_filled=False)


def _with_filling(filled: Filled, *, cell: int) -> View:
    return View(filled.patch, filled.patch.gray_filled(filled.colors, cell), is_filled=True)


def _pass(
    views: Iterator[View],
    estimate: Estimator,
    tolerance: Tolerance,
    settings: Settings,
    executor: Executor,
    known: Known | None,
    *,
    channels: int,
) -> Iterator[Filled]:
    links = link(
        views,
        estimate=estimate,
        cell=1 << settings.scale,
        tolerance=tolerance,
        executor=executor,
        ahead=2 * settings.threads,
    )
    return propagate(
        links,
        chunk=settings.chunk,
        look_ahead=settings.look_ahead,
        scale=settings.scale,
        known=known,
        channels=channels,
        sharpness=settings.sharpness if channels > 1 else 0.0,  # flow sees cells, which are smooth anyway
        executor=executor,
    )
