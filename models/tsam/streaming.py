"""Run the network on a clip of any length, some frames at a time: the same numbers as the whole clip at once.

A shift looks one frame each way, so in a stream it returns a frame when the next has come: every such layer
is one frame late, and what it keeps is one frame and the channels that frame got from the one before.
Branches that are less late wait where they meet. Nothing is computed twice, and what is kept does not grow
with time.

    # three layers, frames 0 to 4 pushed two at a time: what each layer returns
    #          push 01   push 23   push 4   finish
    # first    0         12        3        4
    # second   -         01        2        3  4
    # third    -         0         1        2  3  4
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vrestore.kernels.launch import Runner
from vrestore.models.temporal_context import join_channels
from vrestore.models.tsam.network import Clip, Tsam
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.warp.align_tables import Alignment, align_pairs, alignment
from vrestore.ops.warp.shift_align import ClipEnd, Motion, align_placed, end_channels, place

TableKey = tuple[int, int, torch.dtype]


@dataclass
class ShiftState:
    """What a shift keeps until the next frame comes."""

    received: int = 0
    """How many frames it has had so far."""
    frame: Tensor | None = None
    """The last of them, (1, C, H, W); None before the first and after the end."""
    from_previous: Tensor | None = None
    """What that frame got from the one before, (1, k, H, W)."""

    def to(self, device: torch.device) -> ShiftState:
        """Return the same on a device."""
        frame = None if self.frame is None else self.frame.to(device)
        return ShiftState(
            self.received, frame, None if self.from_previous is None else self.from_previous.to(device)
        )


@dataclass
class StreamState:
    """All that a stream remembers of its clip."""

    received: int = 0
    given: int = 0
    is_ended: bool = False
    no_frames: Clip | None = None
    """A clip of no frames, as the frames were; None before the first."""
    held: dict[str, ShiftState] = field(default_factory=dict)
    """What each shift keeps, by its name."""
    waiting: dict[str, deque[Tensor]] = field(default_factory=dict)
    """Frames of early branches, one by one, by the name of the meeting."""
    motion: dict[int, Motion] = field(default_factory=dict)
    """Pairs that some layer has yet to see, by the number of their first frame."""
    tables: dict[TableKey, dict[int, Alignment]] = field(default_factory=dict)
    """The tables of those pairs, as far as they were asked for."""
    backend: Backend = TORCH
    """Whose kernels, where it has any for the frames' device, align features instead of the tables."""
    placed: dict[tuple[int, int], dict[int, Tensor]] = field(default_factory=dict)
    """Where these kernels read, for those pairs, as far as it was asked for."""

    def copy(self) -> StreamState:
        """Return a state that goes on by itself; its memory is shared, for no tensor is ever changed."""
        return replace(
            self,
            held={name: replace(held) for name, held in self.held.items()},
            waiting={name: waiting.copy() for name, waiting in self.waiting.items()},
            motion=dict(self.motion),
            tables={key: dict(tables) for key, tables in self.tables.items()},
            placed={key: dict(placed) for key, placed in self.placed.items()},
        )

    def to(self, device: torch.device) -> StreamState:
        """Return the same on a device; tables are made there when they are asked for."""
        return replace(
            self,
            no_frames=None if self.no_frames is None else self.no_frames.to(device),
            held={name: held.to(device) for name, held in self.held.items()},
            waiting={
                name: deque(each.to(device) for each in frames) for name, frames in self.waiting.items()
            },
            motion={pair: motion.to(device) for pair, motion in self.motion.items()},
            tables={},
            placed={},
        )


def push(network: Tsam, state: StreamState, clip: Clip, motion: Motion) -> Tensor:
    """Take the next frames of a clip and return those that are ready, (N, 3, H, W), N from 0 on.

    Args:
        network: In evaluation mode; gradients are not meant to flow through a stream.
        state: A new `StreamState()` for a new clip; it is changed.
        clip: One frame or more.
        motion: The pairs that end in these frames: as many, but one fewer at the start of a clip.
    """
    pairs = len(clip) - (state.received == 0)  # the first frame of a clip has none before it
    if state.is_ended:
        raise ValueError("the clip has ended; a new one needs a new state")
    if len(clip) == 0 or len(motion) != pairs:
        raise ValueError(f"{len(clip)} frames after {state.received} came with {len(motion)} pairs of motion")
    first = state.received - 1 if state.received else 0
    state.motion |= {first + index: motion[index : index + 1] for index in range(pairs)}
    state.received += len(clip)
    state.no_frames = clip[:0]
    return _filled(network, state, clip)


def finish(network: Tsam, state: StreamState) -> Iterator[Tensor]:
    """End the clip and yield the frames that are left one by one, (1, 3, H, W)."""
    state.is_ended = True
    # A pass of no frames makes the first shift give up its last frame, and each one behind it gets a frame
    # and passes one on. A clip shorter than the delay of all shifts takes passes before anything comes out.
    while state.no_frames is not None and state.given < state.received:
        filled = _filled(network, state, state.no_frames)
        if len(filled):
            yield filled


def _filled(network: Tsam, state: StreamState, clip: Clip) -> Tensor:
    time = _Stream(state, official=network.config.official, clip_end=network.config.clip_end)
    filled = network.fill(clip, time)
    state.given += len(filled)
    time.forget()
    return filled


class _Stream:
    """The `Timeline` of a clip that comes in parts."""

    def __init__(self, state: StreamState, *, official: bool, clip_end: ClipEnd) -> None:
        self._state = state
        self._official = official
        self._clip_end: ClipEnd = clip_end

    def shift(self, name: str, frames: Tensor, *, fold: int) -> tuple[Tensor, Tensor]:
        held = self._state.held.setdefault(name, ShiftState())
        if len(frames) == 0:
            return self._last(held, frames, fold=fold)
        runner = self._state.backend.runner_for(frames)
        if runner is not None:
            return self._shift_by(runner, held, frames, fold=fold)
        # Of frames f..g that came and e that is kept: pairs (e, f), ..., (g-1, g) are complete, g is not.
        earlier = frames[:-1] if held.frame is None else _joined([held.frame, frames[:-1]])
        later = frames[1:] if held.frame is None else frames
        if held.from_previous is None:
            held.from_previous = end_channels(frames[:1, fold : 2 * fold], self._clip_end)
        first = max(held.received - 1, 0)
        held.received += len(frames)
        # A slice would keep the whole block's memory alive.
        held.frame = frames[-1:].clone() if len(frames) > 1 else frames
        if len(earlier) == 0:
            return earlier, earlier
        tables = self._tables(first, first + len(earlier), earlier)
        from_next, from_previous = align_pairs(earlier, later, tables, fold=fold)
        from_previous = _joined([held.from_previous, from_previous])  # (N + 1, fold, H, W), of frames e..g
        held.from_previous = from_previous[-1:].clone()
        return join_channels(from_next, from_previous[:-1], earlier), earlier

    def _shift_by(
        self, runner: Runner, held: ShiftState, frames: Tensor, *, fold: int
    ) -> tuple[Tensor, Tensor]:
        """Do the same by kernels, in one pass over the frames."""
        past = slice(fold, 2 * fold)
        block = frames if held.frame is None else torch.cat([held.frame, frames])  # (N + 1, C, H, W)
        before = held.from_previous
        if before is None:
            before = end_channels(frames[:1, past], self._clip_end)
        first = max(held.received - 1, 0)
        held.received += len(frames)
        held.frame, held.from_previous = frames[-1:].clone(), before
        if len(block) == 1:
            return block[:0], block[:0]
        placed = self._placed(runner, first, first + len(block) - 1, frames)
        aligned = align_placed(block, placed, fold=fold, official=self._official, runner=runner)
        # The kernel took the block for a whole clip: its first frame has a previous one here, and its last
        # frame, whose next has yet to come, is left out.
        held.from_previous = aligned[-1:, past].clone()
        aligned[:1, past] = before
        return aligned[:-1], block[:-1]

    def _placed(self, runner: Runner, start: int, stop: int, frames: Tensor) -> Tensor:
        """Return where the pixels of such frames are read, for pairs [start, stop)."""
        height, width = frames.shape[-2:]
        known = self._state.placed.setdefault((height, width), {})
        for index in range(start, stop):
            if index not in known:
                motion = self._state.motion[index]
                known[index] = place(motion, height, width, official=self._official, runner=runner)
        return torch.cat([known[index] for index in range(start, stop)], dim=1)  # pairs are in dimension 1

    def meet(self, name: str, early: Tensor, late: Tensor) -> Tensor:
        waiting = self._state.waiting.setdefault(name, deque())
        waiting.extend(early[index : index + 1] for index in range(len(early)))
        return _joined([waiting.popleft() for _ in range(len(late))]) if len(late) else early[:0]

    def forget(self) -> None:
        """Drop the motion that every layer has seen."""
        # The layer that is latest still has to see the pair of the frame that it keeps and the next.
        oldest = min(max(held.received - 1, 0) for held in self._state.held.values())
        self._state.motion = {pair: value for pair, value in self._state.motion.items() if pair >= oldest}
        for key, tables in self._state.tables.items():
            self._state.tables[key] = {pair: value for pair, value in tables.items() if pair >= oldest}
        for size, placed in self._state.placed.items():
            self._state.placed[size] = {pair: value for pair, value in placed.items() if pair >= oldest}

    def _last(self, held: ShiftState, nothing: Tensor, *, fold: int) -> tuple[Tensor, Tensor]:
        """Return the frame that is held if none will come after it, once."""
        is_over = self._state.is_ended and held.received == self._state.received
        frame, from_previous = held.frame, held.from_previous
        if not is_over or frame is None or from_previous is None:
            return nothing, nothing
        held.frame = held.from_previous = None
        from_next = end_channels(frame[:, :fold], self._clip_end)
        return join_channels(from_next, from_previous, frame), frame

    def _tables(self, start: int, stop: int, frames: Tensor) -> Alignment:
        """Return the tables of pairs [start, stop) for such frames; what is new is made in one go."""
        height, width = frames.shape[-2:]
        known = self._state.tables.setdefault((height, width, frames.dtype), {})
        missing = [index for index in range(start, stop) if index not in known]
        if missing:
            motion = Motion.join([self._state.motion[index] for index in missing])
            made = alignment(motion, height, width, official=self._official, dtype=frames.dtype)
            known.update({index: made[place : place + 1] for place, index in enumerate(missing)})
        return Alignment.join([known[index] for index in range(start, stop)])


def _joined(parts: list[Tensor]) -> Tensor:
    """Join along time; a single part is not copied."""
    parts = [part for part in parts if len(part)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)
