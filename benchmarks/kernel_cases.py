"""What the kernels are timed on: random pictures, and motion that is smooth but for a pixel's tremble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.frames import Box
from vrestore.ops import Backend
from vrestore.ops.filters.membrane import membrane
from vrestore.ops.filters.seam import match_seam_gain
from vrestore.ops.warp.deform import deform_conv
from vrestore.ops.warp.propagate import fetch
from vrestore.ops.warp.shift_align import Motion, align_placed, place, shift_align
from vrestore.ops.warp.warp import pixel_grid, warp

REACH, TREMBLE, GRAIN = 16.0, 0.5, 48
"""Pixels of motion, pixels it varies from one to the next, pixels from one change of course to the next."""

GROUPS, TAPS = 8, 3
"""The deformable convolution's groups of offsets, and the width of its kernel."""

DOUBTED = 0.1
"""The share of pixels whose flow is not trusted at all."""


@dataclass(frozen=True)
class Sizes:
    """How large the data is: `count` features or pictures of channels x height x width."""

    count: int = 16
    channels: int = 256
    height: int = 240
    width: int = 432
    large_height: int = 2160
    large_width: int = 3840
    """The size of the frames that colors are carried between."""


@dataclass(frozen=True)
class Case:
    """One piece of work, done by either backend."""

    run: Callable[[Backend], Tensor]
    bytes_moved: int
    """What must be read and written once, whatever does it."""
    min_share: float | None = None
    """The share of the copy bandwidth that the kernel should reach."""
    min_ratio: float | None = None
    """How many times as fast as torch the kernel should be."""
    rivals: dict[str, Callable[[], Tensor]] = field(default_factory=dict)
    """Other ways to do about the same."""


def warp_case(sizes: Sizes, device: torch.device, dtype: torch.dtype, *, is_last: bool) -> Case:
    """Warp features; `grid_sample` alone, with a grid in their type, is the rival."""
    pictures = _features(sizes, device, dtype)
    if not is_last:
        pictures = pictures.contiguous()
    flow = _flow(sizes.count, sizes.height, sizes.width, device)
    scale = flow.new_tensor([2 / (sizes.width - 1), 2 / (sizes.height - 1)])
    grid = pixel_grid(sizes.height, sizes.width, device=device) + flow
    given = (grid.permute(0, 2, 3, 1) * scale - 1).to(dtype)
    return Case(
        lambda backend: warp(pictures, flow, backend=backend),
        2 * _bytes(pictures) + _bytes(flow),
        min_share=0.7 if is_last else None,
        rivals={"grid_sample alone": lambda: F.grid_sample(pictures, given, align_corners=True)},
    )


def shift_align_case(sizes: Sizes, device: torch.device, dtype: torch.dtype, *, official: bool) -> Case:
    """Shift and align features as the decoder does: a quarter of the channels each way."""
    features = _features(sizes, device, dtype)
    flows = [_flow(sizes.count - 1, sizes.height, sizes.width, device) for _ in range(2)]
    doubts = [(torch.rand_like(flow[:, :1]) < DOUBTED).float() for flow in flows]
    motion = Motion(flows[0], flows[1], doubts[0], doubts[1])
    fold = sizes.channels // 4

    def run(backend: Backend) -> Tensor:
        runner = backend.runner_for(features)
        if runner is None:
            return shift_align(features, motion, fold=fold, official=official, clip_end="own")
        placed = place(motion, sizes.height, sizes.width, official=official, runner=runner)
        return align_placed(features, placed, fold=fold, official=official, clip_end="own", runner=runner)

    return Case(
        run,
        2 * _bytes(features) + sum(map(_bytes, [*flows, *doubts])),
        min_share=0.7,
        min_ratio=4.0,
    )


def propagate_features_case(sizes: Sizes, device: torch.device, dtype: torch.dtype) -> Case:
    """Carry features and confidence to every pixel, picture by picture, one plane behind the other."""
    pictures = torch.rand(sizes.count, sizes.channels, sizes.height, sizes.width, device=device).to(dtype)
    return _propagate(pictures, min_share=0.7)


def propagate_colors_case(sizes: Sizes, device: torch.device) -> Case:
    """Carry colors and confidence between large frames, all of a pixel together."""
    shape = (1, sizes.large_height, sizes.large_width, 4)
    return _propagate(torch.rand(shape, device=device).permute(0, 3, 1, 2), min_share=None)


def membrane_case(sizes: Sizes, device: torch.device) -> Case:
    """Close the hole of a crop as large as the features; its steps wait for each other."""
    height, width = sizes.height, sizes.width
    picture = torch.rand(3, height, width, device=device)
    known = torch.ones(height, width, dtype=torch.bool, device=device)
    known[height // 4 : -height // 4, width // 4 : -width // 4] = False
    return Case(
        lambda backend: membrane(picture, known, backend=backend), 2 * _bytes(picture) + 3 * _bytes(known)
    )


def seam_case(sizes: Sizes, device: torch.device) -> Case:
    """Let a hole of a quarter of such a crop meet its rim."""
    window = Box(0, 0, sizes.width // 2, sizes.height // 2)
    points = pixel_grid(window.height, window.width, device=device).flatten(1).T.contiguous()
    rim = min(5 * 2 * (window.width + window.height), len(points) // 2)
    points = points[torch.randperm(len(points), device=device)]
    colors, confidence = torch.rand(3, len(points), device=device), torch.rand(len(points), device=device)
    known = colors[:, -rim:] + 0.1 * torch.randn(3, rim, device=device)
    moved = sum(map(_bytes, [colors, colors[:, rim:], confidence[-rim:], known, points]))
    return Case(
        lambda backend: match_seam_gain(
            colors, confidence, known, points, window, cell=4, sure=0.5, backend=backend
        ),
        moved,
    )


def deform_case(sizes: Sizes, device: torch.device, dtype: torch.dtype) -> Case:
    """Convolve a quarter of the channels at half the size, as alignment does."""
    channels, height, width = sizes.channels // 4, sizes.height // 2, sizes.width // 2
    quarter = Sizes(sizes.count, channels, height, width)
    frames = _features(quarter, device, dtype)
    taps = TAPS * TAPS
    offset = 2 * _features(Sizes(sizes.count, 2 * GROUPS * taps, height, width), device, dtype)
    mask = _features(Sizes(sizes.count, GROUPS * taps, height, width), device, dtype).sigmoid()
    weight = (torch.randn(channels, channels, TAPS, TAPS, device=device) / (channels * taps) ** 0.5).to(dtype)
    bias = torch.zeros(channels, device=device, dtype=dtype)
    return Case(
        lambda backend: deform_conv(frames, offset, mask, weight, bias, padding=TAPS // 2, backend=backend),
        2 * _bytes(frames) + _bytes(offset) + _bytes(mask) + _bytes(weight),
        min_ratio=2.0,
    )


def _propagate(pictures: Tensor, *, min_share: float | None) -> Case:
    count, planes, height, width = pictures.shape
    flow = _flow(count, height, width, pictures.device)
    targets = (pixel_grid(height, width, device=flow.device) + flow).flatten(2).transpose(1, 2).contiguous()
    trust = torch.rand(count, height * width, device=flow.device)

    def run(backend: Backend) -> Tensor:
        parts = zip(pictures, targets, trust, strict=True)
        return [fetch(*part, decay=0.98, backend=backend) for part in parts][-1][0]

    written = count * height * width * ((planes - 1) * pictures.element_size() + 4)
    moved = _bytes(pictures) + _bytes(targets) + _bytes(trust) + written
    return Case(run, moved, min_share=min_share)


def _features(sizes: Sizes, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return channels-last noise."""
    shape = (sizes.count, sizes.height, sizes.width, sizes.channels)
    return torch.randn(shape, device=device, dtype=dtype).permute(0, 3, 1, 2)


def _flow(count: int, height: int, width: int, device: torch.device) -> Tensor:
    coarse = torch.randn(count, 2, height // GRAIN + 2, width // GRAIN + 2, device=device)
    smooth = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=True)
    return REACH / 2 * smooth + TREMBLE * torch.randn_like(smooth)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
