"""Pictures to learn from: photographs and short clips in folders, read when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from vrestore.errors import InputError

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Pictures = NDArray[np.uint8]
"""(T, H, W, 3) RGB."""

PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".webp")
CLIPS = (".mp4", ".mkv", ".mov", ".webm", ".avi")


@dataclass(frozen=True)
class Sources:
    """The files to learn from, in order of their names."""

    photographs: tuple[Path, ...]
    clips: tuple[Path, ...]

    @staticmethod
    def find(folder: Path) -> Sources:
        """List the photographs in `folder`/stills and the clips in `folder`/video, which may be missing.

        Raises:
            InputError: There is no photograph.
        """
        photographs = _files(folder / "stills", PHOTOGRAPHS)
        if not photographs:
            raise InputError(
                f"no photographs in {str(folder / 'stills')!r}: training needs files there that end in "
                f"{', '.join(PHOTOGRAPHS)}, and takes clips from {str(folder / 'video')!r}"
            )
        return Sources(photographs, _files(folder / "video", CLIPS))


def read_photograph(path: Path) -> Picture:
    """Read a picture as RGB.

    Raises:
        InputError: It cannot be read.
    """
    # OpenCV answers with None instead of raising, also for a file that is not there.
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"cannot read the photograph {str(path)!r}: remove it from the training data")
    return np.ascontiguousarray(picture[..., ::-1])  # OpenCV reads BGR


def read_clip(path: Path) -> Pictures:
    """Read all frames of a short clip.

    Raises:
        InputError: It cannot be read, or has no frame.
    """
    try:
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="rgb24", threads=1) for frame in container.decode(video=0)]
    except (av.FFmpegError, IndexError) as error:
        raise InputError(
            f"cannot read the clip {str(path)!r} ({error}): remove it or put it right"
        ) from error
    if not frames:
        raise InputError(f"the clip {str(path)!r} has no frame: remove it or put it right")
    return np.stack(frames)


def _files(folder: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes))
