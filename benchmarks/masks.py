"""How well masks are found and checked, on real clips with composed logos, overlays and dirt.

    python -m benchmarks.masks [check] [logo] [overlay] [dirt] [--data DIR] [--json PATH]

Each part prints its figures and bars; without words all parts are measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import masks_check, masks_dirt, masks_logo, masks_overlay
from benchmarks.bars import Bar, show_bars
from benchmarks.clips import find_data
from benchmarks.machine import RESULTS, Values, describe_machine, write_results

Part = Callable[[Path, Console], tuple[Values, list[Bar]]]
"""Measures on the clips of a folder, and returns the figures and what they should be."""

PARTS: dict[str, Part] = {
    "check": masks_check.measure,
    "logo": masks_logo.measure,
    "overlay": masks_overlay.measure,
    "dirt": masks_dirt.measure,
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print the bars and write JSON."""
    options, console = _parser().parse_args(words), Console()
    data = find_data(options.data)
    if data is None:
        raise SystemExit("no real clips: pass --data DIR or set VRESTORE_DATA")
    results: Values = {}
    for name in options.parts or PARTS:
        figures, bars = PARTS[name](data, console)
        show_bars(bars, console)
        results[name] = figures | {"bars": [bar.to_dict() for bar in bars]}
    write_results(
        options.json,
        benchmark="masks",
        settings={"parts": list(results)},
        results=results,
        machine=describe_machine(),
    )
    console.print(f"written to {options.json}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.masks")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the real clips")
    parser.add_argument("--json", type=Path, default=RESULTS / "masks.json", metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
