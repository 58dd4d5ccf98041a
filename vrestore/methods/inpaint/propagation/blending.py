"""Past and future blended: the surer one dominates, and what neither knows is painted smoothly."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.methods.inpaint.propagation.filled import Filled, Known
from vrestore.ops.filters.membrane import membrane

DOUBT = 0.42
"""Share of a fetched color of no confidence; measured best: 0.5 below 0.2, 0.7 at 0.5, 0.92 at 0.85."""

DISAGREEMENT = 0.25
"""Mean difference of past and future, in shares of full scale, that is no agreement at all."""

SURE = 0.9
"""Fetched rim pixels of at least this confidence are compared with the known ones."""


def blend(patch: Patch, past: Known, future: Known) -> Filled:
    """Return a patch with its hole blended of past and future, painted smoothly where neither has a color."""
    # By the fourth power of their confidence: the surer one dominates.
    past_weight, future_weight = (each.confidence.square().square_() for each in (past, future))
    total = past_weight + future_weight
    colors = (past.colors * past_weight + future.colors * future_weight) / total.clamp_min(1e-12)  # (C, n)
    confidence = torch.maximum(past.confidence, future.confidence)
    is_blended = (past.confidence > 0) & (future.confidence > 0)
    difference = (past.colors - future.colors).abs().mean(0)  # (n)
    agreement = (1 - difference / DISAGREEMENT).clamp_min(0) * is_blended
    fetched = confidence > 0
    if not _is_sure_of(fetched):
        # What nobody saw is painted: smoothly from the rim and from what was fetched.
        colors = torch.where(fetched, colors, _surface(patch, colors, fetched))
    return Filled(patch, colors, confidence, is_blended, agreement)


def regularize(filled: Filled) -> Filled:
    """Draw doubtful pixels towards a smooth surface through the rim and the sure ones.

    Of a misplaced texture and a smooth surface, each wrong in its own way, the mean is nearer to the
    truth than either. For the last pass only: the flow of a further pass needs the texture.
    """
    confidence = filled.confidence
    sure = confidence > SURE
    if _is_sure_of(sure):
        return filled
    surface = _surface(filled.patch, filled.colors, sure)
    # A line through what was measured: 0.42 at no confidence, 0.87 at SURE, from where on it is 1.
    # What was painted has confidence 0 and lies on a surface already.
    weight = torch.where((confidence > 0) & ~sure, DOUBT + 0.5 * confidence, 1)
    if filled.sides is not None and filled.sides.plates:
        # What the user has given is right, however far it was carried.
        past, future = filled.sides.past, filled.sides.future
        frame = torch.where(past.confidence >= future.confidence, past.origins.frame, future.origins.frame)
        for plate in filled.sides.plates:
            weight = torch.where(frame == plate, 1, weight)
    return replace(filled, colors=weight * filled.colors + (1 - weight) * surface)


def _is_sure_of(trusted: Tensor) -> bool:
    """Tell whether all is trusted; a device is not waited for: what may be untrusted is not."""
    return trusted.device.type == "cpu" and bool(trusted.all())


def _surface(patch: Patch, colors: Tensor, trusted: Tensor) -> Tensor:
    """Return the membrane through the rim and the trusted pixels of the hole, at all its pixels."""
    window = patch.hole
    places = patch.places_in(window)
    # The rim and all around it are known, of the hole what is trusted.
    known = torch.ones(window.area, dtype=torch.bool, device=patch.device).index_copy_(0, places, trusted)
    picture = patch.filled(colors, window)
    surface = membrane(picture, known.view(window.height, window.width), backend=patch.backend)
    return surface.flatten(1).index_select(1, places)  # (C, n)
