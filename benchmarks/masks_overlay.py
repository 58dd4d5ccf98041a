"""Overlays restored: drawn on moving clips so that the picture shines through, and held against filling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, get_args

import cv2
import numpy as np
from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.clips import Pictures
from benchmarks.machine import Values
from benchmarks.masks_compose import (
    MOVING_TRAIN,
    STATIC_VAL,
    Corner,
    Design,
    Logo,
    draw_logo,
    read_pictures,
    train_path,
    val_paths,
    visible_color,
    with_logo,
    write_clip,
)
from benchmarks.measures import psnr
from benchmarks.tables import figures_table
from vrestore import inpaint
from vrestore.errors import MaskError

FRAMES, HEIGHT, WIDTH = 40, 240, 432


class Case(NamedTuple):
    """How opaque the overlay is, and how coarsely its clip is encoded."""

    opacity: float
    crf: int

    @property
    def is_fine(self) -> bool:
        """Whether it is one of those that restoring is to be much better for."""
        return self.opacity <= 0.4 and self.crf <= 18


CASES = (Case(0.3, 18), Case(0.4, 18), Case(0.6, 18), Case(0.3, 26), Case(0.6, 26))


def measure(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Restore an overlay of changing design in a changing corner of every clip, and fill the same place."""
    paths = [train_path(data, name) for name in MOVING_TRAIN]
    paths += [path for path in val_paths(data) if path.stem != STATIC_VAL]
    heads = [f"{case.opacity:.0%} crf {case.crf}" for case in CASES]
    table = figures_table("decibels filled and gained by restoring", "clip", *heads)
    gains: dict[str, list[float | None]] = {}
    filled: dict[str, list[float]] = {}
    with TemporaryDirectory() as folder:
        for number, path in enumerate(paths):
            pictures = _small(read_pictures(path, frames=FRAMES))
            truth = write_clip(Path(folder) / "truth.mkv", pictures, crf=None)
            gains[path.stem], filled[path.stem] = [], []
            for turn, case in enumerate(CASES, start=number):
                logo = _drawn(pictures, turn, case.opacity)
                clip = write_clip(Path(folder) / "clip.mp4", with_logo(pictures, logo), crf=case.crf)
                restored, without = _measured(clip, truth, logo)
                filled[path.stem].append(without)
                gains[path.stem].append(None if restored is None else restored - without)
            pairs = zip(filled[path.stem], gains[path.stem], strict=True)
            cells = (
                f"{one:.1f}" + (" not found" if gain is None else f" {gain:+.1f}") for one, gain in pairs
            )
            table.add_row(path.stem, *cells)
    console.print(table)
    every = [(case, gain) for row in gains.values() for case, gain in zip(CASES, row, strict=True)]
    fine = [gain for case, gain in every if case.is_fine and gain is not None]
    bars = [
        Bar("gained at 40 % and less, crf 18, mean", float(np.mean(fine)), "at least", 4, " dB"),
        Bar("gained, worst", min(gain for _, gain in every if gain is not None), "at least", -0.3, " dB"),
        Bar("overlays not found", sum(gain is None for _, gain in every), "at most", 0),
    ]
    return {"cases": [case._asdict() for case in CASES], "filled": filled, "gains": gains}, bars


def _small(pictures: Pictures) -> Pictures:
    shrunk = [cv2.resize(each, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for each in pictures]
    return np.asarray(np.stack(shrunk), np.uint8)


def _drawn(pictures: Pictures, turn: int, opacity: float) -> Logo:
    designs, corners = get_args(Design), get_args(Corner)
    design, corner = designs[turn % len(designs)], corners[turn % len(corners)]
    logo = draw_logo(HEIGHT, WIDTH, design=design, corner=corner, opacity=opacity)
    return replace(logo, color=visible_color(pictures, logo.alpha))


def _measured(clip: Path, truth: Path, logo: Logo) -> tuple[float | None, float]:
    """Return the decibels of the overlay's place restored, None where it is not found, and filled."""
    mask, target = clip.with_name("mask.png"), clip.with_name("clean.mkv")
    where = logo.alpha > 0
    cv2.imwrite(str(mask), where.astype(np.uint8) * 255)

    def nearness() -> float:
        pairs = zip(read_pictures(target, frames=FRAMES), read_pictures(truth, frames=FRAMES), strict=True)
        return float(np.mean([psnr(one, other, where) for one, other in pairs]))

    inpaint(clip, mask=mask, target=target, codec="ffv1", overwrite=True)
    filled = nearness()
    try:
        inpaint(clip, overlay="auto", target=target, codec="ffv1", overwrite=True)
    except MaskError:
        return None, filled
    return nearness(), filled
