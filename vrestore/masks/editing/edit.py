"""Read mask files, change what they mark, and write them as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import repeat, zip_longest
from pathlib import Path

import numpy as np

from vrestore.errors import MaskError, UsageError
from vrestore.files import check_target
from vrestore.frames import MaskArray, VideoMeta
from vrestore.masks.editing.options import Combine, EditOptions
from vrestore.masks.editing.shaping import shaped, shifted, smoothed
from vrestore.masks.files import MaskFile, MaskImage, open_mask_file
from vrestore.masks.reading import resized
from vrestore.masks.writer import PICTURE_SUFFIXES, MaskWriter
from vrestore.media.formats import pixel_format
from vrestore.option_schema import PathLike

_RATE = Fraction(25)  # of images, which have none of their own


@dataclass(frozen=True, slots=True)
class Edited:
    """What was written: how many masks, how many of them mark something, and the share of all pixels."""

    path: Path
    frames: int
    marked_frames: int
    covered: float


def edit_masks(
    sources: Sequence[PathLike], target: PathLike, options: EditOptions, *, overwrite: bool = False
) -> Edited:
    """Combine and change mask files, and write the result as a video or, united, as one picture.

    Pictures stand for all frames of the others. A video of masks has the times of the first video among the
    sources.

    Raises:
        UsageError: the target is no mask file, or a video where all sources are pictures.
        MaskError: a source is missing or unreadable, sizes or counts differ, or nothing is marked in the end.
        TargetError: the target exists, or cannot be written.
    """
    files = [open_mask_file(Path(source)) for source in sources]
    if not files:
        raise UsageError("there is no mask to edit; name at least one file")
    place = check_target(Path(target), sources=[file.path for file in files], overwrite=overwrite)
    moving = [file for file in files if not file.is_still]
    if not moving and place.suffix.lower() not in PICTURE_SUFFIXES:
        raise UsageError(
            f"all masks are single pictures, and {str(target)!r} is none; give it a name such as mask.png"
        )
    rows = _rows(files)
    first = next(rows, None)
    if first is None:
        raise MaskError(f"mask {str(files[0].path)!r} holds no picture")
    size = options.size or (first[0].height, first[0].width)
    times: list[int] = []

    def combined() -> Iterator[MaskArray]:
        row: Sequence[MaskImage] | None = first
        while row is not None:
            stamps = [image.pts for file, image in zip(files, row, strict=True) if not file.is_still]
            at = stamps[0] if stamps else None
            times.append(len(times) if at is None else at)
            masks = [_sized(file, image, size, options) for file, image in zip(files, row, strict=True)]
            yield shaped(_combined(masks, options.combine), options)
            row = next(rows, None)

    masks = combined()
    if options.smooth > 1:
        masks = smoothed(masks, options.smooth)
    if options.shift:
        masks = shifted(masks, options.shift)
    with MaskWriter(place, _meta(moving, size)) as writer:
        for mask in masks:
            writer.write(mask, times[writer.frames])
        if not writer.marked_frames:
            raise MaskError("nothing is marked in the end; see what --combine, --shrink and --shift leave")
        writer.finish()
    return Edited(Path(target), writer.frames, writer.marked_frames, writer.covered)


def _rows(files: Sequence[MaskFile]) -> Iterator[Sequence[MaskImage]]:
    """Yield an image of each file for every frame; raises MaskError where one has fewer than another."""
    if all(file.is_still for file in files):
        yield [next(file.images()) for file in files]
        return
    images = [repeat(next(file.images())) if file.is_still else file.images() for file in files]
    moving = [index for index, file in enumerate(files) if not file.is_still]
    for count, row in enumerate(zip_longest(*(images[index] for index in moving))):
        present = dict(zip(moving, row, strict=True))
        ended = [index for index, image in present.items() if image is None]
        if ended:
            longer = next(index for index in moving if index not in ended)
            raise MaskError(
                f"mask {files[ended[0]].path.name!r} has {count} frames, "
                f"{files[longer].path.name!r} has more; masks that are combined are of one length"
            )
        yield [present.get(index) or next(images[index]) for index in range(len(files))]


def _sized(file: MaskFile, image: MaskImage, size: tuple[int, int], options: EditOptions) -> MaskArray:
    height, width = size
    if (image.height, image.width) != size and options.size is None:
        raise MaskError(
            f"mask {file.path.name!r} is {image.width}x{image.height}, the first is {width}x{height}; "
            f"pass --resize {width}x{height}"
        )
    if image.mask is None:
        return np.zeros(size, np.bool_)
    return image.mask if image.mask.shape == size else resized(image.mask, height, width)


def _combined(masks: Sequence[MaskArray], how: Combine) -> MaskArray:
    first, *others = masks
    if how == "union":
        return reduce(np.logical_or, others, first)
    if how == "intersection":
        return reduce(np.logical_and, others, first)
    return reduce(lambda rest, other: rest & ~other, others, first)


def _meta(moving: Sequence[MaskFile], size: tuple[int, int]) -> VideoMeta:
    """Return what the result says of itself: the times are those of the first video."""
    timed = next((file for file in moving[:1] if file.time_base is not None), None)
    rate = (timed.rate if timed is not None else None) or _RATE
    layout = pixel_format("gray")
    if layout is None:
        raise TypeError("gray is a pixel format")
    return VideoMeta(
        source=str(moving[0].path) if moving else "",
        container="matroska",
        codec="ffv1",
        height=size[0],
        width=size[1],
        pixel_format=layout,
        time_base=1 / rate if timed is None or timed.time_base is None else timed.time_base,
        rate=rate,
    )
