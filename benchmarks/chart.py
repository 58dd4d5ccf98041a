"""Draw what `benchmarks.kernels` and `benchmarks.gpu` found: docs/images/gpu.svg.

    python -m benchmarks.chart [--kernels PATH] [--gpu PATH] [--svg PATH]

What has no figure says "not measured"; a file that is missing has none.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.gpu_parts import SCENES
from benchmarks.kernels import CASES
from benchmarks.machine import NOT_MEASURED, RESULTS, ROOT

PLACE = ROOT / "docs" / "images" / "gpu.svg"

_WIDTH, _NAMES, _BARS, _ROW, _TOP = 760, 200, 330, 20, 34
"""Pixels: of the picture, of the column of names, of the longest bar, of a row, above the first row."""

_DEVICE, _CPU = "#2f6f9f", "#b9b9b9"
_WORKS = ("inpaint", "inpaint tsam", "dehaze")


@dataclass(frozen=True)
class Row:
    """A line of the chart: a name, a bar of a length in [0, 1] (none where that is None), words after it."""

    name: str
    length: float | None
    words: str
    color: str = _DEVICE


@dataclass(frozen=True)
class Panel:
    """Rows under a title; `source` says on what they were measured, or why they were not."""

    title: str
    rows: list[Row]
    source: str


def kernels_panel(values: dict[str, Any]) -> Panel:
    """Return the kernels' share of the bandwidth of a copy, and how many times as fast as torch they are."""
    rows = []
    for name in CASES:
        found = values["results"].get(name, NOT_MEASURED)
        if found == NOT_MEASURED:
            rows.append(Row(name, None, NOT_MEASURED))
            continue
        words = f"{found['share_of_copy']:.0%}"
        if found["torch"] is not None:
            words += f", {found['torch']['median'] / found['kernel']['median']:.1f} times torch"
        rows.append(Row(name, min(1.0, found["share_of_copy"]), words))
    return Panel("Kernels: bytes a second, as a share of what a copy moves", rows, _source(values))


def speed_panel(values: dict[str, Any]) -> Panel:
    """Return the frames a second of whole commands by size, on the device and on the processor."""
    speeds = values["results"].get("speed", {})
    rows = [
        row for scene in SCENES for name in _WORKS for row in _speed_rows(scene, name, speeds.get(scene, {}))
    ]
    longest = max((row.length for row in rows if row.length is not None), default=1.0)
    scaled = [Row(row.name, row.length and row.length / longest, row.words, row.color) for row in rows]
    return Panel("Whole commands: frames a second, the CPU in gray", scaled, _source(values))


def drawn(panels: Sequence[Panel]) -> str:
    """Return the panels below each other as SVG."""
    parts, top = list[str](), 0
    for panel in panels:
        parts += _panel(panel, top)
        top += _TOP + _ROW * (len(panel.rows) + 1) + 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" '
        f'viewBox="0 0 {_WIDTH} {top}" font-family="sans-serif" font-size="13">'
    )
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{top}" fill="#ffffff"/>', *parts, "</svg>", ""])


def read(place: Path) -> dict[str, Any]:
    """Read results, none where there is no file."""
    if not place.exists():
        return {"measured": False, "why_not": "there are no results", "results": {}}
    values: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return values


def main(words: Sequence[str] | None = None) -> None:
    """Read both results and write the chart."""
    options = _parser().parse_args(words)
    panels = [kernels_panel(read(options.kernels)), speed_panel(read(options.gpu))]
    options.svg.write_text(drawn(panels), encoding="utf-8")
    print(f"written to {options.svg}")


def _speed_rows(scene: str, name: str, works: dict[str, Any]) -> list[Row]:
    found = works.get(name, NOT_MEASURED)
    title = f"{name} {scene}"
    if found == NOT_MEASURED:
        return [Row(title, None, NOT_MEASURED)]
    ours, theirs = found["device"]["rate"], found["cpu"]["rate"]
    words = f"{ours:.1f}, {ours / theirs:.1f} times the CPU"
    return [Row(title, ours, words), Row("", theirs, f"{theirs:.1f}", _CPU)]


def _source(values: dict[str, Any]) -> str:
    if not values.get("measured", False):
        return f"{NOT_MEASURED}: {values['why_not']}"
    device, date = values["machine"]["device"], values["machine"]["date"]
    return f"{device['name']}, driver {device['driver']}, CUDA {device['CUDA of torch']}, {date[:10]}"


def _panel(panel: Panel, top: int) -> list[str]:
    parts = [_text(10, top + 22, panel.title, 'font-weight="bold"')]
    y = top + _TOP
    for row in panel.rows:
        parts.append(_text(10, y + 14, row.name))
        length = 0 if row.length is None else max(1, round(row.length * _BARS))
        if length:
            place = f'x="{_NAMES}" y="{y + 3}" width="{length}" height="{_ROW - 6}"'
            parts.append(f'<rect {place} fill="{row.color}"/>')
        parts.append(_text(_NAMES + length + 6, y + 14, row.words, "" if length else 'fill="#777777"'))
        y += _ROW
    return [*parts, _text(10, y + 14, panel.source, 'fill="#777777" font-size="11"')]


def _text(x: int, y: int, words: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{" " + style if style else ""}>{escape(words)}</text>'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chart")
    parser.add_argument("--kernels", type=Path, default=RESULTS / "kernels.json", metavar="PATH")
    parser.add_argument("--gpu", type=Path, default=RESULTS / "gpu.json", metavar="PATH")
    parser.add_argument("--svg", type=Path, default=PLACE, metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
