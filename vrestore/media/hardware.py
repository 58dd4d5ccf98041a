"""Decoding by a graphics device (NVDEC), where it gives the very samples that the processor would give.

The first picture is decoded by both and compared bit for bit, so that a driver, a profile or a crop that is
handled in another way is found before anything is made of it. Devices give pictures in layouts of their own
(semi-planar, samples in the upper bits); these are laid out as the source's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.video.reformatter import VideoReformatter

from vrestore.errors import InputError
from vrestore.files import reason_of
from vrestore.frames import PixelFormat
from vrestore.media.av_frames import can_relayout, planes_of, relayout
from vrestore.media.container.demux import FileFeed
from vrestore.media.ffmpeg_log import ffmpeg_heard
from vrestore.media.formats import pixel_format

EXACT_CODECS = ("h264", "hevc", "vp8", "vp9")
"""Codecs left to a device. MPEG-1, 2 and 4 and JPEG let decoders differ, and PyAV decodes AV1 by dav1d."""

_HIGH_BITS = {
    "yuv444p10le": ("yuv444p10msble", "yuv444p16le"),
    "yuv444p12le": ("yuv444p12msble", "yuv444p16le"),
}
"""Planar layouts, and those of devices with the same samples in the upper bits of 16."""

_FAILURES = (av.FFmpegError, NotImplementedError, RuntimeError, ValueError)


def choose_feed(feed: FileFeed, *, device: int) -> tuple[FileFeed, str]:
    """Return the feed to read from, whose pictures the CUDA device decodes if it can, and say who decodes.

    A feed that is not chosen is closed. What speaks against the device is never an error. A damaged picture
    later on is counted as ever, but a device may hide damage otherwise than the processor does.
    """
    name = f"NVDEC of cuda:{device}"
    first = feed.peek()
    if first is None:
        return feed, "the processor"
    found = _why_unfit(feed) or _accelerated(feed, first, device=device)
    if isinstance(found, FileFeed):
        feed.close()
        return found, name
    return feed, f"the processor ({name} is not used: {found})"


def decoder_unavailable_reason() -> str | None:
    """Say why no CUDA device decodes here, None if one does."""
    try:
        with ffmpeg_heard(av.logging.ERROR) as said:
            HWAccel("cuda").create(av.Codec("h264", "r"))
    except _FAILURES as error:
        return _words(error, said)
    return None


def device_layout(name: str, source: PixelFormat) -> PixelFormat | None:
    """Return the layout in which a device holds samples of the source's, None if it holds others.

    `name` is FFmpeg's of the layout; the 16-bit ones hold fewer bits in their upper ones:
    p016le of yuv420p12le is p012le.
    """
    if name == source.name:
        return source
    if name in _HIGH_BITS.get(source.name, ()):
        high = tuple(replace(component, shift=16 - source.bits) for component in source.components)
        return replace(source, name=name, components=high)
    layout = pixel_format(f"{name[:2]}{source.bits}le" if name in {"p016le", "p216le", "p416le"} else name)
    if layout is None or layout.plane_count != 2 or source.alpha is not None:
        return None
    return layout if can_relayout(layout, source) else None


def lay_out(picture: av.VideoFrame, source: PixelFormat, reformatter: VideoReformatter) -> av.VideoFrame:
    """Return a device's picture in the source's layout with the same samples, time, color and side data.

    A picture in a layout that cannot hold them is given as it is.
    """
    layout = device_layout(picture.format.name, source)
    if layout is None or layout is source:
        return picture
    # Copies all that is said of the picture. Of samples it may change some: those of full range in 4:4:4.
    laid_out = reformatter.reformat(picture, format=source.name, threads=1)
    relayout(planes_of(picture, layout), layout, planes_of(laid_out, source), source)
    return laid_out


def _why_unfit(feed: FileFeed) -> str | None:
    codec = feed.stream.codec_context.codec
    if feed.declared.codec not in EXACT_CODECS:
        return f"only {', '.join(EXACT_CODECS)} are left to it, not {feed.declared.codec}"
    if not any(config.device_type.name == "cuda" for config in codec.hardware_configs):
        return f"{codec.name} runs on the processor"
    return None


def _accelerated(feed: FileFeed, first: av.VideoFrame, *, device: int) -> FileFeed | str:
    """Return a feed like the other, decoded by the device, or why there is none."""
    try:
        with ffmpeg_heard(av.logging.ERROR) as said:
            other = open_accelerated(feed, device)
    except (*_FAILURES, InputError) as error:
        return _words(error, said)
    try:
        why_not = _tried(other, first)
    except _FAILURES as error:
        why_not = reason_of(error)
    except BaseException:
        other.close()
        raise
    if why_not is None:
        return other
    other.close()
    return why_not


def open_accelerated(feed: FileFeed, device: int) -> FileFeed:
    """Open the file of a feed once more, to be decoded by a device."""
    return feed.again(accelerator=HWAccel("cuda", device=str(device)))


def is_on_device(feed: FileFeed) -> bool:
    """Tell whether the device decoded the last picture; FFmpeg falls back without a word."""
    return feed.stream.codec_context.pix_fmt == "cuda"


def _tried(feed: FileFeed, first: av.VideoFrame) -> str | None:
    """Let a device decode the first picture, and say what is wrong with it, None if nothing."""
    layout = pixel_format(first.format.name)
    if layout is None:
        return f"it gives no {first.format.name}"
    feed.lay_out = partial(lay_out, source=layout, reformatter=VideoReformatter())
    picture = feed.peek(strictly=True)
    if picture is None:
        return "it gives no picture"
    if not is_on_device(feed):
        return f"it does not decode this kind of {feed.declared.codec}"
    if (picture.width, picture.height) != (first.width, first.height):
        return f"it gives {picture.width}x{picture.height} instead of {first.width}x{first.height}"
    if picture.format.name != first.format.name:
        return f"it gives {picture.format.name} for {first.format.name}"
    pairs = zip(planes_of(first, layout), planes_of(picture, layout), strict=True)
    if first.pts != picture.pts or not all(np.array_equal(ours, theirs) for ours, theirs in pairs):
        return "its first picture is another"
    return None


def _words(error: Exception, said: list[str]) -> str:
    """Return a reason in one line, FFmpeg's own if it gave one."""
    return next((line for line in " ".join(said[:1]).strip().splitlines()), "") or reason_of(error)
