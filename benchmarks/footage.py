"""Videos of any length and size to run the command on, made of a short clip played to and fro.

The clip is a real one with an annotated object, or without the data the one that is drawn for the demo.
Played to and fro it has no cut, so the length is all that differs between two videos made of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from benchmarks.clips import Clip, Size, drawn_clip, read_clip

REAL_CLIP = "davis_horsejump-high"
"""A camera that follows a horse: in 50 frames of 854x480 the object covers 4.5 % of the picture."""

RATE = 25
TINY, SMALL, LARGE = Size(240, 432), Size(480, 854), Size(1080, 1920)

_FRAMES = 50
_ENCODER = {"crf": "18", "preset": "veryfast"}
_BT709 = 1  # H.273 code point


@dataclass(frozen=True)
class Footage:
    """What to make: a video, and beside it a mask video of its moving object.

    The mask is empty but for frames `hole_start` to `hole_stop`; both None mark the object everywhere.
    """

    video: Path
    mask: Path
    frames: int
    size: Size
    hole_start: int | None = None
    hole_stop: int | None = None


def make(footage: Footage, data: Path | None) -> Footage:
    """Write the videos, in a process of its own so that its memory is free again when runs are measured."""
    with get_context("spawn").Pool(1) as pool:
        pool.apply(_make, (footage, data))
    return footage


def box_of(share: float) -> str:
    """Return `--box` words for a box in the middle that covers a share of the picture."""
    side = 100 * math.sqrt(share)
    return ",".join(f"{length:.2f}%" for length in (50 - side / 2, 50 - side / 2, side, side))


def source_name(data: Path | None) -> str:
    """Say what the videos are made of."""
    return "the drawn clip of the demo" if data is None else REAL_CLIP


def _make(footage: Footage, data: Path | None) -> None:
    clip = (
        drawn_clip(_FRAMES)
        if data is None
        else read_clip(data, REAL_CLIP, "object", frames=_FRAMES, size=None)
    )
    start = 0 if footage.hole_start is None else footage.hole_start
    stop = footage.frames if footage.hole_stop is None else footage.hole_stop
    order = list(islice(_to_and_fro(len(clip.frames)), footage.frames))
    marked = (number if start <= at < stop else None for at, number in enumerate(order))
    _write(footage.video, _pictures(clip, order, footage.size), footage.size, codec="libx264")
    _write(footage.mask, _masks(clip, marked, footage.size), footage.size, codec="ffv1")


def _to_and_fro(count: int) -> Iterator[int]:
    while True:
        yield from range(count)
        yield from range(count - 2, 0, -1)


def _pictures(clip: Clip, order: Iterable[int], size: Size) -> Iterator[av.VideoFrame]:
    for number in order:
        picture = cv2.resize(clip.frames[number], (size.width, size.height), interpolation=cv2.INTER_CUBIC)
        frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8), "rgb24")
        yield frame.reformat(format="yuv420p", dst_colorspace=_BT709, threads=1)


def _masks(clip: Clip, order: Iterable[int | None], size: Size) -> Iterator[av.VideoFrame]:
    empty: NDArray[np.uint8] = np.zeros(size, np.uint8)
    for number in order:
        mask = empty
        if number is not None:
            codes = clip.masks[number].astype(np.uint8) * np.uint8(255)
            mask = cv2.resize(codes, (size.width, size.height), interpolation=cv2.INTER_NEAREST).astype(
                np.uint8
            )
        yield av.VideoFrame.from_ndarray(mask, "gray")


def _write(path: Path, frames: Iterable[av.VideoFrame], size: Size, *, codec: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, Fraction(RATE), options=_ENCODER if codec == "libx264" else {})
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{codec} encodes no pictures")
        stream.height, stream.width = size
        stream.pix_fmt = "gray" if codec == "ffv1" else "yuv420p"
        if codec == "libx264":
            stream.colorspace = stream.color_primaries = stream.color_trc = _BT709
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
