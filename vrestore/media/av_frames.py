"""Planes of decoded pictures as arrays, and arrays as pictures for an encoder."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from av.filter import Graph
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from vrestore.frames import Color, Component, Frame, PixelFormat, Plane, VideoMeta
from vrestore.media.formats import plane_shapes


def planes_of(picture: av.VideoFrame, layout: PixelFormat) -> tuple[Plane, ...]:
    """Return views of the picture's own memory, padding columns cut off.

    A view keeps the picture alive, but `picture.make_writable()` may move the memory away under it:
    nothing here calls that.
    """
    shapes = plane_shapes(layout, height=picture.height, width=picture.width)
    return tuple(_view(plane, layout, shape) for plane, shape in zip(picture.planes, shapes, strict=True))


def range_number(color: Color) -> int:
    """Return FFmpeg's number of the range: 0 not known, 1 limited, 2 full."""
    return {None: 0, False: 1, True: 2}[color.full_range]


class PictureMaker:
    """Turns frames into pictures that an encoder may have, in the encoder's layout.

    A frame that nobody changed passes as its carrier. The carrier's memory is never written: others
    (a look-ahead window, the decoder's references) may still be reading it.
    """

    def __init__(self, meta: VideoMeta, target: PixelFormat) -> None:
        self._meta, self._source, self._target = meta, meta.pixel_format, target
        self._copier: Graph | None = None

    def picture(self, frame: Frame) -> av.VideoFrame:
        """Return the frame as a picture; its timestamp is the caller's to set."""
        carrier = frame.carrier if isinstance(frame.carrier, av.VideoFrame) else None
        if self._source.name != self._target.name:
            return self._laid_out(frame)
        if carrier is None or carrier.format.name != self._target.name:
            return self._filled(frame, range(len(frame.planes)), self._blank())
        if not frame.changed:
            return carrier
        return self._filled(frame, frame.changed, self._copy(carrier))

    def _blank(self) -> av.VideoFrame:
        meta = self._meta
        picture = av.VideoFrame(meta.width, meta.height, self._target.name)
        picture.colorspace, picture.color_primaries = meta.color.matrix, meta.color.primaries
        picture.color_trc = meta.color.transfer
        picture.color_range = range_number(meta.color)
        return picture

    def _filled(self, frame: Frame, numbers: range | frozenset[int], picture: av.VideoFrame) -> av.VideoFrame:
        views = planes_of(picture, self._target)
        for number in numbers:
            np.copyto(views[number], frame.planes[number])
        return picture

    def _laid_out(self, frame: Frame) -> av.VideoFrame:
        picture = self._blank()
        relayout(frame.planes, self._source, planes_of(picture, self._target), self._target)
        return picture

    def _copy(self, carrier: av.VideoFrame) -> av.VideoFrame:
        """Return a deep copy with the carrier's side data, which PyAV has no other public way to copy."""
        if self._copier is None:
            self._copier = filter_row(carrier, [("copy", None)])
        self._copier.push(carrier)
        copy = self._copier.pull()
        if not isinstance(copy, av.VideoFrame):
            raise TypeError(f"the copy of a picture is {type(copy).__name__}")
        return copy


def relayout(
    source: tuple[Plane, ...], source_layout: PixelFormat, target: tuple[Plane, ...], layout: PixelFormat
) -> None:
    """Copy every component's samples into another layout, no arithmetic on them.

    Both layouts have the same model, depth and chroma subsampling. Padding components and an alpha
    that the source lacks become opaque (the peak value).
    """
    for plane in target if layout.alpha or _has_padding(layout) else ():
        plane[...] = layout.peak
    pairs = list(zip(source_layout.components, layout.components, strict=True))
    if source_layout.alpha and layout.alpha:
        pairs.append((source_layout.alpha, layout.alpha))
    for origin, place in pairs:
        samples, destination = _samples(source, origin), _samples(target, place)
        columns = min(samples.shape[1], destination.shape[1])  # odd widths: packed 4:2:2 has one more
        destination[:, :columns] = (samples[:, :columns] >> origin.shift) << place.shift


def can_relayout(source: PixelFormat, target: PixelFormat) -> bool:
    """Say whether `relayout` from one to the other keeps every sample."""
    same = source.model == target.model and source.bits == target.bits
    return same and source.chroma_shift == target.chroma_shift and not (source.alpha and not target.alpha)


def _view(plane: VideoPlane, layout: PixelFormat, shape: tuple[int, int]) -> Plane:
    pitch, item = plane.line_size, layout.dtype.itemsize
    # A negative pitch means bottom row first in memory; PyAV's buffer begins at the lowest address.
    offset = (plane.height - 1) * -pitch if pitch < 0 else 0
    return np.ndarray(shape, layout.dtype, memoryview(plane), offset, (pitch, item))


def _samples(planes: tuple[Plane, ...], component: Component) -> NDArray[np.uint16]:
    return planes[component.plane][:, component.offset :: component.step]  # type: ignore[return-value]  # or uint8


def _has_padding(layout: PixelFormat) -> bool:
    return layout.plane_count == 1 and layout.components[0].step > len(layout.components)


def filter_row(picture: av.VideoFrame, filters: Iterable[tuple[str, str | None]]) -> Graph:
    """Return filters, names with options, one after the other, for pictures like this one."""
    graph = Graph()
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base or Fraction(1, 90000),
    )
    row = [source, *(graph.add(*each) for each in filters), graph.add("buffersink")]
    for one, following in pairwise(row):
        one.link_to(following)
    graph.configure()
    return graph
