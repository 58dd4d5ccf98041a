"""Origins: which frame a hidden pixel's color comes from, and where in it.

Colors that are handed from frame to frame lose detail at each step of reading between pixels: over nine clips
a hole kept a quarter of it. Beside its color a pixel therefore carries where it was first seen. Such places
are smooth, so they are interpolated at every step without loss, and the color is read once, in the end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vrestore.frames import Box, MaskArray
from vrestore.methods.inpaint.patches.patch import SCALE, Patch
from vrestore.ops.resample.quantize import as_int16
from vrestore.ops.warp.cubic import in_32nds, read_plane
from vrestore.ops.warp.offsets import corner_of, shift

NOWHERE = -1
"""The frame of a pixel that no other frame shows."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the hidden pixels of a patch were first seen.

    `frame` (n) int32 is the number of the frame, NOWHERE for none; `offset` (2, n), x before y, is added to
    a pixel's place in its own frame to have its place in that one.
    """

    frame: Tensor
    offset: Tensor


@dataclass(frozen=True, slots=True)
class Side:
    """Where the past, or the future, found the hidden pixels of a patch, and how sure that is, (n)."""

    origins: Origins
    confidence: Tensor


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame to read from: codes (3, H, W) of a `box` of it; what is `hidden` (H, W) is not known of it."""

    box: Box
    codes: Tensor
    hidden: MaskArray | None = None

    def known_on(self, device: torch.device) -> Tensor | None:
        """Return what is known, (H, W), None for all."""
        return None if self.hidden is None else torch.from_numpy(~self.hidden).to(device)


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, and the frames at hand by number, in which the origins of the future lie."""

    past: Side
    future: Side
    pictures: Mapping[int, Picture]
    plates: Collection[int] = ()
    """The frames whose hole the user has given, which is as sure as what is beside it."""


def picture_of(patch: Patch) -> Picture:
    """Return a patch as a frame to read from, whole where the user has given its hole."""
    if patch.plate is not None:
        return filled_picture(patch, patch.plate)
    return Picture(patch.box, patch.codes, patch.hidden if patch.hidden_count else None)


def filled_picture(patch: Patch, colors: Tensor) -> Picture:
    """Return a patch as a frame to read from, its hidden pixels with `colors` (3, n) in [0, 1]."""
    codes = patch.codes
    if patch.hidden_count:
        codes = codes.clone()
        places = patch.places_in(patch.whole)
        codes.flatten(1).index_copy_(1, places, as_int16((colors * SCALE).round_()))
    return Picture(patch.box, codes)


def nowhere(patch: Patch) -> Origins:
    """Return what is known of a hole before anything is fetched."""
    return _uniform(patch, NOWHERE)


def own_places(patch: Patch) -> Origins:
    """Return the hidden pixels as their own origins: of a patch whose hole was filled before."""
    return _uniform(patch, patch.index)


def carried_on(
    patch: Patch,
    targets: Tensor,
    trust: Tensor,
    source: Patch,
    known: Origins,
    *,
    oldest: int = 0,
    lasting: Collection[int] = (),
    beside: int | None = None,
) -> Origins:
    """Return the origins of a patch's n hidden pixels, read at `targets` (n, 2) of another one.

    `known` are the origins of that one's own hole; its other pixels are their own origin, or of the frame
    `beside`. Places are
    interpolated among the neighbors that come from the same frame as the nearest one that comes from any: a
    place between places of two frames is in neither. What comes from before frame `oldest`, but
    from no `lasting` one, begins anew, as
    what the source shows there. Where `trust` (n) is 0 nothing is known.
    """
    window = source.outline.box.grown(1, height=source.box.height, width=source.box.width)
    beside = source.index if beside is None else beside
    frames, offsets = _planes(source, known, window, oldest, lasting, beside)
    # As OpenCV has them, so that a device gives what the CPU gives.
    at = in_32nds(targets - corner_of(window, patch.device))
    read = _read if patch.device.type == "cpu" else _read_among_four
    frame, moved = read(frames, offsets, at)
    step = (targets - patch.points[: patch.hidden_count]).T  # (2, n)
    between = shift(source.box.x - patch.box.x, source.box.y - patch.box.y, patch.device)
    return Origins(torch.where(trust > 0, frame, NOWHERE), step + between[:, None] + moved)


def _read(frames: Tensor, offsets: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Do what `_read_among_four` does by OpenCV, where all four neighbors come from the same frame."""
    height, width = frames.shape
    array = frames.numpy()
    is_mixed = np.ones((height, width), np.bool_)
    first = array[:-1, :-1]
    is_mixed[:-1, :-1] = (
        (first != array[1:, :-1]) | (first != array[:-1, 1:]) | (first != array[1:, 1:])
    ) | (first == NOWHERE)
    points = np.ascontiguousarray(at.T.numpy())  # (2, m)
    x, y = points
    columns, rows = (
        np.clip(np.floor(values).astype(np.int64), 0, size - 1) for values, size in ((x, width), (y, height))
    )
    places = rows * width + columns
    frame = torch.from_numpy(array.reshape(-1).take(places))
    moved = torch.from_numpy(
        np.stack([read_plane(plane, points, cv2.INTER_LINEAR) for plane in offsets.numpy()])
    )
    (mixed,) = np.nonzero(is_mixed.reshape(-1).take(places))
    if len(mixed):
        some = torch.from_numpy(mixed)
        frame[some], moved[:, some] = _read_among_four(frames, offsets, at[some])
    return frame, moved


def _read_among_four(frames: Tensor, offsets: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Read frames (h, w) and offsets (2, h, w) at points (m, 2); returns (m) and (2, m)."""
    height, width = frames.shape
    x, y = at.unbind(1)
    left, top = x.floor(), y.floor()
    right_share, lower_share = x - left, y - top
    # Beyond the window nothing is hidden, as at its border; the picture's own border no target leaves.
    columns = [(left.long() + step).clamp_(0, width - 1) for step in (0, 1)]
    rows = [(top.long() + step).clamp_(0, height - 1) * width for step in (0, 1)]
    corners = [
        (row + column, above * beside)
        for row, above in zip(rows, (1 - lower_share, lower_share), strict=True)
        for column, beside in zip(columns, (1 - right_share, right_share), strict=True)
    ]
    found = [frames.flatten().index_select(0, place) for place, _ in corners]
    chosen, largest = torch.full_like(found[0], NOWHERE), torch.zeros_like(x)
    for frame, (_, share) in zip(found, corners, strict=True):
        is_nearer = (frame != NOWHERE) & (share > largest)
        chosen, largest = torch.where(is_nearer, frame, chosen), torch.where(is_nearer, share, largest)
    total, moved = torch.zeros_like(x), torch.zeros(2, len(x), device=x.device)
    for frame, (place, share) in zip(found, corners, strict=True):
        counted = share * (frame == chosen)
        total += counted
        moved += offsets.flatten(1).index_select(1, place) * counted
    return chosen, moved / total.clamp_min(1e-6)


def _planes(
    source: Patch, known: Origins, window: Box, oldest: int, lasting: Collection[int], beside: int
) -> tuple[Tensor, Tensor]:
    """Return the frames (h, w) and offsets (2, h, w) of all pixels of a window that holds the hole."""
    frames = torch.full((window.area,), beside, dtype=torch.int32, device=source.device)
    offsets = torch.zeros(2, window.area, device=source.device)
    if source.hidden_count:
        is_old = (known.frame != NOWHERE) & (known.frame < oldest)
        for frame in lasting:
            is_old &= known.frame != frame
        places = source.places_in(window)
        frames.index_copy_(0, places, known.frame.masked_fill(is_old, source.index))
        offsets.index_copy_(1, places, known.offset.masked_fill(is_old, 0))
    return frames.view(window.height, window.width), offsets.view(2, window.height, window.width)


def _uniform(patch: Patch, frame: int) -> Origins:
    count, device = patch.hidden_count, patch.device
    return Origins(
        torch.full((count,), frame, dtype=torch.int32, device=device), torch.zeros(2, count, device=device)
    )
