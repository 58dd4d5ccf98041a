"""Repair frames that are arrays in memory: no file is read or written, for notebooks and node graphs.

Frames stream: a few dozen are held, whatever there are. Masks are read first, all of them, and kept packed:
how a hole is cut depends on where it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vrestore.device.devices import choose_device, core_count
from vrestore.errors import InputError, MaskError, UsageError
from vrestore.frames import Color, Frame, Hole, HoleSummary, MaskArray, MaskedFrame, PixelFormat, VideoMeta
from vrestore.masks.masks import widths
from vrestore.masks.options import MaskWords
from vrestore.masks.shapes import hole_of
from vrestore.masks.store import MaskStore
from vrestore.media.formats import pixel_format
from vrestore.media.preview.display import ClipWriter
from vrestore.methods.base import Context, OpenedMethod
from vrestore.methods.dehaze.opened import open_dehaze
from vrestore.methods.dehaze.options import DehazeOptions
from vrestore.methods.inpaint.opened import opened_with_masks
from vrestore.methods.inpaint.options import InpaintOptions
from vrestore.option_schema import files_of, options_of
from vrestore.progress import silent
from vrestore.run.memory_limits import device_memory_for, memory_for
from vrestore.run.options import RunOptions
from vrestore.signatures import spelled_out
from vrestore.threads import one_thread_each

Array = NDArray[Any]

_PLANES = "gbrp", "gbrp16le"
"""What 8 bit and all other pictures are worked on as: RGB in planes, so that no color matrix comes in."""

_MASK_WORDS, _RUN_WORDS = ("grow", "feather"), ("device", "kernels", "threads", "memory")
_FILES = {name for kind in (InpaintOptions, DehazeOptions, RunOptions) for name in files_of("written", kind)}
_INPAINT_WORDS, _DEHAZE_WORDS = (
    [name for name, each in options_of(kind).items() if name not in _FILES and not each.option.is_of_pictures]
    for kind in (InpaintOptions, DehazeOptions)
)
"""The options that mean something without files."""


@spelled_out(MaskWords, InpaintOptions, RunOptions, only={*_MASK_WORDS, *_INPAINT_WORDS, *_RUN_WORDS})
def inpaint_frames(
    frames: Iterable[Array],
    masks: Array | Iterable[Array],
    *,
    rate: Fraction | float = 25,
    **options: Any,  # noqa: ANN401 - spelled out by the decorator
) -> Iterator[Array]:
    """Yield frames with what masks cover filled from the other frames, one for one, of the same type.

    Args:
        frames: (H, W, 3) RGB, all of one size and type: uint8, uint16, or float in [0, 1]. Outside of holes
        every
            value comes back as it is; inside, floats are of 16 bits.
        masks: one (H, W) for all frames, or one for each: bool, 0 and 1, or numbers of which those above half
        of
            white are filled.
        rate: frames a second, of which only times depend.
        options: those below.

    Raises:
        InputError: frames of other shapes, types or counts.
        MaskError: masks of another size or count, or empty.
    """
    told = _told(options, mask=_MASK_WORDS, method=_INPAINT_WORDS)
    words = InpaintOptions(**told["method"])
    with ExitStack() as closing:
        first, rest = _looked_at(frames)
        holes = closing.enter_context(_ArrayMasks(masks, first.shape[:2], **told["mask"]))
        context = _context(first, RunOptions(**told["run"]), closing, rate=rate)
        opened = opened_with_masks(context, holes, words)
        yield from _passed(rest, opened, holes, first)


@spelled_out(DehazeOptions, RunOptions, only={*_DEHAZE_WORDS, *_RUN_WORDS})
def dehaze_frames(
    frames: Iterable[Array],
    *,
    rate: Fraction | float = 25,
    **options: Any,  # noqa: ANN401 - spelled out by the decorator
) -> Iterator[Array]:
    """Yield frames cleared of haze, one for one, of the same type.

    Args:
        frames: (H, W, 3) RGB, all of one size and type: uint8, uint16, or float in [0, 1], worked on in 16
        bits. rate: frames a second, of which only times depend. options: those below.

    Raises:
        InputError: frames of other shapes, types or counts.
    """
    told = _told(options, method=_DEHAZE_WORDS)
    words = DehazeOptions(**told["method"])
    with ExitStack() as closing:
        first, rest = _looked_at(frames)
        context = _context(first, RunOptions(**told["run"]), closing, rate=rate)
        opened = open_dehaze(context, words)
        yield from _passed(rest, opened, None, first)


def _told(options: Mapping[str, Any], **words: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return options by what they are of; raises UsageError for files, TypeError for unknown ones."""
    words["run"] = _RUN_WORDS
    known = {name for names in words.values() for name in names}
    for name in options:
        if name in _FILES:
            raise UsageError(f"{name} is a file; frames in memory have none")
        if name not in known:
            raise TypeError(f"there is no option {name!r}; known are {', '.join(sorted(known))}")
    if isinstance(options.get("grow"), str):
        raise UsageError(f"grow is measured on files; frames in memory take pixels, got {options['grow']!r}")
    return {
        kind: {name: value for name, value in options.items() if name in names}
        for kind, names in words.items()
    }


def _looked_at(frames: Iterable[Array]) -> tuple[Array, Iterator[Array]]:
    """Return the first frame, checked, and all of them."""
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise InputError("there is no frame")
    if first.ndim != 3 or first.shape[2] != 3 or 0 in first.shape:
        raise InputError(f"a frame is an array (height, width, 3), got {first.shape}")
    if first.dtype not in (np.uint8, np.uint16) and first.dtype.kind != "f":
        raise InputError(f"a frame is uint8, uint16 or float in [0, 1], got {first.dtype}")
    return first, chain([first], iterator)


def _context(first: Array, run: RunOptions, closing: ExitStack, *, rate: Fraction | float) -> Context:
    height, width = first.shape[:2]
    rate = Fraction(rate).limit_denominator(10**6)
    meta = VideoMeta(
        source="frames",
        container="memory",
        codec="rawvideo",
        width=width,
        height=height,
        pixel_format=_layout(first),
        time_base=1 / rate,
        rate=rate,
        color=Color(matrix=0, primaries=1, transfer=13, full_range=True),
    )
    device = choose_device(run.device)
    if "," in device:
        raise UsageError(f"frames in memory are worked on by one device, got {device}")

    def no_clip(label: str, name: str, place: str) -> ClipWriter:
        raise UsageError(f"{name} is a file ({label}, {place!r}); frames in memory have none")

    return Context(
        source="frames",
        target="frames",
        meta=meta,
        device=device,
        kernels=run.kernels,
        threads=run.threads or core_count(),
        memory_bytes=memory_for(run),
        device_memory_bytes=device_memory_for(run, device),
        first_index=0,
        first_pts=0,
        is_trimmed=False,
        open_clip=no_clip,
        progress=silent,
        closing=closing,
    )


def _layout(first: Array) -> PixelFormat:
    name = _PLANES[first.dtype != np.uint8]
    found = pixel_format(name)
    if found is None:
        raise ValueError(f"{name} is no layout")
    return found


def _passed(
    pictures: Iterator[Array], opened: OpenedMethod, masks: _ArrayMasks | None, first: Array
) -> Iterator[Array]:
    """Send pictures through a method; only samples that it changed differ from what came."""
    waiting: list[tuple[Array, Frame]] = []

    def items() -> Iterator[MaskedFrame]:
        for index, picture in enumerate(pictures):
            if picture.shape != first.shape or picture.dtype != first.dtype:
                raise InputError(
                    f"frame {index} is {picture.shape} {picture.dtype}, the first {first.shape} {first.dtype}"
                )
            frame = Frame(_planes_of(picture), index, 1, index)
            waiting.append((picture, frame))
            yield MaskedFrame(frame, None if masks is None else masks.hole(frame))
        if masks is not None:
            masks.check_count(index + 1)

    with one_thread_each():
        for frame in opened.transform(opened.stats(), None)(items()):
            picture, before = waiting.pop(0)
            yield _picture_of(frame, before, picture)


def _planes_of(picture: Array) -> tuple[Array, ...]:
    """Return RGB as planes of green, blue, red, which is the order that GBR formats have."""
    codes = picture
    if picture.dtype.kind == "f":
        codes = np.rint(np.clip(np.nan_to_num(picture), 0, 1) * 65535).astype(np.uint16)
    return tuple(np.ascontiguousarray(codes[..., channel]) for channel in (1, 2, 0))


def _picture_of(frame: Frame, before: Frame, picture: Array) -> Array:
    """Return the picture with the samples that changed."""
    result = picture.copy()
    for plane, old, channel in zip(frame.planes, before.planes, (1, 2, 0), strict=True):
        if plane is old:
            continue
        is_new = plane != old
        values = plane[is_new]
        result[..., channel][is_new] = values / 65535 if picture.dtype.kind == "f" else values
    return result


@dataclass(slots=True)
class _Said:
    """What is known of a mask: its number in the store, and what a planner needs of its hole."""

    number: int
    summary: HoleSummary | None


class _ArrayMasks:
    """A MaskSource of arrays; closes its store at the end of `with`."""

    def __init__(
        self,
        masks: Array | Iterable[Array],
        shape: tuple[int, ...],
        *,
        grow: int | None = None,
        feather: int | None = None,
    ) -> None:
        height, width = shape
        self.grow, self.feather = widths(grow, feather, height=height)
        self._store = MaskStore(height=height, width=width)
        self._is_one = isinstance(masks, np.ndarray) and masks.ndim == 2
        rows: Iterable[Array] = [masks] if self._is_one else masks  # type: ignore[list-item]  # (H, W) is one
        self._said = [self._read(mask, number, shape) for mask, number in zip(rows, count(), strict=False)]
        if not any(said.summary for said in self._said):
            raise MaskError("mask is empty: no mask marks a pixel")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    @property
    def summaries(self) -> Sequence[HoleSummary | None]:
        return [said.summary for said in self._said]

    def hole(self, frame: Frame) -> Hole | None:
        """Return the hole of a frame by its index."""
        if not self._is_one and frame.index >= len(self._said):
            raise MaskError(
                f"there are {len(self._said)} masks and more frames; give one for each, or one for all"
            )
        said = self._said[0 if self._is_one else frame.index]
        mask = self._store.mask(said.number)
        return None if said.summary is None else hole_of(mask, grow=self.grow, feather=self.feather)

    def check_count(self, frames: int) -> None:
        """Raise MaskError where there are more masks than frames."""
        if not self._is_one and frames != len(self._said):
            raise MaskError(f"there are {len(self._said)} masks and {frames} frames; give one for each")

    def _read(self, given: Array, number: int, shape: tuple[int, ...]) -> _Said:
        if given.shape[:2] != shape or given.ndim != 2:
            raise MaskError(f"mask {number} is an array {given.shape}, frames are {shape[0]}x{shape[1]}")
        mask = _marked(given)
        hole = hole_of(mask, grow=self.grow, feather=self.feather) if mask.any() else None
        summary = None if hole is None else HoleSummary(hole.parts, hole.pixel_count)
        return _Said(self._store.add(mask), summary)


def _marked(given: Array) -> MaskArray:
    """Return what is above half of the type's largest value; of integers 0 and 1 alone, what is 1."""
    if given.dtype == np.bool_:
        return given
    if given.dtype.kind in "iu" and given.max(initial=0) <= 1:
        return given.astype(np.bool_)
    half = 0.5 if given.dtype.kind == "f" else np.iinfo(given.dtype).max / 2
    marked: MaskArray = given > half
    return marked
