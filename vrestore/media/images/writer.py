"""Write a row of images: into a folder or under a pattern, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from vrestore.errors import InputError, TargetError, UsageError
from vrestore.files import check_folder, check_name, part_beside, replace, synchronise, writing
from vrestore.frames import Frame, VideoMeta
from vrestore.media.av_frames import PictureMaker
from vrestore.media.container.feed import CopySource
from vrestore.media.container.streams import is_chapter_text
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.encode.encoding import Encoding, configure
from vrestore.media.encode.losses import losses_of
from vrestore.media.images.convert import ImageConverter
from vrestore.media.images.names import IMAGE_KINDS, ImageNames
from vrestore.media.images.orientation import with_orientation
from vrestore.media.images.sequence import read_image
from vrestore.media.write_result import Discarding, Dropped, Written


class SequenceWriter(Discarding):
    """Image files being written into a hidden folder beside their place; see `open_writer`."""

    def __init__(
        self, target: str | Path, reader: CopySource, *, options: EncodeOptions, overwrite: bool
    ) -> None:
        self._name, self._overwrite = str(target), overwrite
        self._names = ImageNames(target, reader)
        _check(self._names, reader, overwrite=overwrite)
        self._converter = ImageConverter(reader.meta, IMAGE_KINDS[self._names.suffix].layouts)
        self._encoding, self._context = _encoder(self._names.suffix, self._converter, options, reader.meta)
        layout = self._converter.layout if self._converter.is_exact else reader.meta.pixel_format
        self._maker = PictureMaker(reader.meta, layout)
        self._time_base, self._rotation = reader.meta.time_base, reader.meta.rotation
        self._dropped = _others(reader)
        self.warnings = list(self._encoding.warnings)
        self.losses = losses_of(
            reader.first_picture,
            self._rotation,
            self._dropped,
            encoder=self.codec,
            holder=self._names.suffix.removeprefix("."),
        )
        self._asked, self._files = 0, list[Path]()
        reader.claim(frozenset())
        self._part = part_beside(self._names.place)
        with writing(self._name):
            self._part.mkdir()

    @property
    def codec(self) -> str:
        """The encoder's name."""
        return self._encoding.encoder

    def write(self, frame: Frame) -> None:
        """Encode one frame into a file of its own."""
        picture = self._converter.converted(self._maker.picture(frame))
        picture.pts, picture.time_base, picture.pict_type = self._asked, self._time_base, 0
        self._asked += 1
        self._encode(picture)

    def finish(self) -> Written:
        """Let the images have their names once the last and the first can be read again."""
        self._encode(None)
        if len(self._files) != self._asked:
            raise TargetError(f"{self._name!r} was not written: {len(self._files)} images of {self._asked}")
        try:
            for file in {self._files[0], self._files[-1]}:
                read_image(file)
        except InputError as error:
            raise TargetError(f"{self._name!r} was not written as it should: {error}") from error
        byte_count = sum(file.stat().st_size for file in self._files)
        self._settle()
        return Written(
            path=Path(self._name),
            frame_count=self._asked,
            byte_count=byte_count,
            codec=self.codec,
            container="image2",
            dropped=self._dropped,
            losses=tuple(self.losses),
            warnings=tuple(self.warnings),
        )

    def discard(self) -> None:
        """Remove what is not finished; nothing happens when it is."""
        shutil.rmtree(self._part, ignore_errors=True)

    def _encode(self, picture: av.VideoFrame | None) -> None:
        with writing(self._name):
            for packet in self._context.encode(picture):
                file = self._part / self._names.name(len(self._files))
                self._files.append(file)
                file.write_bytes(with_orientation(bytes(packet), self._rotation))

    def _settle(self) -> None:
        folder = self._names.folder
        with writing(self._name):
            for file in self._files:
                synchronise(file)
            if not folder.exists():
                replace(self._part, folder)
                return
            taken = [file.name for file in self._files if (folder / file.name).exists()]
            if taken and not self._overwrite:  # the number of frames may not be known before
                raise TargetError(f"{str(folder / taken[0])!r} exists; pass -y to overwrite it")
            for file in self._files:
                replace(file, folder / file.name)
            synchronise(folder)
        self.discard()


def _check(names: ImageNames, reader: CopySource, *, overwrite: bool) -> None:
    """Raise TargetError when images are there already, are the source, or cannot be written."""
    name, folder = names.target, names.folder
    if folder.exists() and not folder.is_dir():
        raise TargetError(f"{name!r} cannot be written: {str(folder)!r} is no folder")
    check_folder(folder.parent if names.is_folder else folder, name=name)
    check_name(folder if names.is_folder else folder / names.name(0), name=name)
    sources = {file.resolve() for file in names.sources}
    there = [folder / names.name(index) for index in range(names.expected_count(reader.meta))]
    there = [file for file in there if file.exists()]
    if any(file.resolve() in sources for file in there):
        raise TargetError(f"{name!r} is the source; a file is never restored onto itself")
    if there and not overwrite:
        raise TargetError(f"{str(there[0])!r} exists; pass -y to overwrite it")


def _encoder(
    suffix: str, converter: ImageConverter, options: EncodeOptions, meta: VideoMeta
) -> tuple[Encoding, VideoCodecContext]:
    encoder = IMAGE_KINDS[suffix].encoder
    if options.codec not in {None, encoder}:
        raise UsageError(f"{suffix} images are written by {encoder}, not by {options.codec}")
    warnings = []
    if not converter.is_exact:
        warnings.append(
            f"{meta.pixel_format.name} was converted to {converter.layout.name} for {suffix} images"
        )
    chosen = options.for_encoder(encoder, {})
    encoding = Encoding(encoder, converter.layout, chosen, meta.time_base, tuple(warnings))
    context = av.CodecContext.create(encoder, "w")
    if not isinstance(context, VideoCodecContext):
        raise TypeError(f"{encoder} does not encode pictures")
    configure(context, encoding, meta)
    context.color_range = 2
    return encoding, context


def _others(reader: CopySource) -> tuple[Dropped, ...]:
    container, main = reader.feed.container, reader.feed.stream
    if container is None or main is None or reader.is_picture_only:
        return ()
    return tuple(
        Dropped(stream.index, stream.type, "images hold the picture only")
        for stream in container.streams
        if stream.index != main.index and not is_chapter_text(stream, container)
    )
