"""Subtitles drawn on pictures: outlined or on a box, in some sizes, for a part of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Pictures

Style = Literal["outlined", "on a box"]

SIZES = (1 / 26, 1 / 18, 1 / 12)
"""Heights of capital letters, in heights of the picture."""

SAYINGS = (
    ("I have not seen him", "since the war began."),
    ("Where are you going?",),
    ("- Nobody knows.", "- Then we wait here."),
    ("Open the door, please!",),
)
"""What is said, in lines."""

_SCALE = 4  # drawn larger and shrunk, so that edges are smooth
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX)
_CAPITAL = 21.0  # pixels of a capital letter of these fonts at scale 1


@dataclass(frozen=True)
class Subtitle:
    """What is drawn: colors (H, W, 3), how much of them (H, W) in [0, 1], in frames from start to stop."""

    colors: NDArray[np.float32]
    alpha: NDArray[np.float32]
    start: int
    stop: int

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """The pixels that it changes by a fourth or more."""
        return self.alpha > 0.25


def draw_subtitle(
    height: int, width: int, *, words: tuple[str, ...], size: float, style: Style, start: int, stop: int
) -> Subtitle:
    """Draw lines in the middle of the lower edge, made smaller where they are too long."""
    font, scale = _FONTS[len(words) % 2], size * height * _SCALE / _CAPITAL
    widest = max(cv2.getTextSize(line, font, scale, 1)[0][0] for line in words)
    scale *= min(1.0, 0.9 * width * _SCALE / widest)
    capital = scale * _CAPITAL
    fill = max(1, round(capital / 9))
    outline = fill + 2 * max(_SCALE, round(capital / 10))
    canvas = np.zeros((height * _SCALE, width * _SCALE), np.uint8)
    white = canvas.copy()
    bottom = round(height * _SCALE - 1.2 * capital)
    for line in reversed(words):
        (wide, _), _ = cv2.getTextSize(line, font, scale, fill)
        place = ((width * _SCALE - wide) // 2, bottom)
        if style == "outlined":
            cv2.putText(canvas, line, place, font, scale, 255, outline, cv2.LINE_AA)
        else:
            edge = round(0.5 * capital)
            corners = (
                (place[0] - edge, round(bottom - 1.4 * capital)),
                (place[0] + wide + edge, bottom + edge),
            )
            cv2.rectangle(canvas, *corners, 255, -1)
        cv2.putText(white, line, place, font, scale, 255, fill, cv2.LINE_AA)
        bottom -= round(1.9 * capital)
    alpha, bright = (
        cv2.resize(np.maximum(each, white), (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        for each in (canvas, white)
    )
    colors = np.repeat(np.where(alpha > 0, bright * 235 / np.maximum(alpha, 1), 0)[:, :, None], 3, axis=2)
    return Subtitle(colors.astype(np.float32), (alpha / 255).astype(np.float32), start, stop)


def with_subtitle(pictures: Pictures, subtitle: Subtitle) -> Pictures:
    """Blend a subtitle over the pictures in which it stands."""
    shown = pictures.copy()
    alpha = subtitle.alpha[:, :, None]
    for number in range(subtitle.start, min(subtitle.stop, len(pictures))):
        shown[number] = np.rint((1 - alpha) * pictures[number] + alpha * subtitle.colors)
    return shown
