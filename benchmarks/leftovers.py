"""What is left of removed objects: whether it is found, and what widening the mask by it brings.

    python -m benchmarks.leftovers [found] [grow] [time] [--data DIR] [--json PATH]

Objects of photographs are pasted on ten training clips, with a mask 3 pixels too small or with a soft shadow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import vrestore
from benchmarks.bars import Bar
from benchmarks.clips import Masks, Pictures
from benchmarks.leftovers_compose import CLIPS, Composed, compose
from benchmarks.machine import Values
from benchmarks.masks_compose import read_pictures, write_clip
from benchmarks.parts import Part, measure_parts
from benchmarks.tables import figures_table
from vrestore.masks.masks import open_masks, widths
from vrestore.masks.options import MaskWords, mask_options
from vrestore.masks.shapes import grown, shrunk
from vrestore.masks.writer import MaskWriter
from vrestore.media.reader import VideoReader, open_video
from vrestore.methods.leftovers.look import EVERY, Judgement
from vrestore.methods.leftovers.sampling import STEP, frames_with_holes, look_at

TIGHT = 3
"""Pixels of the object that are left around the hole."""

CRF = 18

_GROWN = 24  # frames of each clip that are inpainted


def measure_found(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Look at every fourth frame of each clip with a good mask, a tight one, and a shadow."""
    table = figures_table("frames in which something is found", "clip", "clean", "rim", "shadow", "strength")
    figures: dict[str, Values] = {}
    sums = {"clean": [0, 0], "rim": [0, 0], "shadow": [0, 0]}
    for number, name in enumerate(CLIPS):
        with TemporaryDirectory() as folder:
            composed = compose(data, name, number=number)
            counts = _counts(composed, Path(folder))
        for case, (found, of) in counts.items():
            sums[case][0] += found
            sums[case][1] += of
        shares = {case: found / max(of, 1) for case, (found, of) in counts.items()}
        figures[name] = {**shares, "strength": composed.strength}
        table.add_row(name, *(f"{share:.0%}" for share in shares.values()), f"{composed.strength:.0%}")
    console.print(table)
    shares = {case: found / max(of, 1) for case, (found, of) in sums.items()}
    both = (sums["rim"][0] + sums["shadow"][0]) / max(sums["rim"][1] + sums["shadow"][1], 1)
    bars = [
        Bar("rims found", 100 * shares["rim"], "at least", 80, " %"),
        Bar("shadows found", 100 * shares["shadow"], "at least", 80, " %"),
        Bar("rims and shadows found", 100 * both, "at least", 80, " %"),
        Bar("false in clean frames", 100 * shares["clean"], "at most", 5, " %"),
    ]
    return {"clips": figures, "shares": shares}, bars


def measure_grow(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Inpaint each clip with a good and a tight mask, by the default width and by `--grow auto`."""
    table = figures_table("PSNR where the object is, dB", "clip", "tight", "auto", "good", "auto")
    figures: dict[str, dict[str, float]] = {}
    for number, name in enumerate(CLIPS):
        with TemporaryDirectory() as folder:
            figures[name] = _grown(compose(data, name, number=number, frames=_GROWN), Path(folder))
        table.add_row(name, *(f"{value:.2f}" for value in figures[name].values()))
    console.print(table)
    means = {case: float(np.mean([each[case] for each in figures.values()])) for case in _CASES}
    costs = [each["good"] - each["good, auto"] for each in figures.values()]
    bars = [
        Bar("gain on tight masks", means["tight, auto"] - means["tight"], "at least", 2, " dB"),
        Bar("cost on good masks", means["good"] - means["good, auto"], "at most", 0.2, " dB"),
        Bar("largest cost on a good mask", max(costs), "at most", 0.2, " dB"),
    ]
    return {"clips": figures, "means": means}, bars


def measure_time(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Compare the processor time of a run with a sampled pass before and after with that of one without."""
    folder = data / "val" / "inpaint"
    seconds: dict[str, float] = {}
    with TemporaryDirectory() as place:
        source, mask = folder / "davis_libby.mp4", folder / "davis_libby.object.mkv"
        began = time.process_time()
        _look(source, MaskWords(mask=mask), every=STEP)
        seconds["the look alone"] = time.process_time() - began
        began = time.process_time()
        vrestore.inpaint(source, mask=mask, grow="auto", target=Path(place) / "out.mkv", threads=1)
        seconds["whole run"] = time.process_time() - began
    share = 100 * seconds["the look alone"] / seconds["whole run"]
    console.print(f"{share:.1f} % of the processor time of a run is one sampled pass")
    return {"seconds": seconds}, [Bar("sampled pass", share, "at most", 10, " %")]


_CASES = ("tight", "tight, auto", "good", "good, auto")


def _counts(composed: Composed, folder: Path) -> dict[str, tuple[int, int]]:
    grow, feather = widths(None, None, height=composed.truth.shape[1])
    tight = -(TIGHT + feather)
    cases: dict[str, tuple[Pictures, int, Callable[[Judgement], bool]]] = {
        "clean": (composed.plain, grow, lambda each: each.rim > 0 or each.has_shadow),
        "rim": (composed.plain, tight, lambda each: each.rim > 0),
        "shadow": (composed.shadowed, grow, lambda each: each.has_shadow),
    }
    mask = _write_masks(folder / "mask.mkv", composed.masks)
    counts = {}
    for case, (pictures, wide, is_found) in cases.items():
        clip = write_clip(folder / f"{case}.mp4", pictures, crf=CRF)
        judgements = _look(clip, MaskWords(mask=mask, grow=wide), every=EVERY)
        counts[case] = sum(map(is_found, judgements)), len(judgements)
    return counts


def _look(clip: Path, words: MaskWords, *, every: int) -> list[Judgement]:
    def opens(start: int, stop: int) -> VideoReader:
        return open_video(clip, start=start, stop=stop)

    with open_video(clip) as reader:
        meta, start = reader.meta, reader.first_pts
    with open_masks(mask_options(words), meta, start_pts=start) as masks:
        numbers = frames_with_holes(masks, start=0, count=meta.frame_count)[::every]
        return list(look_at(numbers, masks, meta, opens))


def _grown(composed: Composed, folder: Path) -> dict[str, float]:
    """Return the PSNR of the truth where the object is, grown by the default, by case."""
    clip = write_clip(folder / "clip.mkv", composed.plain, crf=CRF)
    grow, feather = widths(None, None, height=composed.truth.shape[1])
    narrow = np.stack([shrunk(mask, TIGHT + grow + feather) for mask in composed.masks])
    masks = {
        "good": _write_masks(folder / "good.mkv", composed.masks),
        "tight": _write_masks(folder / "tight.mkv", narrow),
    }
    judged = np.stack([grown(mask, grow) for mask in composed.masks])
    found = {}
    for case in _CASES:
        wide: Literal["auto"] | None = "auto" if case.endswith("auto") else None
        target = folder / "out.mkv"
        vrestore.inpaint(
            clip, mask=masks[case.split(",")[0]], target=target, overwrite=True, codec="ffv1",
            quality="draft", grow=wide,
        )  # fmt: skip
        found[case] = _psnr(read_pictures(target, frames=len(judged)), composed.truth, judged)
    return found


def _write_masks(path: Path, masks: Masks) -> Path:
    height, width = (size // 2 * 2 for size in masks.shape[1:])
    with open_video(write_clip(path.with_suffix(".size.mkv"), _blank(height, width), crf=None)) as reader:
        meta = reader.meta
    with MaskWriter(path, meta) as writer:
        for number, mask in enumerate(masks[:, :height, :width]):
            writer.write(np.ascontiguousarray(mask), number)
        writer.finish()
    return path


def _blank(height: int, width: int) -> Pictures:
    return np.zeros((1, height, width, 3), np.uint8)


def _psnr(result: Pictures, truth: Pictures, where: Masks) -> float:
    errors: list[NDArray[np.floating]] = []
    for one, other, mask in zip(result, truth, where, strict=True):
        height, width = one.shape[:2]
        apart = one.astype(np.float64) - other[:height, :width]
        errors.append(np.mean(np.square(apart[mask[:height, :width]])))
    return float(np.mean(10 * np.log10(255**2 / np.array(errors))))


PARTS: dict[str, Part] = {"found": measure_found, "grow": measure_grow, "time": measure_time}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print the bars and write JSON."""
    measure_parts("leftovers", PARTS, words)


if __name__ == "__main__":
    main()
