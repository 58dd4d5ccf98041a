"""Windows: what the network sees of a filled patch, and how the windows of neighboring frames move.

All windows of a track have one size and follow its hole, so that the work grows with the hole and not with
the picture or with how far the hole travels. The way from one window to the next is part of the motion that
shift-and-align is given: no layer knows that its frame was cut out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vrestore.device.transfers import Transfers
from vrestore.flow.estimator import FlowEstimator
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.patch import gray
from vrestore.methods.inpaint.propagation.blending import regularize
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.models.tsam.network import Clip
from vrestore.ops.warp.consistency import Tolerance, consistency
from vrestore.ops.warp.shift_align import Motion
from vrestore.ops.warp.warp import is_inside, pixel_grid, sample
from vrestore.threads import Arrived, Pending

TOLERANCE = Tolerance(pixels=3.0, softness=1.5)

FLOW_MARGIN = 32
"""Pixels around a window that its motion is estimated on."""


@dataclass(frozen=True)
class Window:
    """A filled patch as the network sees it, from (x, y) in frame coordinates on.

    `values` (9, h, w) are pictures in [0, 1]: the softened filling, the filling as it was propagated, its
    confidence and agreement, both 1 outside the hole, and the hole; they are where the patch is. `gray` is
    the whole patch, (H, W) uint8 on the CPU, which the motion is estimated on.
    """

    filled: Filled
    x: int
    y: int
    values: Tensor
    gray: Pending[Tensor]

    @property
    def corner(self) -> Tensor:
        """Where the window starts in its patch, (x, y); outside if the patch is smaller."""
        box = self.filled.patch.box
        return torch.tensor([self.x - box.x, self.y - box.y], device=self.values.device)

    @property
    def height(self) -> int:
        """The window's height in pixels."""
        return self.values.shape[1]

    @property
    def width(self) -> int:
        """The window's width in pixels."""
        return self.values.shape[2]


def window_of(filled: Filled, *, height: int, width: int, transfers: Transfers | None = None) -> Window:
    """Cut a window of the given size around the hole of a patch; a smaller patch is continued.

    With `transfers` the gray picture of a patch on a device comes down while other work goes on.
    """
    patch = filled.patch
    # Of a neighbor without a hole the middle is as good as any other part.
    around = patch.hole if patch.hidden_count else patch.whole
    x, left, right = _placed(around.x, around.width, width, within=patch.box.width)
    y, top, below = _placed(around.y, around.height, height, within=patch.box.height)
    cut = Box(x + left, y + top, width - left - right, height - top - below)
    whole = patch.filled(regularize(filled).colors, patch.whole)  # (3, H, W)
    grayed = gray(whole)
    sureness = torch.ones(3, *patch.hidden.shape, device=patch.device)  # confidence, agreement, hole
    sureness[2] = 0
    in_hole = torch.stack([filled.confidence, filled.agreement, torch.ones_like(filled.confidence)])  # (3, n)
    sureness.flatten(1).index_copy_(1, patch.places_in(patch.whole), in_hole)
    parts = [whole[:, cut.rows, cut.columns], patch.filled(filled.colors, cut)]
    values = torch.cat([*parts, sureness[:, cut.rows, cut.columns]])  # (9, h, w)
    if (left, right, top, below) != (0, 0, 0, 0):
        values = F.pad(values[None], (left, right, top, below), mode="replicate")[0]
    return Window(
        filled=filled,
        x=patch.box.x + x,
        y=patch.box.y + y,
        values=values,
        gray=Arrived(grayed.cpu()) if transfers is None else transfers.down(grayed),
    )


def clip_of(windows: Sequence[Window]) -> Clip:
    """Put windows together to the network's input."""
    values = [window.values for window in windows]
    if len({each.device for each in values}) > 1:
        # Some fell to the CPU: there all of them can be.
        values = [each.cpu() for each in values]
    picture, fetched, confidence, agreement, hidden = torch.split(torch.stack(values), [3, 3, 1, 1, 1], dim=1)
    return Clip(picture, hidden > 0, confidence, torch.cat([fetched - picture, agreement], dim=1))


def motion_between(before: Window, after: Window, estimate: FlowEstimator, *, scale: int = 1) -> Motion:
    """Return the motion of one pair of windows at half the size of a network that works `scale` times
    smaller.

    It is estimated on pictures as small as the network sees. What leaves the window is doubtful.
    """
    cell = 2 * scale
    height, width = before.height // cell, before.width // cell
    common = before.filled.patch.box.intersection(after.filled.patch.box)
    if common is not None:
        common = common.intersection(_around(before, after))
    # Nothing in common: as good as a cut, all of it in doubt.
    if common is None or min(common.width, common.height) < scale:
        still, occlusion = torch.zeros(1, 2, height, width), torch.ones(1, 1, height, width)
        return Motion(still, still, occlusion, occlusion)
    cuts = [_cut(window, common, scale) for window in (before, after)]
    there = torch.from_numpy(estimate(cuts[0], cuts[1]))
    back = torch.from_numpy(estimate(cuts[1], cuts[0]))
    forward, forward_doubt = _in_cells(there, back, before, after, common, scale)
    backward, backward_doubt = _in_cells(back, there, after, before, common, scale)
    return Motion(forward, backward, forward_doubt, backward_doubt)


def _in_cells(
    flow: Tensor, back: Tensor, of: Window, towards: Window, common: Box, scale: int
) -> tuple[Tensor, Tensor]:
    """Read the flow of `common`, `scale` times smaller, at the middles of a window's cells.

    Gives it in cells of the other window.
    """
    cell = 2 * scale
    height, width = of.height // cell, of.width // cell
    corner = torch.tensor([of.x - common.x, of.y - common.y], dtype=torch.float32)
    # The middles of the cells, (h * w, 2), in pixels.
    points = pixel_grid(height, width).flatten(1).T * cell + (cell - 1) / 2 + corner
    # The same middles in a picture `scale` times smaller, whose pixels are counted from their own middles.
    small = (points + 0.5) / scale - 0.5
    displacement = sample(flow, small, padding="border").T  # (h * w, 2)
    trust = consistency(small, displacement, back, tolerance=TOLERANCE.in_cells(scale))
    trust = trust * is_inside(points, height=common.height, width=common.width)
    shift = torch.tensor([of.x - towards.x, of.y - towards.y], dtype=torch.float32)
    # The windows themselves have moved apart by `shift`; the network knows nothing of that.
    moved = (displacement * scale + shift).T / cell
    # (h * w) back to rows and columns; the network is given doubt, 1 where nothing is to be trusted.
    return moved.reshape(1, 2, height, width), 1 - trust.reshape(1, 1, height, width)


def _placed(hole: int, hole_size: int, size: int, *, within: int) -> tuple[int, int, int]:
    """Place a stretch of `size` around a hole; returns its start and what stands out before and behind.

    It stands out of a patch of `within` only where that is smaller.
    """
    start = (within - size) // 2 if within < size else hole + (hole_size - size) // 2
    if within >= size:
        start = min(max(start, 0), within - size)
    return start, max(0, -start), max(0, start + size - within)


def _around(*windows: Window) -> Box:
    left = max(0, min(window.x for window in windows) - FLOW_MARGIN)
    top = max(0, min(window.y for window in windows) - FLOW_MARGIN)
    right = max(window.x + window.width for window in windows) + FLOW_MARGIN
    bottom = max(window.y + window.height for window in windows) + FLOW_MARGIN
    return Box(left, top, right - left, bottom - top)


def _cut(window: Window, box: Box, scale: int) -> NDArray[np.uint8]:
    """Cut a box out of the patch of a window, `scale` times smaller; what is over at its end is left out."""
    inner = box.relative_to(window.filled.patch.box)
    height, width = box.height // scale, box.width // scale
    cut = window.gray.result().numpy()[inner.rows, inner.columns][: height * scale, : width * scale]
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
