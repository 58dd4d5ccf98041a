"""Samples: what the network is trained on, made by the very propagation that it will follow.

A clip with a hole drawn into it is filled by `vrestore.methods.inpaint.propagation.passes`; the windows
around the hole, their motion and the truth are one sample. Stills are frames of which each is a clip of its
own: what no other frame shows is learnt from them, without the cost of frames that are much alike. Sample `n`
of a seed is always the same."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vrestore.flow.estimator import make_estimator
from vrestore.frames import Box
from vrestore.masks.tracks import find_tracks
from vrestore.methods.inpaint.network.refine import no_motion
from vrestore.methods.inpaint.network.windows import Window, clip_of, motion_between, window_of
from vrestore.methods.inpaint.patches.patch import Patch, make_patch
from vrestore.methods.inpaint.propagation.passes import fill
from vrestore.methods.inpaint.settings import Settings
from vrestore.methods.inpaint.tools import NETWORK_FLOW, make_tools
from vrestore.models.tsam.network import Clip
from vrestore.ops.warp.shift_align import Motion
from vrestore.training.data.camera import draw_scene
from vrestore.training.data.recording import record
from vrestore.training.data.shapes import Masks, draw_holes
from vrestore.training.data.sources import Picture, Pictures, Sources, read_clip, read_photograph

STILL_RIM = 20
"""The pixels of a still's window on each side of the largest hole."""

MIN_FRAMES = 12
"""A clip that is shorter is passed over."""

MIN_HOLE_PIXELS = 60
"""The pixels that a hole must have in each frame on average to be worth a sample."""


@dataclass(frozen=True)
class SampleSettings:
    """What samples are like; sizes in pixels.

    `clip_share` of the samples come from clips, the others from photographs in motion: with 0.4, a network
    had gained 0.4 dB on those and nothing on clips. `frames` are filled at once, pictures have sides between
    `min_side` and `max_side`, windows sides of `window`.
    """

    frames: int = 20
    window: int = 128
    min_side: int = 176
    max_side: int = 256
    max_hole: int = 104
    clip_share: float = 0.8

    def __post_init__(self) -> None:
        if self.frames < MIN_FRAMES:
            raise ValueError(f"a sample has at least {MIN_FRAMES} frames, got {self.frames}")


@dataclass(frozen=True)
class Sample:
    """T windows with T-1 motions between them and the truth; 8 bits for [0, 1], flow as fp16."""

    frames: Tensor
    holes: Tensor
    confidence: Tensor
    hints: Tensor
    truth: Tensor
    forward: Tensor
    backward: Tensor
    forward_doubt: Tensor
    backward_doubt: Tensor

    def save(self, path: Path) -> None:
        """Write a file; it is there whole or not at all."""
        unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
        torch.save({field.name: getattr(self, field.name) for field in fields(self)}, unfinished)
        unfinished.replace(path)

    @staticmethod
    def load(path: Path) -> Sample:
        """Read what `save` wrote."""
        return Sample(**torch.load(path, weights_only=True))


def make_sample(index: int, *, seed: int, sources: Sources, settings: SampleSettings) -> Sample:
    """Draw a clip and a hole, fill it, and keep what the network needs."""
    rng = np.random.default_rng([seed, index])
    # A hole that a frame lacks would end the propagation there; one of a few pixels teaches nothing.
    while True:
        frames = record(rng, _draw_frames(rng, sources, settings))
        count, height, width, _ = frames.shape
        max_pixels = min(settings.max_hole, height - 16, width - 16)  # something must be left to fill from
        holes = draw_holes(rng, count=count, height=height, width=width, max_pixels=max_pixels)
        pixels = holes.sum((1, 2))
        if count >= MIN_FRAMES and pixels.min() > 0 and pixels.mean() >= MIN_HOLE_PIXELS:
            break
    return sample_of(frames, holes, height=settings.window, width=settings.window)


def make_stills(index: int, *, seed: int, sources: Sources, settings: SampleSettings) -> Sample:
    """Draw as many photographs as a clip has frames, each with a hole, filled from within itself."""
    rng = np.random.default_rng([seed, index, 1])
    side = settings.window
    stills: list[Sample] = []
    while len(stills) < settings.frames:
        photograph = read_photograph(sources.photographs[rng.integers(len(sources.photographs))])
        frames = record(rng, _cut_from(rng, photograph[None], 1, side, side))
        holes = draw_holes(rng, count=1, height=side, width=side, max_pixels=side - 2 * STILL_RIM)
        if holes.sum() >= MIN_HOLE_PIXELS:
            stills.append(sample_of(frames, holes, height=side, width=side))
    return Sample(*(torch.cat([vars(still)[name] for still in stills]) for name in vars(stills[0])))


def sample_of(frames: Pictures, holes: Masks, *, height: int, width: int) -> Sample:
    """Fill the holes of a clip and cut windows of a size around them; every frame has a hole."""
    windows = windows_of(frames, holes, height=height, width=width)
    flow = make_estimator(NETWORK_FLOW)
    pairs = [motion_between(*pair, flow) for pair in pairwise(windows)]
    truth = torch.stack([_window_of(frame, window) for frame, window in zip(frames, windows, strict=True)])
    clip = clip_of(windows)
    motion = Motion.join([no_motion(clip), *pairs])  # T - 1 pairs, also where there is one frame and none
    return Sample(
        frames=_bytes(clip.frames),
        holes=clip.holes,
        confidence=_bytes(clip.confidence),
        hints=clip.hints.half(),  # and flow: 11 bits are a 32nd of a pixel up to 64 pixels of motion
        truth=truth,
        forward=motion.forward.half(),
        backward=motion.backward.half(),
        forward_doubt=_bytes(motion.forward_doubt),
        backward_doubt=_bytes(motion.backward_doubt),
    )


def windows_of(frames: Pictures, holes: Masks, *, height: int, width: int) -> list[Window]:
    """Fill the holes of a clip as `vrestore inpaint` does, and cut windows around them."""
    settings = Settings(threads=1, origin_frames=0, texture_side=0)  # the network corrects what was blended
    with ThreadPoolExecutor(1) as executor:
        filled = fill(
            iter(_patches(frames, holes, settings.margin)), settings, make_tools(settings, executor)
        )
        return [window_of(each, height=height, width=width) for each in filled]


def clip_and_motion(sample: Sample, frames: slice) -> tuple[Clip, Motion, Tensor]:
    """Return some frames of a sample as the network takes them, with the truth, all float32."""
    # Frames [a, b) have pairs [a, b - 1): pair t is that of the frames t and t+1.
    pairs = slice(frames.start, max(frames.start, frames.stop - 1))
    clip = Clip(
        _unit(sample.frames[frames]),
        sample.holes[frames],
        _unit(sample.confidence[frames]),
        sample.hints[frames].float(),
    )
    motion = Motion(
        sample.forward[pairs].float(),
        sample.backward[pairs].float(),
        _unit(sample.forward_doubt[pairs]),
        _unit(sample.backward_doubt[pairs]),
    )
    return clip, motion, _unit(sample.truth[frames])


def _patches(frames: Pictures, holes: Masks, margin: int) -> list[Patch]:
    height, width = holes.shape[1:]
    parts = [[Box(*cv2.boundingRect(hole.astype(np.uint8)))] for hole in holes]
    track = find_tracks(parts, first=0, is_open=False, margin=margin, height=height, width=width)[0]
    patches: list[Patch] = []
    for index, (frame, hole) in enumerate(zip(frames, holes, strict=True)):
        box = track.canvas(index)
        hidden = np.ascontiguousarray(hole[box.rows, box.columns])
        # Blanked before anything looks, as in a run, so that no truth leaks into its own filling.
        rgb = frame[box.rows, box.columns].transpose(2, 0, 1).astype(np.float32) / 255  # (3, h, w)
        patches.append(make_patch(index, box, rgb * ~hidden, hidden))
    return patches


def _draw_frames(rng: np.random.Generator, sources: Sources, settings: SampleSettings) -> Pictures:
    height, width = (int(side) for side in rng.integers(settings.min_side, settings.max_side + 1, 2))
    if sources.clips and rng.random() < settings.clip_share:
        clip = read_clip(sources.clips[rng.integers(len(sources.clips))])
        return _cut_from(rng, clip, settings.frames, height, width)

    def photograph() -> Pictures:
        picture = read_photograph(sources.photographs[rng.integers(len(sources.photographs))])
        return picture[:, ::-1] if rng.random() < 0.5 else picture

    return draw_scene(rng, photograph, count=settings.frames, height=height, width=width)


def _cut_from(rng: np.random.Generator, clip: Pictures, count: int, height: int, width: int) -> Pictures:
    """Cut `count` frames of a size out of a clip, which is shrunk or stretched by a random factor."""
    # Every second frame makes the motion twice as fast, and played backwards it is as likely.
    pace = 2 if len(clip) >= 2 * count and rng.random() < 0.25 else 1
    start = int(rng.integers(0, max(1, len(clip) - pace * count + 1)))
    chosen = clip[start : start + pace * count : pace]
    if rng.random() < 0.5:
        chosen = chosen[::-1]
    min_scale = max(height / clip.shape[1], width / clip.shape[2])
    scale = max(min_scale, rng.uniform(0.7, 1.1))
    size = (max(width, round(clip.shape[2] * scale)), max(height, round(clip.shape[1] * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    top, left = (
        int(rng.integers(0, high - low + 1)) for high, low in zip(size[::-1], (height, width), strict=True)
    )
    cut = [
        cv2.resize(frame, size, interpolation=interpolation)[top : top + height, left : left + width]
        for frame in chosen
    ]
    if rng.random() < 0.5:
        cut = [frame[:, ::-1] for frame in cut]
    return np.stack(cut).astype(np.uint8)


def _window_of(frame: Picture, window: Window) -> Tensor:
    """Cut what is behind a window, (3, h, w) uint8; what stands out of the picture is continued."""
    height, width = frame.shape[:2]
    rows = np.arange(window.y, window.y + window.height).clip(0, height - 1)
    columns = np.arange(window.x, window.x + window.width).clip(0, width - 1)
    return torch.from_numpy(frame[rows][:, columns]).permute(2, 0, 1).contiguous()


def _bytes(values: Tensor) -> Tensor:
    return (values * 255).round().clamp(0, 255).byte()


def _unit(values: Tensor) -> Tensor:
    return values.float() / 255
