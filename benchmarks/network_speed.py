"""How fast the networks are alone: both configurations of TSAM streaming frames of one size.

    python -m benchmarks.network_speed [--size 432x240] [--frames 24] [--rounds 3]

Weights are random, which the speed does not depend on; no flow is estimated and nothing is propagated.
Rounds of the networks take turns, figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.bars import Bar, show_bars
from benchmarks.machine import RESULTS, Values, describe_machine, write_results
from benchmarks.tables import figures_table
from vrestore.device.devices import core_count, network_precision
from vrestore.models.blocks import in_channels_last
from vrestore.models.tsam.config import PAPER, SMALL, Config
from vrestore.models.tsam.network import Clip, Tsam
from vrestore.models.tsam.streaming import StreamState, push
from vrestore.ops.warp.shift_align import Motion

LEAST_SPEED, LEAST_RATIO = 20.0, 8.0
"""Bars: frames a second of `tsam-small` alone, and how many times as fast as `tsam` it is."""

CHUNK = 4


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON."""
    options, console = _parser().parse_args(words), Console()
    torch.set_num_threads(options.threads)
    width, height = map(int, options.size.split("x"))
    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
    networks = {config.name: in_channels_last(Tsam(config).to(dtype).eval()) for config in (SMALL, PAPER)}
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(options.rounds):
        for name, network in networks.items():
            seconds[name].append(_seconds(network, options.frames, height, width))
    speeds = {name: 1 / statistics.median(each) for name, each in seconds.items()}
    ratio = speeds[SMALL.name] / speeds[PAPER.name]
    table = figures_table(f"{options.size}, {options.precision}", "network", "frames/s", "spread")
    for name, each in seconds.items():
        table.add_row(name, f"{speeds[name]:.1f}", f"{1 / max(each):.1f} to {1 / min(each):.1f}")
    console.print(table)
    bars = [
        Bar(f"{SMALL.name}, frames a second", speeds[SMALL.name], "at least", LEAST_SPEED),
        Bar(f"{SMALL.name}, as fast as {PAPER.name}", ratio, "at least", LEAST_RATIO, unit="x"),
    ]
    show_bars(bars, console)
    settings: Values = {"size": options.size, "frames": options.frames, "rounds": options.rounds}
    settings |= {"threads": options.threads, "precision": options.precision, "chunk": CHUNK}
    results: Values = {"frames_per_second": dict(speeds), "bars": [bar.to_dict() for bar in bars]}
    machine = describe_machine()
    write_results(
        options.json, benchmark="network_speed", settings=settings, results=results, machine=machine
    )
    console.print(f"written to {options.json}")


def _seconds(network: Tsam, frames: int, height: int, width: int) -> float:
    """Return the seconds a frame takes once the stream returns as many frames as it takes."""
    state, chunk = StreamState(), _chunk(network.config, height, width)
    with torch.inference_mode():
        while len(push(network, state, *_next(chunk, state))) < CHUNK:
            pass
        began = time.perf_counter()
        for _ in range(frames // CHUNK):
            push(network, state, *_next(chunk, state))
    return (time.perf_counter() - began) / (frames // CHUNK * CHUNK)


def _chunk(config: Config, height: int, width: int) -> tuple[Clip, Motion]:
    noise = torch.Generator().manual_seed(0)

    def drawn(channels: int, rows: int, columns: int) -> torch.Tensor:
        return torch.rand(CHUNK, channels, rows, columns, generator=noise)

    clip = Clip(
        drawn(3, height, width),
        drawn(1, height, width) > 0.9,
        drawn(1, height, width),
        drawn(config.hint_channels, height, width),
    )
    flows = [8 * drawn(2, height // 2, width // 2) - 4 for _ in range(2)]
    doubts = [drawn(1, height // 2, width // 2) for _ in range(2)]
    return clip, Motion(*flows, *doubts)


def _next(chunk: tuple[Clip, Motion], state: StreamState) -> tuple[Clip, Motion]:
    clip, motion = chunk
    return clip, motion if state.received else motion[1:]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network_speed")
    parser.add_argument("--size", default="432x240", help="of the frames (default 432x240)")
    parser.add_argument("--frames", type=int, default=24, help="timed in a round (default 24)")
    parser.add_argument("--rounds", type=int, default=3, help="of each network (default 3)")
    parser.add_argument("--threads", type=int, default=core_count(), help="default all cores")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default=network_precision())
    parser.add_argument("--json", type=Path, default=RESULTS / "network_speed.json", metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
