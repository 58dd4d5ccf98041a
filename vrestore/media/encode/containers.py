"""Which container a target's name stands for, and which encoders' packets that container can hold."""

from __future__ import annotations

import io
from pathlib import Path

import av
from av.container import OutputContainer

from vrestore.errors import UsageError

# This muxer takes any codec and calls what it does not know private data, which nobody can read.
_IN_TRANSPORT_STREAM = {"libx264", "libx265", "mpeg2video", "mpeg1video", "mpeg4", "h264_nvenc", "hevc_nvenc"}


_EXTENSIONS = {"matroska": ".mkv", "mp4": ".mp4", "mov": ".mov", "avi": ".avi", "nut": ".nut"}
_WRITABLE = {*_EXTENSIONS, "webm", "ipod", "3gp", "3g2", "mpegts", "yuv4mpegpipe"}

CONSTANT_RATE = {"avi", "yuv4mpegpipe"}
"""Containers that count frames and have no timestamps."""

HAS_EMPTY_PLACES = {"avi"}
"""Those of them in which a place may be left empty, so that the picture before it stays."""


def container_for(target: Path) -> str:
    """Return FFmpeg's name of the container that the target's extension stands for.

    Raises UsageError when there is none, or when it is one that is not written: playlists with
    files around them, and containers that lose timestamps or most streams.
    """
    advice = "use .mp4, .mkv, .mov, .webm or .avi"
    try:
        with av.open(f"file:{target.name}", "w") as container:  # nothing is made before its header
            if container.format.name not in _WRITABLE:
                raise UsageError(f"{target.suffix!r} files are not written; {advice}")
            return container.format.name
    except ValueError as error:
        raise UsageError(
            f"{target.suffix or target.name!r} is no video file's extension; {advice}"
        ) from error


def can_hold(container: str, encoder: str) -> bool:
    """Say whether the container has a place for what this encoder makes."""
    if container == "mpegts" and encoder not in _IN_TRANSPORT_STREAM:
        return False
    with scratch(container) as output:
        try:
            output.add_stream(encoder)
        except (av.FFmpegError, ValueError):
            return False
    return True


def extension_for(encoder: str) -> str:
    """Advise an extension whose container holds what this encoder makes."""
    found = next((end for name, end in _EXTENSIONS.items() if can_hold(name, encoder)), None)
    return f"give the output the extension {found}" if found else "use another --codec"


def scratch(container: str) -> OutputContainer:
    """Open a container in memory, to see what it refuses."""
    return av.open(io.BytesIO(), "w", format=container)
