"""How near to clear pictures dehazing comes, and how steady it is.

    python -m benchmarks.dehaze_quality [--parts indoor,video,real,clear,slider] [--strength 75]
        [--model FILE]

`indoor`: pairs of synthetic haze, at full strength and told that there is haze, as `video` is. `video`: a
recording with true depth under three hazes put on by the scattering law, with flicker and jitter, and with
parts of the estimate replaced by the truth. `real`: pairs of real haze, at the default strength. `clear`:
clips without haze, which should stay as they are. `slider`: how much of what full strength changes the
strengths between change, on all pairs. Baselines run beside the tool: the hazy pictures themselves, and the
dark channel prior on each frame by itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.clips import Pictures, find_data
from benchmarks.command import parts_of
from benchmarks.dehaze_methods import HAZY, NETWORK, ORACLES, PLAIN, STEADY, clear
from benchmarks.dehaze_sets import (
    Case,
    clear_clips,
    hazed_recordings,
    indoor_pairs,
    read_pictures,
    real_pairs,
)
from benchmarks.machine import RESULTS, Values, describe_machine, write_results
from benchmarks.measures import PERFECT, psnr, ssim_map
from benchmarks.sheet import save_sheet
from benchmarks.tables import figures_table
from vrestore.device.devices import Precision
from vrestore.methods.dehaze.options import DehazeOptions

PARTS = ("indoor", "video", "real", "clear", "slider")
FULL = frozenset({"indoor", "video"})
"""The parts at full strength, where the tool is told that there is haze."""

METHODS = (HAZY, PLAIN, STEADY, NETWORK)
CLEAR_FRAMES, SHEET_FRAMES = 12, 24
CELL_WIDTH = 320
MINIMUM_PSNR_OF_CLEAR, MEAN_PSNR_OF_CLEAR = 28.0, 36.0
LEAST_PSNR_INDOOR, LEAST_PSNR_REAL = 24.0, 17.0

SLIDER = (0.25, 0.5, 0.75)
MOST_OFF_SLIDER = 0.12
"""Strengths, and how far the share of the change may be from each."""

LEAST_REMOVED, LEAST_REMOVED_AT = 0.85, {0.75: 0.6}
"""The share of true haze that is to be gone in the mean at full strength, and at another."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Figures:
    """What was measured of one method on one case, or the mean of cases.

    PSNR in decibels; `removed` is the share of true haze that is gone, None where there is none; `flicker`
    and `jitter` in code values of 255, None for single pictures; `seconds` for a frame.
    """

    psnr: float
    ssim: float
    removed: float | None
    flicker: float | None
    jitter: float | None
    seconds: float


def judge(result: Pictures, truth: Pictures, seconds: float, *, hazy: Pictures | None = None) -> Figures:
    """Compare pictures with the truth; `hazy` are those that were cleared.

    Flicker is the mean of |change from frame to frame - change of the truth|, jitter the mean of |change from
    frame to frame of the mean error of a frame|.
    """
    error = result.astype(np.float32) - truth
    flicker = jitter = None
    if len(result) > 1:
        flicker = float(np.abs(np.diff(error, axis=0)).mean())
        jitter = float(np.abs(np.diff(error.mean((1, 2, 3)))).mean())
    return Figures(
        psnr=float(np.mean([psnr(*pair) for pair in zip(result, truth, strict=True)])),
        ssim=float(np.mean([ssim_map(*pair).mean() for pair in zip(result, truth, strict=True)])),
        removed=None if hazy is None else share_of_change(hazy, result, truth),
        flicker=flicker,
        jitter=jitter,
        seconds=seconds / len(result),
    )


def share_of_change(before: Pictures, after: Pictures, wanted: Pictures) -> float | None:
    """Return the change made as a share of the change wanted, along that: its projection; None for none."""
    made, whole = (each.astype(np.float32) - before for each in (after, wanted))
    size = float((whole * whole).sum())
    return float((made * whole).sum()) / size if size else None


def mean_of(figures: Sequence[Figures]) -> Figures:
    """Return the mean of each figure; None where a case has none."""
    means: dict[str, float | None] = {}
    for name in asdict(figures[0]):
        values = [getattr(each, name) for each in figures]
        means[name] = None if any(value is None for value in values) else float(np.mean(values))
    return Figures(**means)  # type: ignore[arg-type]  # those that may not be None are not


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table for each part, write JSON, a plot and a contact sheet."""
    options, console = _parser().parse_args(words), Console()
    data = find_data(options.data)
    if data is None:
        raise SystemExit("no data: pass --data DIR or set VRESTORE_DATA")
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    machine = describe_machine()
    results: Values = {}
    for part in options.parts:
        cases = _cases(part, data)
        strength = 1.0 if part in FULL else options.strength / 100
        measured = _slid if part == "slider" else _measured
        results[part] = measured(part, cases, strength, options, console)
    settings: Values = {"strength": options.strength, "model": options.model, "threads": options.threads}
    settings["precision"] = options.precision
    write_results(
        options.json, benchmark="dehaze_quality", settings=settings, results=results, machine=machine
    )
    console.print(f"written to {options.json}")
    if options.plot is not None:
        save_sheet([plotted(results)], options.plot)
        console.print(f"plotted to {options.plot}")
    if options.sheet is not None:
        save_sheet(_sheet(data, options), options.sheet)
        console.print(f"drawn to {options.sheet}")


def _cases(part: str, data: Path) -> list[Case]:
    if part == "clear":
        return clear_clips(data, frames=CLEAR_FRAMES)
    if part == "slider":
        return indoor_pairs(data) + real_pairs(data)
    return {"indoor": indoor_pairs, "video": hazed_recordings, "real": real_pairs}[part](data)


def _slid(
    part: str, cases: Sequence[Case], strength: float, options: argparse.Namespace, console: Console
) -> Values:
    """Measure what share of the change at full strength others make, and of the true haze."""
    del strength

    def made(case: Case, own: float) -> Pictures:
        return clear(
            NETWORK, case.hazy, strength=own, model=options.model, precision=options.precision
        ).frames

    shares: dict[float, list[float]] = {own: [] for own in SLIDER}
    removed: dict[float, list[float]] = {own: [] for own in (*SLIDER, 1.0)}
    for case in cases:
        full = made(case, 1.0)
        for own in removed:
            result = full if own == 1.0 else made(case, own)
            removed[own].append(share_of_change(case.hazy, result, case.truth) or 0.0)
            if own in shares:
                shares[own].append(share_of_change(case.hazy, result, full) or 0.0)
    table = figures_table(
        f"{part}: {len(cases)} pairs", "strength", "share of full, least", "greatest", "true haze removed"
    )
    for own, values in removed.items():
        span = (f"{min(shares[own]):.3f}", f"{max(shares[own]):.3f}") if own in shares else ("-", "-")
        table.add_row(f"{100 * own:g}", *span, f"{np.mean(values):.3f}")
    console.print(table)
    off = max(abs(value - own) for own, values in shares.items() for value in values)
    bars = {f"share of full strength within {MOST_OFF_SLIDER:g} of the slider": off <= MOST_OFF_SLIDER}
    for own, least in {1.0: LEAST_REMOVED, **LEAST_REMOVED_AT}.items():
        bars[f"true haze removed at {100 * own:g} at least {least:g}"] = float(np.mean(removed[own])) >= least
    _tell(bars, console)
    return {
        "shares": {f"{100 * own:g}": values for own, values in shares.items()},
        "removed": {f"{100 * own:g}": float(np.mean(values)) for own, values in removed.items()},
        "bars": bars,
    }


def _tell(bars: dict[str, bool], console: Console) -> None:
    for words, is_met in bars.items():
        console.print(f"{words}: {'met' if is_met else 'missed'}", highlight=False)
    console.print()


def _measured(
    part: str, cases: Sequence[Case], strength: float, options: argparse.Namespace, console: Console
) -> Values:
    if not cases:
        raise SystemExit(f"nothing to measure for {part!r} in this folder")
    methods = [name for name in METHODS if name in options.methods]
    if NETWORK in methods and all(case.haze is not None for case in cases):
        methods += ORACLES
    by_case: dict[str, dict[str, Figures]] = {}
    for case in cases:
        by_case[case.name] = {}
        for name in methods:
            done = clear(
                name,
                case.hazy,
                strength=strength,
                model=options.model,
                precision=options.precision,
                haze=case.haze,
                is_hazy=part in FULL,
            )
            by_case[case.name][name] = judge(done.frames, case.truth, done.seconds, hazy=case.hazy)
    means = {name: mean_of([by_case[case][name] for case in by_case]) for name in methods}
    table = figures_table(
        f"{part}: {len(cases)} case(s), strength {100 * strength:g}",
        "method",
        *("PSNR", "SSIM", "removed", "flicker", "jitter", "s a frame"),
    )
    for name, figures in means.items():
        values = asdict(figures).values()
        table.add_row(name, *("-" if value is None else f"{value:.3f}" for value in values))
    console.print(table)
    for label, figures_by in by_case.items() if part != "indoor" else ():
        told = ", ".join(f"{name} {each.psnr:.2f}" for name, each in figures_by.items())
        console.print(f"{part} {label}: PSNR {told}", highlight=False)
    bars = bars_of(part, means, by_case)
    _tell(bars, console)
    return {
        "mean": {name: asdict(each) for name, each in means.items()},
        "bars": bars,
        "cases": {case: {name: asdict(each) for name, each in own.items()} for case, own in by_case.items()},
    }


def bars_of(part: str, means: dict[str, Figures], by_case: dict[str, dict[str, Figures]]) -> dict[str, bool]:
    """Say which of the network's bars are met; none where a method to compare with was left out."""
    if not {HAZY, PLAIN, NETWORK} <= set(means):
        return {}
    hazy, plain, ours = means[HAZY], means[PLAIN], means[NETWORK]
    if part == "indoor":
        return {
            f"PSNR at least {LEAST_PSNR_INDOOR:g} dB": ours.psnr >= LEAST_PSNR_INDOOR,
            "SSIM above both": ours.ssim > max(hazy.ssim, plain.ssim),
        }
    if part == "video":
        return {
            "PSNR 3 dB above plain dcp": ours.psnr >= plain.psnr + 3,
            "flicker 0.8 of plain dcp": (ours.flicker or 0) <= 0.8 * (plain.flicker or 0),
            "jitter no more than that of the haze": (ours.jitter or 0) <= (hazy.jitter or 0),
        }
    if part == "real":
        return {f"PSNR at least {LEAST_PSNR_REAL:g} dB": ours.psnr >= LEAST_PSNR_REAL}
    least = min(own[NETWORK].psnr for own in by_case.values())
    return {
        f"PSNR at least {MINIMUM_PSNR_OF_CLEAR:g} dB on each clip": least >= MINIMUM_PSNR_OF_CLEAR,
        f"PSNR at least {MEAN_PSNR_OF_CLEAR:g} dB in the mean": ours.psnr >= MEAN_PSNR_OF_CLEAR,
    }


def plotted(results: Values) -> Picture:
    """Draw the mean PSNR of every method in every part as bars."""
    panels = []
    for part, values in results.items():
        if "mean" not in values:  # type: ignore[operator]  # it is what was measured, by name
            continue
        means = values["mean"]  # type: ignore[index]  # it is what `_measured` gave
        panel = np.full((220, 320, 3), 255, np.uint8)
        cv2.putText(
            panel, f"{part}: PSNR, dB", (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA
        )
        for index, (name, each) in enumerate((name, means[name]) for name in METHODS if name in means):
            left, height = 16 + 74 * index, round(150 * min(each["psnr"], PERFECT / 2) / (PERFECT / 2))
            color = (30, 90, 200) if name == NETWORK else (150, 150, 150)
            cv2.rectangle(panel, (left, 190 - height), (left + 50, 190), color, -1)
            words = (f"{each['psnr']:.1f}", (left, 184 - height)), (name, (left - 4, 208))
            for text, place in words:
                cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (60, 60, 60), 1, cv2.LINE_AA)
        panels.append(panel)
    return np.concatenate(panels, axis=1)


def _sheet(data: Path, options: argparse.Namespace) -> list[Picture]:
    """Draw real haze: what goes in and what comes out, a row for each clip and photograph."""
    folder = data / "val/dehaze"
    rows = []
    sources = [*sorted(folder.glob("*.mp4")), *sorted((folder / "real_photos").glob("*"))]
    for path in sources:
        pictures = read_pictures(path, frames=SHEET_FRAMES)
        made = [
            clear(
                name,
                pictures,
                strength=options.strength / 100,
                model=options.model,
                precision=options.precision,
            )
            for name in METHODS
        ]
        rows.append(
            np.concatenate(
                [_cell(each.frames[-1], name) for name, each in zip(METHODS, made, strict=True)], 1
            )
        )
    return rows


def _cell(picture: Picture, label: str) -> Picture:
    cell = np.zeros((CELL_WIDTH * 3 // 4, CELL_WIDTH, 3), np.uint8)
    factor = min(CELL_WIDTH / picture.shape[1], cell.shape[0] / picture.shape[0])
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    cell[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    cv2.putText(cell, label, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return cell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dehaze_quality")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the data")
    parser.add_argument("--parts", type=parts_of(PARTS), default=list(PARTS), metavar="A,B")
    parser.add_argument("--methods", type=parts_of(METHODS), default=list(METHODS), metavar="A,B")
    parser.add_argument(
        "--strength", type=float, default=DehazeOptions().strength, help="for real haze and clear clips"
    )
    parser.add_argument("--model", metavar="FILE", help="other weights for the network")
    parser.add_argument("--precision", choices=get_args(Precision), default="fp32", help="of the network")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=RESULTS / "dehaze_quality.json", metavar="PATH")
    parser.add_argument("--plot", type=Path, metavar="PATH.png", help="also draw the figures")
    parser.add_argument("--sheet", type=Path, metavar="PATH.jpg", help="also draw real haze cleared")
    return parser


if __name__ == "__main__":
    main()
