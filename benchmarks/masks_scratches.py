"""Scratches found: drawn on moving clips, and what is taken for scratches where there are none."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.machine import Values
from benchmarks.masks_compose import MOVING_TRAIN, read_pictures, train_path, val_paths, with_scratches
from benchmarks.masks_dirt import CHANGED, DIRTY, FRAMES, found_dirt
from benchmarks.tables import figures_table


def measure(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Find drawn scratches in every clip, and look for some in the clean ones."""
    table = figures_table("scratches found", "clip", "recall", "precision", "false, clean")
    figures: dict[str, dict[str, float]] = {}
    paths = [*val_paths(data), *(train_path(data, name) for name in MOVING_TRAIN)]
    with TemporaryDirectory() as folder:
        for number, path in enumerate(paths):
            clean = read_pictures(path, frames=FRAMES)
            clean = clean[:, : clean.shape[1] // 2 * 2, : clean.shape[2] // 2 * 2]
            scratched = with_scratches(clean, seed=number)
            difference = np.abs(scratched.astype(np.int16) - clean).max(axis=3)
            found, false = (
                found_dirt(Path(folder), pictures, scratches=True) for pictures in (scratched, clean)
            )
            figures[path.stem] = {
                "recall": float(found[difference >= DIRTY].mean()),
                "precision": float((difference[found] >= CHANGED).mean()) if found.any() else 1.0,
                "false": float(false.mean()),
            }
            row = figures[path.stem]
            table.add_row(path.stem, f"{row['recall']:.2f}", f"{row['precision']:.2f}", f"{row['false']:.4%}")
    console.print(table)
    means = {
        name: float(np.mean([row[name] for row in figures.values()]))
        for name in ("recall", "precision", "false")
    }
    bars = [
        Bar("recall of scratches", means["recall"], "at least", 0.85),
        Bar("precision", means["precision"], "at least", 0.8),
        Bar("false in clean clips, percent of pixels", 100 * means["false"], "at most", 0.02),
    ]
    return {"clips": figures}, bars
