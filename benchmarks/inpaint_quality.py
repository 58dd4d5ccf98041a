"""How good filled holes are: real clips with holes over content that is known.

    python -m benchmarks.inpaint_quality [--size 432x240|native] [--frames 60] [--clips a,b] [--workers 2]
        [--model NAME|FILE]

For each clip and each kind of hole the hole is blanked before a method sees it; the mask is neither grown
nor feathered. Figures are means over the frames that have a hole, then over clips. `--sheet FILE.png` draws
what removing the annotated object looks like, for which there is no truth.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar, get_args

from rich.console import Console

from benchmarks.clips import Size, clip_names, find_data
from benchmarks.judging import TRUTH, Figures, Task, mean_of, measure, sheet_row
from benchmarks.machine import RESULTS, Values, describe_machine, write_results
from benchmarks.sheet import save_sheet
from benchmarks.tables import figures_table
from vrestore.device.devices import core_count
from vrestore.methods.inpaint.options import Quality

KINDS = ("stationary", "moving")
BARS = {"stationary": 21.5, "moving": 21.6}
"""Least hole PSNR of propagation, the mean over all clips under the standard settings, in decibels."""

GAINS = {"stationary": 0.7, "moving": 0.4}
"""The least that the network must gain on propagation, in the same means."""

WORST_GAIN, UNSEEN_GAIN = -0.5, 1.5
"""The least that it must gain on propagation in any clip, and on Telea in the pixels that no frame shows."""

STANDARD_FRAMES, STANDARD_SIZE, STANDARD_QUALITY = 60, Size(240, 432), "balanced"
JUDGED, NETWORK = "propagate", "tsam"

Result = TypeVar("Result")
ByClip = dict[str, dict[str, Figures]]

_COLUMNS = {
    "hole PSNR": ("hole_psnr", ".2f"),
    "hole SSIM": ("hole_ssim", ".4f"),
    "frame": ("frame_psnr", ".2f"),
    "warping": ("warping_error", ".2f"),
    "aligned": ("aligned_psnr", ".2f"),
    "detail": ("detail", ".2f"),
    "hole detail": ("hole_detail", ".2f"),
    "flicker": ("flicker", ".2f"),
    "painted": ("painted_share", ".1%"),
    "unseen PSNR": ("unseen_psnr", ".2f"),
    "s": ("seconds", ".1f"),
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table for each kind of hole and write JSON."""
    options, console = _parser().parse_args(words), Console()
    data = find_data(options.data)
    if data is None:
        raise SystemExit("no real clips: pass --data DIR or set VRESTORE_DATA")
    everything = clip_names(data)
    names = _chosen(options.clips, everything)
    machine = describe_machine()
    results = _measured(options, data, names, console)
    is_standard = names == everything and (
        (options.frames, options.size, options.quality) == (STANDARD_FRAMES, STANDARD_SIZE, STANDARD_QUALITY)
    )
    summary: Values = {
        kind: _summed_up(kind, clips, console, is_standard=is_standard) for kind, clips in results.items()
    }
    size = "native" if options.size is None else f"{options.size.width}x{options.size.height}"
    settings: Values = {"frames": options.frames, "size": size, "quality": options.quality}
    settings |= {"workers": options.workers, "clips": list(names), "grow": 0, "feather": 0}
    write_results(
        options.json, benchmark="inpaint_quality", settings=settings, results=summary, machine=machine
    )
    console.print(f"written to {options.json}")
    if options.sheet is not None:
        tasks = [_task(options, data, name, "object") for name in names]
        save_sheet(list(_mapped(sheet_row, tasks, options.workers)), options.sheet)
        console.print(f"drawn to {options.sheet}")


def _measured(
    options: argparse.Namespace, data: Path, names: Sequence[str], console: Console
) -> dict[str, ByClip]:
    """Measure every clip with every kind of hole, telling of each as it is done."""
    tasks = [_task(options, data, name, kind) for kind in KINDS for name in names]
    results: dict[str, ByClip] = {kind: {} for kind in KINDS}
    for task, figures in zip(tasks, _mapped(measure, tasks, options.workers), strict=True):
        results[task.kind][task.clip] = figures
        psnrs = ", ".join(
            f"{name} {_shown(each.hole_psnr, '.2f')}" for name, each in figures.items() if name != TRUTH
        )
        console.print(f"{task.kind} {task.clip}: hole PSNR {psnrs}", highlight=False)
    return results


def _summed_up(kind: str, clips: ByClip, console: Console, *, is_standard: bool) -> Values:
    """Print the means of a kind of hole, and return them with every clip's figures."""
    methods = next(iter(clips.values()))
    means = {method: mean_of(clips[name][method] for name in clips) for method in methods}
    table = figures_table(f"{kind}: mean of {len(clips)} clip(s)", "method", *_COLUMNS)
    for method, figures in means.items():
        values = asdict(figures)
        table.add_row(method, *(_shown(values[name], form) for name, form in _COLUMNS.values()))
    console.print(table)
    bar: Values | None = None
    if is_standard:
        got = means[JUDGED].hole_psnr
        bar = {"method": JUDGED, "hole_psnr": BARS[kind], "met": got is not None and got >= BARS[kind]}
        verdict = "met" if bar["met"] else "missed"
        console.print(f"bar of {BARS[kind]} dB: {verdict} with {_shown(got, '.2f')}\n", highlight=False)
    gains: Values | None = None
    if NETWORK in means:
        gains = _gains(kind, clips, means, console, is_standard=is_standard)
    return {
        "gains": gains,
        "mean": {method: asdict(figures) for method, figures in means.items()},
        "bar": bar,
        "clips": {clip: _plain(by_method) for clip, by_method in clips.items()},
    }


def _gains(
    kind: str,
    clips: ByClip,
    means: Mapping[str, Figures],
    console: Console,
    *,
    is_standard: bool,
) -> Values:
    """Say what the network gained on propagation, and whether that is enough."""
    by_clip = {
        name: (figures[NETWORK].hole_psnr or 0) - (figures[JUDGED].hole_psnr or 0)
        for name, figures in clips.items()
    }
    gain = (means[NETWORK].hole_psnr or 0) - (means[JUDGED].hole_psnr or 0)
    unseen = (means[NETWORK].unseen_psnr or 0) - (means["telea"].unseen_psnr or 0)
    warping = (means[NETWORK].warping_error or 0) - (means[JUDGED].warping_error or 0)
    found = {"mean": (gain, GAINS[kind]), "worst clip": (min(by_clip.values()), WORST_GAIN)}
    found["unseen pixels, on Telea"] = (unseen, UNSEEN_GAIN)
    values: Values = {"clips": by_clip, "warping_error": warping}
    for what, (got, bar) in found.items():
        met = got >= bar if is_standard else None
        values[what] = {"gain": got, "bar": bar, "met": met}
        verdict = "" if met is None else f", bar {bar:+.1f}: {'met' if met else 'missed'}"
        console.print(f"{NETWORK}, {kind}, {what}: {got:+.2f} dB{verdict}", highlight=False)
    console.print(f"{NETWORK}, {kind}, warping error: {warping:+.2f}\n", highlight=False)
    return values


def _plain(by_method: Mapping[str, Figures]) -> Values:
    return {method: asdict(figures) for method, figures in by_method.items()}


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _task(options: argparse.Namespace, data: Path, name: str, kind: str) -> Task:
    threads = max(1, core_count() // options.workers)
    return Task(data, name, kind, options.frames, options.size, options.quality, threads, options.model)


def _mapped(work: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Do the tasks in order, in this process or in several."""
    if workers == 1:
        yield from map(work, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(work, tasks)


def _chosen(asked: str | None, names: Sequence[str]) -> Sequence[str]:
    """Return the names asked for, which may lack their prefix; all without any."""
    if asked is None:
        return names
    chosen = []
    for word in asked.split(","):
        found = [name for name in names if name == word or name.partition("_")[2] == word]
        if not found:
            raise SystemExit(f"no clip {word!r}; there are {', '.join(names)}")
        chosen += found
    return chosen


def _size(text: str) -> Size | None:
    """Read `432x240` or `native`; argparse tells of a ValueError."""
    if text == "native":
        return None
    width, height = map(int, text.split("x"))
    return Size(height, width)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inpaint_quality")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the real clips")
    parser.add_argument("--size", type=_size, default=STANDARD_SIZE, help="432x240 (default) or native")
    parser.add_argument("--frames", type=int, default=STANDARD_FRAMES, help="first frames (default 60)")
    parser.add_argument("--clips", metavar="A,B", help="only these clips")
    parser.add_argument("--model", metavar="NAME", help="also judge tsam with these weights")
    parser.add_argument("--quality", choices=get_args(Quality), default=STANDARD_QUALITY)
    parser.add_argument(
        "--workers",
        type=int,
        choices=range(1, 65),
        default=1,
        metavar="N",
        help="processes; the cores are shared out",
    )
    parser.add_argument("--json", type=Path, default=RESULTS / "inpaint_quality.json", metavar="PATH")
    parser.add_argument("--sheet", type=Path, metavar="PATH.png", help="also draw objects being removed")
    return parser


if __name__ == "__main__":
    main()
