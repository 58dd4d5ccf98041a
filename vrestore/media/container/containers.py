"""Which container a target's name stands for, and what that container can hold."""

from __future__ import annotations

import io
from pathlib import Path

import av
from av.container import OutputContainer
from av.stream import Stream

from vrestore.errors import UsageError

# This muxer takes any codec and calls what it does not know private data, which nobody can read.
_IN_TRANSPORT_STREAM = {"libx264", "libx265", "mpeg2video", "mpeg1video", "mpeg4", "h264_nvenc", "hevc_nvenc"}


_EXTENSIONS = {"matroska": ".mkv", "mp4": ".mp4", "mov": ".mov", "avi": ".avi", "nut": ".nut"}
_WRITABLE = {*_EXTENSIONS, "webm", "ipod", "3gp", "3g2", "mpegts", "yuv4mpegpipe"}

CONSTANT_RATE = {"avi", "yuv4mpegpipe"}
"""Containers that count frames and have no timestamps."""


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
    with _scratch(container) as scratch:
        try:
            scratch.add_stream(encoder)
        except (av.FFmpegError, ValueError):
            return False
    return True


def extension_for(encoder: str) -> str:
    """Advise an extension whose container holds what this encoder makes."""
    found = next((end for name, end in _EXTENSIONS.items() if can_hold(name, encoder)), None)
    return f"give the output the extension {found}" if found else "use another --codec"


def copy_refusal_reason(container: str, stream: Stream) -> str | None:
    """Return the reason why the container cannot take this stream's packets, None when it can.

    The stream's header is written to memory: some streams are refused only there, and by then it
    would be too late for a file that already holds others.
    """
    if stream.type == "attachment" and container != "matroska":
        return f"{container} cannot hold {_kind(stream)}"  # webm takes it without a word and drops it
    scratch = _scratch(container)
    try:
        scratch.add_stream_from_template(stream, opaque=True)
        scratch.start_encoding()
        scratch.close()
    except (av.FFmpegError, ValueError):
        return f"{container} cannot hold {_kind(stream)}"
    return None


def _scratch(container: str) -> OutputContainer:
    return av.open(io.BytesIO(), "w", format=container)


def _kind(stream: Stream) -> str:
    name = stream.codec_context.name if stream.codec_context else (getattr(stream, "name", None) or "unknown")
    return f"{stream.type} {name}"
