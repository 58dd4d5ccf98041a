"""Propagation: known colors travel into the hole along the flow, from the past and from the future.

The forward state is carried for ever; the backward one starts anew in each chunk from as many frames of the
future as the look-ahead allows. Colors are resampled at each step, which the next
pass's flow does not mind; the origins that the last pass carries beside them are for reading them once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from vrestore.device.fallback import DeviceFallback
from vrestore.device.transfers import CPU, moved
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import Patch, box_around, luma_of
from vrestore.methods.inpaint.propagation.correspondence import FetchMap, Linked
from vrestore.methods.inpaint.propagation.origins import (
    Origins,
    Picture,
    Side,
    Sides,
    carried_on,
    nowhere,
    own_places,
    picture_of,
)
from vrestore.ops.filters.membrane import membrane
from vrestore.ops.filters.seam import match_seam_gain
from vrestore.ops.warp.offsets import corner_of
from vrestore.ops.warp.propagate import fetch
from vrestore.threads import Arrived, Pending

DECAY = 0.98
"""Confidence a color loses by growing one frame older."""

DOUBT = 0.42
"""Share of a fetched color of no confidence; measured best: 0.5 below 0.2, 0.7 at 0.5, 0.92 at 0.85."""

DISAGREEMENT = 0.25
"""Mean difference of past and future, in shares of full scale, that is no agreement at all."""

SURE = 0.9
"""Fetched rim pixels of at least this confidence are compared with the known ones."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A patch whose hole has colors.

    `colors` (3, n) in [0, 1], or luma (1, n) where only that was asked for, and `confidence` (n) in [0, 1]
    are those of the hidden pixels in the order of `patch.points`; confidence 0 was painted, not fetched.
    `is_blended` (n) tells where past and future both had a say, `agreement` (n) in [0, 1] how alike these
    were: 0 also where only one had. `sides` are the past and the future it was blended from, if origins are
    asked for; once its colors are read from their origins, `age` (n) tells how many frames after this one
    these are, below 0 before it, and is 0 where the blend stayed. `step` is how it was fetched from the
    patch before, None at the first of a run and where that is not asked for.
    Once what no frame shows is painted, `is_texture` (n) tells where with texture, and `is_key` whether some
    of it was painted for the first time in this frame.
    """

    patch: Patch
    colors: Tensor
    confidence: Tensor
    is_blended: Tensor
    agreement: Tensor
    sides: Sides | None = None
    age: Tensor | None = None
    step: FetchMap | None = None
    is_texture: Tensor | None = None
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Colors (3, n), or luma (1, n), and confidence (n) of a patch's hidden pixels, and their origins."""

    colors: Tensor
    confidence: Tensor
    origins: Origins | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """A patch, what the past gave its hole, and how the future comes from the next one, None at the end.

    `step` is that of `Filled`.
    """

    patch: Patch
    past: Known
    from_next: FetchMap | None = None
    step: FetchMap | None = None


def propagate(
    links: Iterator[Linked],
    *,
    chunk: int,
    look_ahead: int,
    scale: int = 1,
    known: Known | None = None,
    channels: int = 3,
    sharpness: float = 0.0,
    origin_frames: int = 0,
    keeps_steps: bool = False,
    executor: Executor | None = None,
    fallback: DeviceFallback,
) -> Iterator[Filled]:
    """Fill the holes of a run of linked patches; `known` is what is known of the first one's hole.

    Holds at most `chunk + look_ahead` patches and yields `chunk` at a time. `scale` is that of the flow:
    brightness is matched on cells of twice its grain. With `channels` 1 holes are filled with luma only.
    `sharpness` is that of `vrestore.ops.warp.propagate.fetch`. With `origin_frames` origins are carried
    beside the colors, those of the past no further than so many frames; with `keeps_steps` it is told
    how each hole was fetched from the patch before.
    Where the device of `fallback` runs out of memory, the rest is done on the CPU. Past and future are
    blended on the threads of `executor`, if there is one; a device is asked by this thread alone.
    """
    window = _Window(
        2 << scale, channels, sharpness, origin_frames, executor, fallback, keeps_steps=keeps_steps
    )
    for linked in links:
        window.take(linked, known)
        known = None
        if len(window) > chunk + look_ahead:
            yield from _let_go(window.give(chunk))
    yield from _let_go(window.give(len(window)))


def _let_go(filled: list[Filled]) -> Iterator[Filled]:
    """Yield what is last in the list first, and hold it no longer."""
    while filled:
        yield filled.pop()


class _Window:
    """The patches that propagation sees at once, and what the past gave each."""

    def __init__(
        self,
        cell: int,
        channels: int,
        sharpness: float,
        origin_frames: int,
        executor: Executor | None,
        fallback: DeviceFallback,
        *,
        keeps_steps: bool,
    ) -> None:
        self._cell, self._channels, self._sharpness = cell, channels, sharpness
        self._origin_frames, self._keeps_steps = origin_frames, keeps_steps
        self._executor, self._fallback = executor, fallback
        self._held: list[_Held] = []
        self._plates: list[int] = []
        self._is_on_cpu = False

    def __len__(self) -> int:
        return len(self._held)

    def take(self, linked: Linked, known: Known | None) -> None:
        """Take the next patch; `known` of its hole if it is the first."""
        self._follow(linked.patch)
        if self._is_on_cpu:
            linked = moved(linked, CPU)
        before = self._held[-1] if self._held else None
        if linked.patch.plate is not None:
            self._plates.append(linked.patch.index)
        # Carried on at once: the past needs nothing of what comes later.
        joined = self._fallback.run(self._joined, linked, known, before)
        self._follow(joined.patch)
        self._held.append(joined)
        if before is not None and linked.previous_from_this is not None:
            back = linked.previous_from_this
            self._held[-2] = replace(self._held[-2], from_next=moved(back, joined.patch.device))

    def give(self, count: int) -> list[Filled]:
        """Return the first `count`, in reverse, and hold them no longer."""
        filled = self._fallback.run(partial(self._swept, count), self._held)
        del self._held[:count]
        if filled:
            self._follow(filled[0].patch)
        return filled

    def _follow(self, patch: Patch) -> None:
        """Go on on the CPU once a patch is there: what is held is read together with it."""
        if patch.device.type == "cpu" and not self._is_on_cpu:
            self._is_on_cpu = True
            self._held = moved(self._held, CPU)

    def _joined(self, linked: Linked, known: Known | None, before: _Held | None) -> _Held:
        """Fetch what the past gives a patch, from the one before it."""
        patch = linked.patch
        past = self._unknown(patch)
        if known is not None:
            origins = own_places(patch) if self._origin_frames else None
            past = replace(moved(known, patch.device), origins=origins)
        if before is not None and linked.from_previous is not None:
            past = self._advanced(patch, linked.from_previous, before.patch, before.past)
        step = linked.from_previous if self._keeps_steps else None
        return _Held(patch, self._given(patch, past), step=step)

    def _swept(self, count: int, held: list[_Held]) -> list[Filled]:
        """Carry the future backward through all that is held: the first `count`, blended, in reverse."""
        filled: list[Pending[Filled]] = []
        ahead = {each.patch.index: picture_of(each.patch) for each in held}
        later: _Held | None = None
        future: Known | None = None
        # From the end, where nothing of the future is known, so from the look-ahead inwards.
        for position in range(len(held) - 1, -1, -1):
            this = held[position]
            if later is None or future is None or this.from_next is None:
                future = self._unknown(this.patch)
            else:
                future = self._advanced(this.patch, this.from_next, later.patch, future)
            future = self._given(this.patch, future)
            if position < count:
                # Blended on a thread while the future is carried on to the patch before.
                filled.append(self._begun(this, future, ahead))
            later = this
        return [each.result() for each in filled]

    def _given(self, patch: Patch, known: Known) -> Known:
        """Return what is known of a hole, or what the user has given, which is sure."""
        if patch.plate is None:
            return known
        colors = patch.plate if self._channels == len(patch.plate) else luma_of(patch.plate)
        origins = own_places(patch) if self._origin_frames else None
        return Known(colors, torch.ones_like(known.confidence), origins)

    def _begun(self, held: _Held, future: Known, ahead: Mapping[int, Picture]) -> Pending[Filled]:
        """Begin to blend what the past and the future gave."""
        if self._executor is None or held.patch.device.type != "cpu":
            return Arrived(_blend(held, future, ahead, tuple(self._plates)))
        return self._executor.submit(_blend, held, future, ahead, tuple(self._plates))

    def _unknown(self, patch: Patch) -> Known:
        hidden, device = patch.hidden_count, patch.device
        return Known(
            torch.zeros(self._channels, hidden, device=device),
            torch.zeros(hidden, device=device),
            nowhere(patch) if self._origin_frames else None,
        )

    def _advanced(self, patch: Patch, step: FetchMap, source: Patch, state: Known) -> Known:
        """Fetch the hole of `patch` from `source`, whose own hole holds `state`."""
        hidden = patch.hidden_count
        if not hidden:
            return self._unknown(patch)
        reached = _reached(source, step.targets)
        if reached is None:
            return self._unknown(patch)
        weighted = source.weighted(state.colors, state.confidence, reached)  # (C + 1, h, w)
        targets = step.targets
        if (reached.x, reached.y) != (0, 0):
            targets = targets - corner_of(reached, patch.device)  # now in the part that is reached
        colors, carried = fetch(
            weighted,
            targets,
            step.trust,
            decay=DECAY,
            sharpness=self._sharpness,
            backend=patch.backend,
        )
        colors = match_seam_gain(
            colors,
            carried,
            patch.rim_values(self._channels),
            patch.points,
            patch.hole,
            cell=self._cell,
            sure=SURE,
            backend=patch.backend,
        )
        # The rim was fetched for the comparison only.
        confidence = carried[:hidden]
        origins = None
        if state.origins is not None:
            # What the future shows lies in the frames at hand, however far.
            oldest = source.index - self._origin_frames if source.index < patch.index else 0
            origins = carried_on(
                patch,
                step.targets[:hidden],
                confidence,
                source,
                state.origins,
                oldest=oldest,
                lasting=self._plates,
            )
        return Known(colors, confidence, origins)


def _reached(source: Patch, targets: Tensor) -> Box | None:
    """Return a part of a patch that holds the `targets` in it, and its hole; None if there are none in it.

    On a device that is all of it: to ask where the targets are would mean to wait for them.
    """
    if source.device.type != "cpu":
        return source.whole
    return box_around(targets).union(source.outline.box).intersection(source.whole)


def _blend(held: _Held, future: Known, ahead: Mapping[int, Picture], plates: Collection[int]) -> Filled:
    patch, past = held.patch, held.past
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
    sides = None
    if past.origins is not None and future.origins is not None:
        sides = Sides(
            Side(past.origins, past.confidence), Side(future.origins, future.confidence), ahead, plates
        )
    return Filled(patch, colors, confidence, is_blended, agreement, sides, step=held.step)


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
