"""The dehazing methods that are compared. Each sees hazy pictures in order, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from benchmarks.clips import Pictures
from vrestore.device.devices import Precision
from vrestore.frames import Color, Frame, MaskedFrame
from vrestore.media.formats import pixel_format
from vrestore.methods.dehaze.estimators.dark_channel import estimate_dark
from vrestore.methods.dehaze.estimators.estimate import Estimator, HazeEstimate
from vrestore.methods.dehaze.estimators.network import network_estimator
from vrestore.methods.dehaze.settings import DehazeSettings, DehazeStats
from vrestore.methods.dehaze.stage import dehaze
from vrestore.methods.dehaze.thumbnail import Thumbnail
from vrestore.models.weights import load_model
from vrestore.training.dehaze.weather import Hazed

OMEGA, PATCH, LEAST = 0.95, 15, 0.1
GUIDE_RADIUS, GUIDE_EPSILON = 40, 1e-3
"""The settings of the plain dark channel, as its authors have them (He, Sun and Tang 2009 and 2010)."""

HAZY, PLAIN, STEADY, NETWORK = "hazy", "dcp plain", "dcp", "cgidn"

TRUE_DEPTH, TRUE_AIR, TRUE_HAZE = "true depth", "true air", "true haze"
"""The network with a part of its estimate replaced by the truth: what is lost by the other."""

ORACLES = {TRUE_DEPTH: {"depth"}, TRUE_AIR: {"air"}, TRUE_HAZE: {"depth", "air"}}


@dataclass(frozen=True)
class Clearing:
    """What a method made, and the seconds it took."""

    frames: Pictures
    seconds: float


Method = Callable[[Pictures, float], Pictures]
"""A function that takes pictures (T, H, W, 3) and a strength in [0, 1]."""


def clear(
    name: str,
    pictures: Pictures,
    *,
    strength: float,
    model: str | None = None,
    precision: Precision = "fp32",
    haze: Hazed | None = None,
    is_hazy: bool = False,
) -> Clearing:
    """Run a method; `model` names other weights for the network, whose `precision` may be another too.

    `haze` is the truth, which the oracles need; `is_hazy` tells the tool that there is haze.
    """
    began = time.perf_counter()
    if name == HAZY:
        frames = pictures
    elif name == PLAIN:
        frames = np.stack([plain_dark_channel(picture, strength=strength) for picture in pictures])
    else:
        estimate = estimate_dark if name == STEADY else _network(model or "cgidn-small", precision)
        if name in ORACLES:
            if haze is None:
                raise ValueError(f"{name!r} needs the truth")
            estimate = knowing(estimate, haze, ORACLES[name])
        frames = by_the_tool(pictures, strength, estimate, is_hazy=is_hazy)
    return Clearing(frames, time.perf_counter() - began)


def plain_dark_channel(picture: NDArray[np.uint8], *, strength: float = 1.0) -> NDArray[np.uint8]:
    """Clear one picture (H, W, 3) by the dark channel prior and a guided filter, at its own size."""
    hazy = picture.astype(np.float32) / 255
    kernel = np.ones((PATCH, PATCH), np.uint8)
    dark = cv2.erode(hazy.min(2), kernel)
    count = max(1, dark.size // 1000)
    haziest = np.argpartition(dark.ravel(), -count)[-count:]
    air = hazy.reshape(-1, 3)[haziest].mean(0)
    raw = 1 - OMEGA * cv2.erode((hazy / np.maximum(air, 1e-3)).min(2), kernel)
    guide = cv2.cvtColor(hazy, cv2.COLOR_RGB2GRAY)
    side = (2 * GUIDE_RADIUS + 1, 2 * GUIDE_RADIUS + 1)
    mean, mean_raw = cv2.blur(guide, side), cv2.blur(raw, side)
    slope = cv2.blur(guide * raw, side) - mean * mean_raw
    slope = slope / (cv2.blur(guide * guide, side) - mean * mean + GUIDE_EPSILON)
    offset = mean_raw - slope * mean
    through = np.clip(cv2.blur(slope, side) * guide + cv2.blur(offset, side), LEAST, 1) ** strength
    cleared = (hazy - air) / through[..., None] + air
    return np.asarray(np.rint(np.clip(cleared, 0, 1) * 255), np.uint8)


def by_the_tool(
    pictures: Pictures, strength: float, estimate: Estimator, *, is_hazy: bool = False
) -> Pictures:
    """Clear pictures (T, H, W, 3) by the tool, whose haze an estimator finds."""
    layout = pixel_format("rgb24")
    if layout is None:
        raise ValueError("rgb24 is not known")
    result = dehaze(
        _frames(pictures),
        estimate=estimate,
        format=layout,
        color=Color(full_range=True),
        settings=DehazeSettings(strength=strength, is_hazy=is_hazy),
        tally=DehazeStats(),
    )
    shape = pictures.shape[1:]
    return np.stack([np.asarray(frame.planes[0], np.uint8).reshape(shape) for frame in result])


def knowing(estimate: Estimator, haze: Hazed, known: set[str]) -> Estimator:
    """Return an estimator with some of the haze known."""

    def estimated(looks: Iterator[Thumbnail]) -> Iterator[HazeEstimate]:
        for veil in estimate(looks):
            index, size = veil.look.frame.index, veil.look.picture.shape[-2:]
            if "depth" in known:
                through = torch.from_numpy(haze.transmission[index])[None, None]
                through = F.interpolate(through, size=size, mode="area")
                veil = replace(veil, depth=-through.clamp(min=1e-3).log())
            if "air" in known:
                veil = replace(veil, air=torch.from_numpy(haze.air[index]), tint=None)
            yield veil

    return estimated


def _frames(pictures: Pictures) -> Iterator[MaskedFrame]:
    for index, picture in enumerate(pictures):
        plane = np.ascontiguousarray(picture).reshape(picture.shape[0], -1)
        yield MaskedFrame(Frame((plane,), pts=index, duration=1, index=index), None)


@lru_cache(maxsize=1)
def _network(model: str, precision: Precision) -> Estimator:
    return network_estimator(load_model(model), precision=precision)
