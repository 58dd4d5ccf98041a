"""The operations that have a CUDA kernel, by torch or by the kernel: the same calls, the same results.

`select` chooses by device. Gradients of a kernel are torch's: the backward pass computes the torch twin anew
and differentiates that, so they are those of the definition, at its speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from vrestore.device.devices import Kernels
from vrestore.errors import DeviceError
from vrestore.frames import Box
from vrestore.kernels import consistency as consistency_kernel
from vrestore.kernels import deform as deform_kernel
from vrestore.kernels import membrane as membrane_kernel
from vrestore.kernels import propagate as propagate_kernel
from vrestore.kernels import runtime
from vrestore.kernels import seam as seam_kernel
from vrestore.kernels import shift_align as shift_align_kernel
from vrestore.kernels import warp as warp_kernel
from vrestore.kernels.launch import Runner
from vrestore.ops.filters.membrane import FINEST_RELAXATIONS, RELAXATIONS, SURROUNDINGS, membrane
from vrestore.ops.filters.seam import LARGEST_STEP, cells_over, match_seam_gain
from vrestore.ops.warp.consistency import Tolerance, consistency
from vrestore.ops.warp.deform import deform_conv
from vrestore.ops.warp.propagate import LEAST_CONFIDENCE, fetch
from vrestore.ops.warp.shift_align import ClipEnd, Motion, shift_align
from vrestore.ops.warp.warp import Padding, warp


class Operations(Protocol):
    """What both kinds can do; each is told at its definition in `vrestore.ops`.

    Pictures, features and frames may be float32, float16 or bfloat16 and keep their type.
    """

    def warp(self, pictures: Tensor, flow: Tensor, *, padding: Padding = "zeros") -> Tensor:
        """See `vrestore.ops.warp.warp.warp`."""
        ...

    def consistency(
        self, points: Tensor, displacement: Tensor, back: Tensor, *, tolerance: Tolerance
    ) -> Tensor:
        """See `vrestore.ops.warp.consistency.consistency`; no gradients."""
        ...

    def fetch(
        self, weighted: Tensor, targets: Tensor, trust: Tensor, *, decay: float, sharpness: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """See `vrestore.ops.warp.propagate.fetch`; no gradients."""
        ...

    def match_seam_gain(
        self,
        colors: Tensor,
        confidence: Tensor,
        known: Tensor,
        points: Tensor,
        window: Box,
        *,
        cell: int,
        sure: float,
    ) -> Tensor:
        """See `vrestore.ops.filters.seam.match_seam_gain`; float32, no gradients."""
        ...

    def membrane(self, values: Tensor, known: Tensor) -> Tensor:
        """See `vrestore.ops.filters.membrane.membrane`; float32, no gradients."""
        ...

    def shift_align(
        self, features: Tensor, motion: Motion, *, fold: int, official: bool, clip_end: ClipEnd = "zeros"
    ) -> Tensor:
        """See `vrestore.ops.warp.shift_align.shift_align`; gradients for the features only."""
        ...

    def deform_conv(
        self,
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
        """See `vrestore.ops.warp.deform.deform_conv`."""
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Which operations serve a device, and why it is these, in a line."""

    name: Literal["torch", "cupy"]
    why: str
    operations: Operations


def select(device: torch.device | str, *, asked: Kernels = "auto") -> Selection:
    """Choose the operations for `device`; raises DeviceError where kernels are asked for that cannot run."""
    if asked == "torch":
        return Selection("torch", "asked for", ByTorch())
    unavailable_reason = runtime.unavailable_reason(torch.device(device))
    if unavailable_reason is None:
        return Selection("cupy", "CUDA kernels, compiled at first use", ByKernels())
    if asked == "cupy":
        raise DeviceError(
            f"--kernels cupy was asked for, but {unavailable_reason}; or pass --kernels auto or torch"
        )
    return Selection("torch", unavailable_reason, ByTorch())


class ByTorch:
    """The definitions, on any device; 16-bit types are widened on the way."""

    def warp(self, pictures: Tensor, flow: Tensor, *, padding: Padding = "zeros") -> Tensor:
        """See `vrestore.ops.warp.warp.warp`."""
        return warp(_wide(pictures), _wide(flow), padding=padding).to(pictures.dtype)

    def consistency(
        self, points: Tensor, displacement: Tensor, back: Tensor, *, tolerance: Tolerance
    ) -> Tensor:
        """See `vrestore.ops.warp.consistency.consistency`."""
        return consistency(points, displacement, _wide(back), tolerance=tolerance)

    def fetch(
        self, weighted: Tensor, targets: Tensor, trust: Tensor, *, decay: float, sharpness: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """See `vrestore.ops.warp.propagate.fetch`."""
        colors, confidence = fetch(_wide(weighted), targets, trust, decay=decay, sharpness=sharpness)
        return colors.to(weighted.dtype), confidence

    def match_seam_gain(
        self,
        colors: Tensor,
        confidence: Tensor,
        known: Tensor,
        points: Tensor,
        window: Box,
        *,
        cell: int,
        sure: float,
    ) -> Tensor:
        """See `vrestore.ops.filters.seam.match_seam_gain`."""
        return match_seam_gain(colors, confidence, known, points, window, cell=cell, sure=sure)

    def membrane(self, values: Tensor, known: Tensor) -> Tensor:
        """See `vrestore.ops.filters.membrane.membrane`."""
        return membrane(values, known)

    def shift_align(
        self, features: Tensor, motion: Motion, *, fold: int, official: bool, clip_end: ClipEnd = "zeros"
    ) -> Tensor:
        """See `vrestore.ops.warp.shift_align.shift_align`."""
        aligned = shift_align(_wide(features), motion, fold=fold, official=official, clip_end=clip_end)
        return aligned.to(features.dtype)

    def deform_conv(
        self,
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
        """See `vrestore.ops.warp.deform.deform_conv`."""
        wide = [None if tensor is None else _wide(tensor) for tensor in (mask, bias)]
        convolved = deform_conv(
            _wide(frames),
            _wide(offset),
            wide[0],
            _wide(weight),
            wide[1],
            stride=stride,
            padding=padding,
            dilation=dilation,
        )
        return convolved.to(frames.dtype)


class ByKernels:
    """The kernels; `runner` launches them."""

    def __init__(self, runner: Runner = runtime.run) -> None:
        self._runner = runner
        self._twin = ByTorch()

    def warp(self, pictures: Tensor, flow: Tensor, *, padding: Padding = "zeros") -> Tensor:
        """See `vrestore.ops.warp.warp.warp`."""
        return _with_gradients(
            partial(warp_kernel.warp, padding=padding, runner=self._runner),
            partial(self._twin.warp, padding=padding),
            pictures,
            flow,
        )

    def consistency(
        self, points: Tensor, displacement: Tensor, back: Tensor, *, tolerance: Tolerance
    ) -> Tensor:
        """See `vrestore.ops.warp.consistency.consistency`."""
        return consistency_kernel.consistency(
            points,
            displacement,
            back,
            pixels=tolerance.pixels,
            share=tolerance.share,
            softness=tolerance.softness,
            runner=self._runner,
        )

    def fetch(
        self, weighted: Tensor, targets: Tensor, trust: Tensor, *, decay: float, sharpness: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """See `vrestore.ops.warp.propagate.fetch`."""
        return propagate_kernel.fetch(
            weighted,
            targets,
            trust,
            decay=decay,
            least=LEAST_CONFIDENCE,
            sharpness=sharpness,
            runner=self._runner,
        )

    def match_seam_gain(
        self,
        colors: Tensor,
        confidence: Tensor,
        known: Tensor,
        points: Tensor,
        window: Box,
        *,
        cell: int,
        sure: float,
    ) -> Tensor:
        """See `vrestore.ops.filters.seam.match_seam_gain`."""
        cell, rows, columns = cells_over(window.height, window.width, cell)
        return seam_kernel.match_seam_gain(
            colors,
            confidence,
            known,
            points,
            left=window.x,
            top=window.y,
            rows=rows,
            columns=columns,
            cell=cell,
            sure=sure,
            largest=LARGEST_STEP,
            runner=self._runner,
        )

    def membrane(self, values: Tensor, known: Tensor) -> Tensor:
        """See `vrestore.ops.filters.membrane.membrane`."""
        return membrane_kernel.membrane(
            values,
            known,
            surroundings=SURROUNDINGS,
            relaxations=RELAXATIONS,
            finest_relaxations=FINEST_RELAXATIONS,
            runner=self._runner,
        )

    def place(self, motion: Motion, height: int, width: int, *, official: bool) -> Tensor:
        """Return where pixels are read, for all layers of a scale: see `kernels.shift_align.place`."""
        return shift_align_kernel.place(
            motion.forward,
            motion.backward,
            motion.forward_doubt,
            motion.backward_doubt,
            height=height,
            width=width,
            official=official,
            runner=self._runner,
        )

    def align(self, features: Tensor, placed: Tensor, *, fold: int, official: bool) -> Tensor:
        """Shift and align by what `place` gave, zeros at the ends of the clip; no gradients."""
        return shift_align_kernel.shift_align(
            features, placed, fold=fold, official=official, keeps_ends=False, runner=self._runner
        )

    def shift_align(
        self, features: Tensor, motion: Motion, *, fold: int, official: bool, clip_end: ClipEnd = "zeros"
    ) -> Tensor:
        """See `vrestore.ops.warp.shift_align.shift_align`."""
        placed = self.place(motion, *features.shape[-2:], official=official)
        kernel = partial(
            shift_align_kernel.shift_align,
            placed=placed,
            fold=fold,
            official=official,
            keeps_ends=clip_end == "own",
            runner=self._runner,
        )
        twin = partial(self._twin.shift_align, motion=motion, fold=fold, official=official, clip_end=clip_end)
        return _with_gradients(kernel, twin, features)

    def deform_conv(
        self,
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
        """See `vrestore.ops.warp.deform.deform_conv`."""
        kernel = partial(
            deform_kernel.deform_conv,
            stride=stride,
            padding=padding,
            dilation=dilation,
            runner=self._runner,
        )
        twin = partial(self._twin.deform_conv, stride=stride, padding=padding, dilation=dilation)
        return _with_gradients(kernel, twin, frames, offset, mask, weight, bias)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in {torch.float16, torch.bfloat16} else tensor


def _with_gradients(
    kernel: Callable[..., Tensor], twin: Callable[..., Tensor], *tensors: Tensor | None
) -> Tensor:
    """Call the kernel; where gradients are asked for they are the twin's, computed anew."""
    result: Tensor = _Recomputed.apply(kernel, twin, *tensors)  # type: ignore[no-untyped-call] # torch's own
    return result


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch gives it no type
        kernel: Callable[..., Tensor],
        twin: Callable[..., Tensor],
        *tensors: Tensor | None,
    ) -> Tensor:
        ctx.twin = twin
        ctx.save_for_backward(*tensors)
        return kernel(*tensors)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        needed = ctx.needs_input_grad[2:]
        tensors = [
            None if tensor is None else tensor.detach().requires_grad_(is_needed)
            for tensor, is_needed in zip(ctx.saved_tensors, needed, strict=True)
        ]
        with torch.enable_grad():
            result = ctx.twin(*tensors)
        asked = [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]
        found = iter(torch.autograd.grad(result, asked, gradient.to(result.dtype)))
        return None, None, *(next(found) if is_needed else None for is_needed in needed)
