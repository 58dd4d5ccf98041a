"""Pictures for image files, which hold RGB or gray whatever the video holds."""

from __future__ import annotations

from collections.abc import Sequence

import av
from av.video.reformatter import Interpolation, VideoReformatter

from vrestore.frames import Color, PixelFormat, VideoMeta
from vrestore.media.av_frames import can_relayout
from vrestore.media.formats import pixel_format

_HD_LINES = 720
# swscale's numbers of a matrix (SWS_CS_*) for those of H.273; 601 is 5.
_SWSCALE_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


class ImageConverter:
    """Turns pictures into one of the layouts of an image file, by the video's own matrix and range.

    `layout` is that layout, `is_exact` says that it holds the source's samples as they are.
    """

    def __init__(self, meta: VideoMeta, names: Sequence[str]) -> None:
        held = [found for name in names if (found := pixel_format(name))]
        exact = [other for other in held if can_relayout(meta.pixel_format, other)]
        self.is_exact = bool(exact)
        self.layout = min(exact, key=lambda other: other.alpha is not None) if exact else _nearest(meta, held)
        self._meta = meta
        self._reformatter = VideoReformatter()

    def converted(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return a picture of the source's layout in that of the image."""
        if picture.format.name == self.layout.name:
            return picture
        color = self._meta.color
        return self._reformatter.reformat(
            picture,
            format=self.layout.name,
            src_colorspace=_matrix(color, self._meta.height),
            src_color_range=2 if color.full_range else 1,
            dst_color_range=2,
            threads=1,  # see `read`: more of them are not safe
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
        )


def _nearest(meta: VideoMeta, held: Sequence[PixelFormat]) -> PixelFormat:
    """Return the layout that loses least: enough bits first, alpha only where there is some."""
    source = meta.pixel_format

    def cost(layout: PixelFormat) -> tuple[bool, bool, bool, int]:
        return (
            layout.model == "gray" and source.model != "gray",
            (layout.alpha is None) != (source.alpha is None),
            layout.bits < source.bits,
            layout.bits,
        )

    return min(held, key=cost)


def _matrix(color: Color, height: int) -> int:
    # What is not tagged is taken as players take it: 709 from 720 lines on.
    guess = 1 if height >= _HD_LINES else 5
    return _SWSCALE_MATRIX.get(color.matrix, guess)
