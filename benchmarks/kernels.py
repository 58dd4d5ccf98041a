"""How fast the CUDA kernels are: against torch, and against what the device's memory can move.

    python -m benchmarks.kernels [--runs 50] [--only warp,shift_align] [--json PATH]

Each kernel does the work of `kernel_cases`; the bytes that must move, over its time, are set against those
of a copy from memory to memory on the same device, reading and writing counted. Times are of the device,
median and the middle half; before each run the second-level cache is filled with other data, and that gives
the launches a head start, so Python is not timed. Both kinds' results are compared. Without a device nothing
is measured, and that is said, in the results too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

import torch
from rich.console import Console
from torch import Tensor

from benchmarks.bars import Bar, show_bars
from benchmarks.command import parts_of
from benchmarks.kernel_cases import (
    Case,
    Sizes,
    deform_case,
    membrane_case,
    propagate_colors_case,
    propagate_features_case,
    seam_case,
    shift_align_case,
    warp_case,
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
from vrestore.kernels import runtime
from vrestore.ops import TORCH, Backend

DTYPE = torch.bfloat16

FLUSHED_BYTES = 2**31
"""What is written before each run: many times any second-level cache, half a millisecond of head start."""

COPIED_BYTES = 2**31

CASES: dict[str, Callable[[torch.device], Case]] = {
    "warp": lambda device: warp_case(Sizes(), device, DTYPE, is_last=True),
    "warp_first": lambda device: warp_case(Sizes(), device, DTYPE, is_last=False),
    "shift_align": lambda device: shift_align_case(Sizes(), device, DTYPE, official=False),
    "shift_align_official": lambda device: shift_align_case(Sizes(), device, DTYPE, official=True),
    "propagate": lambda device: propagate_features_case(Sizes(), device, DTYPE),
    "propagate_colors": lambda device: propagate_colors_case(Sizes(), device),
    "deform": lambda device: deform_case(Sizes(), device, DTYPE),
    "membrane": lambda device: membrane_case(Sizes(), device),
    "seam": lambda device: seam_case(Sizes(), device),
}

KERNELS = Backend("cupy", "measured", runtime.run)

Found = TypeVar("Found")

LEAST_TIMES_RIVAL = 1.5
"""The bar: times as fast as the rival, where there is one, as `warp` is to be against `grid_sample`."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds of the device: the median of the runs, and the bounds of their middle half."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Outcome:
    """What a case found. A rival that is out of memory has no time."""

    kernel: Timing
    torch: Timing | None
    rivals: dict[str, Timing | None]
    bytes_moved: int
    share_of_copy: float
    largest_difference: float | None

    def ratio(self, other: Timing | None) -> float | None:
        """Return how many times as long another way takes."""
        return None if other is None else other.median / self.kernel.median


class Clock:
    """Times work on a device, each run with a cold cache."""

    def __init__(self, device: torch.device, runs: int) -> None:
        self._runs = runs
        self._other_data = torch.empty(FLUSHED_BYTES, dtype=torch.uint8, device=device)

    def time(self, work: Callable[[], object], *, warm_ups: int = 3) -> Timing:
        """Run `work` as often as asked."""
        for _ in range(warm_ups):
            work()
        times = sorted(self._once(work) for _ in range(self._runs))
        low, _, high = quantiles(times, n=4, method="inclusive")
        return Timing(median(times), low, high)

    def _once(self, work: Callable[[], object]) -> float:
        start, stop = (
            torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call] # torch's own
            for _ in range(2)
        )
        self._other_data.fill_(1)
        start.record()
        work()
        stop.record()
        stop.synchronize()
        return float(start.elapsed_time(stop))


def copy_bandwidth(clock: Clock, device: torch.device) -> float:
    """Return the bytes a second that a copy reads and writes."""
    source = torch.randint(0, 256, (COPIED_BYTES,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED_BYTES / clock.time(lambda: target.copy_(source)).median * 1e3


def measure(case: Case, clock: Clock, copy_bytes_a_second: float) -> Outcome:
    """Time a case by the kernel, by torch and by its rivals."""
    by_kernels, by_torch = partial(case.run, KERNELS), partial(case.run, TORCH)
    difference = _unless_out_of_memory(lambda: _difference(by_kernels(), by_torch()))
    kernel = clock.time(by_kernels)
    bytes_a_second = case.bytes_moved / kernel.median * 1e3
    return Outcome(
        kernel=kernel,
        torch=_unless_out_of_memory(lambda: clock.time(by_torch)),
        rivals={
            name: _unless_out_of_memory(partial(clock.time, rival)) for name, rival in case.rivals.items()
        },
        bytes_moved=case.bytes_moved,
        share_of_copy=bytes_a_second / copy_bytes_a_second,
        largest_difference=difference,
    )


def bars_of(name: str, case: Case, outcome: Outcome) -> list[Bar]:
    """Return what the outcome should be."""
    bars = []
    if case.min_share is not None:
        bars.append(Bar(f"{name}, share of copy", outcome.share_of_copy, "at least", case.min_share))
    ratio = outcome.ratio(outcome.torch)
    if case.min_ratio is not None and ratio is not None:
        bars.append(Bar(f"{name}, times torch", ratio, "at least", case.min_ratio))
    for rival, timing in outcome.rivals.items():
        ratio = outcome.ratio(timing)
        if ratio is not None:
            bars.append(Bar(f"{name}, times {rival}", ratio, "at least", LEAST_TIMES_RIVAL))
    return bars


def why_not_measured() -> str | None:
    """Say why nothing can be measured here, None if it can."""
    if not torch.cuda.is_available():
        return cuda_unavailable_reason()
    return runtime.unavailable_reason(torch.device("cuda", 0))


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON; without a device say so in both."""
    options, console = _parser().parse_args(words), Console()
    unavailable_reason = why_not_measured()
    if unavailable_reason is not None:
        console.print(f"not measured: {unavailable_reason}", markup=False, highlight=False, soft_wrap=True)
        figures: Values = dict.fromkeys((*CASES, "copy bytes a second"), NOT_MEASURED)
        write_not_measured(
            options.json, benchmark="kernels", unavailable_reason=unavailable_reason, results=figures
        )
        return
    device = torch.device("cuda", 0)
    machine = {**describe_machine(), "device": describe_device(device)}
    clock = Clock(device, options.runs)
    copy = copy_bandwidth(clock, device)
    console.print(f"a copy moves {copy / 1e12:.2f} TB/s")
    outcomes, bars = {}, []
    for name in options.only:
        case = CASES[name](device)
        outcomes[name] = measure(case, clock, copy)
        bars += bars_of(name, case, outcomes[name])
        del case
        torch.cuda.empty_cache()
    _show(outcomes, console)
    show_bars(bars, console)
    results: Values = {name: asdict(outcome) for name, outcome in outcomes.items()}
    results["copy bytes a second"] = copy
    results["bars"] = [bar.to_dict() for bar in bars]
    settings: Values = {"runs": options.runs, "type": str(DTYPE), "sizes": asdict(Sizes())}
    write_results(options.json, benchmark="kernels", settings=settings, results=results, machine=machine)
    console.print(f"written to {options.json}")


def _difference(ours: Tensor, theirs: Tensor) -> float:
    return float((ours.float() - theirs.float()).abs().amax())


def _unless_out_of_memory(work: Callable[[], Found]) -> Found | None:
    try:
        return work()
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return None


def _show(outcomes: dict[str, Outcome], console: Console) -> None:
    table = figures_table("milliseconds of the device", "kernel", "median", "from", "to", "of copy", "torch")
    for name, outcome in outcomes.items():
        times = (f"{value:.3f}" for value in asdict(outcome.kernel).values())
        torch_time = "no memory" if outcome.torch is None else f"{outcome.torch.median:.3f}"
        table.add_row(name, *times, f"{outcome.share_of_copy:.0%}", torch_time)
    console.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels")
    parser.add_argument(
        "--runs", type=int, choices=range(5, 1001), default=50, metavar="N", help="of each (default 50)"
    )
    parser.add_argument(
        "--only", type=parts_of(CASES), default=list(CASES), metavar="A,B", help=f"of {', '.join(CASES)}"
    )
    parser.add_argument("--json", type=Path, default=RESULTS / "kernels.json", metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
