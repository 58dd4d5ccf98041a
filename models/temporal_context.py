"""Time for a network: what a layer sees of the next and the previous frame.

A network here is made of layers that look at one frame, but for the shifts; those and the meeting of
branches ask a `Timeline`. `WholeClip` has all frames at once; `vrestore.models.tsam.streaming` has some at a
time.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from vrestore.ops.warp.align_tables import Alignment, align_pairs, alignment
from vrestore.ops.warp.shift_align import ClipEnd, Motion, end_channels


class Timeline(Protocol):
    """What a layer may ask; `name` is the layer's own, in one network."""

    def shift(self, name: str, frames: Tensor, *, fold: int) -> tuple[Tensor, Tensor]:
        """Return frames (N, C, H, W) with aligned neighbors' channels, and the same frames without."""
        ...

    def meet(self, name: str, early: Tensor, late: Tensor) -> Tensor:
        """Return those of all frames of the branch `early` so far that go with `late`, the slower branch."""
        ...


class WholeClip:
    """All frames of one clip, or of several of one length that stand one behind the other."""

    def __init__(self, motion: Motion, *, clips: int, official: bool, clip_end: ClipEnd) -> None:
        self._motion = motion
        self._clips = clips
        self._official = official
        self._clip_end: ClipEnd = clip_end
        self._alignments: dict[tuple[int, int, torch.dtype], Alignment] = {}

    def shift(self, name: str, frames: Tensor, *, fold: int) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """See `Timeline`."""
        # Lin, Gan and Han 2019 ("TSM", section 3): a part of the channels is moved one frame along time,
        # which costs no multiplication. Here what is moved is also brought to where the flow says it went.
        count = len(frames) // self._clips
        clips = frames.permute(0, 2, 3, 1).reshape(self._clips, count, *frames.shape[2:], -1)  # (.., H, W, C)
        # `left` are channels [0, fold), read from the next frame, of which the last frame has none; `right`
        # are [fold, 2 fold), read from the previous. Both begin as what the clip's ends have: (B, 1, H, W,
        # k).
        left = end_channels(clips[:, -1:, ..., :fold], self._clip_end)
        right = end_channels(clips[:, :1, ..., fold : 2 * fold], self._clip_end)
        if count > 1:
            # Pairs (t, t+1) of every clip, B * (T - 1) of them.
            earlier, later = (_as_frames(clips[:, part]) for part in (slice(-1), slice(1, None)))
            from_next, from_previous = (
                part.permute(0, 2, 3, 1).reshape(self._clips, count - 1, *left.shape[2:])
                for part in align_pairs(earlier, later, self._tables(frames), fold=fold)
            )
            # Frames 0 to T-2 have a next one, frames 1 to T-1 a previous one: (B, T, H, W, k).
            left, right = torch.cat([from_next, left], dim=1), torch.cat([right, from_previous], dim=1)
        whole = torch.cat([left, right, clips[..., 2 * fold :]], dim=-1)  # (B, T, H, W, C)
        return _as_frames(whole), frames

    def meet(self, name: str, early: Tensor, late: Tensor) -> Tensor:  # noqa: ARG002
        """See `Timeline`."""
        return early  # all frames are there at once, so no branch is late

    def _tables(self, frames: Tensor) -> Alignment:
        height, width = frames.shape[-2:]
        # Layers of one scale read along the same flow, so a table is made once for all of them.
        key = (height, width, frames.dtype)
        if key not in self._alignments:
            self._alignments[key] = alignment(
                self._motion, height, width, official=self._official, dtype=frames.dtype
            )
        return self._alignments[key]


def join_channels(left: Tensor, right: Tensor, own: Tensor) -> Tensor:
    """Put aligned channels (N, k, H, W) in the place of the first of `own`; returns channels-last."""
    # Channels-last features lie as (N, H, W, C) in memory: joined there, each pixel is copied in one piece.
    parts = [left, right, own[:, left.shape[1] + right.shape[1] :]]
    return torch.cat([part.permute(0, 2, 3, 1) for part in parts], dim=-1).permute(0, 3, 1, 2)


def _as_frames(clips: Tensor) -> Tensor:
    """Return clips (B, T, H, W, C) as frames (B*T, C, H, W), channels-last."""
    return clips.flatten(0, 1).permute(0, 3, 1, 2)
