"""Validation: real clips with holes over content that is known, that nothing was learnt from.

A folder holds `NAME.mp4` with `NAME.stationary.mkv` and `NAME.moving.mkv`, masks whose white is the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vrestore.errors import InputError
from vrestore.models.tsam.network import Tsam
from vrestore.training.data.sources import Picture, read_clip
from vrestore.training.inpaint.samples import Sample, clip_and_motion, sample_of

KINDS = ("stationary", "moving")
HEIGHT, WIDTH, FRAMES = 240, 432, 24
CONTEXT = 32
"""Pixels around the largest hole that a window shows."""

SHOWN_SIDE = 192


@dataclass(frozen=True)
class Case:
    """A clip with a hole, filled by propagation."""

    name: str
    kind: str
    sample: Sample


class Judge:
    """Judges networks on the clips of a folder, which are filled once and kept in `cache`."""

    def __init__(self, folder: Path, cache: Path) -> None:
        names = sorted(path.stem for path in folder.glob("*.mp4"))
        if not names:
            raise InputError(
                f"no clips in {str(folder)!r} to validate on: it must hold NAME.mp4 with its masks"
            )
        cache.mkdir(parents=True, exist_ok=True)
        self._cases = [_case(folder, cache, name, kind) for name in names for kind in KINDS]

    def __call__(self, network: Tsam) -> tuple[dict[str, float], Picture]:
        """Return the hole PSNR (dB) of each kind, with its gain over propagation, and a contact sheet."""
        gains: dict[str, list[float]] = {kind: [] for kind in KINDS}
        figures: dict[str, list[float]] = {kind: [] for kind in KINDS}
        rows = []
        for case in self._cases:
            clip, motion, truth = clip_and_motion(case.sample, slice(0, len(case.sample.truth)))
            device = next(network.parameters()).device
            with torch.inference_mode():
                filled = network(clip.to(device), motion.to(device))
            filled = filled.float().cpu().clamp(0, 1)
            before, after = (_psnr(picture, truth, clip.holes) for picture in (clip.frames, filled))
            figures[case.kind].append(after)
            gains[case.kind].append(after - before)
            middle = len(truth) // 2
            rows.append(_row([truth[middle], clip.frames[middle], filled[middle]]))
        result = {kind: float(np.mean(values)) for kind, values in figures.items()}
        result |= {f"{kind} gain": float(np.mean(values)) for kind, values in gains.items()}
        result["worst gain"] = min(min(values) for values in gains.values())
        halves = [np.concatenate(rows[index::2]) for index in range(2)]
        return result, np.concatenate(halves, axis=1)


def _case(folder: Path, cache: Path, name: str, kind: str) -> Case:
    # Filling by propagation takes longer than judging, and is the same for every network.
    cached = cache / f"{name}.{kind}.pt"
    if not cached.exists():
        frames = [
            cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
            for frame in read_clip(folder / f"{name}.mp4")[:FRAMES]
        ]
        masks = [
            cv2.resize(mask[..., 0], (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST) > 127
            for mask in read_clip(folder / f"{name}.{kind}.mkv")[:FRAMES]
        ]
        first = next((index for index, mask in enumerate(masks) if mask.any()), None)
        if first is None:
            raise InputError(f"the mask of {name!r}, {kind}, hides nothing in its first {FRAMES} frames")
        # Up to the first frame without a hole: a sample has one in every frame.
        end = next((index for index in range(first, len(masks)) if not masks[index].any()), len(masks))
        if end > len(frames):
            raise InputError(f"the mask of {name!r}, {kind}, has {len(masks)} frames, the clip {len(frames)}")
        holes = np.stack(masks[first:end])
        height, width = _window_size([cv2.boundingRect(hole.astype(np.uint8)) for hole in holes])
        pictures = np.stack(frames[first:end]).astype(np.uint8)
        sample_of(pictures, holes, height=height, width=width).save(cached)
    return Case(name, kind, Sample.load(cached))


def _window_size(boxes: Sequence[Sequence[int]]) -> tuple[int, int]:
    widest, highest = (max(box[side] for box in boxes) + 2 * CONTEXT for side in (2, 3))
    # The network halves four times; the window is rounded up to 16 instead of being padded.
    return min(HEIGHT, -(-highest // 16) * 16), min(WIDTH, -(-widest // 16) * 16)


def _psnr(picture: Tensor, truth: Tensor, holes: Tensor) -> float:
    # The mean of each frame's PSNR over its hole, as papers have it; not the PSNR of the mean error.
    squares = ((picture - truth).square() * holes).sum((1, 2, 3)) / (3 * holes.sum((1, 2, 3)))
    return float((-10 * squares.clamp_min(1e-10).log10()).mean())


def _row(pictures: Sequence[Tensor]) -> Picture:
    cells = []
    for picture in pictures:
        codes = (picture.permute(1, 2, 0).float() * 255).round().byte().numpy()
        cell = np.zeros((SHOWN_SIDE, SHOWN_SIDE, 3), np.uint8)
        scale = min(1, SHOWN_SIDE / max(codes.shape[:2]))
        size = (round(codes.shape[1] * scale), round(codes.shape[0] * scale))
        cell[: size[1], : size[0]] = cv2.resize(codes, size, interpolation=cv2.INTER_AREA)
        cells.append(cell)
    return np.concatenate(cells, axis=1)
