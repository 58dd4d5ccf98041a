"""Write yuv4mpeg to standard output."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

from vrestore.errors import TargetError
from vrestore.files import writing
from vrestore.frames import Frame
from vrestore.media.av_frames import PictureMaker
from vrestore.media.container.feed import CopySource
from vrestore.media.container.mux import Mux
from vrestore.media.container.video_file import places_for
from vrestore.media.encode.encoder import PIPE_CONTAINER, EncodeOptions, choose_encoding
from vrestore.media.encode.losses import losses_of
from vrestore.media.write_result import Discarding, Written

_NAME = "standard output"


class PipeWriter(Discarding):
    """Frames as yuv4mpeg on standard output; what was written cannot be taken back."""

    def __init__(self, reader: CopySource, *, options: EncodeOptions) -> None:
        if sys.stdout.isatty():
            raise TargetError("standard output is a terminal; pipe it into a program or use -o with a file")
        meta = reader.meta
        self._encoding = choose_encoding(meta, options, container=PIPE_CONTAINER, parameters={})
        self._maker = PictureMaker(meta, self._encoding.layout)
        self._count = 0
        with writing(_NAME):
            self._mux = Mux(sys.stdout.buffer, PIPE_CONTAINER, reader, self._encoding, origin=Fraction(0))
        self.warnings = list(self._encoding.warnings)
        self.losses = places_for(reader, has_gaps=False).loss("yuv4mpeg")
        self.losses += losses_of(
            reader.first_picture,
            meta.rotation,
            self._mux.copies.dropped,
            encoder=self.codec,
            holder=PIPE_CONTAINER,
        )

    @property
    def codec(self) -> str:
        """The encoder's name."""
        return "rawvideo"

    def write(self, frame: Frame) -> None:
        """Write one frame; yuv4mpeg has no timestamps."""
        picture = self._maker.picture(frame)
        picture.pts, picture.time_base = self._count, self._encoding.time_base
        with writing(_NAME):
            self._mux.encode(picture)
        self._count += 1

    def finish(self) -> Written:
        """Write what is left; the bytes are with whoever reads the pipe."""
        with writing(_NAME):
            self._mux.encode(None)
            self._mux.close()
            sys.stdout.buffer.flush()
        return Written(
            path=Path("-"),
            frame_count=self._count,
            byte_count=0,
            codec=self.codec,
            container=PIPE_CONTAINER,
            dropped=tuple(self._mux.copies.dropped),
            losses=tuple(self.losses),
            warnings=tuple(self.warnings),
        )

    def discard(self) -> None:
        """Close the stream."""
        self._mux.abandon()
