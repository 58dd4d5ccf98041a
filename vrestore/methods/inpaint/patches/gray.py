"""Patches as the flow estimator sees them: gray, in cells, with something in place of the hole.

On the CPU by NumPy and OpenCV, on a device by torch, by the same rules up to rounding; from there only cells
are copied back.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vrestore.flow.cells import mean_of_cells
from vrestore.methods.inpaint.patches.patch import Patch
from vrestore.ops.filters.membrane import membrane
from vrestore.ops.resample.quantize import resized_by_torch


def gray_without_hole(patch: Patch, cell: int) -> NDArray[np.uint8]:
    """Return a patch in gray, in cells, with the hole closed by a membrane, so that its edge makes no motion.

    A cell that is hidden in part is the mean of what is known of it.
    """
    if patch.device.type != "cpu":
        return _without_hole_on_device(patch, cell)
    known_gray = patch.known_gray.numpy()
    result = mean_of_cells(known_gray, cell)
    if not patch.hidden_count:
        return result
    cells, window = patch.cells_of_hole(cell)
    planes = known_gray[window.rows, window.columns], ~patch.hidden[window.rows, window.columns]
    luma, share = (mean_of_cells(plane.astype(np.float32), cell) for plane in planes)
    # Hidden pixels are zero, so the mean of a cell over its known share is the mean of what is known.
    known = torch.from_numpy(luma / np.maximum(share, 1e-6))[None]  # (1, h, w)
    closed = membrane(known, torch.from_numpy(share > 0))[0]
    result[cells.rows, cells.columns] = closed.round_().byte().numpy()
    return result


def gray_filled(patch: Patch, luma: Tensor, cell: int) -> NDArray[np.uint8]:
    """Return a patch in gray, in cells, with the hidden pixels set to `luma` (1, n) in [0, 1]."""
    if patch.device.type != "cpu":
        return _filled_on_device(patch, luma, cell)
    result = patch.known_gray.numpy().copy()
    result[patch.hidden] = (luma[0] * 255).round_().byte().numpy()
    return mean_of_cells(result, cell)


def mean_of_codes(picture: Tensor, cell: int) -> Tensor:
    """Return a gray picture (H, W) uint8 in cells, rounded as `vrestore.flow.cells.mean_of_cells` rounds."""
    # Padding knows no bytes; the way through floats is exact.
    whole = _whole_cells(picture.float(), cell).byte()
    height, width = whole.shape
    return resized_by_torch(whole, (height // cell, width // cell)).byte()


def _without_hole_on_device(patch: Patch, cell: int) -> NDArray[np.uint8]:
    result = mean_of_codes(patch.known_gray, cell)
    if patch.hidden_count:
        cells, window = patch.cells_of_hole(cell)
        shown = torch.ones(window.height, window.width, device=patch.device)
        shown.flatten().index_fill_(0, patch.places_in(window), 0)  # 1 where known
        known_gray = patch.known_gray[window.rows, window.columns].float()
        luma, share = (_mean_of_cells(plane, cell) for plane in (known_gray, shown))
        known = (luma / share.clamp_min(1e-6))[None]  # (1, h, w)
        closed = membrane(known, share > 0, backend=patch.backend)[0]
        result[cells.rows, cells.columns] = closed.round_().byte()
    return result.cpu().numpy()


def _filled_on_device(patch: Patch, luma: Tensor, cell: int) -> NDArray[np.uint8]:
    result = patch.known_gray.clone()
    result.flatten().index_copy_(0, patch.places_in(patch.whole), (luma[0] * 255).round_().byte())
    return mean_of_codes(result, cell).cpu().numpy()


def _mean_of_cells(picture: Tensor, cell: int) -> Tensor:
    """Return a picture (H, W) in cells."""
    return F.avg_pool2d(_whole_cells(picture, cell)[None], cell)[0]


def _whole_cells(picture: Tensor, cell: int) -> Tensor:
    """Let the border of a picture (H, W) go on at its end until all cells are whole."""
    height, width = picture.shape
    return F.pad(picture[None], (0, -width % cell, 0, -height % cell), mode="replicate")[0]
