"""Teaching the dehazing network: its examples, what counts as wrong, and how it is judged.

An example is a short hazy clip with the middle frame's truth. The network learns the haze through the very
guided filter and scattering law that it is used with, so that it counts how the picture comes out; where the
law holds, the haze itself is compared too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vrestore.models.cgidn.haze_head import Haze
from vrestore.models.cgidn.network import CgIdn, Features
from vrestore.ops.filters.guided import gray, guided_filter
from vrestore.ops.filters.haze_model import unscatter
from vrestore.training.dehaze.scenes import Scene, Scenery
from vrestore.training.dehaze.weather import Hazed, add_haze, draw_weather

WEATHERS = 2
"""Hazes that every scene is seen under: what differs is the haze, and drawing a scene costs most."""

SHARE_CLEAR = 0.12
"""The share of the examples without haze, so that clear pictures are left alone."""

GUIDE_RADIUS, GUIDE_EPSILON = 6, 1e-3
"""The guided filter's radius in pixels, and the variance from which on it keeps an edge."""

MIN_TRANSMISSION = 0.08
"""Thicker haze is taken away as if it were this: what is behind it is mostly noise."""

MIN_SQUARE = 1e-5
"""What is added under a root, whose slope at 0 has no bound."""

CONFIDENCE_FALL = 10.0
"""Confidence is to be exp(-10 * error) of the pre-dehazed picture."""

BEYOND = 0.05
"""How much it counts that a color is beyond what can be shown."""

WEIGHT_LARGE = 0.5
"""The weight of the root of the mean square, beside the mean: PSNR counts large errors more."""

WEIGHT_TRANSMISSION, WEIGHT_AIR, WEIGHT_CLEARED, WEIGHT_CONFIDENCE = 0.6, 8.0, 0.1, 0.05
WEIGHT_DEPTH, WEIGHT_SLOPE = 0.1, 0.25
"""The weights of the other losses beside the picture's, whose weight is 1."""

SLOPE_SCALES = 4
"""Slopes of depth are compared at so many sizes, each half of the one before."""


@dataclass(frozen=True)
class Examples:
    """N hazy clips with the truth of their middle frames, values in [0, 1]."""

    hazy: Tensor
    """(N, T, 3, H, W); T is 1 for pictures without neighbors."""
    clear: Tensor
    """(N, 3, H, W)."""
    transmission: Tensor
    """(N, 1, H, W)."""
    air: Tensor
    """(N, 3)."""
    is_lawful: Tensor
    """(N,) bool: the haze was added at displayed values, by the law that takes it away."""

    def to(self, device: torch.device) -> Examples:
        """Return the same on a device."""
        return Examples(*(value.to(device) for value in vars(self).values()))


@dataclass(frozen=True)
class Judged:
    """How far off the network is; `total` is what it learns from."""

    total: Tensor
    picture: Tensor
    transmission: Tensor
    slope: Tensor
    air: Tensor
    cleared: Tensor


def draw_examples(
    scenery: Scenery, *, seed: tuple[int, ...], count: int, frames: int, height: int, width: int
) -> Examples:
    """Draw examples; the same seed draws the same ones."""
    drawn = []
    for index in range(count):
        # A generator for each example, so that it does not depend on what was drawn for those before it.
        random = np.random.default_rng((*seed, index))
        if index % WEATHERS == 0:
            scene = scenery.draw(random, frames=frames, height=height, width=width)
        drawn.append(_example(scene, random))
    return Examples(*(torch.stack(list(parts)) for parts in zip(*drawn, strict=True)))


def _example(scene: Scene, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    frames = len(scene.pictures)
    weather = draw_weather(random, scene.depth)
    if random.random() < SHARE_CLEAR:
        air = np.tile(np.asarray(weather.air, np.float32), (frames, 1))
        hazed = Hazed(scene.pictures, np.ones_like(scene.depth), air)
    else:
        hazed = add_haze(scene.pictures, scene.depth, weather)
    middle = frames // 2
    return (
        torch.from_numpy(np.ascontiguousarray(hazed.pictures.transpose(0, 3, 1, 2))),
        torch.from_numpy(np.ascontiguousarray(scene.pictures[middle].transpose(2, 0, 1))),
        torch.from_numpy(hazed.transmission[middle].copy())[None],
        torch.from_numpy(hazed.air[middle].copy()),
        torch.tensor(not weather.is_linear),
    )


def judge(network: CgIdn, examples: Examples) -> Judged:
    """Let the network clear the examples, and compare."""
    window = network.encode_windows(examples.hazy)  # of each frame of the window, (N, ...)
    seen = network.clear(window)
    middle = window[network.config.reach]
    cleared, confidence = _pre_dehazing(middle, examples.clear)
    zero = cleared.new_zeros(())
    if isinstance(seen, Haze):
        # What is wrong with the picture says little of the air, and that little is drowned in its noise.
        picture, transmission = take_away(replace(seen, air=seen.air.detach()), middle.picture)
        # (N, 1, 1, 1): haze added in linear light has no transmission that this law could be compared with.
        lawful = examples.is_lawful.float()[:, None, None, None]
        wrong_haze = ((transmission - examples.transmission).abs() * lawful).mean()
        wrong_depth, wrong_slope = _wrong_depth(seen.depth, examples.transmission, lawful)
        # Air light shows by 1 - t alone: where there is no haze, any is right.
        thickness = (1 - examples.transmission).mean((1, 2, 3))
        # Mostly the prior is nearly right, so by the median of errors nothing would be learnt; hence squares.
        wrong_air = ((seen.air - examples.air).square().mean(1) * thickness).mean()
    else:
        picture = seen
        wrong_haze = wrong_air = wrong_depth = wrong_slope = zero
    # A clamp has no slope beyond its ends; a small share of what was cut off leads back into the range.
    shown = picture.clamp(0, 1)
    error = shown - examples.clear + BEYOND * (picture - shown)
    wrong_picture = error.abs().mean()
    large = (error.square().mean((1, 2, 3)) + MIN_SQUARE).sqrt().mean()
    total = wrong_picture + WEIGHT_LARGE * large + WEIGHT_TRANSMISSION * wrong_haze + WEIGHT_AIR * wrong_air
    total = total + WEIGHT_DEPTH * wrong_depth + WEIGHT_SLOPE * wrong_slope
    total = total + WEIGHT_CLEARED * cleared + WEIGHT_CONFIDENCE * confidence
    return Judged(total, wrong_picture, wrong_haze, wrong_slope, wrong_air, cleared)


def take_away(haze: Haze, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return pictures (N, 3, H, W) without the haze, and the transmission there, (N, 1, H, W)."""
    size = pictures.shape[-2:]
    # J = (I - A) / t + A (Koschmieder's law, solved for the scene), t carried to full size by the picture's
    # edges.
    coarse = F.interpolate(torch.exp(-haze.depth), size=size, mode="bilinear", align_corners=False)
    transmission = guided_filter(gray(pictures), coarse, radius=GUIDE_RADIUS, epsilon=GUIDE_EPSILON)
    transmission = transmission.clamp(MIN_TRANSMISSION, 1)
    tint = F.interpolate(haze.tint, size=size, mode="bilinear", align_corners=False)
    air = haze.air[:, :, None, None] + tint  # (N, 3, H, W)
    return unscatter(pictures, transmission, air, least=MIN_TRANSMISSION), transmission


def _wrong_depth(depth: Tensor, transmission: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return by how much optical depth (N, 1, h, w) is off, and by how much its slopes are.

    `transmission` is the truth (N, 1, H, W), `weight` (N, 1, 1, 1). An error of depth is one of contrast,
    however thick the haze is; slopes at several sizes (Li and Snavely 2018, "MegaDepth", eq. 4) are what the
    eye takes for blotches and for edges in the wrong place.
    """
    truth = F.adaptive_avg_pool2d(transmission, (depth.shape[-2], depth.shape[-1]))
    most = -math.log(MIN_TRANSMISSION)
    error = (depth.clamp(max=most) + truth.clamp(min=MIN_TRANSMISSION).log()) * weight
    slopes = []
    for scale in range(SLOPE_SCALES):
        if min(error.shape[-2:]) < 2 ** (scale + 1):
            break
        coarse = F.avg_pool2d(error, 2**scale)
        slopes += [coarse.diff(dim=axis).abs().mean() for axis in (-2, -1)]
    return error.abs().mean(), torch.stack(slopes).mean()


def _pre_dehazing(frame: Features, clear: Tensor) -> tuple[Tensor, Tensor]:
    """Return the error of the pre-dehazed picture and that of the confidence in it."""
    truth = F.adaptive_avg_pool2d(clear, (frame.cleared.shape[-2], frame.cleared.shape[-1]))
    error = (frame.cleared - truth).abs().mean(1, keepdim=True)
    # The confidence is taught by the error, the error not by the confidence, hence detached.
    wanted = torch.exp(-CONFIDENCE_FALL * error.detach())
    return error.mean(), F.binary_cross_entropy_with_logits(frame.confidence, wanted)
