"""Haze to train and to measure by: the scattering law over depth, and what a camera adds to it.

What real haze has and a plain law has not, in the order it comes: density and air light that drift through a
shot, smoke that is not even and moves with the wind, a glow around what is bright, then the sensor's noise
and the codec's blocks, both on top of the haze, because that is what dehazing makes worse. Some haze is put
on in linear light, where nature does it. RESIDE (Li et al. 2019) has the even part only; ranges of color and
density are its and those of RIDCP (Wu et al., CVPR 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float32]
"""(T, H, W, 3) RGB in [0, 1]."""

Maps = NDArray[np.float32]
"""(T, H, W)."""

DISPLAY_GAMMA = 2.2
"""The exponent that makes light of displayed values, about that of sRGB."""

MIN_MEAN, MAX_MEAN = 0.12, 0.95
"""The range of the mean transmission of a picture."""

DENSITY_DRIFT = 0.01
"""The standard deviation of the step of log density from frame to frame."""

AIR_DRIFT = 0.002
"""The standard deviation of the step of the air light, in shares of full scale."""


@dataclass(frozen=True, slots=True)
class Weather:
    """The haze of one shot. Density is for each unit of depth."""

    density: float
    air: tuple[float, float, float]
    smoke: float = 0.0
    """How uneven it is: the standard deviation of the logarithm of density."""
    smoke_size: float = 0.3
    """The size of a cloud, as a share of the picture's shorter side."""
    wind: tuple[float, float] = (0.0, 0.0)
    """Movement of the smoke from frame to frame, as shares of the shorter side, right and down."""
    glow: float = 0.0
    is_linear: bool = False
    """Whether haze is added in linear light; the law at displayed values then holds only roughly."""
    noise: float = 0.0
    """The standard deviation of the sensor's noise."""
    jpeg_quality: int | None = None
    drifts: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Hazed:
    """Hazy pictures and what was between them and the camera."""

    pictures: Pictures
    transmission: Maps
    air: NDArray[np.float32]
    """(T, 3)."""


def draw_weather(random: np.random.Generator, depth: Maps) -> Weather:
    """Draw the haze for pictures of this depth: thin or dense, gray or tinted, even or smoke."""
    wanted = random.uniform(MIN_MEAN, MAX_MEAN)
    is_dim, is_tinted, is_uneven = random.random(3) < (0.1, 0.3, 0.5)
    # RESIDE draws from 0.7 to 1; fog by day is exposed near to white.
    level = random.uniform(0.4, 0.75) if is_dim else 1 - 0.3 * random.random() ** 2
    spread = 0.08 if is_tinted else 0.02
    air = np.clip(level * (1 + random.uniform(-spread, spread, 3)), 0.2, 1.0)
    is_noisy, is_coded, is_linear, glows = random.random(4) < (0.4, 0.3, 0.1, 0.1)
    return Weather(
        density=density_for(depth, wanted),
        air=(float(air[0]), float(air[1]), float(air[2])),
        smoke=random.uniform(0.2, 1.0) if is_uneven else 0.0,
        smoke_size=random.uniform(0.15, 1.5),
        wind=(random.uniform(-0.02, 0.02), random.uniform(-0.01, 0.01)),
        glow=random.uniform(0.1, 0.5) if glows else 0.0,
        is_linear=bool(is_linear),
        noise=random.uniform(0.002, 0.02) if is_noisy else 0.0,
        jpeg_quality=int(random.integers(50, 96)) if is_coded else None,
        drifts=True,
        seed=int(random.integers(2**31)),
    )


def density_for(depth: Maps, wanted: float) -> float:
    """Return the density at which the mean transmission over `depth` is `wanted`, in (0, 1)."""
    # The mean of exp(-density * depth) falls as density rises, so halving finds it: 24 halvings of 18 in ln
    # density are a millionth.
    sample = depth[:, ::4, ::4].ravel()
    low, high = 1e-4, 1e4
    for _ in range(24):
        middle = float(np.sqrt(low * high))
        if np.exp(-middle * sample).mean() > wanted:
            low = middle
        else:
            high = middle
    return float(np.sqrt(low * high))


def add_haze(clear: Pictures, depth: Maps, weather: Weather) -> Hazed:
    """Put the weather's haze over a clip; the same weather is the same haze."""
    random = np.random.default_rng(weather.seed)
    count, height, width = depth.shape
    steps = np.asarray(random.normal(0, DENSITY_DRIFT, count)).cumsum() if weather.drifts else np.zeros(count)
    density = weather.density * np.exp(steps).astype(np.float32)[:, None, None]
    if weather.smoke:
        density = density * np.exp(weather.smoke * _clouds(random, count, height, width, weather))
    # Bouguer's law: t = exp(-density * depth), (T, H, W).
    transmission = np.exp(-density * depth).astype(np.float32)
    air = np.tile(np.asarray(weather.air, np.float32), (count, 1))
    if weather.drifts:
        air = np.clip(air + np.asarray(random.normal(0, AIR_DRIFT, (count, 3))).cumsum(0), 0, 1).astype(
            np.float32
        )
    hazy = _scattered(clear, transmission, air, weather)
    return Hazed(_filmed(hazy, random, weather), transmission, air)


def _scattered(clear: Pictures, transmission: Maps, air: NDArray[np.float32], weather: Weather) -> Pictures:
    t, color = transmission[..., None], air[:, None, None]
    if weather.is_linear:
        # What is seen through the haze is dimmed in linear light; at displayed values that looks thinner.
        clear, color = clear**DISPLAY_GAMMA, color**DISPLAY_GAMMA
    hazy = clear * t + color * (1 - t)  # Koschmieder's law, I = J t + A (1 - t); He, Sun and Tang 2009, eq. 1
    if weather.glow:
        hazy += weather.glow * (1 - t) * _halos(clear)
    if weather.is_linear:
        hazy = np.maximum(hazy, 0) ** (1 / DISPLAY_GAMMA)
    return hazy.astype(np.float32)


def _halos(clear: Pictures) -> Pictures:
    """Return the light of what is bright, spread around it."""
    sigma = 0.06 * min(clear.shape[1:3])
    bright = np.maximum(clear - 0.8, 0) * 5
    halos = [cv2.GaussianBlur(each, (0, 0), sigma) for each in bright]
    return np.asarray(np.stack(halos), np.float32)


def _clouds(random: np.random.Generator, count: int, height: int, width: int, weather: Weather) -> Maps:
    """Return smooth noise of unit variance that moves with the wind, (T, H, W)."""
    side = min(height, width)
    layers = [_cloud(random, height, width, size * weather.smoke_size * side) for size in (1.0, 0.5)]
    frames = np.empty((count, height, width), np.float32)
    for index in range(count):
        x, y = (part * side * index for part in weather.wind)
        # The finer layer is nearer and moves faster.
        slow, fast = (
            _shifted(layer, x * pace, y * pace) for layer, pace in zip(layers, (1, 1.5), strict=True)
        )
        frames[index] = 0.8 * slow + 0.6 * fast  # 0.8^2 + 0.6^2 = 1 keeps the variance
    return frames


def _shifted(layer: NDArray[np.float32], x: float, y: float) -> NDArray[np.float32]:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    height, width = layer.shape
    return np.asarray(
        cv2.warpAffine(layer, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101), np.float32
    )


def _cloud(random: np.random.Generator, height: int, width: int, size: float) -> NDArray[np.float32]:
    rows, columns = (max(2, round(side / size)) + 1 for side in (height, width))
    grid = random.normal(0, 1, (rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _filmed(hazy: Pictures, random: np.random.Generator, weather: Weather) -> Pictures:
    """Add what sensor and codec add, in 8 bits."""
    if weather.noise:
        hazy = hazy + random.normal(0, weather.noise, hazy.shape).astype(np.float32)
    # 8 bits come after the haze: where little shines through, its steps are what dehazing has to work with.
    codes = np.clip(hazy * 255 + 0.5, 0, 255).astype(np.uint8)
    if weather.jpeg_quality is not None:
        codes = np.stack([_coded(each, weather.jpeg_quality) for each in codes])
    return np.asarray(codes, np.float32) / np.float32(255)


def _coded(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
