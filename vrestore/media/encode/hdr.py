"""Mastering data of HDR10, read from a decoded picture and said in each encoder's words."""

from __future__ import annotations

import struct

import av
from av.sidedata.sidedata import Type

from vrestore.media.encode.side_data import side_data

# Units of SMPTE ST 2086 as HEVC carries them: chromaticity in 0.00002, luminance in 0.0001 cd/m².
_CHROMATICITY, _LUMINANCE = 50000, 10000
_NOT_KEPT = {
    "DOVI_RPU_BUFFER": "Dolby Vision data",
    "DOVI_METADATA": "Dolby Vision data",
    "DYNAMIC_HDR_PLUS": "HDR10+ data",
    "DYNAMIC_HDR_VIVID": "HDR Vivid data",
}


def mastering_parameters(picture: av.VideoFrame) -> dict[str, dict[str, str]]:
    """Return, by encoder, the options that carry the picture's mastering data; empty without any."""
    display, light = _mastering_display(picture), _content_light(picture)
    if display is None and light is None:
        return {}
    x265, av1, x264 = ["hdr10=1"], [], []
    if display is not None:
        (red, green, blue, white), (low, high) = display
        order = (("G", green), ("B", blue), ("R", red), ("WP", white))
        points = "".join(f"{k}({round(x * _CHROMATICITY)},{round(y * _CHROMATICITY)})" for k, (x, y) in order)
        whole = f"{points}L({round(high * _LUMINANCE)},{round(low * _LUMINANCE)})"
        x265.append(f"master-display={whole}")
        x264.append(f"mastering-display={whole}")
        exact = "".join(f"{k}({x:.5f},{y:.5f})" for k, (x, y) in order)
        av1.append(f"mastering-display={exact}L({high:.4f},{low:.4f})")
    if light is not None:
        x265.append(f"max-cll={light[0]},{light[1]}")
        x264.append(f"cll={light[0]},{light[1]}")
        av1.append(f"content-light={light[0]},{light[1]}")
    return {
        "libx265": {"x265-params": ":".join(x265)},
        "libx264": {"x264-params": ":".join(x264)},
        "libsvtav1": {"svtav1-params": ":".join(av1)},
    }


def dynamic_metadata(picture: av.VideoFrame) -> list[str]:
    """Name the metadata of the picture that no encoder here can write."""
    return sorted({_NOT_KEPT[item.type.name] for item in side_data(picture) if item.type.name in _NOT_KEPT})


def display_matrix(picture: av.VideoFrame) -> tuple[int, ...] | None:
    """Return the nine numbers by which the picture is turned when it is shown."""
    data = _side_data(picture, Type.DISPLAYMATRIX)
    return struct.unpack("=9i", data[:36]) if data else None


Point = tuple[float, float]


def _mastering_display(picture: av.VideoFrame) -> tuple[tuple[Point, Point, Point, Point], Point] | None:
    """Return (red, green, blue, white) and (least, most) luminance; AVMasteringDisplayMetadata.

    Where only one of the two is said, the other is 0, which stands for not known.
    """
    data = _side_data(picture, Type.MASTERING_DISPLAY_METADATA)
    if data is None or len(data) < 88:  # ten fractions and two flags, 32 bit each
        return None
    numbers = struct.unpack("=22i", data[:88])
    values = [n / d if d else 0.0 for n, d in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
    red, green, blue, white, (low, high) = zip(values[0::2], values[1::2], strict=True)
    has_primaries, has_luminance = numbers[20:22]
    if not has_primaries:
        red = green = blue = white = (0.0, 0.0)
    if not has_luminance:
        low = high = 0.0
    return ((red, green, blue, white), (low, high)) if has_primaries or has_luminance else None


def _content_light(picture: av.VideoFrame) -> tuple[int, int] | None:
    data = _side_data(picture, Type.CONTENT_LIGHT_LEVEL)
    return struct.unpack("=2I", data[:8]) if data else None


def _side_data(picture: av.VideoFrame, kind: Type) -> bytes | None:
    return next((bytes(item) for item in side_data(picture) if item.type == kind), None)
