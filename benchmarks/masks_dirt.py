"""Dirt found: specks strewn over moving clips, and what is taken for dirt where there is none."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.clips import Pictures
from benchmarks.machine import Values
from benchmarks.masks_compose import read_pictures, val_paths, with_specks, write_clip
from benchmarks.tables import figures_table
from vrestore import inpaint, run_command
from vrestore.masks.files import open_mask_file

FRAMES = 12
DIRTY, CHANGED = 20, 5
"""Levels by which a pixel differs where it should be found, and where it may be."""


def measure(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Find strewn specks in every clip, look for some in the clean ones, and fill what is found."""
    table = figures_table("specks found and filled", "clip", "recall", "precision", "false, clean", "gain")
    figures: dict[str, dict[str, float]] = {}
    seconds, frames = 0.0, 0
    with TemporaryDirectory() as folder:
        for number, path in enumerate(val_paths(data)):
            clean = read_pictures(path, frames=FRAMES)
            dirty = with_specks(clean, seed=number)
            difference = np.abs(dirty.astype(np.int16) - clean).max(axis=3)
            began = time.perf_counter()
            found, false = (found_dirt(Path(folder), pictures) for pictures in (dirty, clean))
            seconds, frames = seconds + time.perf_counter() - began, frames + 2 * len(clean)
            figures[path.stem] = {
                "recall": float(found[difference >= DIRTY].mean()),
                "precision": float((difference[found] >= CHANGED).mean()) if found.any() else 1.0,
                "false": float(false.mean()),
                "gain": _gain(Path(folder), clean, dirty),
            }
            table.add_row(
                path.stem,
                *(f"{figures[path.stem][name]:.2f}" for name in ("recall", "precision")),
                f"{figures[path.stem]['false']:.4%}",
                f"{figures[path.stem]['gain']:+.2f} dB",
            )
    console.print(table)
    names = ("recall", "precision", "false", "gain")
    means = {name: float(np.mean([each[name] for each in figures.values()])) for name in names}
    bars = [
        Bar("recall of specks", means["recall"], "at least", 0.85),
        Bar("precision", means["precision"], "at least", 0.8),
        Bar("false in clean clips, percent of pixels", 100 * means["false"], "at most", 0.02),
        Bar("PSNR gained by --dirt, mean", means["gain"], "at least", 4, " dB"),
        Bar("PSNR gained, worst clip", min(each["gain"] for each in figures.values()), "at least", 0, " dB"),
        Bar("frames a second", frames / seconds, "at least", 8),
    ]
    return {"clips": figures}, bars


def found_dirt(folder: Path, pictures: NDArray[np.uint8], *, scratches: bool = False) -> NDArray[np.bool_]:
    """Return what `mask dirt` marks of pictures written without loss, (T, H, W)."""
    clip, target = write_clip(folder / "clip.mkv", pictures, crf=None), folder / "dirt.mkv"
    run_command("mask dirt", clip, target=target, overwrite=True, scratches=scratches)
    images = list(open_mask_file(target).images())
    empty = np.zeros(pictures.shape[1:3], np.bool_)
    return np.stack([empty if image.mask is None else image.mask for image in images])


def _gain(folder: Path, clean: Pictures, dirty: Pictures) -> float:
    """Return by how many decibels `inpaint --dirt` brings a dirty clip closer to the clean one."""
    truth, source = (
        write_clip(folder / f"{name}.mkv", pictures, crf=None)
        for name, pictures in (("truth", clean), ("source", dirty))
    )
    target = folder / "restored.mkv"
    inpaint(source, dirt=True, target=target, overwrite=True)
    errors = [
        np.mean(
            (read_pictures(path, frames=FRAMES).astype(np.float64) - read_pictures(truth, frames=FRAMES)) ** 2
        )
        for path in (source, target)
    ]
    return float(10 * np.log10(errors[0] / errors[1]))
