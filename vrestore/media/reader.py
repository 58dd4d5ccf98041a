"""Read a video: frames in their native planes, and beside them everything a copy needs."""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, dropwhile
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from vrestore.errors import InputError, UsageError
from vrestore.frames import Frame, FrameNumbers
from vrestore.media.choices import FieldWork
from vrestore.media.container.damage import Damage
from vrestore.media.container.declared import Declared
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.feed import AnyPacket, Feed, PictureSource
from vrestore.media.container.seek_point import DecodeStart, NotAsCountedError
from vrestore.media.container.times import FrameNumber, Moment, frame_number, parse_time
from vrestore.media.fields.progressive import ProgressivePictures
from vrestore.media.frame_maker import FrameMaker
from vrestore.media.hardware import choose_feed
from vrestore.media.images.sequence import is_sequence, open_sequence


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The later frames of a reader, from frame `index` at `pts` on, as one knows them who has read all.

    `first_index` and `first_pts` are those of the reader's own first frame. With `is_sought` the source is
    read from a key frame before it on, where that can be done. Which frames come then is to be checked.
    """

    index: int
    pts: int
    first_index: int
    first_pts: int
    is_sought: bool = True


def open_video(
    source: str | Path,
    *,
    start: str | int | None = None,
    stop: str | int | None = None,
    threads: int = 0,
    rate: Fraction | None = None,
    protocols: Iterable[str] = (),
    excerpt: Excerpt | None = None,
    cuda_device: int | None = None,
    fields: FieldWork | None = None,
) -> VideoReader:
    """Open a video file, `-` (yuv4mpeg on standard input), an image, a folder of them or a pattern.

    Args:
        source: the file, the folder, or a pattern such as `frames/%06d.png`.
        start: first frame to give, a frame number or a time (`00:01:02.5`, `12.5s`, `3m`).
        stop: first frame not to give any more.
        threads: decoder threads, 0 for as many as there are cores.
        rate: frames a second of an image sequence, 25 if None; other sources have their own.
        protocols: by which a playlist may open what it names, see `choices.PROTOCOLS`; no playlists if none.
        excerpt: which frames to give of those between start and stop, up to the end; all if None.
        cuda_device: number of the device that decodes, where it gives the same; the processor if None.
        fields: what is made of interlaced pictures; they are refused if None. `start` and `stop` count the
            source's own frames.

    Raises:
        InputError: the source cannot be read, holds no picture, or is interlaced.
        UsageError: `start` or `stop` is no time, `rate` is given for what is no image sequence, or `fields`
            for what is one.
    """
    first, last = _moment(start), _moment(stop)

    def opened(*, enters: bool) -> VideoReader:
        feed, decoder = _open_feed(source, threads, rate, protocols, cuda_device)
        try:
            made = None if fields is None else ProgressivePictures(feed, fields, threads=threads)
            return VideoReader(
                feed, start=first, stop=last, excerpt=excerpt, decoder=decoder, enters=enters, made=made
            )
        except BaseException:
            feed.close()
            raise

    try:
        return opened(enters=True)
    except NotAsCountedError:
        return opened(enters=False)


def _open_feed(
    source: str | Path, threads: int, rate: Fraction | None, protocols: Iterable[str], cuda_device: int | None
) -> tuple[Feed, str]:
    """Open what pictures come from, and say in words who decodes, if a device was asked to."""
    if is_sequence(source):
        return open_sequence(source, rate=rate or Fraction(25)), ""
    if rate is not None:
        raise UsageError("a rate can be given for image sequences only; a video has its own timestamps")
    if str(source) == "-":
        return FileFeed(sys.stdin.buffer, name="standard input", threads=threads), ""
    feed = FileFeed(str(source), name=str(source), threads=threads, protocols=protocols)
    if cuda_device is None:
        return feed, ""
    try:
        return choose_feed(feed, device=cuda_device)
    except BaseException:
        feed.close()
        raise


class VideoReader:
    """Frames of one source in presentation order; iterate once, then close it or use `with`.

    `meta` is known from the start; its `frame_count` is what `start` and `stop` leave of the declared
    one. `warnings` grows while frames are read. A frame's `index` counts the source's frames, also
    where `start` skips some; `first_index` and `first_pts` are those of the first frame given, or that would
    be given without `excerpt`.
    `first_picture` is the source's first decoded picture: its side data speaks for the stream.
    `end_seconds` is the time in the file at which `stop` ended the frames, None until then.
    `decoder` says in words who decodes where a device was asked to; it is empty where none was. `fields` says
    what is made of interlaced pictures, if anything: a frame's `index` counts what is made then, and
    `meta.numbers` tells of which of the source's.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        start: Moment | None = None,
        stop: Moment | None = None,
        excerpt: Excerpt | None = None,
        decoder: str = "",
        enters: bool = True,
        made: ProgressivePictures | None = None,
    ) -> None:
        self.decoder, self.fields = decoder, "" if made is None else made.words
        self.feed, self.start, self.stop = feed, start, stop
        self._source: PictureSource = made or feed
        self._made = made
        self._numbers = FrameNumbers() if made is None else made.numbers
        self.end_seconds: Fraction | None = None
        self._origin = 0
        pictures = self._source.pictures()
        picture = next(pictures, None)
        if picture is None:
            raise InputError(f"{feed.name!r} holds no frame that can be decoded")
        self._maker = FrameMaker(self._source, picture)
        self.warnings = self._maker.warnings
        self.warnings += [] if made is None else made.warnings
        self.first_picture = picture
        count = self._expected(self._source.declared)
        self.meta = replace(self._maker.meta, frame_count=count, numbers=self._numbers)
        self._frames: Iterator[Frame] | None = None
        self._first: Frame | None = None
        if excerpt is not None:
            self.first_index, self.first_pts = excerpt.first_index, excerpt.first_pts
            # What is made of fields depends on those before: it is made from the beginning.
            excerpt = replace(excerpt, is_sought=excerpt.is_sought and made is None)
            self._frames = self._excerpted(excerpt, chain([picture], pictures))
            return
        entry = None
        if start is not None and enters and picture.pts is not None and made is None:
            self._origin = picture.pts
            entry = feed.enter(start, first_pts=picture.pts)
        self._frames = self._trimmed(chain([picture], pictures), entry)
        first = next(self._frames, None)
        if first is None:
            if entry is not None and self.end_seconds is None:
                raise NotAsCountedError
            raise InputError(f"{feed.name!r} has no frame between start and stop")
        self._first = first
        self.first_index, self.first_pts = first.index, first.pts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        if self._frames is None:
            raise ValueError("the frames of a reader can be read once")
        if not self._claimed:
            self.claim(frozenset())
        frames, self._frames = self._frames, None
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from frames

    _claimed = False
    is_picture_only = False
    """Whether no stream but the picture is to be copied."""

    def claim(self, indices: frozenset[int]) -> deque[AnyPacket]:
        """Ask for the packets of these streams; they gather in the deque given while frames are read.

        To be called before the first frame is read; without it packets are dropped.
        """
        self._claimed = True
        self.feed.claim(indices)
        return self.feed.packets

    def stamps(self) -> array[int]:
        """Return when each frame of the source is shown, in order, as far as that is known before."""
        return self._source.stamps()

    @property
    def damage(self) -> Damage:
        """What was missing so far; final when all frames were read."""
        return self.feed.damage(corrupt_frames=(self._made or self._maker).corrupt_frames)

    @property
    def expected_end(self) -> Fraction | None:
        """The time in the file at which `stop` will end the frames, after the rate; None without it."""
        if self.stop is None:
            return None
        number = self._index(self.stop, self.meta.rate) - self.first_index
        after = number / self.meta.rate if isinstance(self.stop, FrameNumber) else self.stop.value
        begin = self.first_pts if isinstance(self.stop, FrameNumber) else self._origin
        return begin * self.meta.time_base + after

    def close(self) -> None:
        """Close the source; frames already given stay valid."""
        self._frames = None
        self.feed.close()

    def _expected(self, declared: Declared) -> int | None:
        if declared.frame_count is None:
            return None
        first, last = 0, declared.frame_count
        if self.start:
            first = self._index(self.start, declared.rate)
        if self.stop:
            last = min(last, self._index(self.stop, declared.rate))
        return max(0, last - first)

    def _index(self, moment: Moment, rate: Fraction) -> int:
        """Return the number of the first frame at or after a moment, which may number the source's frames."""
        if isinstance(moment, FrameNumber):
            return self._numbers.first(moment.value)
        return frame_number(moment, rate)

    def _is_reached(self, moment: Moment, frame: Frame, seconds: Fraction) -> bool:
        if isinstance(moment, FrameNumber):
            return self._numbers.source(frame.index) >= moment.value
        return seconds >= moment.value

    def _trimmed(self, pictures: Iterator[av.VideoFrame], entry: DecodeStart | None) -> Iterator[Frame]:
        """Yield the frames between start and stop; raises NotAsCountedError if `entry` promised others."""
        has_begun = False
        for frame in self._from(entry, pictures):
            self._origin = frame.pts if frame.index == 0 else self._origin
            if entry is not None and not has_begun:
                if not entry.has(frame.index, frame.pts):
                    raise NotAsCountedError
                self.feed.forget(before_seconds=float(entry.last_pts * self.meta.time_base))
            seconds = (frame.pts - self._origin) * self.meta.time_base
            if self.stop and self._is_reached(self.stop, frame, seconds):
                self.end_seconds = frame.pts * self.meta.time_base
                self.feed.read_rest(seconds=float(self.end_seconds))
                return
            if has_begun or self.start is None or self._is_reached(self.start, frame, seconds):
                has_begun = True
                yield frame
            else:
                self.feed.forget(before_seconds=float(frame.pts * self.meta.time_base))

    def _from(self, entry: DecodeStart | None, pictures: Iterator[av.VideoFrame]) -> Iterator[Frame]:
        """Return all frames, or those from an entry on."""
        if entry is None:
            return self._maker.frames(pictures)
        return self._maker.frames(_since(entry.pts, pictures), first=entry.index)

    def _excerpted(self, excerpt: Excerpt, pictures: Iterator[av.VideoFrame]) -> Iterator[Frame]:
        if not excerpt.is_sought:
            yield from (frame for frame in self._maker.frames(pictures) if frame.index >= excerpt.index)
        elif self.feed.seek(excerpt.pts):
            yield from self._maker.frames(_since(excerpt.pts, self.feed.pictures()), first=excerpt.index)


def _moment(text: str | int | None) -> Moment | None:
    return None if text is None else parse_time(str(text))


def _since(pts: int, pictures: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Leave out the first pictures, those from before a time."""
    return dropwhile(lambda picture: picture.pts is not None and picture.pts < pts, pictures)
