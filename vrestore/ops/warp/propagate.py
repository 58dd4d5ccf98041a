"""One step of propagation: fetch colors for points from a neighboring frame, with their confidence."""

from __future__ import annotations

from torch import Tensor

from vrestore.kernels import propagate as kernel
from vrestore.ops.dispatch import TORCH, Backend, widened
from vrestore.ops.warp.warp import sample

LEAST_CONFIDENCE = 0.02
"""Below this a fetched color counts as unknown: it is mostly a rest of interpolation at a border."""


def fetch(
    weighted: Tensor,
    targets: Tensor,
    trust: Tensor,
    *,
    decay: float,
    sharpness: float = 0.0,
    backend: Backend = TORCH,
) -> tuple[Tensor, Tensor]:
    """Fetch colors at `targets` (n, 2) of a picture; returns (C, n) and their confidence (n).

    `weighted` (C + 1, H, W) holds the colors multiplied by their confidence, then the confidence: so
    unknown pixels take no part in the interpolation. The result's confidence is that of its sources times
    `trust` (n), the flow's, times `decay` for growing a frame older.

    Bilinear reading takes some sharpness at each step. Up to `sharpness`, in [0, 1], of the colors, which
    are in [0, 1] then, is read by cubic convolution instead: all of that share where a color is sure, none
    from half a confidence down, for of two wrong colors the softer one is nearer to the truth.
    The colors have the type of `weighted`, the confidence is float32.
    """
    runner = backend.runner_for(weighted, targets, trust)
    if runner is not None:
        return kernel.fetch(
            weighted,
            targets,
            trust,
            decay=decay,
            least=LEAST_CONFIDENCE,
            sharpness=sharpness,
            runner=runner,
        )
    colors, confidence = _fetch(widened(weighted), targets, trust, decay=decay, sharpness=sharpness)
    return colors.to(weighted.dtype), confidence


def _fetch(
    weighted: Tensor, targets: Tensor, trust: Tensor, *, decay: float, sharpness: float
) -> tuple[Tensor, Tensor]:
    read = sample(weighted, targets)  # (C + 1, n)
    known = read[-1]
    # Over the interpolated confidence: a mean of the known corners, however few there are.
    colors = read[:-1] / known.clamp_min(1e-4)
    if sharpness:
        cubic = sample(weighted, targets, is_cubic=True)
        # Cubic weights are negative in part and overshoot at edges.
        sharp = (cubic[:-1] / cubic[-1].clamp_min(1e-4)).clamp_(0, 1)
        # 0 at a confidence of a half and below, 1 at full.
        colors = colors.lerp(sharp, sharpness * (2 * known * trust - 1).clamp_(0, 1))
    carried = known * trust * decay
    return colors, carried * (carried > LEAST_CONFIDENCE)
