"""The methods that are compared. Each sees the blanked frames and the holes, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import torch

from benchmarks.clips import Masks, Pictures
from vrestore.device.devices import network_precision
from vrestore.frames import Color, Frame, HoleSummary, MaskedFrame
from vrestore.masks.shapes import hole_of
from vrestore.media.formats import pixel_format
from vrestore.methods.inpaint.effort import EFFORTS, flow_scale
from vrestore.methods.inpaint.options import Quality
from vrestore.methods.inpaint.plan import network_scale_for
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.inpaint.settings import InpaintStats, NetworkSettings, Settings
from vrestore.methods.inpaint.stage import inpaint
from vrestore.ops.filters.membrane import membrane

TELEA_RADIUS = 4


@dataclass(frozen=True)
class Filling:
    """What a method made. `painted` tells which pixels it took from no other frame, `seconds` how long."""

    frames: Pictures
    painted: Masks
    seconds: float


Method = Callable[[Pictures, Masks, Settings], tuple[Pictures, Masks]]


def settings_of(quality: Quality, *, threads: int) -> Settings:
    """Return the settings that a plan with enough memory makes of a quality."""
    effort = EFFORTS[quality]
    return Settings(
        passes=effort.passes,
        preset=effort.flow,
        chunk=effort.chunk,
        look_ahead=effort.look_ahead,
        margin=effort.margin,
        sharpness=effort.sharpness,
        carried_frames=effort.carried_frames,
        origin_frames=effort.origin_frames,
        texture_side=effort.texture_side,
        threads=threads,
    )


def fill(
    name: str, blanked: Pictures, masks: Masks, settings: Settings, *, model: str | None = None
) -> Filling:
    """Run a method; what it returns outside the hole must be the input."""
    began = time.perf_counter()
    frames, painted = methods_with(model)[name](blanked, masks, settings)
    seconds = time.perf_counter() - began
    if not np.array_equal(frames[~masks], blanked[~masks]):
        raise ValueError(f"{name} changed pixels outside the hole")
    return Filling(frames, painted, seconds)


def _telea(blanked: Pictures, masks: Masks, settings: Settings) -> tuple[Pictures, Masks]:
    """Fill each frame alone by Telea (2004)."""
    del settings
    filled = [
        cv2.inpaint(frame, hole, TELEA_RADIUS, cv2.INPAINT_TELEA)
        for frame, hole in zip(blanked, masks.view(np.uint8), strict=True)
    ]
    return np.stack(filled).astype(np.uint8), masks


def _membrane(blanked: Pictures, masks: Masks, settings: Settings) -> tuple[Pictures, Masks]:
    """Fill each frame alone by the smooth surface that the tool paints with."""
    del settings
    result = blanked.copy()
    for picture, mask in zip(result, masks, strict=True):
        known = torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32))
        surface = membrane(known, torch.from_numpy(~mask)).numpy().transpose(1, 2, 0)
        picture[mask] = np.rint(surface[mask])
    return result, masks


def _propagate(
    blanked: Pictures, masks: Masks, settings: Settings, *, model: str | None = None
) -> tuple[Pictures, Masks]:
    """Fill by `vrestore.methods.inpaint.stage`, frame by frame in and out as in a run of the command.

    With a `model` its network corrects what was propagated.
    """
    layout = pixel_format("rgb24")
    if layout is None:
        raise ValueError("rgb24 is not among the pixel formats")
    height, width = masks.shape[1:]
    holes = [hole_of(mask, grow=0, feather=0) for mask in masks]
    painted = np.zeros_like(masks)

    def note(filled: Filled) -> None:
        at, box = filled.patch, filled.patch.box
        painted[at.index, box.rows, box.columns][at.hidden] = (filled.confidence == 0).numpy()

    def items() -> Iterator[MaskedFrame]:
        for index, (picture, hole) in enumerate(zip(blanked, holes, strict=True)):
            yield MaskedFrame(Frame((picture.reshape(height, 3 * width),), index, 1, index), hole)

    summaries = [None if hole is None else HoleSummary(hole.parts, hole.pixel_count) for hole in holes]
    network = None
    if model is not None:
        scale = network_scale_for(summaries, quality="balanced", height=height, width=width)
        network = NetworkSettings(model, scale, network_precision())
    frames = inpaint(
        items(),
        summaries=summaries,
        height=height,
        width=width,
        format=layout,
        color=Color(),
        settings=replace(
            settings,
            scale=flow_scale(height),
            network=network,
            origin_frames=0 if network else settings.origin_frames,  # the network corrects what was blended
            texture_side=0 if network else settings.texture_side,
        ),
        tally=InpaintStats(),
        observe=note,
    )
    pictures = [frame.planes[0].reshape(height, width, 3) for frame in frames]
    return np.stack(pictures).astype(np.uint8), painted


def methods_with(model: str | None) -> dict[str, Method]:
    """Return all methods that are compared; `tsam` is among them where there is a model for it."""
    if model is None:
        return METHODS
    return {**METHODS, "tsam": partial(_propagate, model=model)}


METHODS: dict[str, Method] = {
    "telea": _telea,
    "membrane": _membrane,
    "propagate": _propagate,
}
