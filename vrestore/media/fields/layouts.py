"""Layouts in which FFmpeg's filters of fields work, and pictures laid out so, no sample changed."""

from __future__ import annotations

import av
from av.video.reformatter import VideoReformatter

from vrestore.errors import InputError
from vrestore.frames import PixelFormat
from vrestore.media.av_frames import can_relayout, planes_of, relayout
from vrestore.media.formats import pixel_format

_DEEP = (9, 10, 12, 14, 16)
BWDIF = (
    *("yuv410p", "yuv411p", "yuv420p", "yuv422p", "yuv440p", "yuv444p"),
    *("yuvj411p", "yuvj420p", "yuvj422p", "yuvj440p", "yuvj444p", "yuva420p", "yuva422p", "yuva444p"),
    *("gray", "gray16le", "gbrp", "gbrap", "gbrap16le"),
    *(f"{stem}{bits}le" for stem in ("yuv420p", "yuv422p", "yuv444p", "gbrp") for bits in _DEEP),
    *(f"{stem}{bits}le" for stem in ("yuva420p", "yuva422p", "yuva444p") for bits in (9, 10, 16)),
)
"""What bwdif takes as it is; the rest would be converted without a word (FFmpeg 8.1)."""

FIELDMATCH = ("yuv410p", "yuv411p", "yuv420p", "yuv422p", "yuv444p")
"""What fieldmatch and decimate take as it is."""


def check_alike(picture: av.VideoFrame, first: av.VideoFrame, *, source: str) -> None:
    """Raise InputError for a picture of another size or layout than the first one."""
    one, other = ((p.width, p.height, p.format.name) for p in (first, picture))
    if one != other:
        raise InputError(
            f"{source!r} changes from {one[0]}x{one[1]} {one[2]} to {other[0]}x{other[1]} {other[2]}; cut it "
            "there and restore the parts"
        )


class FieldLayout:
    """Lays pictures of one layout out as one of `names` that holds the same samples.

    Raises InputError where none does; `word` is the option that asks for it.
    """

    def __init__(self, picture: av.VideoFrame, names: tuple[str, ...], *, source: str, word: str) -> None:
        name = picture.format.name
        layout = pixel_format(name)
        others = (other for one in names if (other := pixel_format(one)) is not None)
        held = (other for other in others if layout is not None and _holds_the_same(layout, other))
        self._target = layout if name in names else next(held, None)
        if layout is None or self._target is None:
            raise InputError(
                f"{source!r} has the pixel format {name}, on which {word} does not work; convert it first: "
                f"ffmpeg -i in -pix_fmt {names[3]} -c:v ffv1 -flags +ildct out.mkv"
            )
        self._source = layout
        self._reformatter = VideoReformatter()

    def laid_out(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return the picture with what is said of it, in the layout that the filters work in."""
        if self._target is self._source or self._target is None:
            return picture
        other = self._reformatter.reformat(picture, format=self._target.name, threads=1)  # see `FrameMaker`
        relayout(planes_of(picture, self._source), self._source, planes_of(other, self._target), self._target)
        return other


def _holds_the_same(layout: PixelFormat, other: PixelFormat) -> bool:
    return can_relayout(layout, other) and (layout.alpha is None) == (other.alpha is None)
