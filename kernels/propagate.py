"""Launches `propagate.cu`: one step of propagation."""

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


def fetch(
    weighted: Array,
    targets: Array,
    trust: Array,
    *,
    decay: float,
    least: float,
    sharpness: float = 0.0,
    runner: Runner = run,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Do what `vrestore.ops.warp.propagate.fetch` does; `least` is its least confidence.

    Raises ValueError for shapes, types and devices that do not fit.
    """
    weighted, targets, trust = as_tensor(weighted).detach(), as_tensor(targets), as_tensor(trust)
    element = element_of("weighted", weighted)
    planes, height, width = weighted.shape
    count = len(targets)
    check("targets", targets, (count, 2), beside=weighted)
    check("trust", trust, (count,), beside=weighted)
    rows = weighted.permute(1, 2, 0)  # (H, W, C + 1)
    # Then a pixel is one read of a word or two; else each plane is read by itself.
    is_last = rows.is_contiguous()
    weighted = rows if is_last else weighted.contiguous()
    colors = torch.empty(planes - 1, count, dtype=weighted.dtype, device=weighted.device)
    confidence = torch.empty(count, device=weighted.device)
    if not count:
        return colors, confidence
    runner(
        Launch(
            kernel="propagate",
            function="propagate",
            defines=(
                ("ELEMENT", element),
                ("VECTOR", vector_of(weighted, dividing=(planes,)) if is_last else 1),
                ("INDEX", index_of(weighted.numel())),
                ("LAST", int(is_last)),
                # Compiled apart: sixteen further reads that most calls do without.
                ("SHARP", int(sharpness > 0)),
            ),
            blocks=blocks_for(-(-count // THREADS)),
            threads=(THREADS, 1),
            arguments=(
                weighted,
                # x and y of a point are read as one float2.
                floats(targets, alignment=8),
                floats(trust),
                colors,
                confidence,
                np.int64(count),
                *(np.int32(size) for size in (planes - 1, height, width)),
                np.float32(decay),
                np.float32(least),
                np.float32(sharpness),
            ),
        )
    )
    return colors, confidence
