"""The last step of filling: hidden pixels are read once, from where they were first seen, at full sharpness.

What propagation blends is right in the mean and soft: every step of every color was read between pixels, and
past and future seldom agree to the pixel. So it gives the low frequencies, exposure and seams with them; the
rest is read from the frame that a pixel was first seen in, from the past or from the future. Which of the two
is decided for whole areas, and as for the frame before, or the picture would shimmer at their border. Where
neighbors' places contradict each other, or what they show contradicts the blend, the blend stays: it is
better smooth than shredded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.device.fallback import DeviceFallback
from vrestore.flow.cells import cells_of, mean_of_cells, pixels_of
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import SCALE, Patch
from vrestore.methods.inpaint.propagation.filled import Filled, Known
from vrestore.methods.inpaint.propagation.origins import NOWHERE, Origins, Picture, Side, filled_picture
from vrestore.ops.filters.gaussian import gaussian
from vrestore.ops.resample.upsample import enlarged
from vrestore.ops.warp.cubic import Readable, read_cubic
from vrestore.ops.warp.offsets import corner_of
from vrestore.threads import Arrived, Pending

_NO_AGE = np.int16(-(2**15))

LINES = 240
"""Lines of a picture that the distances below are given for; in larger ones they grow with it."""

CHOICE_SIGMA = 4.0
"""Pixels over which it is decided whether past or future is surer."""

LEAN = 0.25
"""Share by which what was chosen in the frame before counts for more, the other for less."""

LOW_SIGMA = 6.0
"""Pixels over which the blend decides: what changes more slowly is its own."""

TORN_SIGMA = 2.5
"""Pixels over which it is counted how often the places of neighbors contradict each other."""

LEAST_STRETCH, MOST_STRETCH = 0.5, 2.0
"""Of neighbors the places in their origin are at least and at most so many pixels apart, or they are torn."""

FEW_TORN, MANY_TORN = 0.05, 0.2
"""Shares of torn neighbors up to which the origin is read, and from which on the blend stays."""

MIDDLE_SIGMA = 2.0
"""Pixels over which what was read and the blend are compared: finer things the blend does not have."""

LEAST_ENERGY = 1e-4
"""Of the blend, squared shares of full scale, that is more than noise."""

ALIKE, UNLIKE = 0.7, 1.4
"""Energy of what differs from the blend between MIDDLE_SIGMA and LOW_SIGMA, over the blend's own: up to the
first the origin is read, from the second on the blend stays."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen of a frame: 1 for the past, -1 for the future, 0 beside the hole, in cells of a box."""

    box: Box
    past: Tensor


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the cells are that slow things are decided on, and how many pixels stand for one of LINES."""

    cell: int
    grain: float

    def cells(self, pixels: float) -> float:
        """Return a distance in pixels of a picture of LINES lines in cells."""
        return pixels * self.grain / self.cell


def read_once(
    filled: Iterator[Filled],
    *,
    scale: Scale,
    frames: int,
    executor: Executor,
    fallback: DeviceFallback,
    known: Known | None = None,
) -> Iterator[Filled]:
    """Replace the fetched colors of a run's holes by those of their origins.

    Of the past so many `frames` are kept to be read from, filled as they were given, and all whose hole the
    user has given; `known` is what the hole
    of the first was filled with before. What has no origins is passed on as it is. On the CPU a frame is read
    on a thread of `executor` while the one before is written; a device is asked by this thread alone.
    """
    reader = _Reader(scale, frames, fallback)
    waiting: Pending[Filled] | None = None
    for each in filled:
        if waiting is not None:
            yield waiting.result()
        given = known if waiting is None else None
        if each.patch.device.type == "cpu":
            waiting = executor.submit(reader.read, each, given)
        else:
            waiting = Arrived(reader.read(each, given))
    if waiting is not None:
        yield waiting.result()


class _Reader:
    """What is kept from frame to frame: pictures to read from, and from which side the last one was read."""

    def __init__(self, scale: Scale, frames: int, fallback: DeviceFallback) -> None:
        self._scale, self._frames, self._fallback = scale, frames, fallback
        self._gallery: dict[int, Picture] = {}
        self._choice: Choice | None = None
        self._plates: set[int] = set()

    def read(self, filled: Filled, known: Known | None) -> Filled:
        """Return the next frame, read once, or as it is `known`, without its origins."""
        index, run = filled.patch.index, self._fallback.run
        if known is not None:
            filled = replace(filled, colors=known.colors.to(filled.patch.device))
        elif filled.sides is not None and filled.patch.hidden_count:
            filled, self._choice = run(_read, filled, self._gallery, self._choice, self._scale)
        self._gallery[index] = run(filled_picture, filled.patch, filled.colors)
        if filled.patch.plate is not None:
            self._plates.add(index)
        if index - self._frames - 1 not in self._plates:
            self._gallery.pop(index - self._frames - 1, None)
        return replace(filled, sides=None)


def _read(
    filled: Filled, gallery: Mapping[int, Picture], before: Choice | None, scale: Scale
) -> tuple[Filled, Choice]:
    """Return a patch with its colors read once, and from which side they were read."""
    patch, sides = filled.patch, filled.sides
    if sides is None:
        raise ValueError("there are no origins to read from")
    area = Area(patch, scale)
    both = (sides.past, sides.future)
    whole = [_whole(side.origins, area) for side in both]  # (h, w) cells each
    has = [side.origins.frame != NOWHERE for side in both]  # (n) each
    chosen = _chosen(area, both, whole, has, before)
    from_past, *kept = area.at_points(torch.stack([chosen, *whole]))  # (n) each
    # A border as wide as a cell; where one side has nothing to say the other is taken.
    past_share = torch.where(has[0] & has[1], from_past, has[0].float())
    parts = (past_share, torch.where(has[1], 1 - past_share, 0))
    sums = torch.zeros(5, patch.hidden_count, device=patch.device)
    for side, part, is_kept, pictures in zip(both, parts, kept, (gallery, sides.pictures), strict=True):
        which, read, is_read = _fetched(patch, side.origins, (part > 0) & (is_kept > 0), pictures)
        share = part.index_select(0, which) * is_read
        given = torch.cat([read * share, torch.stack([share, share * is_kept.index_select(0, which)])])
        sums += torch.zeros_like(sums).index_copy_(1, which, given)
    colors, share, trusted = sums[:3], sums[3], sums[4]
    is_found = share > 0.99
    offset, alike = _compared(area, colors, filled.colors, is_found)
    weight = torch.where(is_found, trusted * alike, 0)
    sharp = (colors + offset).clamp_(0, 1)
    frame = torch.where(past_share >= 0.5, both[0].origins.frame, both[1].origins.frame)
    age = torch.where(weight > 0.5, frame - patch.index, 0)
    made = replace(filled, colors=filled.colors.lerp(sharp, weight), age=age)
    return made, Choice(area.cells, (2 * chosen - 1) * (area.covered > 0))


class Area:
    """The hole of a patch in whole cells: slow things are decided on cells and read between their middles."""

    def __init__(self, patch: Patch, scale: Scale) -> None:
        cell = scale.cell
        inner, _ = patch.cells_of_hole(cell)
        self._scale, self.cell = scale, cell
        self._box = pixels_of(inner, cell)  # may reach beyond the patch at the picture's end
        self._places = patch.places_in(self._box)
        corner = cells_of(patch.box, cell)
        self.cells = Box(corner.x + inner.x, corner.y + inner.y, inner.width, inner.height)
        """The cells of the frame."""
        self.covered = self.means(torch.ones(1, patch.hidden_count, device=patch.device))[0]
        """The share of each that is hidden, (h, w)."""
        numbers = torch.arange(patch.hidden_count, dtype=torch.int32, device=patch.device)
        self._firsts = self._spread(numbers[None], -1)[0, ::cell, ::cell].flatten()  # -1: not hidden

    def _spread(self, values: Tensor, rest: float = 0) -> Tensor:
        """Return values (C, n) of the hidden pixels as planes (C, H, W), with `rest` beside them."""
        planes = values.new_full((len(values), self._box.area), rest)
        return planes.index_copy_(1, self._places, values).view(-1, self._box.height, self._box.width)

    def means(self, values: Tensor) -> Tensor:
        """Return values (C, n) of the hidden pixels, 0 beside them, in the means of cells, (C, h, w)."""
        planes = self._spread(values)
        if planes.device.type != "cpu":
            return F.avg_pool2d(planes[None], self.cell)[0]
        return torch.from_numpy(np.stack([mean_of_cells(plane, self.cell) for plane in planes.numpy()]))

    def corners(self, values: Tensor, rest: float = 0) -> Tensor:
        """Return values (C, n) at the first pixel of each cell, (C, h, w), `rest` where it is not hidden."""
        found = values.index_select(1, self._firsts.clamp_min(0))
        return found.masked_fill_(self._firsts < 0, rest).view(-1, *self.covered.shape)

    def smoothed(self, cells: Tensor, pixels: float) -> Tensor:
        """Smooth cells (C, h, w) over so many pixels of a picture of LINES lines."""
        return gaussian(cells, self._scale.cells(pixels))

    def at_points(self, cells: Tensor) -> Tensor:
        """Read cells (C, h, w) at the hidden pixels; returns (C, n)."""
        return enlarged(cells, self.cell).index_select(1, self._places)


def _chosen(
    area: Area, both: Sequence[Side], whole: Sequence[Tensor], has: Sequence[Tensor], before: Choice | None
) -> Tensor:
    """Return 1 for the cells (h, w) that are read from the past, 0 for those from the future."""
    sure = torch.stack([side.confidence * known for side, known in zip(both, has, strict=True)])
    past, future = area.smoothed(area.means(sure) * torch.stack(list(whole)), CHOICE_SIGMA)
    lean = LEAN * _at(before, area)
    is_past: Tensor = past * (1 + lean) >= future * (1 - lean)
    return is_past.float()


def _at(before: Choice | None, area: Area) -> Tensor:
    """Return what was chosen before, in the cells of an area, (h, w)."""
    result = torch.zeros_like(area.covered)
    common = None if before is None else before.box.intersection(area.cells)
    if before is not None and common is not None:
        here, there = common.relative_to(area.cells), common.relative_to(before.box)
        result[here.rows, here.columns] = before.past[there.rows, there.columns].to(result.device)
    return result


def _whole(origins: Origins, area: Area) -> Tensor:
    """Return how far places go on from cell to cell as cells do, in cells (h, w): 1 whole, 0 torn."""
    (frame,) = area.corners(origins.frame[None], NOWHERE)
    x, y = area.corners(origins.offset)
    torn, pairs = torch.zeros_like(x), torch.zeros_like(x)
    for axis, along, across in ((0, y, x), (1, x, y)):
        first, second = (frame.narrow(axis, start, frame.shape[axis] - 1) for start in (0, 1))
        is_pair = (first != NOWHERE) & (second != NOWHERE)
        # Offsets are from the pixels' own places, which are a cell apart.
        step = along.diff(dim=axis) / area.cell + 1
        length = torch.hypot(step, across.diff(dim=axis) / area.cell)
        is_torn = is_pair & (first == second) & ((length > MOST_STRETCH) | (step < LEAST_STRETCH))
        for counts, each in ((torn, is_torn), (pairs, is_pair)):
            counts.narrow(axis, 0, each.shape[axis]).add_(each)
    share, total = area.smoothed(torch.stack([torn, pairs]), TORN_SIGMA)
    whole: Tensor = (MANY_TORN - share / (total + 1e-3)) / (MANY_TORN - FEW_TORN)
    return whole.clamp(0, 1)


def _fetched(
    patch: Patch, origins: Origins, is_wanted: Tensor, pictures: Mapping[int, Picture]
) -> tuple[Tensor, Tensor, Tensor]:
    """Read the wanted pixels (n) at their origins.

    Returns which of the n were read from a picture, (m), their colors (3, m) in [0, 1], and whether enough
    was known there, (m).
    """
    device = patch.device
    wanted = is_wanted.nonzero().flatten()
    # As small numbers, which are sorted many times as fast.
    ages = (origins.frame.index_select(0, wanted) - patch.index).to(torch.int16).cpu().numpy()
    order = np.argsort(ages, kind="stable")
    starts = np.flatnonzero(np.diff(ages[order], prepend=_NO_AGE))
    counts = np.diff(starts, append=len(order))
    parts = [pictures.get(patch.index + age) for age in ages[order[starts]].tolist()]
    chosen = [(picture, count) for picture, count in zip(parts, counts.tolist(), strict=True) if picture]
    order = order[np.repeat(np.array([part is not None for part in parts], np.bool_), counts)]
    which = wanted.index_select(0, torch.from_numpy(order).to(device))
    if not chosen:
        return which, torch.zeros(3, 0, device=device), torch.zeros(0, dtype=torch.bool, device=device)
    # Coordinate by coordinate in memory, as the points are.
    places = (patch.points[: patch.hidden_count].T + origins.offset).index_select(1, which)  # (2, m)
    counts_chosen = [count for _, count in chosen]
    corners = torch.stack([corner_of(picture.box, device) for picture, _ in chosen], 1)
    between = corner_of(patch.box, device)[:, None] - corners
    places += between.repeat_interleave(torch.tensor(counts_chosen, device=device), 1)
    readable = [Readable(picture.codes.to(device), picture.known_on(device)) for picture, _ in chosen]
    read, is_read = read_cubic(readable, places.T, counts_chosen)
    return which, read.div_(SCALE), is_read


def _compared(area: Area, colors: Tensor, blend: Tensor, is_found: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is added to the colors (3, n) to have the blend's low frequencies, and how alike both are.

    The latter is 1 where what lies between low and fine agrees, 0 where it contradicts, (n).
    """
    found = is_found.float()
    differs = (blend - colors) * found
    means = area.means(torch.cat([differs, (blend.mean(0) * found)[None], found[None]]))
    low = area.smoothed(means, LOW_SIGMA)
    offset, slow = low[:3] / low[4].clamp_min(1e-6), low[3] / low[4].clamp_min(1e-6)
    middle = area.smoothed(torch.stack([means[:3].mean(0), means[3], means[4]]), MIDDLE_SIGMA)
    bands = middle[:2] / middle[2].clamp_min(1e-6) - torch.stack([offset.mean(0), slow])
    differing, own = area.smoothed((bands * means[4]).square(), LOW_SIGMA) / low[4].clamp_min(1e-6)
    alike = ((UNLIKE - differing / (own + LEAST_ENERGY)) / (UNLIKE - ALIKE)).clamp(0, 1)
    *added, alike = area.at_points(torch.cat([offset, alike[None]]))
    return torch.stack(added), alike
