"""What the mask files say of each frame of a video: read once, checked, united, kept packed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import av
import cv2
import numpy as np

from vrestore.errors import InputError, MaskError
from vrestore.frames import MaskArray, VideoMeta
from vrestore.masks.files import MaskFile, MaskImage, open_mask_file
from vrestore.masks.store import MaskStore
from vrestore.media.choices import Fit
from vrestore.media.container.demux import FileFeed
from vrestore.media.rotation import displayed_size, turned_back

_ADVICE = "give one mask a frame, or say with --mask-offset at which frame they begin"
_RATE_SLACK = 0.01  # frame rates closer than this part of each other are the same


@dataclass(frozen=True, slots=True)
class Stretch:
    """The frames of a video that a run reads: from number `first` on, `is_whole` if to the video's end."""

    meta: VideoMeta
    first: int = 0
    is_whole: bool = True

    @property
    def stop(self) -> int | None:
        """The number after the last frame, as far as the video declares it."""
        return None if self.meta.frame_count is None else self.first + self.meta.frame_count


@dataclass(frozen=True, slots=True)
class MaskTrack:
    """The united mask of each frame as its number in a store.

    `numbers` begin with frame `first`; `rest` stands for the frames after them, unless `end` says
    why there are to be none. None is a frame of which no file says anything.
    """

    first: int
    numbers: Sequence[int | None]
    rest: int | None
    end: str | None
    brightest: float

    def number(self, frame: int) -> int | None:
        """Return the store's number for a frame; raises MaskError past the end of the masks."""
        if frame < self.first:
            raise ValueError(f"frame {frame} lies before the first one, {self.first}")
        if frame - self.first < len(self.numbers):
            return self.numbers[frame - self.first]
        if self.end is not None:
            raise MaskError(self.end)
        return self.rest


def track_masks(
    paths: Iterable[Path], stretch: Stretch, *, offset: int, fit: Fit, store: MaskStore
) -> MaskTrack:
    """Read all masks once, in step with each other, and keep their union for each frame.

    Mask frame i stands over video frame i + offset. Without an offset there is one mask a frame; with
    one, frames before the first and after the last mask have none.
    """
    files = [open_mask_file(path) for path in paths]
    stills, moving = [f for f in files if f.is_still], [f for f in files if not f.is_still]
    union = _Union(stretch.meta, fit=fit, is_named=len(files) > 1)
    ground = union.of(None, [(file, image) for file in stills for image in file.images()])
    rest = store.add(ground) if stills else None
    numbers = [rest] * max(0, offset - stretch.first) if moving else []
    counts = [0] * len(moving)
    for position, images in enumerate(zip_longest(*(file.images() for file in moving))):
        present = [(file, image) for file, image in zip(moving, images, strict=True) if image is not None]
        counts = [count + (image is not None) for count, image in zip(counts, images, strict=True)]
        mask = union.of(ground, present, position=position)
        if position + offset >= stretch.first:
            numbers.append(store.add(mask))
    end = None
    if moving and offset == 0:
        for file, count in zip(moving, counts, strict=True):
            _check_count(file, count, stretch)
        end = f"{_counted(moving[0], counts[0])}, video goes on; {_ADVICE}"
    return MaskTrack(stretch.first, numbers, rest, end, union.brightest)


def counted_frames(source: str) -> int | None:
    """Count the frames of a video by its packets, without decoding; None for what is no video file.

    Where packets cannot be read any more, those before count, as they do when frames are read.
    """
    if not Path(source).is_file():
        return None
    try:
        feed = FileFeed(source, name=source, threads=1)
    except InputError:
        return None
    count = 0
    try:
        for packet in feed.container.demux(feed.stream):
            count += bool(packet.size and not packet.is_discard)
    except av.FFmpegError:
        pass
    finally:
        feed.close()
    return count


class _Union:
    """Unites masks in the video's size, and remembers the brightest value of any."""

    def __init__(self, meta: VideoMeta, *, fit: Fit, is_named: bool) -> None:
        self._shape, self._rotation = (meta.height, meta.width), meta.rotation
        self._displayed = displayed_size(meta.height, meta.width, rotation=meta.rotation)
        self._fit, self._is_named = fit, is_named
        self.brightest = 0.0

    def of(
        self, ground: MaskArray | None, images: Iterable[tuple[MaskFile, MaskImage]], *, position: int = 0
    ) -> MaskArray | None:
        """Return the union of a mask and images; None is a mask without a pixel."""
        united = ground
        for file, image in images:
            self.brightest = max(self.brightest, image.brightest)
            self._check_size(file, image, position)
            if image.mask is not None:
                mask = self._placed(image.mask)
                united = mask if united is None else united | mask
        return united

    def _check_size(self, file: MaskFile, image: MaskImage, position: int) -> None:
        if self._fit == "resize" or (image.height, image.width) in {self._shape, self._displayed}:
            return
        name = f"mask {str(file.path)!r}" if self._is_named else "mask"
        name += f" frame {position}" if position else ""
        height, width = self._displayed
        raise MaskError(
            f"{name} is {image.width}x{image.height}, video is {width}x{height}; pass --mask-fit resize"
        )

    def _placed(self, mask: MaskArray) -> MaskArray:
        """Return a mask in the size and position of the decoded picture.

        Masks are drawn on what a player shows; only one that has the decoded size, where that is
        another, has been made without regard to the rotation.
        """
        if mask.shape == self._shape != self._displayed:
            return mask
        if mask.shape != self._displayed:
            mask = resized(mask, *self._displayed)
        return turned_back(mask, rotation=self._rotation)


def resized(mask: MaskArray, height: int, width: int) -> MaskArray:
    """Return the mask in another size: what is marked for the larger half of a pixel stays marked."""
    marked = mask.view(np.uint8) * np.uint8(255)
    bright = cv2.resize(marked, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(bright > 127)  # half of 255


def _check_count(file: MaskFile, count: int, stretch: Stretch) -> None:
    """Raise MaskError unless there is a mask for each frame.

    A container may declare frames that it does not show (an edit list) or declare nothing, so before
    refusing, the source's packets are counted.
    """
    meta, stop = stretch.meta, stretch.stop
    if not stretch.is_whole:
        if stop is None or count >= stop:
            return
        raise MaskError(f"{_counted(file, count)}, the part of the video ends at {stop}; {_ADVICE}")
    if count == stop:
        return
    shown = counted_frames(meta.source)
    if shown == count or (shown is None and stop is None):
        return
    expected = stop if stop is not None else shown
    if file.rate is not None and abs(file.rate / meta.rate - 1) > _RATE_SLACK:
        raise MaskError(
            f"{_counted(file, count)} at {float(file.rate):.5g} fps, video has {expected} at "
            f"{float(meta.rate):.5g} fps; convert the mask to the video's rate"
        )
    advice = "pass the image itself to use it for all frames" if count == 1 and file.rate is None else _ADVICE
    raise MaskError(f"{_counted(file, count)}, video has {expected}; {advice}")


def _counted(file: MaskFile, count: int) -> str:
    return f"mask {file.path.name!r} has {count} {'frame' if count == 1 else 'frames'}"
