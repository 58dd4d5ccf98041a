"""Real clips with drawn logos and dirt on them, written as a user would have them: what is found is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from benchmarks.clips import Pictures, clip_names

Design = Literal["letters", "badge", "plate"]
Corner = Literal["top left", "top right", "bottom left", "bottom right"]

MOVING_TRAIN = (
    *("vda_rollercoaster", "running_car", "minimax_normal2", "cockatoo", "mmaction_test_mp4"),
    "pp_hf_sample1",
)
"""Six clips for choosing settings, whose camera moves by a pixel of 120 lines and frame or more."""

STATIC_VAL = "davis_drift-chicane"
RATE = Fraction(25)
SPECKLED = 1e-3
"""Share of each picture's pixels that specks cover."""

SCRATCHES = 3

_BT709 = 1  # H.273 code point
_BRIGHT = 150  # levels


@dataclass(frozen=True)
class Logo:
    """A drawn logo: where each pixel of a picture has how much of it, (H, W) in [0, 1], and its color."""

    alpha: NDArray[np.float32]
    color: tuple[int, int, int]

    @property
    def support(self) -> NDArray[np.bool_]:
        """The pixels that show half of it or more."""
        return self.alpha >= float(self.alpha.max()) / 2


def train_path(data: Path, name: str) -> Path:
    """Return the file of a clip that settings may be chosen on."""
    return data / "train" / "video" / f"{name}.mp4"


def val_paths(data: Path) -> list[Path]:
    """Return the files of the clips that are measured on."""
    return [data / "val" / "inpaint" / f"{name}.mp4" for name in clip_names(data)]


def read_pictures(path: Path, *, frames: int) -> Pictures:
    """Return the first pictures of a file in its own size."""
    with av.open(str(path)) as container:
        decoded = islice(container.decode(video=0), frames)
        return np.stack([frame.to_ndarray(format="rgb24") for frame in decoded])


def draw_logo(
    height: int,
    width: int,
    *,
    design: Design,
    corner: Corner,
    opacity: float,
    color: tuple[int, int, int] = (255, 255, 255),
) -> Logo:
    """Draw a logo of about a seventh of the width, away from the corner by a twentieth of it."""
    scale = 4  # drawn larger and shrunk, so that its edges are smooth
    wide = width // 7
    high = {"letters": wide // 3, "badge": wide // 2, "plate": wide // 3}[design]
    canvas = np.zeros((high * scale, wide * scale), np.uint8)
    if design == "letters":
        _write(canvas, "VR 24")
    elif design == "badge":
        middle = (high * scale // 2,) * 2
        cv2.circle(canvas, middle, int(0.46 * high * scale), 255, -1)
        cv2.circle(canvas, middle, int(0.22 * high * scale), 0, -1)
        _write(canvas[:, high * scale :], "TV")
    else:
        canvas[:] = 255
        letters = np.zeros_like(canvas)
        _write(letters, "LIVE")
        canvas[letters > 127] = 0
    small = cv2.resize(canvas, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    alpha = np.zeros((height, width), np.float32)
    margin = width // 20
    top = margin if corner.startswith("top") else height - margin - high
    left = margin if corner.endswith("left") else width - margin - wide
    alpha[top : top + high, left : left + wide] = small * opacity
    return Logo(alpha, color)


def visible_color(pictures: Pictures, alpha: NDArray[np.float32]) -> tuple[int, int, int]:
    """Return white or, where what lies behind is bright, nearly black: who draws a logo wants it seen."""
    behind = float(pictures.mean(axis=(0, 3))[alpha > 0].mean())
    return (20, 20, 20) if behind > _BRIGHT else (255, 255, 255)


def with_logo(pictures: Pictures, logo: Logo) -> Pictures:
    """Blend a logo over all pictures."""
    alpha = logo.alpha[:, :, None]
    shown = [(1 - alpha) * picture + alpha * np.array(logo.color, np.float32) for picture in pictures]
    return np.asarray(np.rint(np.stack(shown)), np.uint8)


def with_specks(pictures: Pictures, *, seed: int) -> Pictures:
    """Strew specks over pictures, new ones in each: 1 to 12 pixels wide, of 15 to 120 levels."""
    rng = np.random.default_rng(seed)
    strewn = [np.clip(np.rint(picture + _specks(picture.shape, rng)), 0, 255) for picture in pictures]
    return np.asarray(np.stack(strewn), np.uint8)


def with_scratches(pictures: Pictures, *, seed: int) -> Pictures:
    """Scratch pictures from top to bottom: three lines of 1 to 3 pixels that stand nearly still."""
    rng = np.random.default_rng(seed)
    count, height, width = pictures.shape[:3]
    rows, columns = np.arange(height)[:, None], np.arange(width)
    levels = np.zeros((count, height, width, 1), np.float32)
    for _ in range(SCRATCHES):
        middle, wide = rng.uniform(0.05, 0.95) * width, rng.uniform(1, 3)
        level = rng.uniform(25, 80) * rng.choice([-1, 1])
        drift, slope = rng.uniform(-0.2, 0.2), rng.uniform(-0.01, 0.01)  # columns a frame, and a row
        for number in range(count):
            apart = np.abs(columns - (middle + drift * number + slope * rows))  # (H, W)
            levels[number] += (np.clip(wide / 2 + 0.5 - apart, 0, 1) * level)[:, :, None]
    return np.asarray(np.clip(np.rint(pictures + levels), 0, 255), np.uint8)


def write_clip(path: Path, pictures: Pictures, *, crf: int | None) -> Path:
    """Write pictures as H.264 with a crf, or with None as ffv1, which loses nothing more."""
    codec, options = ("ffv1", {}) if crf is None else ("libx264", {"crf": str(crf), "preset": "fast"})
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, RATE, options=options)
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{codec} encodes no pictures")
        height, width = pictures.shape[1] // 2 * 2, pictures.shape[2] // 2 * 2
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.colorspace = stream.color_primaries = stream.color_trc = _BT709
        for frame in _frames(pictures[:, :height, :width]):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _specks(size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return levels to add to a picture (H, W, 3)."""
    height, width = size[:2]
    levels, dirty = np.zeros((height, width), np.float32), 0
    while dirty < SPECKLED * height * width:
        radius, angle = rng.uniform(0.5, 6), rng.uniform(0, 180)
        middle = rng.uniform(0, width), rng.uniform(0, height)
        axes = radius, radius * rng.uniform(0.5, 1)
        level = rng.uniform(15, 120) * rng.choice([-1, 1])
        speck = np.zeros((height, width), np.uint8)
        # In sixteenths of pixels, as the shift of 4 bits says.
        place, sides = ([round(16 * each) for each in pair] for pair in (middle, axes))
        cv2.ellipse(speck, place, sides, angle, 0, 360, 255, -1, cv2.LINE_AA, 4)
        levels = np.where(levels != 0, levels, speck.astype(np.float32) / 255 * level).astype(np.float32)
        dirty = int(np.count_nonzero(levels))
    return levels[:, :, None]


def _frames(pictures: Pictures) -> Iterator[av.VideoFrame]:
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        yield frame.reformat(format="yuv420p", dst_colorspace=_BT709, threads=1)


def _write(canvas: NDArray[np.uint8], text: str) -> None:
    """Write letters as large as the canvas allows."""
    font, height, width = cv2.FONT_HERSHEY_SIMPLEX, *canvas.shape
    (wide, high), _ = cv2.getTextSize(text, font, 1, 1)
    scale = min(0.86 * width / wide, 0.68 * height / high)
    thick = max(1, round(scale * 4))
    (wide, high), _ = cv2.getTextSize(text, font, scale, thick)
    cv2.putText(
        canvas, text, ((width - wide) // 2, (height + high) // 2), font, scale, 255, thick, cv2.LINE_AA
    )
