"""Modulated deformable convolution: every tap of the kernel reads where an offset sends it.

DCNv2 of Zhu, Hu, Lin and Dai, "Deformable ConvNets v2" (CVPR 2019), eq. 1, with torchvision's layout:
offsets (N, 2*G*K, Ho, Wo) hold dy before dx of tap k of group g at channel 2*(g*K + k), masks (N, G*K, Ho,
Wo) its weight at g*K + k, and are not squashed here. K taps are numbered along the kernel's rows; input
channel c belongs to group c // (C/G). What lies outside the picture is 0, so values fade within one pixel
beyond its border.

`deform_conv_exact` is the definition, corner by corner. `deform_conv` is several times as fast: where all
channels go by the same offsets it reads them together, else it reads through `grid_sample`, whose coordinates
go to [-1, 1] and back, up to 1e-4 off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.kernels import deform as kernel
from vrestore.ops.dispatch import TORCH, Backend, widened

Reader = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Reads pictures (M, c, H, W) at y and x, bilinearly with zeros around, times amounts; gives (M, c, P).

Coordinates and amounts are (M, P).
"""


def deform_conv(
    frames: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    backend: Backend = TORCH,
) -> Tensor:
    """Convolve `frames` (N, C, H, W) by `weight` (Cout, C/n, kh, kw) at displaced taps; (N, Cout, Ho, Wo).

    Groups of offsets and of weights are read off the shapes. An offset that is not finite counts as 0.

    Args:
        offset: (N, 2*G*kh*kw, Ho, Wo), in pixels of `frames`.
        mask: (N, G*kh*kw, Ho, Wo), None for ones.
        backend: what serves; see `vrestore.ops.dispatch`.

    Raises:
        ValueError: The shapes do not fit together.
    """
    steps = stride, padding, dilation
    runner = backend.runner_for(frames, offset, mask, weight, bias)
    if runner is None:
        wide = [None if tensor is None else widened(tensor) for tensor in (mask, bias)]
        convolved = _convolve_fast(widened(frames), widened(offset), wide[0], widened(weight), wide[1], steps)
        return convolved.to(frames.dtype)
    return kernel.deform_conv(
        frames,
        offset,
        mask,
        weight,
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        runner=runner,
    )


def _convolve_fast(
    frames: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    steps: tuple[int, int, int],
) -> Tensor:
    read = _read_by_grid
    if offset.shape[1] == 2 * weight[0, 0].numel():
        # One group of offsets: all channels of a place are read by the same four rows of a table.
        frames, read = frames.contiguous(memory_format=torch.channels_last), _read_by_bags
    most = CACHED_PLACES if frames.device.type == "cpu" else None
    return _convolve(read, frames, offset, mask, weight, bias, steps, most)


def deform_conv_exact(
    frames: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Tensor:
    """Do the same slowly, with coordinates that are not rounded on their way: what `deform_conv` means."""
    return _convolve(_read_by_corners, frames, offset, mask, weight, bias, (stride, padding, dilation))


CACHED_PLACES = 8192
"""Places of the output that are reckoned together, so that what was read is still in a processor's cache."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a call's tensors divide: groups of offsets, groups of weights, taps and the output's size."""

    groups: int
    weight_groups: int
    taps: tuple[int, int]
    height: int
    width: int


def _convolve(
    read: Reader,
    frames: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    steps: tuple[int, int, int],
    max_places: int | None = None,
) -> Tensor:
    shape = _shape_of(frames, offset, mask, weight, steps)
    count, channels, groups, outer = *frames.shape[:2], shape.groups, shape.weight_groups
    inner, taps = weight.shape[1], shape.taps[0] * shape.taps[1]
    grouped = frames.reshape(count * groups, channels // groups, *frames.shape[-2:])  # (N*G, C/G, H, W)
    apart = torch.nan_to_num(offset, posinf=0.0, neginf=0.0)
    apart = apart.reshape(count * groups, taps, 2, shape.height, shape.width)  # (N*G, K, dy dx, Ho, Wo)
    amounts = offset.new_ones(()) if mask is None else mask
    amounts = amounts.expand(count, groups * taps, shape.height, shape.width)
    amounts = amounts.reshape(count * groups, taps, shape.height, shape.width)  # (N*G, K, Ho, Wo)
    kernel = weight.reshape(outer, -1, inner, taps).repeat(count, 1, 1, 1)  # (N*n, Cout/n, C/n, K)
    rows = shape.height if max_places is None else max(1, max_places // shape.width)
    parts = []
    for top in range(0, shape.height, rows):
        height = min(rows, shape.height - top)
        part, places = slice(top, top + height), height * shape.width
        total = weight.new_zeros(*kernel.shape[:2], places)  # (N*n, Cout/n, places)
        # Tap by tap: all at once would need the memory of nine pictures, and the time to touch it.
        for tap in range(taps):
            y, x = _points(apart[:, tap, :, part], shape, tap, steps, top)
            values = read(grouped, y, x, amounts[:, tap, part].flatten(1))
            total.baddbmm_(kernel[..., tap], values.reshape(-1, inner, places))
        parts.append(total.reshape(count, weight.shape[0], height, shape.width))  # (N, Cout, h, Wo)
    result = torch.cat(parts, 2)
    return result if bias is None else result + bias[:, None, None]


def _points(
    offset: Tensor, shape: _Shape, tap: int, steps: tuple[int, int, int], top: int
) -> tuple[Tensor, Tensor]:
    """Return y and x, (M, h*Wo) each, that a tap with offsets (M, 2, h, Wo) from row `top` on reads at."""
    stride, padding, dilation = steps
    i, j = divmod(tap, shape.taps[1])  # row and column of the tap in the kernel
    below = torch.arange(top, top + offset.shape[2], device=offset.device)
    rows = below * stride + (i * dilation - padding)
    columns = torch.arange(shape.width, device=offset.device) * stride + (j * dilation - padding)
    y, x = offset[:, 0] + rows[:, None].to(offset.dtype), offset[:, 1] + columns.to(offset.dtype)
    return y.flatten(1), x.flatten(1)


def _read_by_corners(pictures: Tensor, y: Tensor, x: Tensor, amounts: Tensor) -> Tensor:
    flat = pictures.flatten(2)  # (M, c, H*W)
    result = flat.new_zeros(*flat.shape[:2], y.shape[1])
    for index, share in _corners(y, x, *pictures.shape[-2:]):
        values = flat.gather(2, index[:, None].expand(-1, flat.shape[1], -1))
        result = result + values * share[:, None]
    return result.mul_(amounts[:, None])


def _read_by_bags(pictures: Tensor, y: Tensor, x: Tensor, amounts: Tensor) -> Tensor:
    """Read the channels of a place together: four rows of a table, summed by their shares."""
    count, channels, height, width = pictures.shape
    first = torch.arange(0, count * height * width, height * width, device=y.device)[:, None]  # (M, 1)
    corners = _corners(y, x, height, width)
    rows = torch.stack([index + first for index, _ in corners], -1).view(-1, 4)
    shares = torch.stack([share * amounts for _, share in corners], -1).view(-1, 4)
    table = pictures.permute(0, 2, 3, 1).reshape(-1, channels)  # (M*H*W, c), a row a pixel
    values = F.embedding_bag(rows, table, mode="sum", per_sample_weights=shares)
    return values.view(count, -1, channels).transpose(1, 2)  # (M, c, P)


def _corners(y: Tensor, x: Tensor, height: int, width: int) -> list[tuple[Tensor, Tensor]]:
    """Return the four pixels around each point: where they are in a flattened picture, and their shares."""
    # The corner is piecewise constant: gradients go through the shares alone.
    top, left = y.detach().floor(), x.detach().floor()
    below, right = y - top, x - left
    corners = []
    for row, column, share in (
        (top, left, (1 - below) * (1 - right)),
        (top, left + 1, (1 - below) * right),
        (top + 1, left, below * (1 - right)),
        (top + 1, left + 1, below * right),
    ):
        inside = (row >= 0) & (row <= height - 1) & (column >= 0) & (column <= width - 1)
        index = row.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
        corners.append((index, share * inside))
    return corners


def _read_by_grid(pictures: Tensor, y: Tensor, x: Tensor, amounts: Tensor) -> Tensor:
    height, width = pictures.shape[-2:]
    # Far outside all is 0; without the bound, grid_sample's integers overflow.
    x, y = x.clamp(-2, width + 1), y.clamp(-2, height + 1)
    grid = torch.stack([x * (2 / width) + (1 / width - 1), y * (2 / height) + (1 / height - 1)], -1)
    grid = grid[:, None].to(pictures.dtype)  # (M, 1, P, 2)
    values = F.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)[:, :, 0]
    return values.mul_(amounts[:, None])


def _shape_of(
    frames: Tensor, offset: Tensor, mask: Tensor | None, weight: Tensor, steps: tuple[int, int, int]
) -> _Shape:
    stride, padding, dilation = steps
    channels, (tall, wide) = frames.shape[1], weight.shape[-2:]
    taps = tall * wide
    if min(stride, dilation) < 1 or padding < 0:
        raise ValueError(f"stride and dilation are 1 or more, padding 0 or more, got {steps}")
    height = (frames.shape[2] + 2 * padding - dilation * (tall - 1) - 1) // stride + 1
    width = (frames.shape[3] + 2 * padding - dilation * (wide - 1) - 1) // stride + 1
    if min(height, width) < 1:
        raise ValueError(f"a kernel of {tall}x{wide} does not fit into {tuple(frames.shape)}")
    groups = offset.shape[1] // (2 * taps)
    if groups < 1 or channels % groups:
        raise ValueError(f"{channels} channels do not divide into {groups} groups of offsets")
    weight_groups = channels // weight.shape[1]
    if weight_groups < 1 or channels % weight.shape[1] or weight.shape[0] % weight_groups:
        raise ValueError(f"weight {tuple(weight.shape)} does not divide {channels} channels")
    expected = (frames.shape[0], 2 * groups * taps, height, width)
    if tuple(offset.shape) != expected:
        raise ValueError(f"offset is {tuple(offset.shape)}, expected {expected}")
    if mask is not None and tuple(mask.shape) != (expected[0], groups * taps, height, width):
        raise ValueError(
            f"mask is {tuple(mask.shape)}, expected {(expected[0], groups * taps, height, width)}"
        )
    return _Shape(groups, weight_groups, (tall, wide), height, width)
