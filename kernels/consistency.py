"""Launches `consistency.cu`: confidence of a displacement from the way there and back."""

from __future__ import annotations

import numpy as np
import torch

from vrestore.kernels.launch import (
    THREADS,
    Array,
    Launch,
    Runner,
    as_tensor,
    blocks_for,
    check,
    element_of,
    floats,
    index_of,
    vector_of,
)
from vrestore.kernels.runtime import run


def consistency(
    points: Array,
    displacement: Array,
    back: Array,
    *,
    pixels: float,
    share: float,
    softness: float,
    runner: Runner = run,
) -> torch.Tensor:
    """Do what `vrestore.ops.warp.consistency.consistency` does; the tolerance comes in its parts.

    Raises ValueError for shapes, types and devices that do not fit.
    """
    points, displacement, back = as_tensor(points), as_tensor(displacement), as_tensor(back).detach()
    element = element_of("back", back)
    height, width = back.shape[-2:]
    check("points", points, (len(points), 2), beside=back)
    check("displacement", displacement, tuple(points.shape), beside=back)
    check("back", back, (2, height, width), beside=back)
    rows = back.permute(1, 2, 0)
    is_last = rows.is_contiguous() and vector_of(rows, dividing=(2,)) > 1
    back = rows if is_last else back.contiguous()
    confidence = torch.empty(len(points), device=back.device)
    if not len(points):
        return confidence
    runner(
        Launch(
            kernel="consistency",
            function="consistency",
            defines=(
                ("ELEMENT", element),
                ("VECTOR", 2 if is_last else 1),
                ("INDEX", index_of(2 * height * width)),
            ),
            blocks=blocks_for(-(-len(points) // THREADS)),
            threads=(THREADS, 1),
            arguments=(
                floats(points, alignment=8),
                floats(displacement, alignment=8),
                back,
                confidence,
                np.int64(len(points)),
                np.int32(height),
                np.int32(width),
                *(np.float32(value) for value in (pixels, share, softness)),
            ),
        )
    )
    return confidence
