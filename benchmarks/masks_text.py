"""Words found: subtitles drawn on clips, in three sizes and two styles; and none where there are none."""

from __future__ import annotations

import re
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.clips import Pictures
from benchmarks.machine import Values
from benchmarks.masks_compose import MOVING_TRAIN, read_pictures, train_path, val_paths, write_clip
from benchmarks.masks_words import SAYINGS, SIZES, Style, Subtitle, draw_subtitle, with_subtitle
from benchmarks.tables import figures_table
from vrestore import run_command
from vrestore.detect.text.reading import line_finder
from vrestore.errors import MaskError
from vrestore.masks.files import open_mask_file
from vrestore.run.report import DetectionReport

FRAMES = 64
STANDING = ((5, 23), (26, 44), (47, 62))
"""Frames in which the subtitles of the three sizes stand, half-open."""

NEAR = 2
"""Pixels by which drawn strokes are grown, and frames by which a line may come and go otherwise."""

CRFS = (18, 26)


def measure(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Find subtitles in every clip, and look for words in those of them that have none."""
    table = figures_table("subtitles found", "clip", "recall", "precision", "at other times")
    figures: dict[str, dict[str, float]] = {}
    by_kind: dict[str, list[float]] = {}
    false_lines, seconds, frames = 0, 0.0, 0
    clean = val_paths(data)
    with TemporaryDirectory() as folder:
        for turn, path in enumerate([*clean, *(train_path(data, name) for name in MOVING_TRAIN)]):
            pictures = _even(read_pictures(path, frames=FRAMES))
            subtitles = _drawn(pictures, turn)
            shown = pictures
            for _, subtitle in subtitles:
                shown = with_subtitle(shown, subtitle)
            clip = write_clip(Path(folder) / "clip.mkv", shown, crf=CRFS[turn % len(CRFS)])
            began = time.perf_counter()
            masks, _ = _found(clip)
            seconds, frames = seconds + time.perf_counter() - began, frames + len(shown)
            if path in clean:
                clip = write_clip(Path(folder) / "clean.mkv", pictures, crf=CRFS[turn % len(CRFS)])
                false_lines += _found(clip)[1]
            truth = np.zeros(masks.shape, np.bool_)
            for kind, each in subtitles:
                truth[each.start : each.stop] |= _grown(each.drawn)
                recall = float(masks[each.start : each.stop][:, _grown(each.drawn)].mean())
                by_kind.setdefault(kind, []).append(recall)
            figures[path.stem] = {
                "recall": float(masks[truth].mean()),
                "precision": float(truth[masks].mean()) if masks.any() else 1.0,
                "other times": float(sum(not _is_in_time(masks, each) for _, each in subtitles)),
            }
            row = figures[path.stem]
            table.add_row(
                path.stem, f"{row['recall']:.3f}", f"{row['precision']:.3f}", f"{row['other times']:.0f}"
            )
    console.print(table)
    means = {
        name: float(np.mean([row[name] for row in figures.values()])) for name in ("recall", "precision")
    }
    late = sum(row["other times"] for row in figures.values())
    bars = [
        Bar("recall of strokes grown by 2", means["recall"], "at least", 0.97),
        Bar("precision", means["precision"], "at least", 0.7),
        Bar("subtitles at other times, or missed", late, "at most", 0),
        Bar("false lines in the clean clips", false_lines, "at most", 1),
    ]
    kinds = {kind: float(np.mean(recalls)) for kind, recalls in sorted(by_kind.items())}
    told = {"has_network": line_finder(threads=1) is not None, "frames_a_second": frames / seconds}
    return {**told, "recall_by_kind": kinds, "clips": figures}, bars


def _drawn(pictures: Pictures, turn: int) -> list[tuple[str, Subtitle]]:
    styles: tuple[Style, ...] = get_args(Style)
    height, width = pictures.shape[1:3]
    drawn = []
    for number, (size, (start, stop)) in enumerate(zip(SIZES, STANDING, strict=True)):
        style = styles[(turn + number) % len(styles)]
        words = SAYINGS[(turn + number) % len(SAYINGS)]
        if stop > len(pictures):
            break
        kind = f"{style}, 1/{round(1 / size)}"
        subtitle = draw_subtitle(height, width, words=words, size=size, style=style, start=start, stop=stop)
        drawn.append((kind, subtitle))
    return drawn


def _found(clip: Path) -> tuple[NDArray[np.bool_], int]:
    """Return what `mask text` marks, (T, H, W), and how many lines those are."""
    target = clip.with_name("words.mkv")
    try:
        report = run_command("mask text", clip, target=target, overwrite=True)
    except MaskError:
        return np.zeros(read_pictures(clip, frames=FRAMES).shape[:3], np.bool_), 0
    if not isinstance(report, DetectionReport):
        raise TypeError("a detector has a report of its own")
    images = [image.mask for image in open_mask_file(target).images()]
    empty = np.zeros_like(next(mask for mask in images if mask is not None))
    counts = (re.fullmatch(r"found: (\d+) line.*", line) for line in report.found)
    masks = np.stack([empty if mask is None else mask for mask in images])
    return masks, sum(int(count[1]) for count in counts if count)


def _is_in_time(masks: NDArray[np.bool_], subtitle: Subtitle) -> bool:
    """Return whether most of a subtitle is marked from the frame where it comes to that where it goes."""
    covered = masks[:, subtitle.drawn].mean(axis=1) > 0.5  # (T,)
    middle = (subtitle.start + subtitle.stop) // 2
    unset = np.flatnonzero(~covered)
    start = max((int(each) + 1 for each in unset if each <= middle), default=0)
    stop = min((int(each) for each in unset if each > middle), default=len(masks))
    return abs(start - subtitle.start) <= NEAR and abs(stop - subtitle.stop) <= NEAR


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return cv2.dilate(mask.view(np.uint8), np.ones((2 * NEAR + 1,) * 2, np.uint8)).astype(np.bool_)


def _even(pictures: Pictures) -> Pictures:
    return pictures[:, : pictures.shape[1] // 2 * 2, : pictures.shape[2] // 2 * 2]
