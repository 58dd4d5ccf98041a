"""Logos found: drawn on moving clips, opaque and shining through; and none found where there is none."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.clips import Pictures
from benchmarks.machine import Values
from benchmarks.masks_compose import (
    MOVING_TRAIN,
    STATIC_VAL,
    Corner,
    Design,
    draw_logo,
    read_pictures,
    train_path,
    val_paths,
    visible_color,
    with_logo,
    write_clip,
)
from benchmarks.tables import figures_table
from vrestore import run_command
from vrestore.errors import MaskError
from vrestore.masks.files import open_mask_file

FRAMES = 60
OPACITIES, CRFS = (1.0, 0.6, 0.3), (18, 26)
LEAST_OPAQUE, LEAST_SEMI = 0.9, 0.8
"""Mean overlap (intersection over union) of what is found and what is there."""


def measure(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Find a logo of changing design in a changing corner of every clip, and none in the clean ones."""
    paths = [train_path(data, name) for name in MOVING_TRAIN]
    paths += [path for path in val_paths(data) if path.stem != STATIC_VAL]
    table = figures_table(
        "overlap of logos found", "clip", *(f"{o:.0%} crf {c}" for o in OPACITIES for c in CRFS)
    )
    overlaps: dict[str, list[float]] = {}
    clean: dict[str, str] = {}
    seconds, frames = 0.0, 0
    designs, corners = get_args(Design), get_args(Corner)
    with TemporaryDirectory() as folder:
        place = Path(folder)
        for number, path in enumerate(paths):
            pictures = read_pictures(path, frames=FRAMES)
            clean[path.stem] = _said(write_clip(place / "clean.mp4", pictures, crf=18))
            overlaps[path.stem] = []
            for turn, opacity in enumerate(OPACITIES, start=number):
                design, corner = designs[turn % len(designs)], corners[turn % len(corners)]
                drawn, truth = _drawn(pictures, design, corner, opacity)
                for crf in CRFS:
                    clip = write_clip(place / "clip.mp4", drawn, crf=crf)
                    began = time.perf_counter()
                    found = _found(clip, truth.shape)
                    seconds, frames = seconds + time.perf_counter() - began, frames + len(pictures)
                    overlaps[path.stem].append(overlap(found, truth))
            table.add_row(path.stem, *(f"{each:.2f}" for each in overlaps[path.stem]))
        static = _said(next(path for path in val_paths(data) if path.stem == STATIC_VAL))
    console.print(table)
    values = np.array(list(overlaps.values())).reshape(-1, len(OPACITIES), len(CRFS))
    false = [name for name, said in clean.items() if said == "found"]
    console.print(f"{STATIC_VAL}: {static}", highlight=False)
    bars = [
        Bar("opaque, mean overlap", float(values[:, 0].mean()), "at least", LEAST_OPAQUE),
        Bar("semi-transparent, mean overlap", float(values[:, 1:].mean()), "at least", LEAST_SEMI),
        Bar("clean clips with a logo found", len(false), "at most", 0),
        Bar("logo found by a static camera", float(static == "found"), "at most", 0),
        Bar("frames a second", frames / seconds, "at least", 60),
    ]
    return {"overlaps": overlaps, "clean": clean, "static": static}, bars


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the intersection over the union, 0 where both are empty."""
    return np.count_nonzero(one & other) / max(1, int(np.count_nonzero(one | other)))


def _drawn(
    pictures: Pictures, design: Design, corner: Corner, opacity: float
) -> tuple[Pictures, NDArray[np.bool_]]:
    height, width = (each // 2 * 2 for each in pictures.shape[1:3])
    cut = pictures[:, :height, :width]
    logo = draw_logo(height, width, design=design, corner=corner, opacity=opacity)
    logo = replace(logo, color=visible_color(cut, logo.alpha))
    return with_logo(cut, logo), logo.support


def _found(clip: Path, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return what `mask logo` marks, nothing where it finds none."""
    target = clip.with_suffix(".png")
    try:
        run_command("mask logo", clip, target=target, overwrite=True)
    except MaskError:
        return np.zeros(size, np.bool_)
    (image,) = open_mask_file(target).images()
    return np.zeros(size, np.bool_) if image.mask is None else image.mask


def _said(clip: Path) -> str:
    """Return what is said where no logo is found, else `found`."""
    with TemporaryDirectory() as folder:
        try:
            run_command("mask logo", clip, target=Path(folder) / "mask.png")
        except MaskError as error:
            return str(error)
    return "found"
