"""How much memory the whole command takes, and whether it keeps the bound it was given.

    python -m benchmarks.memory [--frames 300] [--only length,bounds]

length: the peak of a video of 10 times the frames, in times of that of the frames, at 854x480 with a moving
object; nothing may grow with the length.
bounds: the peak under `--memory` 1GiB, 2GiB and 4GiB at 1920x1080 with a box of 15 %, against the bound and
against what the plan expected. A bound that the command refuses is told as refused.

The peak is the operating system's for the process of the command (`ru_maxrss`). The encoder is as fast as it
gets, which changes how many frames it holds: the plan counts with more.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.bars import Bar, show_bars
from benchmarks.clips import Size, find_data
from benchmarks.command import inpaint, parts_of
from benchmarks.footage import LARGE, SMALL, Footage, box_of, make, source_name
from benchmarks.machine import RESULTS, Values, describe_machine, write_results
from benchmarks.tables import figures_table
from vrestore.device.memory import format_bytes
from vrestore.errors import OutOfMemory

LONG_TIMES, LARGE_TIMES = 10, 0.4
"""Lengths of the long and of the large video, in `--frames`."""

HOLE = 0.15
"""The share of the large picture that the box covers."""

BOUNDS = ("1GiB", "2GiB", "4GiB")

MOST_GROWTH, MOST_OF_BOUND = 1.05, 1.10
"""The bars: peak of the long video in times of the short one's, peak in times of the bound."""

_ENCODER = ("--preset", "ultrafast")


@dataclass(frozen=True)
class Peak:
    """What one run took and what its plan expected, in bytes; no peak and no plan where it was refused."""

    frames: int
    seconds: float
    peak_bytes: int | None
    allowed_bytes: int | None
    expected_bytes: int | None
    plan: dict[str, int | str] | None
    refused: str | None = None


@dataclass(frozen=True)
class Bench:
    """What the parts share: where files go, what they are made of, how many frames."""

    folder: Path
    data: Path | None
    frames: int

    def footage(self, size: Size, frames: int) -> Footage:
        """Make a video and its mask."""
        return make(Footage(self.folder / "video.mp4", self.folder / "mask.mkv", frames, size), self.data)

    def peak(self, footage: Footage, *words: str | Path) -> Peak:
        """Run the command once."""
        ran, account = inpaint(
            footage.video, self.folder / "result.mp4", *_ENCODER, *words, accepted=OutOfMemory.exit_code
        )
        if account is None:
            return Peak(footage.frames, ran.seconds, None, None, None, None, refused=ran.said)
        allowed, expected = int(account.plan["memory_bytes"]), int(account.plan["expected_bytes"])
        return Peak(account.frames, ran.seconds, ran.peak_bytes, allowed, expected, account.plan)


@dataclass(frozen=True)
class Outcome:
    """What a part found: peaks by name, and how they compare with the bars."""

    peaks: dict[str, Peak]
    bars: list[Bar]


def measure_length(bench: Bench) -> Outcome:
    """Compare the peaks of a short and a long video."""
    peaks: dict[str, Peak] = {}
    for frames in (bench.frames, LONG_TIMES * bench.frames):
        footage = bench.footage(SMALL, frames)
        peaks[f"{frames} frames"] = bench.peak(footage, "--mask", footage.mask)
    short, long = (peak.peak_bytes for peak in peaks.values())
    if short is None or long is None:
        return Outcome(peaks, [])
    what = f"peak of {LONG_TIMES * bench.frames} in times of {bench.frames} frames"
    return Outcome(peaks, [Bar(what, long / short, "at most", MOST_GROWTH)])


def measure_bounds(bench: Bench) -> Outcome:
    """Compare the peaks with the bounds that the command was given."""
    footage = bench.footage(LARGE, max(1, round(LARGE_TIMES * bench.frames)))
    peaks = {bound: bench.peak(footage, "--box", box_of(HOLE), "--memory", bound) for bound in BOUNDS}
    bars = [
        Bar(
            f"peak in times of {bound}, 1080p", peak.peak_bytes / peak.allowed_bytes, "at most", MOST_OF_BOUND
        )
        for bound, peak in peaks.items()
        if peak.peak_bytes is not None and peak.allowed_bytes is not None
    ]
    return Outcome(peaks, bars)


PARTS = {"length": measure_length, "bounds": measure_bounds}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON."""
    options, console = _parser().parse_args(words), Console()
    data, machine = find_data(options.data), describe_machine()
    outcomes: dict[str, Outcome] = {}
    with TemporaryDirectory(prefix="vrestore-memory-") as folder:
        bench = Bench(Path(folder), data, options.frames)
        for part in options.only:
            console.print(f"measuring {part} ...")
            outcomes[part] = PARTS[part](bench)
    bars = [bar for outcome in outcomes.values() for bar in outcome.bars]
    _show(outcomes, console)
    show_bars(bars, console)
    results: Values = {
        part: {name: asdict(peak) for name, peak in outcome.peaks.items()}
        for part, outcome in outcomes.items()
    }
    results["bars"] = [bar.to_dict() for bar in bars]
    settings: Values = {"frames": options.frames, "made of": source_name(data), "encoder": list(_ENCODER)}
    write_results(options.json, benchmark="memory", settings=settings, results=results, machine=machine)
    console.print(f"written to {options.json}")


def _show(outcomes: dict[str, Outcome], console: Console) -> None:
    table = figures_table("the whole command", "part", "frames", "s", "peak", "expected", "allowed")
    for part, outcome in outcomes.items():
        for name, peak in outcome.peaks.items():
            figures = (peak.peak_bytes, peak.expected_bytes, peak.allowed_bytes)
            shown = ("refused" if figure is None else format_bytes(figure) for figure in figures)
            table.add_row(f"{part}: {name}", str(peak.frames), f"{peak.seconds:.1f}", *shown)
    console.print(table)
    for outcome in outcomes.values():
        for name, peak in outcome.peaks.items():
            if peak.refused is not None:
                console.print(f"{name} was refused: {peak.refused}", highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the real clips")
    parser.add_argument("--frames", type=int, default=300, help="length of the short video (default 300)")
    parser.add_argument(
        "--only", type=parts_of(PARTS), default=list(PARTS), metavar="A,B", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("--json", type=Path, default=RESULTS / "memory.json", metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
