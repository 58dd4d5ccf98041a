"""What a result cannot hold of its source: one list, told before the work and after it."""

from __future__ import annotations

from collections.abc import Iterable

import av

from vrestore.frames import Rotation
from vrestore.media.encode.encoding import IN_SOFTWARE
from vrestore.media.encode.hdr import dynamic_metadata, mastering_parameters
from vrestore.media.write_result import Dropped

_WITHOUT_ROTATION = {"avi", "nut", "mpegts", "yuv4mpegpipe", "bmp"}
# Encoders that take mastering data from the pictures themselves.
_BY_PICTURES = {"png", *IN_SOFTWARE}


def losses_of(
    picture: av.VideoFrame, rotation: Rotation, dropped: Iterable[Dropped], *, encoder: str, holder: str
) -> list[str]:
    """Name what is lost of a source when it is written anew.

    Args:
        picture: its first picture, whose side data speaks for all.
        rotation: how it is turned for display.
        dropped: the streams that are left out.
        encoder: FFmpeg's name of what encodes the picture.
        holder: FFmpeg's name of the container, or the suffix of image files without its dot.
    """
    lost = dynamic_metadata(picture)
    held = mastering_parameters(picture)
    if held and encoder not in held and encoder not in _BY_PICTURES:
        lost.append(f"HDR10 mastering data ({encoder} does not write it)")
    if rotation != Rotation() and holder in _WITHOUT_ROTATION:
        lost.append(f"rotation ({holder} has no place for it)")
    return lost + [f"{drop.kind} stream {drop.index} ({drop.reason})" for drop in dropped]
