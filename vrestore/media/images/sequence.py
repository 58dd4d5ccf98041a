"""Images as video: a pattern, a folder, one picture."""

from __future__ import annotations

import io
import re
from array import array
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from vrestore.errors import InputError
from vrestore.files import check_source_file
from vrestore.frames import Rotation
from vrestore.media.container.damage import Damage
from vrestore.media.container.declared import Declared
from vrestore.media.container.feed import AnyPacket
from vrestore.media.container.seek_point import DecodeStart
from vrestore.media.container.times import Moment, frame_number
from vrestore.media.images.animation import is_animation
from vrestore.media.images.orientation import orientation_of

IMAGE_SUFFIXES = {".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".exr", ".webp", ".pgm", ".ppm", ".dpx"}
_IMAGE_DEMUXERS = (
    "png_pipe,tiff_pipe,jpeg_pipe,bmp_pipe,exr_pipe,webp_pipe,webp,pgm_pipe,ppm_pipe,dpx_pipe,apng"
)
PATTERN = re.compile(r"%(?:0(\d+))?d")


def is_sequence(source: str | Path) -> bool:
    """Say whether the words name images: a folder, a pattern with %d, or a file with an image's suffix.

    An animated PNG is a video.
    """
    path = Path(source)
    if path.is_file():
        return path.suffix.lower() in IMAGE_SUFFIXES and not is_animated_png(path)
    return path.is_dir() or (is_pattern(source) and path.suffix.lower() in IMAGE_SUFFIXES)


def is_pattern(name: str | Path) -> bool:
    """Say whether the name has a place for a frame number, such as %06d."""
    return bool(PATTERN.search(Path(name).name))


def images_of(source: str | Path) -> list[Path]:
    """Return the images in natural order: `f2.png` before `f10.png`.

    Raises InputError when there are none, when a pattern's numbers have gaps, or when a folder mixes
    kinds of images.
    """
    path = Path(source)
    if path.is_file():
        return [path]
    if not path.is_dir():
        return _matching(path)
    files = (file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file())
    images = sorted((file for file in files if not file.name.startswith(".")), key=by_number)
    if not images:
        videos = "; it holds other files: give one video at a time" if any(path.iterdir()) else ""
        raise InputError(f"{str(source)!r} is a folder without images{videos}")
    suffixes = sorted({image.suffix.lower() for image in images})
    if len(suffixes) > 1:
        raise InputError(
            f"{str(source)!r} mixes {', '.join(suffixes)}; use a pattern such as %06d{suffixes[0]}"
        )
    return images


def open_sequence(source: str | Path, *, rate: Fraction) -> SequenceFeed:
    """Open images as a video of `rate` frames a second."""
    return SequenceFeed(str(source), images_of(source), rate=rate)


class SequenceFeed:
    """The pictures of image files, one a frame; `files` are their paths in order."""

    container: InputContainer | None = None
    stream: VideoStream | None = None

    def __init__(self, name: str, files: list[Path], *, rate: Fraction) -> None:
        self.name, self.files = name, files
        self._next = 0
        self.packets: deque[AnyPacket] = deque()
        self.covers: list[AnyPacket] = []
        self._first, codec, rotation = read_image(files[0])
        self.declared = Declared(
            container="image2",
            codec=codec,
            time_base=1 / rate,
            rate=rate,
            frame_count=len(files),
            duration_seconds=float(len(files) / rate),
            field_order="progressive",
            rotation=rotation,
        )

    def claim(self, indices: frozenset[int]) -> None:
        """Do nothing: images have no other streams."""

    def forget(self, *, before_seconds: float) -> None:
        """Do nothing: images have no other streams."""

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield one picture a file; raises InputError where a file differs in size from the first."""
        size = self._first.width, self._first.height
        while self._next < len(self.files):
            number, self._next = self._next, self._next + 1
            file = self.files[number]
            picture, _, rotation = read_image(file) if number else (self._first, "", self.declared.rotation)
            if (picture.width, picture.height) != size:
                raise InputError(
                    f"{str(file)!r} is {picture.width}x{picture.height}, the images before it are "
                    f"{size[0]}x{size[1]}"
                )
            if rotation != self.declared.rotation:
                raise InputError(
                    f"{str(file)!r} is turned otherwise for display than the images before it (its Exif "
                    "orientation); turn them all the same way, or restore them one by one"
                )
            picture.pts, picture.duration, picture.time_base = number, 1, self.declared.time_base
            yield picture

    def enter(self, start: Moment, *, first_pts: int) -> DecodeStart | None:
        """Let the next picture be the first that is wanted; None if there is none, or it comes anyway."""
        number = first_pts + frame_number(start, self.declared.rate)
        if not self._next < number < len(self.files):
            return None
        self._next = number
        return DecodeStart(packet=number, index=number, last_pts=number - 1, stamps=[number])

    def stamps(self) -> array[int]:
        """Return the number of each image."""
        return array("q", range(len(self.files)))

    def last_duration(self, pts: int, told: int) -> int:  # noqa: ARG002 - images are all shown as long
        """Return the duration of an image."""
        return told

    def seek(self, pts: int) -> bool:
        """Let the next pictures begin with that one; tell whether there is one."""
        self._next = pts
        return 0 <= pts < len(self.files)

    def read_on(self, *, seconds: float) -> None:
        """Do nothing: images have no other streams."""

    def read_rest(self, *, seconds: float) -> None:
        """Do nothing: images have no other streams."""

    def damage(self, *, corrupt_frames: int) -> Damage:
        """Say that some images were decoded with errors."""
        texts = (f"{corrupt_frames} images were decoded with errors",) if corrupt_frames else ()
        return Damage(corrupt_frames=corrupt_frames, texts=texts)

    def close(self) -> None:
        """Do nothing: every file was closed when it had been read."""


def read_image(file: Path) -> tuple[av.VideoFrame, str, Rotation]:
    """Return an image file's picture, the name of its codec, and how a viewer turns it."""
    check_source_file(str(file))
    check_still(file)
    options = {"format_whitelist": _IMAGE_DEMUXERS, "protocol_whitelist": "file"}
    try:
        # From memory: FFmpeg would take a % in a name for a pattern.
        data = file.read_bytes()
        with av.open(io.BytesIO(data), "r", container_options=options) as container:
            stream = container.streams.video[0]
            for picture in container.decode(stream):
                return picture, stream.codec_context.codec.canonical_name, orientation_of(data)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise InputError(f"{str(file)!r} is not an image that can be read ({error})") from error
    raise InputError(f"{str(file)!r} holds no picture")


def check_still(file: Path) -> None:
    """Raise InputError for an image file of several pictures, where one is wanted or it cannot be read."""
    if not is_animation(file):
        return
    if is_animated_png(file):
        raise InputError(
            f"{str(file)!r} is animated, and one picture is wanted here; give it by itself, as a video"
        )
    raise InputError(
        f"{str(file)!r} is an animated WebP, which is not read; take it apart first: "
        "magick in.webp -coalesce frames/%06d.png"
    )


def is_animated_png(path: Path) -> bool:
    """Say whether a file is a PNG of several pictures, which is read as the video that it is."""
    return path.suffix.lower() == ".png" and is_animation(path)


def _matching(path: Path) -> list[Path]:
    if len(PATTERN.findall(path.name)) != 1:
        raise InputError(f"{str(path)!r} has more than one place for a frame number")
    width = PATTERN.search(path.name)[1]  # type: ignore[index]  # just found
    before, _, after = PATTERN.sub("\0", path.name).partition("\0")
    digits = rf"\d{{{int(width)},}}" if width else r"\d+"
    expression = re.compile(re.escape(before) + f"({digits})" + re.escape(after))
    if not path.parent.is_dir():
        raise InputError(f"{str(path.parent)!r} does not exist")
    found = sorted(
        (int(match[1]), file) for file in path.parent.iterdir() if (match := expression.fullmatch(file.name))
    )
    if not found:
        raise InputError(f"no file matches {str(path)!r}")
    for (number, _file), (following, _next) in pairwise(found):
        if following != number + 1:
            raise InputError(f"{str(path)!r} has no image {number + 1}, but {number} and {following}")
    return [file for _number, file in found]


def by_number(file: Path) -> list[tuple[int, str]]:
    """Return what sorts names in natural order, numbers by their value."""
    parts = re.split(r"(\d+)", file.name)
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in parts]
