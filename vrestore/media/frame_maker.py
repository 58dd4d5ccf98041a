"""Decoded pictures as frames: in the layout that is kept, each with a time, no sample changed.

The other direction, frames as pictures for an encoder, is `vrestore.media.av_frames.PictureMaker`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import av
from av.video.reformatter import VideoReformatter

from vrestore.errors import InputError
from vrestore.frames import Frame, VideoMeta
from vrestore.media.av_frames import planes_of
from vrestore.media.color.color_tags import color_of
from vrestore.media.container.declared import frame_ticks
from vrestore.media.container.feed import PictureSource
from vrestore.media.encode.side_data import unknown_side_data
from vrestore.media.formats import REPLACEMENTS, pixel_format
from vrestore.media.rotation import rotation_of

_ADVICE = (
    "pass --deinterlace (--double-rate with it keeps all of the motion), or --detelecine where it is film at "
    "30 frames a second"
)


class FrameMaker:
    """Turns the pictures of one source into frames; made with the first of them, which describes all.

    `meta` says what they have in common but for `frame_count`, which is the declared one. `corrupt_frames`
    counts pictures that were decoded with errors; `warnings` grows while frames are made.

    Raises InputError when the first picture, or later another one, cannot be kept as it is.
    """

    def __init__(self, feed: PictureSource, first: av.VideoFrame) -> None:
        self.warnings: list[str] = []
        self.corrupt_frames = 0
        self._reformatter = VideoReformatter()
        self._feed = feed
        _refuse_interlaced(feed, first, index=0)
        self._decoded_format = first.format.name
        unknown = unknown_side_data(first)
        if unknown:
            self.warnings.append(f"pictures carry what is passed over here: {', '.join(unknown)}")
        self.meta = self._described(first)
        if feed.declared.is_rate_assumed:
            self.warnings.append(f"the source tells no frame rate; {self.meta.rate} a second were assumed")

    def frames(self, pictures: Iterator[av.VideoFrame], *, first: int = 0) -> Iterator[Frame]:
        """Yield every picture as a frame whose timestamp is known and above the one before.

        `first` is the index of the first one. What packets say of durations is in the order of decoding: a
        frame lasts until the next one, and the last one until the file's own end.
        """
        step = frame_ticks(self.meta.rate, self.meta.time_base)
        previous: int | None = None
        held: Frame | None = None
        try:
            for index, picture in enumerate(pictures, first):
                native = self._native(picture, index=index)
                pts = picture.pts
                if pts is None:
                    pts = 0 if previous is None else previous + step
                    self._warn_once("frames without a timestamp were given one after the frame rate")
                if previous is not None and pts <= previous:
                    pts = previous + 1
                    self._warn_once("timestamps that do not increase were moved behind the one before")
                previous = pts
                planes = planes_of(native, self.meta.pixel_format)
                if held is not None:
                    yield replace(held, duration=pts - held.pts)
                held = Frame(planes, pts, picture.duration or step, index, native)
        except Exception:
            if held is not None:
                yield held
            raise
        if held is not None:
            yield replace(held, duration=self._feed.last_duration(held.pts, held.duration))

    def _described(self, picture: av.VideoFrame) -> VideoMeta:
        declared, name = self._feed.declared, self._decoded_format
        layout = pixel_format(name) or pixel_format(REPLACEMENTS.get(name, ""))
        if layout is None:
            raise InputError(
                f"{self._feed.name!r} has the pixel format {name}, which cannot be kept as it is; "
                "convert it first: ffmpeg -i in -pix_fmt yuv444p16le -c:v ffv1 out.mkv"
            )
        if layout.name != name:
            self.warnings.append(f"pixel format {name} was unpacked to {layout.name}")
        return VideoMeta(
            source=self._feed.name,
            container=declared.container,
            codec=declared.codec,
            width=picture.width,
            height=picture.height,
            pixel_format=layout,
            time_base=declared.time_base,
            rate=declared.rate,
            frame_count=declared.frame_count,
            duration_seconds=declared.duration_seconds,
            color=color_of(picture, layout),
            sample_aspect_ratio=declared.sample_aspect_ratio,
            rotation=declared.rotation or rotation_of(picture),
            field_order=declared.field_order,
        )

    def _native(self, picture: av.VideoFrame, *, index: int) -> av.VideoFrame:
        """Return the picture in the layout of `meta`; refuse what changed since the first one."""
        meta = self.meta
        self.corrupt_frames += picture.is_corrupt
        if (picture.width, picture.height) != (meta.width, meta.height):
            raise InputError(
                f"{meta.source!r} changes from {meta.width}x{meta.height} to {picture.width}x"
                f"{picture.height} at frame {index}; cut it there and restore the parts"
            )
        if picture.format.name != self._decoded_format:
            raise InputError(
                f"{meta.source!r} changes from {self._decoded_format} to {picture.format.name} at frame "
                f"{index}; cut it there and restore the parts"
            )
        _refuse_interlaced(self._feed, picture, index=index)
        if meta.pixel_format.name == self._decoded_format:
            return picture
        # One thread: with more, swscale 9.5 left rows of small pictures unwritten now and then.
        return self._reformatter.reformat(picture, format=meta.pixel_format.name, threads=1)

    def _warn_once(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _refuse_interlaced(feed: PictureSource, picture: av.VideoFrame, *, index: int) -> None:
    order = feed.declared.field_order
    if picture.interlaced_frame or (index == 0 and order in {"tt", "bb", "tb", "bt"}):
        where = f" from frame {index} on" if index else ""
        raise InputError(f"{feed.name!r} is interlaced{where}; {_ADVICE}")
