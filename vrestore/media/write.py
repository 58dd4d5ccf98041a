"""Write a video: the source's file again, with some samples changed."""

from __future__ import annotations

from array import array
from pathlib import Path
from types import TracebackType
from typing import Self

from vrestore.errors import LossError
from vrestore.frames import Frame
from vrestore.media.containers import CONSTANT_RATE, container_for
from vrestore.media.encode import EncodeOptions, choose_encoding
from vrestore.media.hdr import dynamic_metadata, mastering_parameters
from vrestore.media.image_names import is_image_target
from vrestore.media.images import SequenceWriter
from vrestore.media.mux import Mux
from vrestore.media.pictures import PictureMaker
from vrestore.media.read import VideoReader
from vrestore.media.target import check_target, part_beside, settle, writing
from vrestore.media.verify import verify
from vrestore.media.written import Writer, Written
from vrestore.media.y4m import PipeWriter


def open_writer(
    target: str | Path,
    reader: VideoReader,
    *,
    options: EncodeOptions | None = None,
    overwrite: bool = False,
    strict: bool = False,
) -> Writer:
    """Open a target for the frames of `reader`, of which none may have been read yet.

    Args:
        target: a video file, `-` for yuv4mpeg on standard output, a pattern such as
            `out/%06d.png`, or a folder for images (a name that ends in a slash, or one that exists).
        reader: where the frames come from: its other streams, chapters and tags are copied.
        options: what is asked of the encoder; the source's codec at high quality if None.
        overwrite: whether an existing target may be replaced, once the new one is whole.
        strict: whether a stream that cannot be kept is an error.

    Raises:
        TargetError: the target exists, is the source, or cannot be written.
        UsageError: the codec, the container and the picture do not fit together.
        LossError: `strict`, and something of the source cannot be kept.
    """
    asked = options or EncodeOptions()
    if str(target) == "-":
        writer: Writer = PipeWriter(reader, options=asked)
    elif is_image_target(target, reader):
        writer = SequenceWriter(target, reader, options=asked, overwrite=overwrite)
    else:
        writer = VideoWriter(target, reader, options=asked, overwrite=overwrite)
    if strict and writer.losses:
        writer.discard()
        raise LossError(f"{str(target)!r} would lose {'; '.join(writer.losses)}")
    return writer


class VideoWriter:
    """A video file being written; see `open_writer`.

    `warnings` says what was chosen differently from the source, `losses` what the target cannot hold.
    """

    def __init__(
        self, target: str | Path, reader: VideoReader, *, options: EncodeOptions, overwrite: bool
    ) -> None:
        self._name, source = str(target), Path(reader.meta.source)
        container = container_for(Path(target))
        self._place = check_target(
            Path(target), sources=[source] if source.is_file() else [], overwrite=overwrite
        )
        self._part = part_beside(self._place)
        meta, picture = reader.meta, reader.first_picture
        self._encoding = choose_encoding(
            meta, options, container=container, parameters=mastering_parameters(picture)
        )
        self._maker = PictureMaker(meta, self._encoding.layout)
        self._clock = _Clock(reader, counts=container in CONSTANT_RATE)
        self._stamps = array("q")
        self._container = container
        try:
            with writing(self._name):
                self._mux = Mux(self._part, container, reader, self._encoding, origin=self._clock.origin)
        except BaseException:
            self._part.unlink(missing_ok=True)
            raise
        self.warnings = list(self._encoding.warnings)
        self.losses = dynamic_metadata(picture)
        self.losses += [
            f"{drop.kind} stream {drop.index} ({drop.reason})" for drop in self._mux.copies.dropped
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    @property
    def codec(self) -> str:
        """The encoder's name."""
        return self._encoding.encoder

    def write(self, frame: Frame) -> None:
        """Encode one frame; timestamps must increase."""
        picture = self._maker.picture(frame)
        stamp, duration = self._clock.read(frame)
        picture.pts, picture.duration, picture.time_base = stamp, duration, self._clock.time_base
        picture.pict_type = 0  # or the encoder repeats the source's I, P and B
        self._stamps.append(stamp)
        with writing(self._name):
            self._mux.encode(picture)

    def finish(self) -> Written:
        """Finish the file, read it again to see that it is whole, and give it its name.

        Raises TargetError when the disk is full or the file does not hold what was put in.
        """
        with writing(self._name):
            self._mux.encode(None)
            expected = self._mux.expected(self._stamps, self._clock.time_base)
            self._mux.close()
        self.warnings += verify(self._part, expected, name=self._name)
        byte_count = self._part.stat().st_size
        settle(self._part, self._place)
        return Written(
            path=Path(self._name),
            frame_count=len(self._stamps),
            byte_count=byte_count,
            codec=self.codec,
            container=self._container,
            kept=self._mux.copies.kept_streams(),
            dropped=tuple(self._mux.copies.dropped),
            warnings=tuple(self.warnings),
        )

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
        self._mux.abandon()
        self._part.unlink(missing_ok=True)


class _Clock:
    """Gives frames their time in the target: the source's own, or a count where there is only that."""

    def __init__(self, reader: VideoReader, *, counts: bool) -> None:
        meta = reader.meta
        self._counts = counts
        self._shift = reader.first_pts if reader.start is not None else 0
        self.origin = self._shift * meta.time_base
        self.time_base = 1 / meta.rate if counts else meta.time_base
        first = (reader.first_pts - self._shift) * meta.time_base
        self._next = max(0, round(first / self.time_base))

    def read(self, frame: Frame) -> tuple[int, int]:
        """Give the frame's timestamp and duration in `time_base`."""
        if not self._counts:
            return frame.pts - self._shift, frame.duration
        self._next += 1
        return self._next - 1, 1
