"""What is settled about a video file before its first frame, and how it comes to be whole."""

from __future__ import annotations

from array import array
from pathlib import Path

import av

from vrestore.files import check_target, commit, part_beside, writing
from vrestore.frames import Frame
from vrestore.media.av_frames import PictureMaker
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.feed import CopySource
from vrestore.media.container.mux import Mux
from vrestore.media.container.verify import verify
from vrestore.media.encode.containers import CONSTANT_RATE, container_for
from vrestore.media.encode.encoder import EncodeOptions, choose_encoding
from vrestore.media.encode.hdr import mastering_parameters
from vrestore.media.encode.losses import losses_of
from vrestore.media.write_result import Written


class VideoFile:
    """A video file to be written: its place, its encoder, and the time of each frame in it.

    `losses` says what a file that was opened by `mux` cannot hold of the source.
    """

    def __init__(
        self,
        target: str | Path,
        reader: CopySource,
        *,
        options: EncodeOptions,
        overwrite: bool,
        strict: bool = False,
    ) -> None:
        self.name, source = str(target), Path(reader.meta.source)
        self.container = container_for(Path(target))
        self.place = check_target(
            Path(target), sources=[source] if source.is_file() else [], overwrite=overwrite
        )
        self.part = part_beside(self.place)
        self.reader = reader
        self.encoding = choose_encoding(
            reader.meta,
            options,
            container=self.container,
            parameters=mastering_parameters(reader.first_picture),
            strict=strict,
        )
        self._maker = PictureMaker(reader.meta, self.encoding.layout)
        self.clock = Clock(reader, counts=self.container in CONSTANT_RATE)

    def mux(self, *, beside: FileFeed | None = None) -> Mux:
        """Open the unfinished part; what the container refuses shows here. See Mux for `beside`."""
        try:
            with writing(self.name):
                return Mux(
                    self.part,
                    self.container,
                    self.reader,
                    self.encoding,
                    origin=self.clock.origin,
                    beside=beside,
                )
        except BaseException:
            self.part.unlink(missing_ok=True)
            raise

    def losses(self, mux: Mux) -> list[str]:
        """Say what the file cannot hold of the source."""
        reader, encoder = self.reader, self.encoding.encoder
        return losses_of(
            reader.first_picture,
            reader.meta.rotation,
            mux.copies.dropped,
            encoder=encoder,
            holder=self.container,
        )

    def picture(self, frame: Frame, stamp: int, duration: int) -> av.VideoFrame:
        """Return the frame as the encoder takes it, its time in the clock's time base."""
        picture = self._maker.picture(frame)
        picture.pts, picture.duration, picture.time_base = stamp, duration, self.clock.time_base
        picture.pict_type = 0  # or the encoder repeats the source's I, P and B
        return picture

    def commit(
        self, mux: Mux, stamps: array[int], *, warnings: list[str], is_joined: bool = False
    ) -> Written:
        """Close the part, read it again to see that it is whole, and give it its name; see `verify`.

        Raises TargetError when the disk is full or the file does not hold what was put in.
        """
        with writing(self.name):
            expected = mux.expected(stamps, self.clock.time_base)
            mux.close()
        warnings += verify(self.part, expected, name=self.name, is_joined=is_joined)
        byte_count = self.part.stat().st_size
        commit(self.part, self.place)
        return Written(
            path=Path(self.name),
            frame_count=len(stamps),
            byte_count=byte_count,
            codec=self.encoding.encoder,
            container=self.container,
            kept=mux.copies.kept_streams(),
            dropped=tuple(mux.copies.dropped),
            losses=tuple(self.losses(mux)),
            warnings=tuple(warnings),
        )


class Clock:
    """Gives frames their time in the target: the source's own, or a count where there is only that."""

    def __init__(self, reader: CopySource, *, counts: bool) -> None:
        meta = reader.meta
        self._counts = counts
        self._shift = reader.first_pts if reader.start is not None else 0
        self.origin = self._shift * meta.time_base
        self.time_base = 1 / meta.rate if counts else meta.time_base
        self._first_index = reader.first_index
        first = (reader.first_pts - self._shift) * meta.time_base
        self._first_count = max(0, round(first / self.time_base))

    def read(self, frame: Frame) -> tuple[int, int]:
        """Return the frame's timestamp and duration in `time_base`."""
        if not self._counts:
            return frame.pts - self._shift, frame.duration
        return self._first_count + frame.index - self._first_index, 1
