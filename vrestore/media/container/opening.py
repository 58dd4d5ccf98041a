"""Open a file safely: nothing but that file is in reach, whatever it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from vrestore.errors import InputError
from vrestore.files import check_source_file, reason_of
from vrestore.media.choices import PROTOCOLS
from vrestore.media.container.damage import ending_of

# Demuxers that read one file and nothing that the file names. Playlists (hls, dash, concat, vobsub,
# image2), scripts and devices are left out on purpose.
VIDEO_DEMUXERS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,mxf,asf,flv,live_flv,ogg,nut,ivf,gif,apng,yuv4mpegpipe,"
    "dv,h264,hevc,vvc,av1,obu,m4v,mjpeg,mpjpeg,smjpeg,vc1,vc1test,dnxhd,dirac,cavsvideo,h261,h263,"
    "rm,wtv,gxf,nsv,nuv,pva,ty,cine,ser,r3d,lxf,dhav,kux,flic,smk,bink,film_cpk,thp,roq,amv,swf,"
    "webp,webp_anim,wav,mp3,flac,aac,ac3,aiff,w64,opus"
)
# Playlists, whose files and addresses are opened only by protocols that the user allows.
_PLAYLISTS = "hls,dash,concat"


def open_container(
    source: str | BinaryIO,
    *,
    name: str,
    protocols: Iterable[str] = (),
    accelerator: HWAccel | None = None,
) -> InputContainer:
    """Open a file, or a stream of bytes holding yuv4mpeg, with nothing but that file in reach.

    With `protocols`, keys of `choices.PROTOCOLS`, it may be a playlist, and what that names is opened by
    them. An `accelerator` decodes what it can of the pictures. Raises InputError in one line for everything
    that cannot be opened.
    """
    options = _whitelists(protocols)
    try:
        if not isinstance(source, str):
            return av.open(source, "r", format="yuv4mpegpipe", container_options=options)
        check_source_file(source)
        # The prefix keeps a name with a colon or a pipe in it from being taken for a protocol.
        return av.open(
            f"file:{source}",
            "r",
            container_options=options,
            metadata_errors="replace",
            hwaccel=accelerator,
        )
    except (av.FFmpegError, ValueError) as error:
        if isinstance(source, str) and not ending_of(Path(source)).has_index:
            raise InputError(
                f"{name!r} has no index (moov): its recording was cut off; "
                "repair it first, for example with untrunc and a good file of the same camera"
            ) from error
        if not isinstance(source, str):
            raise InputError(
                f"{name} does not hold yuv4mpeg; pipe it with ffmpeg -f yuv4mpegpipe -"
            ) from error
        if isinstance(error, av.ArgumentError):  # what a format that is not on the list gives
            raise InputError(
                f"{name!r} is a playlist, a script or another kind that is not read; "
                "--allow-protocols file opens playlists and the files they name"
            ) from error
        raise InputError(f"{name!r} is not a video that can be read ({reason_of(error)})") from error


def _whitelists(protocols: Iterable[str]) -> dict[str, str]:
    needed = [PROTOCOLS[name] for name in protocols]
    demuxers = f"{VIDEO_DEMUXERS},{_PLAYLISTS}" if needed else VIDEO_DEMUXERS
    return {"format_whitelist": demuxers, "protocol_whitelist": ",".join(["file", *needed])}
