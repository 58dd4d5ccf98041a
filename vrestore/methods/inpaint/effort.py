"""What a quality setting means: how hard filling tries, and what it gives up first where memory is short."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vrestore.flow.estimator import FlowName
from vrestore.methods.inpaint.options import Quality

QUARTER_LINES, EIGHTH_LINES = 400, 1600
"""Pictures of at least so many lines are matched at a quarter and at an eighth of their size, smaller ones at
a half: as fine for the picture's content, and 4 to 16 times as fast."""

LEAST_LOOK_AHEAD = 4
LEAST_CHUNK = 4


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a quality setting tries; times and distances in frames and pixels.

    Pictures of QUARTER_LINES and more take one of several passes less: there is more to do in each.
    """

    passes: int
    flow: FlowName
    look_ahead: int
    chunk: int
    margin: int
    network_pixels: int
    """Of the largest window that the network sees at full size; larger ones are made smaller for it."""
    sharpness: float = 0.0
    """Share of the cubic convolution in sure colors, see `vrestore.ops.warp.propagate.fetch`. With none of it
    what is fetched over many frames is blurred; with all of it contrast at edges grows from step to step."""
    carried_frames: int = 24
    """Frames before and after that know of the motion in a hole; with 0 it is guessed pair by pair."""
    origin_frames: int = 36
    """Frames of the past that colors are read from in the end; with 0 they stay as they were blended."""
    texture_side: int = 9
    """Pixels that the patches of texture are wide and high."""


EFFORTS: dict[Quality, Effort] = {
    "draft": Effort(
        passes=1,
        flow="fast",
        look_ahead=30,
        chunk=15,
        margin=64,
        network_pixels=50_000,
        carried_frames=0,
        origin_frames=0,
        texture_side=7,
    ),
    "balanced": Effort(passes=3, flow="medium", look_ahead=45, chunk=45, margin=96, network_pixels=110_000),
    "best": Effort(
        passes=4, flow="medium", look_ahead=90, chunk=60, margin=96, network_pixels=220_000, sharpness=0.6
    ),
}


def flow_scale(height: int) -> int:
    """Return the finest pyramid level, a power of 2, that flow is searched at in a picture of `height`."""
    return 1 + (height >= QUARTER_LINES) + (height >= EIGHTH_LINES)


def smaller(effort: Effort) -> Effort | None:
    """Return what needs less memory, the least loss first; None if there is nothing left to give up."""
    if effort.look_ahead > LEAST_LOOK_AHEAD:
        return replace(effort, look_ahead=max(LEAST_LOOK_AHEAD, effort.look_ahead * 2 // 3))
    if effort.chunk > LEAST_CHUNK:
        return replace(effort, chunk=max(LEAST_CHUNK, effort.chunk * 2 // 3))
    if effort.passes > 1:
        return replace(effort, passes=effort.passes - 1)
    return None
