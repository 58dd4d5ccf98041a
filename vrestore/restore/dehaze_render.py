"""Takes the haze out of a frame's own planes.

The scattering law is the same affine map for every colour, so it holds for luma and chroma as it does for
RGB: `code + (1/t - 1) * (code - air's code)`. No sample goes through RGB and back, and where t is 1 none
changes. Transmission comes at the working size; the guided filter's lines, read at full size with the frame's
own luma, give it the frame's edges (He and Sun 2015).

What departs from the law: a place brighter than the air is not made brighter, it would clip; and a shot that
would come out darker than DARK_MEAN is lifted, by at most MOST_LIFT, without clipping.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vrestore.frames import Colour, Component, Frame, PixelFormat, Plane
from vrestore.media.coding import Coding
from vrestore.ops.guided import guided_lines
from vrestore.restore.dehaze_haze import Veil
from vrestore.restore.dehaze_left import LEAST_TRANSMISSION, believed, cleared, even_rest, left_over
from vrestore.restore.dehaze_look import coding_for, luma_weights, samples_of
from vrestore.restore.dehaze_settings import DehazeSettings

GUIDE_RADIUS, GUIDE_EPSILON = 6, 1e-3

HIGHLIGHT = 0.1
"""Below the brightness of the air over which colours begin to be left alone."""

DARK_MEAN, MOST_LIFT = 0.3, 1.3
FOLLOW_RATE = 0.1
"""Share of a frame's own figures (lift, noise, strength, even rest of the haze) in those of its shot."""

DITHER_SIDE = 128
MOST_DITHER = 2.0
"""Steps between codes grow with contrast and would show as bands; so does what hides them, as far as this."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Maps:
    """What is applied, at the working size: the filter's lines, the luma and the colour of the air."""

    slope: Values
    offset: Values
    air: Values
    """(3, h, w), or (3, 1, 1) where it is the same everywhere."""


class Renderer:
    """Clears the frames of one video; remembers the shot's brightness and noise."""

    def __init__(self, settings: DehazeSettings, *, format: PixelFormat, colour: Colour) -> None:
        self._settings, self._format, self._colour = settings, format, colour
        self._lift, self._rest, self._noise = 1.0, 1.0, 0.0
        self._strength = settings.strength
        # A pattern that stays is invisible and costs the encoder nothing.
        random = np.random.default_rng(0)
        self._dither = random.uniform(-0.49, 0.49, (DITHER_SIDE, DITHER_SIDE)).astype(np.float32)

    @property
    def figures(self) -> list[float]:
        """What is remembered of the shot; one that goes on begins with these of its last frame."""
        return [self._lift, self._strength, self._rest, self._noise]

    @figures.setter
    def figures(self, last: list[float]) -> None:
        self._lift, self._strength, self._rest, self._noise = last

    def __call__(self, veil: Veil) -> Frame:
        """Give the frame without the haze that is to go."""
        look, settings = veil.look, self._settings
        if settings.strength == 0:
            return look.frame
        coding = coding_for(look.frame, format=self._format, colour=self._colour)
        self._measure_noise(veil, coding)
        air = _air_map(veil)
        strength = believed(veil, air, settings, noise=self._noise)
        self._strength = self._followed(self._strength, strength, veil)
        left = left_over(veil, air, replace(settings, strength=self._strength), noise=self._noise)
        self._rest = self._followed(self._rest, even_rest(veil, air, left, settings), veil)
        left = (left * self._rest).clamp(min=LEAST_TRANSMISSION)
        self._measure_lift(veil, left, air)
        slope, offset = guided_lines(look.luma, left, radius=GUIDE_RADIUS, epsilon=GUIDE_EPSILON)
        maps = _Maps(slope[0, 0].numpy(), offset[0, 0].numpy(), air[0].numpy())
        return self._applied(look.frame, coding, maps)

    def _measure_lift(self, veil: Veil, left: Tensor, air: Tensor) -> None:
        picture = veil.look.picture
        before = float(picture.mean())
        after = float(cleared(picture, air, left).mean())
        wanted = min(before, DARK_MEAN) / max(after, 1e-3)
        lift = min(max(wanted, 1.0), MOST_LIFT)
        self._lift = self._followed(self._lift, lift, veil)

    def _followed(self, last: float, now: float, veil: Veil) -> float:
        """Give a figure of the shot, that of its first frame at first."""
        if veil.look.starts_scene or self._settings.steady == 0:
            return now
        return last + FOLLOW_RATE * (now - last)

    def _measure_noise(self, veil: Veil, coding: Coding) -> None:
        """Measure the noise of luma by second differences (Immerkaer 1996), by their median instead."""
        component = self._format.components[0]
        samples = samples_of(veil.look.frame.planes[component.plane], component)
        height, width = samples.shape
        rows = slice(height // 4, max(height // 4 + 3, height * 3 // 4))
        columns = slice(width // 4, max(width // 4 + 3, width * 3 // 4))
        y = (samples[rows, columns] >> component.shift).astype(np.float32)
        if min(y.shape) < 3:
            return
        kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
        step = max(1, y.shape[0] // 128)
        second = np.abs(cv2.filter2D(y, -1, kernel))[1:-1:step, 1:-1]
        noise = float(np.median(second)) / 0.6745 / 6 / float(coding.from_rgb[0].sum())
        self._noise = self._followed(self._noise, noise, veil)

    def _applied(self, frame: Frame, coding: Coding, maps: _Maps) -> Frame:
        """Write every component; in RGB each colour is luma and its difference from it."""
        components, is_yuv = self._format.components, self._format.model == "yuv"
        planes = {component.plane: frame.planes[component.plane].copy() for component in components}
        codes = [_codes(frame, component) for component in components]
        weights = luma_weights(coding, self._format)
        zero, unit = float(coding.offset[0]), float(coding.from_rgb[0].sum())
        if is_yuv or len(codes) == 1:
            luma = (codes[0] - zero) / unit
        else:
            luma = sum(weight * (each - zero) for weight, each in zip(weights, codes, strict=True)) / unit
        size = luma.shape
        air_luma = np.tensordot(weights, maps.air, 1)
        more, gain = _changes(
            luma, _large(maps.slope, size), _large(maps.offset, size), _large(air_luma, size)
        )
        lift = self._lifted(luma + more)
        growth = np.minimum(gain, np.float32(MOST_DITHER))
        gain *= np.float32(self._settings.color)
        for number, (component, each) in enumerate(zip(components, codes, strict=True)):
            row = coding.from_rgb[number]
            if number == 0 and (is_yuv or len(codes) == 1):
                change = more * np.float32(unit)
            elif is_yuv:
                air_code = np.tensordot(row.astype(np.float32), maps.air, 1)
                own = _reduced(gain, each.shape)
                change = own * (each - np.float32(coding.offset[number]) - _large(air_code, each.shape))
            else:
                own = maps.air[number] - air_luma
                away = (each - zero) / unit - luma - _large(own, size)
                change = (more + gain * away) * np.float32(unit)
            own_lift = lift if number == 0 or not is_yuv else 1 + self._settings.color * (lift - 1)
            self._lift_up(change, each, own_lift, float(coding.offset[number]))
            self._write(
                planes[component.plane], component, each, change, growth, row, float(coding.offset[number])
            )
        return frame.with_planes(planes)

    def _lifted(self, luma: Values) -> Values:
        """Give what every code is multiplied by: the lift where it is dark, nothing where it is white."""
        more = np.float32(self._lift - 1)
        return np.float32(self._lift) / (1 + more * np.clip(luma, 0, 1))

    def _lift_up(self, change: Values, old: Values, lift: Values, zero: float) -> None:
        """Make the change one to codes that are lifted."""
        if self._lift > 1:
            change += (old + change - np.float32(zero)) * (_reduced(lift, change.shape) - 1)

    def _write(
        self,
        plane: Plane,
        component: Component,
        old: Values,
        change: Values,
        growth: Values,
        row: NDArray[np.float64],
        zero: float,
    ) -> None:
        """Write codes changed and dithered, within what the format means but for what was beyond."""
        new = old + change
        low, high = zero + np.minimum(row, 0).sum(), zero + np.maximum(row, 0).sum()
        height, width = new.shape
        times = (-(-height // DITHER_SIDE), -(-width // DITHER_SIDE))
        new += np.tile(self._dither, times)[:height, :width] * (1 + _reduced(growth, new.shape))
        np.clip(new, np.minimum(old, low), np.maximum(old, high), out=new)
        samples = samples_of(plane, component)
        samples[...] = np.rint(new, out=new).astype(samples.dtype) << component.shift


def matte_of(veil: Veil, *, height: int, width: int) -> NDArray[np.uint8]:
    """Give the transmission with the picture's edges as a grey picture (H, W, 3), white is clear air."""
    luma = veil.look.luma
    through = F.interpolate(
        torch.exp(-veil.depth), size=luma.shape[-2:], mode="bilinear", align_corners=False
    )
    slope, offset = guided_lines(luma, through, radius=GUIDE_RADIUS, epsilon=GUIDE_EPSILON)
    small = (slope * luma + offset).clamp(0, 1)[0, 0].numpy()
    codes = np.rint(_large(small, (height, width)) * 255).astype(np.uint8)
    return np.repeat(codes[..., None], 3, axis=2)


def _air_map(veil: Veil) -> Tensor:
    """Give the colour of the air, (1, 3, 1, 1) or (1, 3, h, w) at the working size."""
    air = veil.air[None, :, None, None]
    if veil.tint is not None:
        size = veil.look.picture.shape[-2:]
        air = air + F.interpolate(veil.tint, size=size, mode="bilinear", align_corners=False)
    return air.clamp(0, 1)


def _changes(luma: Values, slope: Values, offset: Values, air: Values) -> tuple[Values, Values]:
    """Give what is added to luma, and how much colours grow: both 0 where nothing is to change."""
    left = np.clip(slope * luma + offset, LEAST_TRANSMISSION, 1)
    gain = 1 / left - 1
    below = luma - air
    more = gain * np.minimum(below, 0)
    gain *= np.clip(1 - below / np.float32(HIGHLIGHT), 0, 1)
    return more, gain


def _codes(frame: Frame, component: Component) -> Values:
    return (samples_of(frame.planes[component.plane], component) >> component.shift).astype(np.float32)


def _large(small: Values, size: tuple[int, int]) -> Values:
    """Read a map of the working size at full size; what is the same everywhere stays one value."""
    if small.size == 1:
        return small
    return np.asarray(cv2.resize(small, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _reduced(values: Values, size: tuple[int, int]) -> Values:
    if values.shape == size:
        return values
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
