"""Whole restored frames as pictures: those in which most was invented, for who wants to retouch them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vrestore.errors import TargetError
from vrestore.files import writing
from vrestore.frames import Frame, VideoMeta
from vrestore.media.preview.display import as_picture, save_picture, shown


class KeyFrames:
    """Saves some of the frames that pass as `frame_000123.png` in a folder; a picture that is there stays."""

    def __init__(self, folder: Path, meta: VideoMeta, *, first: int) -> None:
        """Number the frames from `first` on. Raises TargetError where the folder cannot be made."""
        if folder.exists() and not folder.is_dir():
            raise TargetError(f"{str(folder)!r} is a file; give a folder for the pictures")
        self._folder, self._meta, self._first = folder, meta, first
        self._wanted: set[int] = set()

    def want(self, number: int) -> None:
        """Save the frame of that number, counted from 0, when it comes."""
        self._wanted.add(number)

    def saved(
        self, frames: Iterator[Frame], *, first: int = 0, start: int = 0, stop: int | None = None
    ) -> Iterator[Frame]:
        """Let restored frames from number `first` on through, saving those from `start` to before `stop`."""
        for number, frame in enumerate(frames, first):
            if number in self._wanted and number >= start and (stop is None or number < stop):
                self._save(number + self._first, frame)
            self._wanted.discard(number)
            yield frame

    def _save(self, number: int, frame: Frame) -> None:
        place = self._folder / f"frame_{number:06d}.png"
        if place.exists():
            return
        with writing(str(place)):
            self._folder.mkdir(parents=True, exist_ok=True)
        save_picture(as_picture(shown(frame, self._meta), rotation=self._meta.rotation), place)
