"""What a decoded picture says of its color."""

from __future__ import annotations

import re
from fractions import Fraction

import av
from av.filter import Graph

from vrestore.frames import Color, PixelFormat
from vrestore.media.ffmpeg_log import ffmpeg_heard

# FFmpeg's words for AVChromaLocation, which PyAV does not give as a number.
_CHROMA_LOCATIONS = ("unspecified", "left", "center", "topleft", "top", "bottomleft", "bottom")


def color_of(picture: av.VideoFrame, layout: PixelFormat) -> Color:
    """Return what a decoded picture says of its color."""
    full = {1: False, 2: True}.get(int(picture.color_range))
    return Color(
        matrix=int(picture.colorspace),
        primaries=int(picture.color_primaries),
        transfer=int(picture.color_trc),
        full_range=True if layout.name.startswith("yuvj") else full,
        chroma_location=_chroma_location(picture) if layout.chroma_shift != (0, 0) else 0,
    )


def _chroma_location(picture: av.VideoFrame) -> int:
    """Ask FFmpeg's showinfo filter, whose log is the only place where PyAV lets it be seen."""
    graph = Graph()
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1, 1000)
    )
    shown, sink = graph.add("showinfo", checksum="0"), graph.add("buffersink")
    source.link_to(shown)
    shown.link_to(sink)
    with ffmpeg_heard(av.logging.INFO) as said:
        graph.configure()
        graph.push(picture)
        graph.pull()
    found = re.search(r" cl:(\w+) ", "".join(said))
    return _CHROMA_LOCATIONS.index(found[1]) if found and found[1] in _CHROMA_LOCATIONS else 0
