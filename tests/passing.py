"""A file passed through reader and writer, nothing done to it."""

from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer


def restore(source, target, *, overwrite=False, strict=False, **options):
    """Pass a file through and return what the writer says."""
    encode = EncodeOptions(**options)
    with (
        open_video(source) as reader,
        open_writer(target, reader, options=encode, overwrite=overwrite, strict=strict) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        return writer.finish()
