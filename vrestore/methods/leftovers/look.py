"""Look at a stretch of a video, frame by frame, for what is left around its holes.

    moments -> signs of each frame that is looked at -> judged together with those before and after

A frame is compared with frames up to REACH away, and judged by the signs of frames up to TOGETHER away: what
is left of an object is left in all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vrestore.flow.estimator import FlowEstimator, make_estimator
from vrestore.frames import Box, MaskArray
from vrestore.methods.leftovers.background import OFFSETS, REACH, background_of
from vrestore.methods.leftovers.moments import Matrix, Moment
from vrestore.methods.leftovers.outlines import Outlines, outlines_of
from vrestore.methods.leftovers.rim import STEPS, WIDEST, RimSigns, rim_signs
from vrestore.methods.leftovers.shadow import Shade, Shadow, find_shadow, shade_of

TOGETHER = 8
"""Frames before and after that a frame is judged together with; of these, every EVERY-th."""

EVERY = 4

LEAST_EXCESS = 0.35
"""How many more of the pixels next to the hole look like the object than further away: a rim.

On ten training clips with pasted objects, a rim of 3 pixels of 256 lines has 0.5 or more, none has 0.25."""

LEAST_WEIGHT = 1.75
"""Of a shadow. On the same clips 3 % of the frames without one have more, and 93 % of those with one that
takes 20 to 60 % of the light."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is left in a frame: `rim` is how wide one is, in small pixels, or 0, `excess` how sure it is.

    `shadow` (h, w) is what looks like one in the `box` of the small picture, and `weight` how much of it
    there is; with little of it, it may be none. Where `is_told` is False no other frame shows what lies
    around the hole, so that nothing can be told.
    """

    number: int
    pts: int
    is_told: bool
    rim: int = 0
    excess: float = 0.0
    box: Box | None = None
    shadow: MaskArray | None = None
    weight: float = 0.0

    @property
    def has_shadow(self) -> bool:
        """Whether what looks like a shadow is enough to be one."""
        return self.weight >= LEAST_WEIGHT


@dataclass(frozen=True, slots=True)
class _Signs:
    moment: Moment
    outlines: Outlines
    rim: RimSigns | None
    shade: Shade | None


def look(moments: Iterable[Moment], *, is_looked_at: Callable[[int], bool]) -> Iterator[Judgement]:
    """Yield what is left in those frames that have a hole and whose number is to be looked at, in order."""
    signs: deque[_Signs] = deque()
    waiting = 0  # signs at the end that are not judged yet
    for sign in _signs_of(moments, is_looked_at):
        signs.append(sign)
        waiting += 1
        while signs[-waiting].moment.number + TOGETHER < sign.moment.number:
            yield _judged(signs, len(signs) - waiting)
            waiting -= 1
        while signs[0].moment.number + 2 * TOGETHER < sign.moment.number:
            signs.popleft()
    for index in range(len(signs) - waiting, len(signs)):
        yield _judged(signs, index)


def _signs_of(moments: Iterable[Moment], is_looked_at: Callable[[int], bool]) -> Iterator[_Signs]:
    flow = make_estimator("fast", scale=0)
    window: deque[Moment] = deque()
    at = 0  # of the window, what is compared next
    for moment in moments:
        window.append(moment)
        while window[at].number + REACH <= moment.number:
            yield from _compared(window, at, is_looked_at, flow)
            at += 1
        while window[0].number + REACH < window[at].number:
            window.popleft()
            at -= 1
    for index in range(at, len(window)):
        yield from _compared(window, index, is_looked_at, flow)


def _compared(
    window: Sequence[Moment], at: int, is_looked_at: Callable[[int], bool], flow: FlowEstimator
) -> Iterator[_Signs]:
    moment = window[at]
    outlines = outlines_of(moment.hole) if is_looked_at(moment.number) else None
    if outlines is None:
        return
    ways = _ways(window, at)
    steps = [step for step in OFFSETS if step in ways]
    steps.sort(key=abs)
    others = [window[at + step] for step in steps]
    background = background_of(moment, others, [ways[step] for step in steps], flow)
    if background is None:
        yield _Signs(moment, outlines, None, None)
        return
    beside = [window[at + step] for step in STEPS if 0 <= at + step < len(window)]
    yield _Signs(moment, outlines, rim_signs(moment, beside, background), shade_of(background, outlines))


def _ways(window: Sequence[Moment], at: int) -> dict[int, Matrix]:
    """Return the camera's way from a moment to those up to REACH away, by steps, as far as it is known."""
    ways: dict[int, Matrix] = {}
    way: Matrix = np.eye(3)
    for step in range(1, min(REACH, len(window) - 1 - at) + 1):
        forth = window[at + step].step
        if forth is None:
            break
        way = forth @ way
        ways[step] = way
    way = np.eye(3)
    for step in range(1, min(REACH, at) + 1):
        back = window[at - step + 1].step
        if back is None:
            break
        way = np.linalg.inv(back) @ way
        ways[-step] = way
    return ways


def _judged(signs: Sequence[_Signs], at: int) -> Judgement:
    here = signs[at]
    moment = here.moment
    around = [
        each
        for each in signs
        if each is not here
        and abs(each.moment.number - moment.number) <= TOGETHER
        and (each.moment.number - moment.number) % EVERY == 0
    ]
    rims = [each.rim for each in (here, *around) if each.rim is not None]
    shade = here.shade
    if shade is None:
        return Judgement(moment.number, moment.pts, is_told=False)
    excess, rim = _rim(rims) if here.rim is not None else (0.0, 0)
    shades = [each.shade for each in around if each.shade is not None]
    found: Shadow = find_shadow(shade, shades)
    return Judgement(
        moment.number,
        moment.pts,
        is_told=True,
        rim=rim,
        excess=excess,
        box=shade.box,
        shadow=found.marked,
        weight=found.weight,
    )


def _rim(signs: Sequence[RimSigns]) -> tuple[float, int]:
    """Return how sure a rim is, the median of a few frames', and how wide it is, 0 where it is none."""
    shares = np.median([each.shares for each in signs], axis=0)
    usual = float(np.median([each.usual for each in signs]))
    together = RimSigns(shares, usual)
    if together.excess < LEAST_EXCESS:
        return together.excess, 0
    # It ends where fewer than half of the pixels that are more than usual next to the hole look like it.
    ends = np.flatnonzero(shares < usual + together.excess / 2)
    return together.excess, int(ends[0]) if len(ends) else WIDEST
