"""Masks in files: one image, a folder or numbered pattern of images, a video of any codec.

A pixel is to be filled where alpha is above half, if the picture has an alpha that is not opaque all
over; else where its brightness is above the middle of its range. The brightness of RGB is that of its
strongest channel, so that a mask painted in red or drawn with a label palette counts; that of YUV is
luma. What a viewer turns, by a photo's Exif orientation or a video's display matrix, is turned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vrestore.errors import InputError, MaskError
from vrestore.files import reason_of
from vrestore.frames import Component, MaskArray, Plane, Rotation
from vrestore.media.av_frames import planes_of
from vrestore.media.container.declared import is_picture
from vrestore.media.container.opening import open_container
from vrestore.media.formats import REPLACEMENTS, pixel_format
from vrestore.media.images.orientation import orientation_of
from vrestore.media.images.sequence import check_still, images_of, is_pattern, is_sequence
from vrestore.media.rotation import displayed_size, rotation_of, turned

Samples = NDArray[Any]
"""(H, W), any real type: what a decoder gives."""

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
_LIMITED_LOW, _LIMITED_HIGH = 16, 235


class MaskImage(NamedTuple):
    """One mask as read: (H, W) or None where nothing is marked, and the brightest value in [0, 1].

    `pts` is a video's timestamp, in units of its file's `time_base`.
    """

    mask: MaskArray | None
    height: int
    width: int
    brightest: float
    pts: int | None = None


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A mask on disk. `is_still` stands for all frames; `rate` and `time_base` are a video's."""

    path: Path
    is_still: bool
    rate: Fraction | None
    images: Callable[[], Iterator[MaskImage]]
    """Reads the file from its start; each image has the size of its file's pictures."""
    time_base: Fraction | None = None


def open_mask_file(path: Path) -> MaskFile:
    """Find out what kind of mask a path is; raises MaskError where there is none.

    The images of a folder are taken in natural order, whatever their numbers; those of a pattern are
    to have no gap in theirs.
    """
    if not is_pattern(path) and not path.exists():
        raise MaskError(f"mask {str(path)!r} does not exist")
    if path.is_file() and not is_sequence(path):
        rate, time_base = _video_times(path)
        return MaskFile(
            path, is_still=False, rate=rate, images=lambda: _read_video(path), time_base=time_base
        )
    paths = _images_of(path)
    return MaskFile(path, is_still=path.is_file(), rate=None, images=lambda: map(_read_image, paths))


def mask_of(picture: av.VideoFrame) -> MaskImage:
    """Return the mask that a decoded picture stands for, from its own planes."""
    layout = pixel_format(picture.format.name)
    if layout is None:
        name = REPLACEMENTS.get(picture.format.name, "gray")
        picture, layout = picture.reformat(format=name, threads=1), pixel_format(name)
    if layout is None:
        raise MaskError(f"masks in the pixel format {picture.format.name} are not understood")
    planes = planes_of(picture, layout)
    if layout.alpha is not None:
        alpha = _samples(planes, layout.alpha, picture.width)
        if (alpha >> layout.alpha.shift).min() < layout.peak:
            return _marked([alpha], low=0, high=layout.peak, shift=layout.alpha.shift)
    channels = layout.components if layout.model == "rgb" else layout.components[:1]
    shift = channels[0].shift
    values = [_samples(planes, channel, picture.width) for channel in channels]
    if not _is_limited(picture, model=layout.model):
        return _marked(values, low=0, high=layout.peak, shift=shift)
    unit = 1 << (layout.bits - 8)
    return _marked(values, low=_LIMITED_LOW * unit, high=_LIMITED_HIGH * unit, shift=shift)


def _images_of(path: Path) -> list[Path]:
    try:
        return images_of(path)
    except InputError as error:
        raise MaskError(f"mask {error}") from error


def _read_image(path: Path) -> MaskImage:
    picture, peak = decoded_image(path, what="mask")
    if picture.ndim == 2:
        return _marked([picture], low=0, high=peak)
    if picture.shape[2] == 4 and picture[:, :, 3].min() < peak:
        return _marked([picture[:, :, 3]], low=0, high=peak)
    return _marked([picture[:, :, channel] for channel in range(min(3, picture.shape[2]))], low=0, high=peak)


def decoded_image(path: Path, *, what: str) -> tuple[Samples, float]:
    """Read an image file as a viewer shows it: (H, W), or (H, W, 3 or 4) in the order BGRA; and its white.

    `what` it is begins the message of the MaskError for a file that is no image.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise MaskError(f"cannot read {what} image {str(path)!r}: {error.strerror}") from error
    try:
        check_still(path)
    except InputError as error:
        raise MaskError(f"{what} {error}") from error
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it is told below
    picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    cv2.utils.logging.setLogLevel(level)
    if picture is None:
        raise MaskError(f"cannot read {what} image {str(path)!r}; it is damaged or no image")
    if bytes(data[:2]) not in {b"II", b"MM"}:  # TIFF, which OpenCV has turned itself
        picture = turned(picture, rotation=orientation_of(data.tobytes()))
    return picture, 1.0 if picture.dtype.kind == "f" else float(np.iinfo(picture.dtype.str).max)


def _video_times(path: Path) -> tuple[Fraction | None, Fraction | None]:
    """Return the rate and the time base of a video, None for what it does not say."""
    with _opened(path) as container:
        stream = _stream(container, path)
        return stream.average_rate, stream.time_base


def _read_video(path: Path) -> Iterator[MaskImage]:
    number, rotation = 0, Rotation()
    with _opened(path) as container:
        pictures = container.decode(_stream(container, path))
        while True:
            try:
                picture = next(pictures, None)
            except av.FFmpegError as error:
                raise MaskError(
                    f"cannot read frame {number} of mask {str(path)!r}: {reason_of(error)}"
                ) from error
            if picture is None:
                return
            if picture.is_corrupt:
                raise MaskError(f"frame {number} of mask {str(path)!r} is damaged")
            if number == 0:
                rotation = rotation_of(picture)
            yield _as_shown(mask_of(picture), rotation)._replace(pts=picture.pts)
            number += 1


def _as_shown(image: MaskImage, rotation: Rotation) -> MaskImage:
    height, width = displayed_size(image.height, image.width, rotation=rotation)
    mask = None if image.mask is None else turned(image.mask, rotation=rotation)
    return image._replace(mask=mask, height=height, width=width)


def _opened(path: Path) -> InputContainer:
    try:
        return open_container(str(path), name=str(path))
    except InputError as error:
        raise MaskError(f"mask {error}") from error


def _stream(container: InputContainer, path: Path) -> VideoStream:
    streams = [stream for stream in container.streams.video if not is_picture(stream)]
    if not streams or streams[0].codec_context is None:
        raise MaskError(f"mask {str(path)!r} holds no picture that can be decoded")
    return streams[0]


def _samples(planes: tuple[Plane, ...], component: Component, width: int) -> Samples:
    samples: Samples = planes[component.plane][:, component.offset :: component.step][:, :width]
    return samples


def _is_limited(picture: av.VideoFrame, *, model: str) -> bool:
    """Say whether black is 16: for YUV unless tagged full, for gray only if tagged limited."""
    if model == "yuv":
        return picture.color_range != _FULL_RANGE and not picture.format.name.startswith("yuvj")
    return model == "gray" and picture.color_range == _LIMITED_RANGE


def _marked(channels: list[Samples], *, low: float, high: float, shift: int = 0) -> MaskImage:
    """Threshold at the middle of [low, high]; frames without a marked pixel cost one look for the maximum."""
    middle, (height, width) = (low + high) / 2, channels[0].shape
    highest = [float(channel.max()) / (1 << shift) for channel in channels]
    brightest = (max(highest) - low) / (high - low)
    bright = [channel for channel, value in zip(channels, highest, strict=True) if value > middle]
    if not bright:
        return MaskImage(None, height, width, brightest)
    mask = np.zeros((height, width), bool)
    for channel in bright:
        mask |= channel > channel.dtype.type(middle * (1 << shift))
    return MaskImage(mask, height, width, brightest)
