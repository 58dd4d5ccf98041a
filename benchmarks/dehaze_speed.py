"""How fast dehazing is: the whole command at two sizes, the two networks alone, and deformable convolution.

    python -m benchmarks.dehaze_speed [--runs 3] [--frames 120] [--methods cgidn,dcp] [--model FILE]

Runs of the methods take turns, each with `--memory 3GiB`; figures are medians. The networks clear windows of
one size with random weights, which their speed does not depend on; a frame is encoded once, as in use.
Deformable convolution is timed against its definition, which gathers corner by corner.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from rich.console import Console

from benchmarks.bars import Bar, show_bars
from benchmarks.clips import Size, find_data
from benchmarks.command import Run, installed, parts_of, run
from benchmarks.footage import LARGE, Footage, make, source_name
from benchmarks.machine import RESULTS, Values, describe_machine, write_results
from benchmarks.tables import figures_table
from vrestore.device.devices import core_count
from vrestore.models.cgidn.config import CGIDN, CGIDN_SMALL, HazeConfig
from vrestore.models.cgidn.network import CgIdn
from vrestore.ops.warp.deform import deform_conv, deform_conv_exact

METHODS = ("cgidn", "dcp")
PAPER_SIZE = Size(240, 432)
LEAST_RATES = {PAPER_SIZE: 6.0, LARGE: 2.0}
LEAST_RATIO = 10.0
"""Bars: frames a second of the command with the network, and how many times as fast the small one is."""

MEMORY, MOST_GIB = "3GiB", 3.0
LARGE_SHARE = 0.5
"""Length of the large video, in `--frames`."""

NETWORK_SIZE = Size(192, 336)
"""What a video of 16:9 is looked at in."""

NETWORK_FRAMES = 4

DEFORM_SIZE, DEFORM_CHANNELS, DEFORM_RUNS = Size(180, 320), 64, 9
LEAST_DEFORM_RATIO, MOST_DEFORM_ERROR = 4.0, 1e-4
"""Bars: how many times as fast as the definition, and how far from it at most."""


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON."""
    options, console = _parser().parse_args(words), Console()
    data, machine = find_data(options.data), describe_machine()
    runs: dict[Size, dict[str, list[Run]]] = {}
    frames = {PAPER_SIZE: options.frames, LARGE: max(1, round(LARGE_SHARE * options.frames))}
    with TemporaryDirectory(prefix="vrestore-dehaze-speed-") as folder:
        for size, count in frames.items():
            place = Path(folder)
            footage = make(Footage(place / "video.mp4", place / "mask.mkv", count, size), data)
            runs[size] = _runs(footage, place / "result.mp4", options)
    rates = {
        f"{size.width}x{size.height} {method}": frames[size] / median(each.seconds for each in own)
        for size, by_method in runs.items()
        for method, own in by_method.items()
    }
    peak = max(each.peak_bytes for by_method in runs.values() for own in by_method.values() for each in own)
    torch.set_num_threads(options.threads)
    networks = {config.name: _network_rate(config, options.runs) for config in (CGIDN_SMALL, CGIDN)}
    deform_ratio, deform_error = _deform()
    table = figures_table("frames a second", "what", "frames/s")
    for name, rate in (rates | {f"network {name}": rate for name, rate in networks.items()}).items():
        table.add_row(name, f"{rate:.2f}")
    console.print(table)
    bars = [
        Bar(f"frames/s, {size.width}x{size.height}", rates[name], "at least", least)
        for size, least in LEAST_RATES.items()
        if (name := f"{size.width}x{size.height} {METHODS[0]}") in rates
    ]
    ratio = networks[CGIDN_SMALL.name] / networks[CGIDN.name]
    bars += [
        Bar(f"{CGIDN_SMALL.name}, as fast as {CGIDN.name}", ratio, "at least", LEAST_RATIO, unit="x"),
        Bar(f"memory of the process with --memory {MEMORY}", peak / 2**30, "at most", MOST_GIB, unit=" GiB"),
    ]
    bars += [
        Bar(
            "deformable convolution, as fast as its definition", deform_ratio, "at least", LEAST_DEFORM_RATIO
        ),
        Bar("the same: largest difference", deform_error, "at most", MOST_DEFORM_ERROR),
    ]
    show_bars(bars, console)
    results: Values = {
        "deform": {"times_as_fast": deform_ratio, "largest_difference": deform_error},
        "frames_per_second": dict(rates),
        "network_frames_per_second": dict(networks),
        "peak_bytes": peak,
        "bars": [bar.to_dict() for bar in bars],
    }
    settings: Values = {"runs": options.runs, "frames": options.frames, "model": options.model}
    settings |= {"threads": options.threads, "made of": source_name(data)}
    write_results(options.json, benchmark="dehaze_speed", settings=settings, results=results, machine=machine)
    console.print(f"written to {options.json}")


def _runs(footage: Footage, target: Path, options: argparse.Namespace) -> dict[str, list[Run]]:
    """Run the command with every method in turns."""
    runs: dict[str, list[Run]] = {method: [] for method in options.methods}
    report = target.with_suffix(".json")
    for _ in range(options.runs):
        for method, own in runs.items():
            words: list[str | Path] = [
                "--method",
                method,
                "--memory",
                MEMORY,
                "--threads",
                str(options.threads),
            ]
            if method == METHODS[0] and options.model:
                words += ["--model", options.model]
            words += ["--report", report, "--progress", "none"]
            own.append(run(installed("vrestore"), "dehaze", footage.video, "-o", target, "-y", *words))
            done = json.loads(report.read_text(encoding="utf-8"))["repaired_frames"]
            if done != footage.frames:
                raise AssertionError(f"{done} of {footage.frames} frames were cleared")
    return runs


def _network_rate(config: HazeConfig, rounds: int) -> float:
    """Return the frames a second that a network clears once its window is full."""
    network = CgIdn(config).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]  # torch's stub does not know it
    picture = torch.rand(1, 3, *NETWORK_SIZE, generator=torch.Generator().manual_seed(0))
    seconds = []
    with torch.inference_mode():
        window = [network.encode(picture) for _ in range(config.frames)]
        network.clear(window)
        for _ in range(rounds):
            began = time.perf_counter()
            for _ in range(NETWORK_FRAMES):
                window = [*window[1:], network.encode(picture)]
                network.clear(window)
            seconds.append((time.perf_counter() - began) / NETWORK_FRAMES)
    return 1 / median(seconds)


def _deform() -> tuple[float, float]:
    """Return how many times as fast as its definition deformable convolution is, and how far from it."""
    random, (height, width) = torch.Generator().manual_seed(0), DEFORM_SIZE
    frames = torch.randn(1, DEFORM_CHANNELS, height, width, generator=random)
    offset = 3 * torch.randn(1, 18, height, width, generator=random)
    mask = torch.rand(1, 9, height, width, generator=random)
    weight = torch.randn(DEFORM_CHANNELS, DEFORM_CHANNELS, 3, 3, generator=random)
    weight /= (9 * DEFORM_CHANNELS) ** 0.5
    seconds: tuple[list[float], list[float]] = [], []
    with torch.inference_mode():
        for _ in range(DEFORM_RUNS):
            results = []
            for own, form in zip(seconds, (deform_conv, deform_conv_exact), strict=True):
                began = time.perf_counter()
                results.append(form(frames, offset, mask, weight, padding=1))
                own.append(time.perf_counter() - began)
    fast, exact = (median(own) for own in seconds)
    return exact / fast, float((results[0] - results[1]).abs().max())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dehaze_speed")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the real clips")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each command (default 3)")
    parser.add_argument("--frames", type=int, default=120, help="length of the small video (default 120)")
    parser.add_argument("--methods", type=parts_of(METHODS), default=list(METHODS), metavar="A,B")
    parser.add_argument("--model", metavar="FILE", help="other weights for cgidn")
    parser.add_argument("--threads", type=int, default=core_count(), help="default all cores")
    parser.add_argument("--json", type=Path, default=RESULTS / "dehaze_speed.json", metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
