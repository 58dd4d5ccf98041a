"""A row of FFmpeg's filters through which pictures go one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import av
from av.filter import Graph
from av.filter.context import FilterContext

from vrestore.errors import InputError
from vrestore.media.numbered import number_of, set_number

Filter = tuple[str, str]
"""The name of a filter and its options, in FFmpeg's words."""


class FilterGraph:
    """Filters in a row that divides behind `trunk` where there are several branches.

    Raises InputError for pictures that cannot go through them.
    """

    def __init__(
        self,
        picture: av.VideoFrame,
        trunk: Sequence[Filter],
        branches: Sequence[Sequence[Filter]] = ((),),
        *,
        source: str,
        time_base: Fraction,
        rate: Fraction,
    ) -> None:
        self._graph = graph = Graph()
        words = {
            "video_size": f"{picture.width}x{picture.height}",
            "pix_fmt": picture.format.name,
            "time_base": str(time_base),
            "frame_rate": str(rate),  # `Graph.add_buffer` has no word for it, and decimate needs it
        }
        entrance = graph.add("buffer", ":".join(f"{key}={value}" for key, value in words.items()))
        end = self._row(entrance, trunk)
        if len(branches) > 1:
            parting = graph.add("split", str(len(branches)))
            end.link_to(parting)
            ends = [(parting, number) for number in range(len(branches))]
        else:
            ends = [(end, 0)]
        self._sinks = []
        for (begin, output), branch in zip(ends, branches, strict=True):
            sink = graph.add("buffersink")
            row = [*(graph.add(filter_name, options) for filter_name, options in branch), sink]
            begin.link_to(row[0], output, 0)
            for one, following in pairwise(row):
                one.link_to(following)
            self._sinks.append(sink)
        try:
            graph.configure()
        except (av.FFmpegError, ValueError) as error:
            size = f"{picture.width}x{picture.height} {picture.format.name}"
            names = ", ".join(name for name, _ in trunk)
            raise InputError(f"{source!r} is {size}, which does not go through {names}") from error

    def passed(self, picture: av.VideoFrame | None, *, number: int = 0) -> list[list[av.VideoFrame]]:
        """Push a picture, None for the end, and return what comes out of each branch.

        What comes out knows the number of the picture that it is made from, see `maker_of`.
        """
        if picture is not None:
            set_number(picture, number)
        self._graph.push(picture)
        return [list(_pulled(sink)) for sink in self._sinks]

    def _row(self, begin: FilterContext, filters: Sequence[Filter]) -> FilterContext:
        for name, options in filters:
            following = self._graph.add(name, options)
            begin.link_to(following)
            begin = following
        return begin


def maker_of(picture: av.VideoFrame) -> int:
    """Return the number of the picture that one was made from; raises ValueError where it was lost."""
    number = number_of(picture)
    if number is None:
        raise ValueError("a filter lost the number of a picture")
    return number


def _pulled(sink: FilterContext) -> Iterator[av.VideoFrame]:
    while True:
        try:
            picture = sink.pull()
        except (BlockingIOError, EOFError):
            return
        if not isinstance(picture, av.VideoFrame):
            raise TypeError(f"a filter of pictures gave {type(picture).__name__}")
        yield picture
