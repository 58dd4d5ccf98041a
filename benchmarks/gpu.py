"""What a CUDA device makes of the whole command: how fast it is, what memory it takes, whether results agree.

    python -m benchmarks.gpu [--runs 3] [--cpu-runs 1] [--frames 1000] [--model FILE]
                             [--sizes 432x240,1920x1080] [--only speed,bounds,length,agreement]

speed: frames a second of `vrestore inpaint` and `dehaze` at four sizes, on the device and on the processor,
from opening the source to a target that is read again; what comes before and after is told apart.
Larger pictures make shorter videos. `--model` adds inpainting by the network.
bounds: the peak of the device's memory under `--memory` 2GiB, 4GiB and without it, at 1920x1080.
length: the peak for 1,000 frames in times of that for 100, at 854x480.
agreement: largest and mean difference between the results of both, in code values, losslessly written.

The peak is what torch's pool held, by the command's own report. Without a device nothing is measured, and
that is said, in the results too. The bars are meant for an H200 and 16 cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from rich.console import Console

from benchmarks.bars import show_bars
from benchmarks.clips import find_data
from benchmarks.command import parts_of
from benchmarks.footage import source_name
from benchmarks.gpu_parts import (
    BOUNDS,
    DEFAULT,
    DEHAZE,
    PARTS,
    PROPAGATE,
    SCENES,
    Bench,
    Outcome,
    Work,
    bound_bar,
    growth_bar,
    rate_bar,
)
from benchmarks.machine import (
    NOT_MEASURED,
    RESULTS,
    Values,
    describe_device,
    describe_machine,
    write_not_measured,
    write_results,
)
from benchmarks.tables import figures_table
from vrestore.device.devices import cuda_unavailable_reason
from vrestore.device.memory import format_bytes

NETWORK = "inpaint tsam"


def unmeasured() -> Values:
    """Return the results of a machine without a device: each figure by its name, and each bar."""
    works = works_of(Path())
    names = [work.name for work in works]
    bounds = (*BOUNDS, DEFAULT)
    rates = [(name, scene.min_rate) for name, scene in SCENES.items() if scene.min_rate is not None]
    bars = [rate_bar(name, 0.0, least) for name, least in rates]
    bars += [bound_bar(work, bound, 0.0) for work in works for bound in bounds]
    bars += [growth_bar(work, 0.0) for work in works]
    return {
        "speed": {scene: dict.fromkeys(names, NOT_MEASURED) for scene in SCENES},
        "bounds": dict.fromkeys((f"{name}, {bound}" for name in names for bound in bounds), NOT_MEASURED),
        "length": dict.fromkeys(names, NOT_MEASURED),
        "agreement": dict.fromkeys(names, NOT_MEASURED),
        "bars": [bar.to_dict() | {"got": NOT_MEASURED, "met": NOT_MEASURED} for bar in bars],
    }


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON; without a device say so in both."""
    options, console = _parser().parse_args(words), Console()
    if not torch.cuda.is_available():
        unavailable_reason = cuda_unavailable_reason()
        console.print(f"not measured: {unavailable_reason}", markup=False, highlight=False, soft_wrap=True)
        write_not_measured(
            options.json, benchmark="gpu", unavailable_reason=unavailable_reason, results=unmeasured()
        )
        return
    data = find_data(options.data)
    machine = {**describe_machine(), "device": describe_device(torch.device("cuda", 0))}
    with TemporaryDirectory(prefix="vrestore-gpu-") as folder:
        bench = Bench(
            folder=Path(folder),
            data=data,
            runs=options.runs,
            cpu_runs=options.cpu_runs,
            frames=options.frames,
            works=works_of(options.model),
            scenes=tuple(options.sizes),
        )
        outcomes = measure(bench, options.only, console)
    show(outcomes, console)
    bars = [bar for outcome in outcomes.values() for bar in outcome.bars]
    show_bars(bars, console)
    results: Values = {part: outcome.figures for part, outcome in outcomes.items()}
    results["bars"] = [bar.to_dict() for bar in bars]
    settings: Values = {"runs": options.runs, "runs on the cpu": options.cpu_runs, "frames": options.frames}
    settings["made of"] = source_name(data)
    write_results(options.json, benchmark="gpu", settings=settings, results=results, machine=machine)
    console.print(f"written to {options.json}")


def works_of(model: Path | None) -> tuple[Work, ...]:
    """Return the commands that are measured, with the network where there is one."""
    network = (
        () if model is None else (Work(NETWORK, "inpaint", ("--method", "tsam", "--model", str(model))),)
    )
    return (PROPAGATE, *network, DEHAZE)


def measure(bench: Bench, parts: Sequence[str], console: Console) -> dict[str, Outcome]:
    """Measure some of PARTS."""
    outcomes = {}
    for part in parts:
        console.print(f"measuring {part} ...")
        outcomes[part] = PARTS[part](bench)
    return outcomes


def show(outcomes: dict[str, Outcome], console: Console) -> None:
    """Print a table of the speeds and one of the memory."""
    speeds: dict[str, dict[str, Any]] = _figures(outcomes, "speed")
    table = figures_table("frames a second", "size", "device", "from", "to", "CPU", "times", "memory")
    for size, works in speeds.items():
        for name, found in works.items():
            ours, theirs = found["device"], found["cpu"]
            rates = (
                ours["rate"],
                ours["lowest_rate"],
                ours["highest_rate"],
                theirs["rate"],
                found["times_cpu"],
            )
            table.add_row(
                f"{name} {size}", *(f"{rate:.1f}" for rate in rates), _bytes(ours["device_peak_bytes"])
            )
    console.print(table)
    table = figures_table("device memory", "what", "peak", "allowed")
    for part in ("bounds", "length"):
        for name, found in _figures(outcomes, part).items():
            table.add_row(
                f"{part}: {name}", _bytes(found["device_peak_bytes"]), _bytes(found.get("allowed_bytes"))
            )
    console.print(table)
    table = figures_table("device and CPU, in code values", "what", "largest", "mean", "share that differs")
    for name, found in _figures(outcomes, "agreement").items():
        table.add_row(name, str(found["largest"]), f"{found['mean']:.4f}", f"{found['share']:.2%}")
    console.print(table)


def _figures(outcomes: dict[str, Outcome], part: str) -> dict[str, Any]:
    return dict(outcomes[part].figures) if part in outcomes else {}


def _bytes(count: int | None) -> str:
    return "not told" if count is None else format_bytes(count)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    counts = range(1, 100)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the real clips")
    parser.add_argument("--model", type=Path, metavar="FILE", help="weights of the network, which adds it")
    parser.add_argument(
        "--runs", type=int, choices=counts, default=3, metavar="N", help="of each on the device (default 3)"
    )
    parser.add_argument(
        "--cpu-runs", type=int, choices=counts, default=1, metavar="N", help="on the CPU (default 1)"
    )
    parser.add_argument(
        "--frames", type=int, default=1000, help="length of the smallest videos (default 1000)"
    )
    parser.add_argument(
        "--sizes", type=parts_of(SCENES), default=list(SCENES), metavar="A,B", help=f"of {', '.join(SCENES)}"
    )
    parser.add_argument(
        "--only", type=parts_of(PARTS), default=list(PARTS), metavar="A,B", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("--json", type=Path, default=RESULTS / "gpu.json", metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
