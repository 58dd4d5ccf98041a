"""Names of image files: which targets mean images, and what each image is called."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from vrestore.errors import UsageError
from vrestore.frames import VideoMeta
from vrestore.media.container.feed import CopySource
from vrestore.media.images.sequence import PATTERN, SequenceFeed


class ImageKind(NamedTuple):
    """FFmpeg's encoder of a kind of image file, and the layouts that viewers read."""

    encoder: str
    layouts: tuple[str, ...]


_PNG = ImageKind("png", ("rgb24", "rgba", "rgb48be", "rgba64be", "gray", "ya8", "gray16be", "ya16be"))
_TIFF = ImageKind("tiff", ("rgb24", "rgba", "rgb48le", "rgba64le", "gray", "ya8", "gray16le", "ya16le"))
_JPEG = ImageKind("mjpeg", ("yuvj420p", "yuvj422p", "yuvj444p"))
IMAGE_KINDS = {
    ".png": _PNG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".bmp": ImageKind("bmp", ("bgr24", "bgra", "gray")),
}
"""Image files that can be written."""


def is_image_target(target: str | Path, reader: CopySource) -> bool:
    """Say whether the target stands for image files: a pattern, a folder, or one image for one image.

    Raises UsageError for a single image file when the source is more than one image.
    """
    words, path = str(target), Path(target)
    files = _source_files(reader)
    if is_folder_name(words):
        return True
    if path.is_dir():
        return bool(files)
    if path.suffix.lower() not in IMAGE_KINDS:
        return False
    if not _has_numbers(path, files) and len(files) != 1:
        raise UsageError(
            f"{words!r} is one image; give a pattern such as {path.stem}%06d{path.suffix}, or a video's name"
        )
    return True


def is_folder_name(target: str) -> bool:
    """Say whether the words end as those of a folder do: in a slash, on Windows in a backslash too."""
    return target.endswith(("/", os.sep))


class ImageNames:
    """The place and the name of every image of a target.

    In a folder, images keep the names of the source's files; under a pattern they go on counting
    from the number of the source's first file, from 1 where there is none.
    """

    def __init__(self, target: str | Path, reader: CopySource) -> None:
        path = Path(target)
        self.target = str(target)
        self.is_folder = is_folder_name(self.target) or path.is_dir()
        self.folder = (path if self.is_folder else path.parent).resolve()
        self.place = self.folder if self.is_folder else path.absolute()
        self.sources = _source_files(reader)
        self._kept = self.sources[reader.first_index :]
        first = re.findall(r"\d+", self._kept[0].stem) if self._kept else []
        self._first_number = int(first[-1]) if first else 1
        self._pattern = "%06d.png" if self.is_folder else path.name
        self._has_numbers = _has_numbers(Path(self._pattern), self.sources)
        if self.is_folder and self._kept:
            self.suffix = self._kept[0].suffix.lower()
        else:
            self.suffix = Path(self._pattern).suffix.lower()
        if self.suffix not in IMAGE_KINDS:
            raise UsageError(f"{self.suffix} images cannot be written; give a pattern such as out/%06d.png")

    def name(self, order: int) -> str:
        """Return the file name of an image, counted from 0 in the target."""
        if self.is_folder and self._kept:
            return self._kept[order].name
        if not self._has_numbers:
            return self._pattern
        return PATTERN.sub(lambda place: f"{self._first_number + order:0{place[1] or 0}d}", self._pattern)

    def expected_count(self, meta: VideoMeta) -> int:
        """Return how many images there will be, as far as it is known before."""
        return len(self._kept) if self._kept else meta.frame_count or 1


def _has_numbers(target: Path, sources: list[Path]) -> bool:
    """Say whether a target counts its images; `50%done.inpaint.png` of the one `50%done.png` does not."""
    sign = PATTERN.search(target.name)
    return sign is not None and not (len(sources) == 1 and sign[0] in sources[0].name)


def _source_files(reader: CopySource) -> list[Path]:
    return reader.feed.files if isinstance(reader.feed, SequenceFeed) else []
