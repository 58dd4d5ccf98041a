"""Propagation: known colours travel into the hole along the flow, from the past and from the future.

The forward state is carried for ever; the backward one starts anew in each chunk from as many frames of the
future as the look-ahead allows. Colours are resampled at each step: fetching them once from their source
frame by accumulated flow lost 0.9 to 2.5 dB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vrestore.ops.membrane import membrane
from vrestore.ops.propagate import fetch
from vrestore.ops.seam import seam_offset
from vrestore.restore.link import Linked, Step
from vrestore.restore.patch import Patch, box_around

DECAY = 0.98
"""Confidence a colour loses by growing one frame older."""

DOUBT = 0.42
"""Share of a fetched colour of no confidence; measured best: 0.5 below 0.2, 0.7 at 0.5, 0.92 at 0.85."""

DISAGREEMENT = 0.25
"""Mean difference of past and future, in shares of full scale, that is no agreement at all."""

SURE = 0.9
"""Fetched rim pixels of at least this confidence are compared with the known ones."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A patch whose hole has colours.

    `colours` (3, n) in [0, 1], or luma (1, n) where only that was asked for, and `confidence` (n) in [0, 1]
    are those of the hidden pixels in the order of `patch.points`; confidence 0 was painted, not fetched.
    `is_blended` (n) tells where past and future both had a say, `agreement` (n) in [0, 1] how alike these
    were: 0 also where only one had.
    """

    patch: Patch
    colours: Tensor
    confidence: Tensor
    is_blended: Tensor
    agreement: Tensor


@dataclass(frozen=True, slots=True)
class Known:
    """Colours (3, n), or luma (1, n), and confidence (n) of a patch's hidden pixels."""

    colours: Tensor
    confidence: Tensor


@dataclass(frozen=True, slots=True)
class _Held:
    patch: Patch
    past: Known
    from_next: Step | None = None


def propagate(
    links: Iterator[Linked],
    *,
    chunk: int,
    look_ahead: int,
    scale: int = 1,
    known: Known | None = None,
    channels: int = 3,
) -> Iterator[Filled]:
    """Fill the holes of a run of linked patches; `known` is what is known of the first one's hole.

    Holds at most `chunk + look_ahead` patches and yields `chunk` at a time. `scale` is that of the flow:
    brightness is matched on cells of twice its grain. With `channels` 1 holes are filled with luma only.
    """
    held: list[_Held] = []
    for linked in links:
        if held and linked.previous_from_this is not None:
            held[-1] = replace(held[-1], from_next=linked.previous_from_this)
        past = _unknown(linked.patch, channels) if known is None else known
        known = None
        if held and linked.from_previous is not None:
            past = _advance(linked.patch, linked.from_previous, held[-1].patch, held[-1].past, 2 << scale)
        held.append(_Held(linked.patch, past))
        if len(held) > chunk + look_ahead:
            filled = _sweep(held, chunk, 2 << scale)
            del held[:chunk]
            yield from _let_go(filled)
    filled = _sweep(held, len(held), 2 << scale)
    held.clear()
    yield from _let_go(filled)


def _let_go(filled: list[Filled]) -> Iterator[Filled]:
    """Give what is last in the list first, and hold it no longer."""
    while filled:
        yield filled.pop()


def _sweep(held: list[_Held], count: int, cell: int) -> list[Filled]:
    """Carry the future backward through all of `held`; gives the first `count` blended, in reverse."""
    filled: list[Filled] = []
    later: _Held | None = None
    future: Known | None = None
    for position in range(len(held) - 1, -1, -1):
        this = held[position]
        if later is None or future is None or this.from_next is None:
            future = _unknown(this.patch, this.past.colours.shape[0])
        else:
            future = _advance(this.patch, this.from_next, later.patch, future, cell)
        if position < count:
            filled.append(_blend(this.patch, this.past, future))
        later = this
    return filled


def _advance(patch: Patch, step: Step, source: Patch, state: Known, cell: int) -> Known:
    """Fetch the hole of `patch` from `source`, whose own hole holds `state`."""
    hidden, channels = patch.hidden_count, state.colours.shape[0]
    if not hidden:
        return _unknown(patch, channels)
    reached = box_around(step.targets).union(source.outline.box).intersection(source.whole)
    if reached is None:
        return _unknown(patch, channels)
    weighted = source.weighted(state.colours, state.confidence, reached)
    targets = step.targets - torch.tensor([reached.x, reached.y])
    colours, carried = fetch(weighted, targets, step.trust, decay=DECAY)
    sure = (carried[hidden:] > SURE).nonzero().flatten()
    differences = patch.rim_values(channels)[:, sure] - colours[:, hidden + sure]
    window = patch.hole
    points = patch.points - torch.tensor([window.x, window.y])
    offset = seam_offset(
        differences,
        points[hidden + sure],
        points[:hidden],
        height=window.height,
        width=window.width,
        cell=cell,
    )
    return Known((colours[:, :hidden] + offset).clamp_(0, 1), carried[:hidden])


def _unknown(patch: Patch, channels: int) -> Known:
    return Known(torch.zeros(channels, patch.hidden_count), torch.zeros(patch.hidden_count))


def _blend(patch: Patch, past: Known, future: Known) -> Filled:
    # By the fourth power of their confidence: the surer one dominates.
    past_weight, future_weight = (each.confidence.square().square_() for each in (past, future))
    total = past_weight + future_weight
    colours = (past.colours * past_weight + future.colours * future_weight) / total.clamp_min(1e-12)
    confidence = torch.maximum(past.confidence, future.confidence)
    is_blended = (past.confidence > 0) & (future.confidence > 0)
    difference = (past.colours - future.colours).abs().mean(0)
    agreement = (1 - difference / DISAGREEMENT).clamp_min(0) * is_blended
    if not bool((confidence > 0).all()):
        colours = torch.where(confidence > 0, colours, _surface(patch, colours, confidence > 0))
    return Filled(patch, colours, confidence, is_blended, agreement)


def soften(filled: Filled) -> Filled:
    """Draw doubtful pixels towards a smooth surface through the rim and the sure ones.

    Of a misplaced texture and a smooth surface, each wrong in its own way, the mean is nearer to the
    truth than either. For the last pass only: the flow of a further pass needs the texture.
    """
    confidence = filled.confidence
    sure = confidence > SURE
    if bool(sure.all()):
        return filled
    surface = surface_of(filled)
    weight = torch.where((confidence > 0) & ~sure, DOUBT + 0.5 * confidence, 1)
    return replace(filled, colours=weight * filled.colours + (1 - weight) * surface)


def surface_of(filled: Filled) -> Tensor:
    """Give the membrane through the rim and the sure pixels of a hole, (3, n) at its pixels."""
    return _surface(filled.patch, filled.colours, filled.confidence > SURE)


def _surface(patch: Patch, colours: Tensor, trusted: Tensor) -> Tensor:
    """Give the membrane through the rim and the trusted pixels of the hole, at all its pixels."""
    window = patch.hole
    places = patch.outline.places_in(window)
    known = torch.ones(window.area, dtype=torch.bool)
    known[places] = trusted
    return membrane(patch.filled(colours, window), known.view(window.height, window.width)).flatten(1)[
        :, places
    ]
