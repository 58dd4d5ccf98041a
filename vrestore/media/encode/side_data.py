"""What a decoded picture carries beside its samples, without the kinds that PyAV has no number for."""

from __future__ import annotations

from typing import cast

import av
from av.sidedata.sidedata import SideData, SideDataContainer, Type

from vrestore.media.av_frames import filter_row

# FFmpeg's numbers (AVFrameSideDataType) above those that PyAV 18 names.
_NAMES = {28: "LCEVC enhancement", 29: "number of a view", 30: "3D reference display", 31: "EXIF"}
# PyAV frees the words that are kept with a profile when it has looked at it, and FFmpeg frees them again.
_NEVER_LOOKED_AT = cast(int, Type.ICC_PROFILE.value)


def side_data(picture: av.VideoFrame) -> list[SideData]:
    """Return all that the picture carries and that PyAV has a name for, but for a color profile."""
    return _sorted_out(picture)[0]


def unknown_side_data(picture: av.VideoFrame) -> list[str]:
    """Name what the picture carries and PyAV has no name for."""
    return [_NAMES.get(kind, f"number {kind}") for kind in _sorted_out(picture)[1]]


def _sorted_out(picture: av.VideoFrame) -> tuple[list[SideData], list[int]]:
    unknown: list[int] = []
    while True:
        known = _without([_NEVER_LOOKED_AT, *unknown], picture)
        try:
            # PyAV looks at all kinds at once, and raises for the first that it does not know.
            return list(cast(SideDataContainer, known.side_data)), unknown  # its stub names another type
        except ValueError as error:
            kind = str(error).partition(" ")[0]  # 31 is not a valid Type
            if not kind.isdecimal() or int(kind) in unknown:
                raise
            unknown.append(int(kind))


def _without(kinds: list[int], picture: av.VideoFrame) -> av.VideoFrame:
    """Return the picture, its samples shared, without the side data of these numbers."""
    graph = filter_row(picture, [("sidedata", f"mode=delete:type={kind}") for kind in kinds])
    graph.push(picture)
    return cast(av.VideoFrame, graph.pull())
