"""Takes the haze out of a frame's own planes.

The scattering law is the same affine map for every color, so it holds for luma and chroma as it does for
RGB: `code + (1/t - 1) * (code - air's code)`. No sample goes through RGB and back, and where t is 1 none
changes. Transmission comes at the working size; the guided filter's lines, read at full size with the frame's
own luma, give it the frame's edges (He and Sun 2015).

Strength is the share of that change: `code + k (1/t - 1) (code - air's code)` is what is seen through the
haze of transmission t' with 1 - t' = (1 - k) (1 - t), so of the veil that the haze lays over the picture the
share k is gone.

All of it is done where the frame's planes are, on the CPU or on a device, by the same lines.

What departs from the law: a place brighter than the air is not made brighter, it would clip; and a shot that
would come out darker than DARK_MEAN is lifted, by at most MOST_LIFT, without clipping.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vrestore.device.transfers import CPU
from vrestore.frames import Color, Component, Frame, PixelFormat
from vrestore.media.color.color_matrix import Coding
from vrestore.media.color.convert import coding_for
from vrestore.methods.dehaze.chroma import calmed, held
from vrestore.methods.dehaze.estimators.estimate import HazeEstimate
from vrestore.methods.dehaze.hdr_curve import PQ, SLOPE, left_in_signal, lift_in_signal, signal_of
from vrestore.methods.dehaze.planes import (
    Planes,
    codes_of,
    plane_from,
    samples_of,
    small_codes,
    weighted,
    write_codes,
)
from vrestore.methods.dehaze.settings import DehazeSettings
from vrestore.methods.dehaze.strength_map import (
    LEAST_TRANSMISSION,
    believed,
    cleared,
    depth_to_go,
    left_over,
)
from vrestore.methods.dehaze.thumbnail import luma_weights
from vrestore.ops.filters.guided import guided_lines
from vrestore.ops.resample.quantize import weighted_sum
from vrestore.ops.resample.resize import Size, enlarged, reduced
from vrestore.threads import Arrived, Awaited, Pending

GUIDE_RADIUS, GUIDE_EPSILON = 6, 1e-3

HIGHLIGHT = 0.1
"""Below the brightness of the air over which colors begin to be left alone."""

DARK_MEAN, MOST_LIFT = 0.35, 1.5
FOLLOW_RATE = 0.1
"""Share of a frame's own figures (lift, belief, noise) in those of its shot."""

DITHER_SIDE = 128
MOST_DITHER = 2.0
"""Steps between codes grow with contrast and would show as bands; so does what hides them, as far as this."""


@dataclass(frozen=True, slots=True)
class _Maps:
    """What is applied, at the working size: the filter's lines, the luma and the color of the air."""

    slope: Tensor
    offset: Tensor
    air: Tensor
    """(3, h, w), or (3, 1, 1) where it is the same everywhere."""
    guide: Tensor
    """(1, 1, h, w), the picture's luma."""
    left: Tensor
    """(1, 1, h, w), the transmission of the haze that goes."""


class Renderer:
    """Clears the frames of one video where they are; remembers the shot's brightness and noise."""

    def __init__(self, settings: DehazeSettings, *, format: PixelFormat, color: Color) -> None:
        self._settings, self._format, self._color = settings, format, color
        self._lift, self._belief, self._noise = 1.0, 1.0, 0.0
        # A pattern that stays is invisible and costs the encoder nothing.
        random = np.random.default_rng(0)
        dither = random.uniform(-0.49, 0.49, (DITHER_SIDE, DITHER_SIDE)).astype(np.float32)
        self._dither = {CPU: torch.from_numpy(dither)}

    @property
    def figures(self) -> list[float]:
        """What is remembered of the shot; one that goes on begins with these of its last frame."""
        return [self._lift, self._belief, self._noise]

    @figures.setter
    def figures(self, last: list[float]) -> None:
        self._lift, self._belief, self._noise = last

    @property
    def belief(self) -> float:
        """The share of the change that was made of the last frame, because it is believed to be hazy."""
        return self._belief

    @property
    def _share(self) -> float:
        return self._settings.strength * self._belief

    def __call__(self, veil: HazeEstimate) -> Pending[Frame]:
        """Take the haze that is to go out of the frame, and begin to bring it back."""
        if self._settings.strength == 0:
            return Arrived(veil.look.frame)
        return veil.look.run(partial(self._begun, self.figures), veil)

    def _begun(self, last: list[float], veil: HazeEstimate) -> Pending[Frame]:
        """Begin to clear a frame; `last` are the figures of the one before."""
        self.figures = last  # a device that failed midway has begun to change them
        frame, place = veil.look.frame, veil.look.place
        down = {number: place.down(plane) for number, plane in self._rendered(veil).items()}

        def arrived() -> Frame:
            return frame.with_planes(
                {number: plane_from(each.result(), frame.planes[number]) for number, each in down.items()}
            )

        return Awaited(arrived)

    def _rendered(self, veil: HazeEstimate) -> Planes:
        look = veil.look
        coding = coding_for(look.frame, self._format, self._color)
        self._measure_noise(veil, coding)
        air = _air_map(veil)
        depth = depth_to_go(veil, self._settings)  # (1, 1, h, w)
        left = left_over(look, depth, air, noise=self._noise)
        clear = cleared(look.picture, air, left)
        if not self._settings.is_hazy:
            self._belief = self._followed(self._belief, believed(veil, clear), veil)
        self._measure_lift(veil, clear)
        if self._color.transfer == PQ:
            left, air = self._in_signal(look.picture, left, air, clear, coding)
        slope, offset = guided_lines(look.guide, left, radius=GUIDE_RADIUS, epsilon=GUIDE_EPSILON)
        return self._applied(look.planes, coding, _Maps(slope[0, 0], offset[0, 0], air[0], look.guide, left))

    def _in_signal(
        self, picture: Tensor, left: Tensor, air: Tensor, clear: Tensor, coding: Coding
    ) -> tuple[Tensor, Tensor]:
        """Return the transmission and the air in PQ's own values."""
        weights = torch.from_numpy(luma_weights(coding, self._format)).to(picture.device)[None, :, None, None]
        left = left_in_signal(left, picture, air, clear, weights).clamp(min=LEAST_TRANSMISSION)
        return left, signal_of(air)

    def _measure_lift(self, veil: HazeEstimate, clear: Tensor) -> None:
        before, after = torch.stack([veil.look.picture.mean(), clear.mean()]).tolist()
        # Never brighter than it was: haze itself was light.
        wanted = min(before, DARK_MEAN) / max(after, 1e-3)
        lift = min(max(wanted, 1.0), MOST_LIFT)
        self._lift = self._followed(self._lift, lift, veil)

    def _followed(self, last: float, now: float, veil: HazeEstimate) -> float:
        """Return a figure of the shot, that of its first frame at first."""
        if veil.look.starts_scene or self._settings.steady == 0:
            return now
        return last + FOLLOW_RATE * (now - last)

    def _measure_noise(self, veil: HazeEstimate, coding: Coding) -> None:
        """Measure the noise of luma by second differences (Immerkaer 1996), by their median instead."""
        component = self._format.components[0]
        height, width = samples_of(veil.look.planes[component.plane], component).shape
        # The middle half: borders may be black bars, and bars have no noise.
        rows = slice(height // 4, max(height // 4 + 3, height * 3 // 4))
        columns = slice(width // 4, max(width // 4 + 3, width * 3 // 4))
        y = codes_of(veil.look.planes[component.plane], component, rows, columns)
        if min(y.shape) < 3:
            return
        # Some hundred rows are enough for a median.
        step = max(1, y.shape[0] // 128)
        # Second differences down, then across: planes and edges along either axis give 0.
        down = y[:-2:step] - 2 * y[1:-1:step] + y[2::step]
        second = down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]
        # Of a Gaussian the median of its size is 0.6745 deviations; (1, -2, 1) down and across has norm 6.
        noise = _median(second.abs()) / 0.6745 / 6 / float(coding.from_rgb[0].sum())
        if self._color.transfer == PQ:
            noise *= SLOPE
        self._noise = self._followed(self._noise, noise, veil)

    def _applied(self, planes: Planes, coding: Coding, maps: _Maps) -> Planes:
        """Write every component; in RGB each color is luma and its difference from it."""
        components, is_yuv = self._format.components, self._format.model == "yuv"
        result = {component.plane: planes[component.plane].clone() for component in components}
        codes = [codes_of(planes[component.plane], component) for component in components]
        weights = luma_weights(coding, self._format)
        zero, unit = float(coding.offset[0]), float(coding.from_rgb[0].sum())
        if is_yuv or len(codes) == 1:
            luma = (codes[0] - zero) / unit  # in [0, 1]
        else:
            luma = weighted_sum(weights.tolist(), [each - zero for each in codes]) / unit
        size = (luma.shape[0], luma.shape[1])
        air_luma = weighted(weights, maps.air)
        more, gain = _changes(
            luma, _large(maps.slope, size), _large(maps.offset, size), _large(air_luma, size)
        )
        lift = self._lifted(luma + more) if self._lift > 1 else None
        growth = gain.mul(self._share).clamp_(max=MOST_DITHER)
        share = held(gain)
        small_size = (maps.guide.shape[-2], maps.guide.shape[-1])
        gain *= self._settings.color
        for number, (component, each) in enumerate(zip(components, codes, strict=True)):
            row, own_zero = coding.from_rgb[number], float(coding.offset[number])
            if number == 0 and (is_yuv or len(codes) == 1):
                change = more * unit
            elif is_yuv:
                own_size = (each.shape[0], each.shape[1])
                air_code = _large(weighted(row.astype(np.float32), maps.air), own_size)
                small = small_codes(planes[component.plane], component, small_size) - own_zero
                calm = calmed(
                    each - own_zero, small, luma=luma, guide=maps.guide, left=maps.left, share=share
                )
                # (1/t - 1) * (code - air) as for luma, at chroma's own size.
                change = reduced(gain, own_size) * (calm - air_code)
            else:
                # What a color differs from luma by, less what the air's does.
                small = (small_codes(planes[component.plane], component, small_size) - zero) / unit
                own = (each - zero) / unit - luma
                calm = calmed(
                    own, small - maps.guide[0, 0], luma=luma, guide=maps.guide, left=maps.left, share=share
                )
                change = (more + gain * (calm - _large(maps.air[number] - air_luma, size))) * unit
            if lift is not None:
                own_lift = lift if number == 0 or not is_yuv else 1 + self._settings.color * (lift - 1)
                _lift_up(change, each, own_lift, own_zero)
            self._write(result[component.plane], component, each, change, growth, row, own_zero)
        return result

    def _lifted(self, luma: Tensor) -> Tensor:
        """Return what every code is multiplied by: the lift where it is dark, nothing where it is white."""
        # Of slope `lift` at black and through (1, 1): white stays white, nothing clips.
        lift = lift_in_signal(self._lift, DARK_MEAN) if self._color.transfer == PQ else self._lift
        return torch.tensor(lift) / (1 + (lift - 1) * luma.clamp(0, 1))

    def _write(
        self,
        plane: Tensor,
        component: Component,
        old: Tensor,
        change: Tensor,
        growth: Tensor,
        row: NDArray[np.float64],
        zero: float,
    ) -> None:
        """Write codes changed and dithered, within what the format means but for what was beyond."""
        # The least and greatest code that RGB in [0, 1] has; studio range allows beyond, and keeps it.
        low, high = zero + float(np.minimum(row, 0).sum()), zero + float(np.maximum(row, 0).sum())
        height, width = old.shape
        times = (-(-height // DITHER_SIDE), -(-width // DITHER_SIDE))
        dither = self._dither_on(old.device).repeat(times)[:height, :width]
        # An old code beyond the range moves the bound out to itself.
        low_here, high_here = old.clamp(max=low), old.clamp(min=high)
        full = change.add_(old).clamp_(low_here, high_here)
        new = torch.lerp(old, full, self._share, out=full)
        new += dither * (1 + reduced(growth, (height, width)))
        write_codes(plane, component, new.clamp_(low_here, high_here))

    def _dither_on(self, device: torch.device) -> Tensor:
        if device not in self._dither:
            self._dither[device] = self._dither[CPU].to(device)
        return self._dither[device]


def matte_of(veil: HazeEstimate, *, height: int, width: int) -> NDArray[np.uint8]:
    """Return the transmission with the picture's edges as a gray picture (H, W, 3), white is clear air.

    It is drawn on the CPU, for which the small maps come down.
    """
    guide = veil.look.guide.cpu()
    through = F.interpolate(
        torch.exp(-veil.depth.cpu()), size=guide.shape[-2:], mode="bilinear", align_corners=False
    )
    slope, offset = guided_lines(guide, through, radius=GUIDE_RADIUS, epsilon=GUIDE_EPSILON)
    small = (slope * guide + offset).clamp(0, 1)[0, 0]
    codes = np.rint(_large(small, (height, width)).numpy() * 255).astype(np.uint8)
    return np.repeat(codes[..., None], 3, axis=2)


def _air_map(veil: HazeEstimate) -> Tensor:
    """Return the color of the air, (1, 3, 1, 1) or (1, 3, h, w) at the working size."""
    air = veil.air[None, :, None, None]
    if veil.tint is not None:
        size = veil.look.picture.shape[-2:]
        air = air + F.interpolate(veil.tint, size=size, mode="bilinear", align_corners=False)
    return air.clamp(0, 1)


def _changes(luma: Tensor, slope: Tensor, offset: Tensor, air: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is added to luma, and how much colors grow: both 0 where nothing is to change."""
    left = (slope * luma).add_(offset).clamp_(LEAST_TRANSMISSION, 1)
    gain = left.reciprocal_().sub_(1)  # 1/t - 1
    below = luma - air
    more = below.clamp(max=0).mul_(gain)  # what is brighter than the air would clip
    # 1 up to the brightness of the air, 0 from HIGHLIGHT above it on.
    gain *= below.div_(HIGHLIGHT).neg_().add_(1).clamp_(0, 1)
    return more, gain


def _lift_up(change: Tensor, old: Tensor, lift: Tensor, zero: float) -> None:
    """Make the change one to codes that are lifted."""
    size = (change.shape[0], change.shape[1])
    change += (old + change - zero) * (reduced(lift, size) - 1)


def _large(small: Tensor, size: Size) -> Tensor:
    """Read a map of the working size at full size; what is the same everywhere stays one value."""
    return small if small.numel() == 1 else enlarged(small, size)


def _median(values: Tensor) -> float:
    """Return the mean of the middle two of the values, which may be the same."""
    # torch gives the lower of the middle two; of the negative it gives the upper.
    lower, upper = torch.stack([values.median(), -(-values).median()]).tolist()
    return float(lower + upper) / 2
