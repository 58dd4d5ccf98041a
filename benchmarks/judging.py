"""One clip with one hole: every method run on it, and what it made compared with the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.clips import Clip, Masks, Size, read_clip
from benchmarks.measures import (
    Motion,
    aligned_psnr,
    detail,
    motion_of,
    own_flicker,
    psnr,
    ssim,
    warping_error,
)  # fmt: skip
from benchmarks.methods import Filling, fill, methods_with, settings_of
from benchmarks.sheet import Picture, row_of
from vrestore.flow.complete import dilated
from vrestore.methods.inpaint.options import Quality

TRUTH = "truth"
"""The clip itself among the methods: its warping error is the least that can be hoped for."""

SHEET_METHODS = ("telea", "propagate", "tsam")
UNSEEN_BY = "propagate"
"""The method that tells which pixels no frame shows."""
OBJECT_GROW_LINES = 80
"""Annotations end at the object's very edge: they are grown by a pixel for so many lines (6 of 480)."""


@dataclass(frozen=True)
class Task:
    """One clip with one kind of hole, as it is sent to a process; `size` None is the clip's own."""

    data: Path
    clip: str
    kind: str
    frames: int
    size: Size | None
    quality: Quality
    threads: int
    model: str | None = None
    """The model of the method `tsam`, which is left out without one."""

    def read(self) -> Clip:
        """Read the clip with its hole."""
        return read_clip(self.data, self.clip, self.kind, frames=self.frames, size=self.size)


@dataclass(frozen=True)
class Figures:
    """What was measured of one method on one clip, or the mean of clips; None where nothing was measured.

    PSNR in decibels; `warping_error` in thousandths of full scale; `painted_share` of the hole's pixels;
    `unseen_psnr` is that of the pixels that propagation took from no other frame, `painted_psnr` that of
    those that the method itself took from none; `seconds` for the whole clip. `detail` of the pixels that
    another frame shows and `hole_detail` of all are over the truth's, as is `flicker`: see `measures`.
    """

    hole_psnr: float | None = None
    hole_ssim: float | None = None
    frame_psnr: float | None = None
    warping_error: float | None = None
    painted_share: float | None = None
    painted_psnr: float | None = None
    unseen_psnr: float | None = None
    seconds: float | None = None
    detail: float | None = None
    hole_detail: float | None = None
    aligned_psnr: float | None = None
    flicker: float | None = None


def measure(task: Task) -> dict[str, Figures]:
    """Run every method on a clip and judge it; the truth's own figures come with them."""
    cv2.setNumThreads(task.threads)
    clip = task.read()
    blanked, motion = clip.blanked(), motion_of(clip.frames)
    settings = settings_of(task.quality, threads=task.threads)
    made = {
        name: fill(name, blanked, clip.masks, settings, model=task.model) for name in methods_with(task.model)
    }
    unseen = made[UNSEEN_BY].painted
    figures = {name: judge(clip, filling, motion, unseen) for name, filling in made.items()}
    return figures | {TRUTH: Figures(warping_error=warping_error(clip.frames, clip.masks, motion))}


def judge(clip: Clip, filling: Filling, motion: Motion, unseen: Masks) -> Figures:
    """Compare what a method made with the truth; `unseen` are the pixels that no frame shows."""
    hole_psnrs, hole_ssims, frame_psnrs, painted_psnrs, unseen_psnrs = [], [], [], [], []
    for truth, hole, result, painted, hidden in zip(
        clip.frames, clip.masks, filling.frames, filling.painted, unseen, strict=True
    ):
        if not hole.any():
            continue
        hole_psnrs.append(psnr(result, truth, hole))
        hole_ssims.append(ssim(result, truth, hole))
        frame_psnrs.append(psnr(result, truth))
        if painted.any():
            painted_psnrs.append(psnr(result, truth, painted))
        if hidden.any():
            unseen_psnrs.append(psnr(result, truth, hidden))
    return Figures(
        hole_psnr=_mean(hole_psnrs),
        hole_ssim=_mean(hole_ssims),
        frame_psnr=_mean(frame_psnrs),
        warping_error=warping_error(filling.frames, clip.masks, motion),
        painted_share=int(filling.painted.sum()) / max(1, int(clip.masks.sum())),
        painted_psnr=_mean(painted_psnrs),
        unseen_psnr=_mean(unseen_psnrs),
        seconds=filling.seconds,
        detail=detail(filling.frames, clip.frames, clip.masks & ~unseen),
        hole_detail=detail(filling.frames, clip.frames, clip.masks),
        aligned_psnr=aligned_psnr(filling.frames, clip.frames, clip.masks, clip.masks),
        flicker=own_flicker(filling.frames, clip.frames, clip.masks),
    )


def mean_of(clips: Iterable[Figures]) -> Figures:
    """Return the mean of each figure over the clips that have it."""
    gathered: dict[str, list[float]] = defaultdict(list)
    for figures in clips:
        for name, value in asdict(figures).items():
            gathered[name] += [] if value is None else [value]
    return Figures(**{name: _mean(values) for name, values in gathered.items()})


def sheet_row(task: Task) -> Picture:
    """Remove the annotated object of a clip, of which there is no truth, and draw what that looks like."""
    cv2.setNumThreads(task.threads)
    clip = task.read()
    grow = round(clip.masks.shape[1] / OBJECT_GROW_LINES)
    clip = Clip(clip.name, clip.frames, np.stack([dilated(mask, grow) for mask in clip.masks]))
    settings = settings_of(task.quality, threads=task.threads)
    blanked = clip.blanked()
    names = [name for name in SHEET_METHODS if name in methods_with(task.model)]
    made = {name: fill(name, blanked, clip.masks, settings, model=task.model).frames for name in names}
    return row_of(clip, made)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
