"""The check of masks: annotated objects as they are, late, and drawn too narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.clips import clip_names
from benchmarks.machine import Values
from benchmarks.tables import figures_table
from vrestore.masks.options import MaskWords
from vrestore.methods.mask_check.check import Kind, check_video

CASES: dict[str, tuple[dict[str, Any], Kind | None]] = {
    "as it is": ({}, None),
    "grown by 8": ({"grow": 8}, None),
    "late by 3": ({"mask_offset": 3}, "timing"),
    "narrower by 7": ({"grow": -7, "feather": 0}, "rim"),
}
"""What is done to the masks, and the finding that there should be."""


def measure(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Check every clip's object in every case; a clip counts where just what should be is found."""
    folder, names = data / "val" / "inpaint", clip_names(data)
    found: dict[str, dict[str, list[str]]] = {}
    table = figures_table("what is found of masks", "clip", *CASES)
    for name in names:
        found[name] = {}
        for case, (words, _) in CASES.items():
            mask = MaskWords(mask=folder / f"{name}.object.mkv", **words)
            kinds = [each.kind for each in check_video(folder / f"{name}.mp4", mask).findings]
            found[name][case] = list(kinds)
        table.add_row(name, *(", ".join(kinds) or "-" for kinds in found[name].values()))
    console.print(table)
    right = {
        case: sum(found[name][case] == ([kind] if kind else []) for name in names)
        for case, (_, kind) in CASES.items()
    }
    false_alarms = sum(len(found[name][case]) for name in names for case in ("as it is", "grown by 8"))
    bars = [Bar("false alarms", false_alarms, "at most", 0)]
    return {"clips": found, "right": right, "of": len(names)}, bars
