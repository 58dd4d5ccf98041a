"""A source whose pictures are made whole before anything else sees them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import replace

import av

from vrestore.errors import UsageError
from vrestore.frames import FrameNumbers
from vrestore.media.choices import FieldWork
from vrestore.media.container.declared import Declared, frame_ticks
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.feed import Feed
from vrestore.media.fields.deinterlace import Deinterlacing
from vrestore.media.fields.film import Film


class ProgressivePictures:
    """The pictures of a source as whole frames, and what is to be said of them instead of what it says.

    They are always made from the beginning, so that they do not depend on where one begins to read. `words`
    tell what is done, `corrupt_frames` counts the source's pictures that were decoded with errors.
    """

    def __init__(self, feed: Feed, work: FieldWork, *, threads: int) -> None:
        if not isinstance(feed, FileFeed):
            raise UsageError("images have no fields; --deinterlace and --detelecine are for videos")
        self.name, self._feed = feed.name, feed
        if work == "film":
            if feed.is_pipe:
                raise UsageError("--detelecine reads a video twice; it takes a file, no pipe")
            other = feed.again(threads=threads)
            try:
                survey = other.pictures()
                self._maker: Film | Deinterlacing = Film(feed.name, feed.declared, survey=survey)
            finally:
                other.close()
        else:
            self._maker = Deinterlacing(feed.name, feed.declared, doubled=work == "fields")
        self.corrupt_frames = 0
        self._last: tuple[int, int] | None = None

    @property
    def words(self) -> str:
        return self._maker.words

    @property
    def warnings(self) -> list[str]:
        """What is to be known of it, when the first frame is there."""
        return self._maker.warnings

    @property
    def numbers(self) -> FrameNumbers:
        """Which of the source's frames each is made from."""
        return self._maker.numbers

    @property
    def declared(self) -> Declared:
        """What the source says, as it holds for the frames that are made."""
        said = self._feed.declared
        return replace(
            said,
            time_base=said.time_base / self._maker.scale,
            rate=said.rate * self.numbers.ratio,
            frame_count=self._maker.count,
            field_order="progressive",
        )

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield the frames in the order in which they are shown."""
        return self._maker.pictures(self._noted(self._feed.pictures()))

    def stamps(self) -> array[int]:
        """Return when each frame is shown, in order, in ticks of `declared`."""
        return self._maker.stamps(self._feed.stamps())

    def last_duration(self, pts: int, told: int) -> int:
        """Return how long the last frame is shown: as long as the source's last."""
        if self._last is None:
            return told
        stamp, duration = self._last
        end = (stamp + self._feed.last_duration(stamp, duration)) * self._maker.scale
        return end - pts if end > pts else told

    def _noted(self, pictures: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        step = frame_ticks(self._feed.declared.rate, self._feed.declared.time_base)
        for picture in pictures:
            self.corrupt_frames += picture.is_corrupt
            if picture.pts is not None:
                self._last = picture.pts, picture.duration or step
            yield picture
