"""The vocabulary: what a pixel format, a frame, a hole and a box are.

Every value refuses to be wrong when it is made. Intervals are half-open, sizes are height before
width, boxes are in pixels of the decoded picture (before any display rotation).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.generic]
"""One plane of a frame, (rows, samples a row), unsigned 8 or 16 bit, rows may be padded."""

MaskArray = NDArray[np.bool_]
"""(H, W), True is to be filled."""

ColorModel = Literal["yuv", "rgb", "gray"]


@dataclass(frozen=True, slots=True)
class Component:
    """Where one color component lies: `planes[plane][:, offset::step] >> shift`.

    `subsample_x`, `subsample_y` are base-2 logarithms, as in FFmpeg (1 for 4:2:0 chroma).
    """

    plane: int
    offset: int = 0
    step: int = 1
    shift: int = 0
    subsample_x: int = 0
    subsample_y: int = 0


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """A native pixel layout, under FFmpeg's name.

    `components` are Y, U, V or R, G, B or gray, in that order; `alpha` is a further component that
    is carried and never touched. `bits` is the depth of a component, `dtype` that of the planes.
    """

    name: str
    model: ColorModel
    bits: int
    dtype: np.dtype[np.generic]
    components: tuple[Component, ...]
    alpha: Component | None = None

    def __post_init__(self) -> None:
        expected = 1 if self.model == "gray" else 3
        if len(self.components) != expected:
            raise ValueError(
                f"{self.name} has {len(self.components)} components; {self.model} has {expected}"
            )

    @property
    def plane_count(self) -> int:
        everything = self.components + ((self.alpha,) if self.alpha else ())
        return 1 + max(component.plane for component in everything)

    @property
    def chroma_shift(self) -> tuple[int, int]:
        """Horizontal and vertical subsampling of chroma, as logarithms; (0, 0) without chroma."""
        last = self.components[-1]
        return last.subsample_x, last.subsample_y

    @property
    def peak(self) -> int:
        """The largest code value, `2**bits - 1`."""
        return int((1 << self.bits) - 1)


@dataclass(frozen=True, slots=True)
class Color:
    """Color description as ITU-T H.273 code points (FFmpeg's enumerations); 2 is unspecified.

    `full_range` None means untagged. `chroma_location` is FFmpeg's AVChromaLocation, 0 unspecified.
    """

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    full_range: bool | None = None
    chroma_location: int = 0


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a decoded picture is turned for display: counterclockwise by `degrees`, then mirrored.

    With `is_mirrored` left and right change places. Other angles than quarter turns are not turned at all,
    which is what most players do.
    """

    degrees: int = 0
    is_mirrored: bool = False

    @property
    def quarters(self) -> int:
        """The quarter turns counterclockwise, 0 to 3."""
        return self.degrees // 90 % 4 if self.degrees % 90 == 0 else 0


@dataclass(frozen=True, slots=True)
class FrameNumbers:
    """Which of the source's frames each frame is made from, where not one is made of each.

    `ratio` is how many come of each on average. Without `sources`, the source's number for each frame in
    order, that many come of every one. `source_count` is how many frames the source has, None if not known.
    `is_made` says that they are made from fields, also where one is made of each.
    """

    ratio: Fraction = Fraction(1)
    sources: tuple[int, ...] | None = None
    source_count: int | None = None
    is_made: bool = False

    def source(self, index: int) -> int:
        """Return the number of the source's frame that a frame is made from."""
        if self.sources is None:
            return int(index // self.ratio)
        return self.sources[min(index, len(self.sources) - 1)]

    def first(self, number: int) -> int:
        """Return the index of the first frame made from that one of the source, or from a later one."""
        return int(number * self.ratio) if self.sources is None else bisect_left(self.sources, number)


@dataclass(frozen=True, slots=True)
class VideoMeta:
    """What a source says of its picture before any frame is decoded.

    `frame_count` and `duration_seconds` are what the container declares, None where it is silent.
    `rate` is for display only. `field_order` is FFmpeg's word: progressive, tt, bb, tb, bt, unknown.
    `numbers` tell of which of the source's each frame is made, where fields were put together or taken apart.
    """

    source: str
    container: str
    codec: str
    width: int
    height: int
    pixel_format: PixelFormat
    time_base: Fraction
    rate: Fraction
    frame_count: int | None = None
    duration_seconds: float | None = None
    color: Color = Color()
    sample_aspect_ratio: Fraction = Fraction(1)
    rotation: Rotation = Rotation()
    field_order: str = "progressive"
    numbers: FrameNumbers = FrameNumbers()

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a picture is at least 1x1, got {self.width}x{self.height}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame in its native planes."""
        samples = 0
        formats = self.pixel_format
        for component in formats.components + ((formats.alpha,) if formats.alpha else ()):
            columns = -(-self.width >> component.subsample_x)
            rows = -(-self.height >> component.subsample_y)
            samples += columns * rows
        return int(samples * formats.dtype.itemsize)


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture in its file's own planes.

    `pts` is in the source's time base, `index` counts from 0 in presentation order. `carrier` is the
    decoder's own object with whatever else it carries (captions, side data); only `media` looks into
    it. `changed` holds the indices of planes that no longer belong to the carrier.
    """

    planes: tuple[Plane, ...]
    pts: int
    duration: int
    index: int
    carrier: object = field(default=None, repr=False)
    changed: frozenset[int] = frozenset()

    def with_planes(self, planes: dict[int, Plane]) -> Frame:
        """Return the frame with some planes replaced; each must keep its shape and type."""
        merged = list(self.planes)
        for number, plane in planes.items():
            old = merged[number]
            if plane.shape != old.shape or plane.dtype != old.dtype:
                raise ValueError(
                    f"plane {number} is {old.shape} {old.dtype}, got {plane.shape} {plane.dtype}"
                )
            merged[number] = plane
        return replace(self, planes=tuple(merged), changed=self.changed | frozenset(planes))


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle of pixels, [x, x + width) by [y, y + height)."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a box has at least one pixel, got {self.width}x{self.height}")

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def rows(self) -> slice:
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.x, self.x + self.width)

    def union(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        left, top = min(self.x, other.x), min(self.y, other.y)
        right = max(self.x + self.width, other.x + other.width)
        bottom = max(self.y + self.height, other.y + other.height)
        return Box(left, top, right - left, bottom - top)

    def intersection(self, other: Box) -> Box | None:
        """Return what both cover, None when they do not meet."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        if right <= left or bottom <= top:
            return None
        return Box(left, top, right - left, bottom - top)

    def grown(self, pixels: int, *, height: int, width: int) -> Box:
        """Return the box grown on all sides, cut to a picture of `height` by `width`."""
        left, top = max(0, self.x - pixels), max(0, self.y - pixels)
        right = min(width, self.x + self.width + pixels)
        bottom = min(height, self.y + self.height + pixels)
        return Box(left, top, right - left, bottom - top)

    def relative_to(self, outer: Box) -> Box:
        """Return the same rectangle in the coordinates of `outer`, which must hold it."""
        return Box(self.x - outer.x, self.y - outer.y, self.width, self.height)


def union_of(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds all of at least one box."""
    first, *rest = boxes
    for box in rest:
        first = first.union(box)
    return first


@dataclass(frozen=True, slots=True)
class Hole:
    """What is to be filled in one frame.

    `alpha` is (box.height, box.width), uint8: 255 is replaced, 1..254 is blended (the feather), 0 is
    left alone. Everything with alpha above 0 is hidden from the restorer. `parts` are boxes in frame
    coordinates that together hold every such pixel: one for each group of nearby holes.
    """

    box: Box
    alpha: NDArray[np.uint8]
    parts: tuple[Box, ...]

    def __post_init__(self) -> None:
        if self.alpha.shape != (self.box.height, self.box.width):
            raise ValueError(
                f"alpha of this box is {self.box.height}x{self.box.width}, got {self.alpha.shape}"
            )
        if not self.parts:
            raise ValueError("a hole has at least one part; an empty hole is None")

    @property
    def pixel_count(self) -> int:
        return int(np.count_nonzero(self.alpha))

    def alpha_in(self, box: Box) -> NDArray[np.uint8]:
        """Return alpha over another box, (box.height, box.width), 0 where this hole does not reach."""
        result = np.zeros((box.height, box.width), np.uint8)
        common = self.box.intersection(box)
        if common is not None:
            inner = common.relative_to(self.box)
            outer = common.relative_to(box)
            result[outer.rows, outer.columns] = self.alpha[inner.rows, inner.columns]
        return result


@dataclass(frozen=True, slots=True)
class MaskedFrame:
    """A frame and its hole; `hole` None means that the frame passes untouched."""

    frame: Frame
    hole: Hole | None


@dataclass(frozen=True, slots=True)
class HoleSummary:
    """The hole of one frame as the planner needs it: boxes and counts, no pixels."""

    parts: tuple[Box, ...]
    pixel_count: int
