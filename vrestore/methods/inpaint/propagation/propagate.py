"""Propagation: known colors travel into the hole along the flow, from the past and from the future.

The forward state is carried for ever; the backward one starts anew in each chunk from as many frames of the
future as the look-ahead allows. Colors are resampled at each step, which the next
pass's flow does not mind; the origins that the last pass carries beside them are for reading them once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from vrestore.device.fallback import DeviceFallback
from vrestore.device.transfers import CPU, moved
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import Patch, box_around, luma_of
from vrestore.methods.inpaint.propagation.blending import SURE, blend
from vrestore.methods.inpaint.propagation.correspondence import FetchMap, Linked
from vrestore.methods.inpaint.propagation.filled import Filled, Known
from vrestore.methods.inpaint.propagation.origins import (
    Picture,
    Side,
    Sides,
    carried_on,
    nowhere,
    own_places,
    picture_of,
)
from vrestore.ops.filters.seam import match_seam_gain
from vrestore.ops.warp.offsets import corner_of
from vrestore.ops.warp.propagate import fetch
from vrestore.threads import Arrived, Pending

DECAY = 0.98
"""Confidence a color loses by growing one frame older."""


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
        sides, past = None, held.past
        if past.origins is not None and future.origins is not None:
            both = Side(past.origins, past.confidence), Side(future.origins, future.confidence)
            sides = Sides(*both, ahead, tuple(self._plates))
        work = partial(_blended, held, future, sides)
        if self._executor is None or held.patch.device.type != "cpu":
            return Arrived(work())
        return self._executor.submit(work)

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


def _blended(held: _Held, future: Known, sides: Sides | None) -> Filled:
    return replace(blend(held.patch, held.past, future), sides=sides, step=held.step)
