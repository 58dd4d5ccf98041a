"""Write a video: the source's file again, with some samples changed."""

from __future__ import annotations

from array import array
from pathlib import Path

from vrestore.errors import LossError
from vrestore.files import writing
from vrestore.frames import Frame
from vrestore.media.container.feed import CopySource
from vrestore.media.container.segment_files import segment_container
from vrestore.media.container.segment_writer import SegmentWriter
from vrestore.media.container.video_file import VideoFile
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.images.names import is_image_target
from vrestore.media.images.writer import SequenceWriter
from vrestore.media.trial.trial import try_streams
from vrestore.media.write_result import Discarding, Writer, Written
from vrestore.media.y4m import PipeWriter


def open_writer(
    target: str | Path,
    reader: CopySource,
    *,
    options: EncodeOptions | None = None,
    overwrite: bool = False,
    strict: bool = False,
    in_segments: bool = False,
) -> Writer:
    """Open a target for the frames of `reader`, of which none may have been read yet.

    Args:
        target: a video file, `-` for yuv4mpeg on standard output, a pattern such as
            `out/%06d.png`, or a folder for images (a name that ends in a slash, or one that exists).
        reader: where the frames come from: its other streams, chapters and tags are copied.
        options: what is asked of the encoder; the source's codec at high quality if None.
        overwrite: whether an existing target may be replaced, once the new one is whole.
        strict: whether a stream that cannot be kept is an error, and a device's encoder that gives way.
        in_segments: give a SegmentWriter where the target is a video file and its encoder allows it.

    Raises:
        TargetError: the target exists, is the source, or cannot be written.
        UsageError: the codec, the container and the picture do not fit together.
        LossError: `strict`, and something of the source cannot be kept.
        DeviceError: `strict`, and the device's encoder asked for cannot be opened.
    """
    asked = options or EncodeOptions()
    if str(target) == "-":
        writer: Writer = PipeWriter(reader, options=asked)
    elif is_image_target(target, reader):
        writer = SequenceWriter(target, reader, options=asked, overwrite=overwrite)
    else:
        video = VideoFile(target, reader, options=asked, overwrite=overwrite, strict=strict)
        try_streams(video)
        writer = _video_writer(video, in_segments=in_segments)
    if strict and writer.losses:
        writer.discard()
        raise LossError(f"{str(target)!r} would lose {'; '.join(writer.losses)}")
    return writer


def _video_writer(video: VideoFile, *, in_segments: bool) -> Writer:
    container = segment_container(video.encoding) if in_segments else None
    return VideoWriter(video) if container is None else SegmentWriter(video, container)


class VideoWriter(Discarding):
    """A video file being written; see `open_writer`.

    `warnings` says what was chosen differently from the source, `losses` what the target cannot hold.
    """

    def __init__(self, video: VideoFile) -> None:
        self._video = video
        self._stamps = array("q")
        self._mux = video.mux()
        self.warnings = list(video.encoding.warnings)
        self.losses = video.losses(self._mux)

    @property
    def codec(self) -> str:
        """The encoder's name."""
        return self._video.encoding.encoder

    def write(self, frame: Frame) -> None:
        """Encode one frame; timestamps must increase."""
        stamp, duration = self._video.clock.read(frame)
        self._stamps.append(stamp)
        with writing(self._video.name):
            self._mux.encode(self._video.picture(frame, stamp, duration))

    def finish(self) -> Written:
        """Finish the file, read it again to see that it is whole, and give it its name.

        Raises TargetError when the disk is full or the file does not hold what was put in.
        """
        with writing(self._video.name):
            self._mux.encode(None)
        return self._video.commit(self._mux, self._stamps, warnings=self.warnings)

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
        self._mux.abandon()
        self._video.part.unlink(missing_ok=True)
