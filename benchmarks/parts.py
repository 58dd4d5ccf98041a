"""A benchmark of several parts, each with figures and bars: its command, and the JSON it writes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.bars import Bar, show_bars
from benchmarks.clips import find_data
from benchmarks.machine import RESULTS, Values, describe_machine, write_results

Part = Callable[[Path, Console], tuple[Values, list[Bar]]]
"""Measures on the clips of a folder, and returns the figures and what they should be."""


def measure_parts(benchmark: str, parts: Mapping[str, Part], words: Sequence[str] | None) -> None:
    """Measure the parts that the words of a command name, print their bars and write JSON."""
    options, console = _parser(benchmark, parts).parse_args(words), Console()
    data = find_data(options.data)
    if data is None:
        raise SystemExit("no real clips: pass --data DIR or set VRESTORE_DATA")
    results: Values = {}
    for name in options.parts or parts:
        figures, bars = parts[name](data, console)
        show_bars(bars, console)
        results[name] = figures | {"bars": [bar.to_dict() for bar in bars]}
    write_results(
        options.json,
        benchmark=benchmark,
        settings={"parts": list(results)},
        results=results,
        machine=describe_machine(),
    )
    console.print(f"written to {options.json}")


def _parser(benchmark: str, parts: Mapping[str, Part]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{benchmark}")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; all by default")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the real clips")
    parser.add_argument("--json", type=Path, default=RESULTS / f"{benchmark}.json", metavar="PATH")
    return parser
