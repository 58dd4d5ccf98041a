"""A video file whose picture is written in segments, so that a run may go on where one was stopped."""

from __future__ import annotations

import math
from contextlib import ExitStack

from av.codec.context import Flags

from vrestore.files import writing
from vrestore.frames import Frame
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.mux import Mux, add_picture
from vrestore.media.container.segment_files import SegmentDir
from vrestore.media.container.segment_series import Coder, Series
from vrestore.media.container.video_file import VideoFile
from vrestore.media.write_result import Discarding, Written


class SegmentWriter(Discarding):
    """A video file whose picture is written in segments; see `vrestore.media.writer.open_writer`.

    Until `begin` is called it has no place for them and takes no frames. `header` is what the encoder says
    of its packets, which must be the same for all segments.
    """

    def __init__(self, video: VideoFile, container: str) -> None:
        self._video = video
        rehearsal = video.mux()  # what the target refuses is to show before the work
        self.losses = video.losses(rehearsal)
        context = rehearsal.video.codec_context
        self.header = bytes(context.extradata or b"")
        self._coder = Coder(
            video.name,
            container,
            lambda output: add_picture(output, video.reader.meta, video.encoding),
            video.clock.time_base,
            has_header=bool(context.flags & Flags.global_header),
            tick=video.encoding.tick,
        )
        rehearsal.abandon()
        video.reader.claim(frozenset())
        video.part.unlink(missing_ok=True)
        self.warnings = list(video.encoding.warnings)
        self._series: Series | None = None

    @property
    def codec(self) -> str:
        """The encoder's name."""
        return self._video.encoding.encoder

    @property
    def series(self) -> Series:
        """The segments; raises ValueError before `begin`."""
        if self._series is None:
            raise ValueError("a writer of segments takes frames once it was told to begin")
        return self._series

    def begin(self, place: SegmentDir) -> None:
        """Say where the segments go."""
        self._series = Series(place, self._coder)

    def write(self, frame: Frame) -> None:
        """Encode one frame, unless a finished segment holds it or another writer's will."""
        stamp, duration = self._video.clock.read(frame)
        if self.series.is_wanted(frame.index - self._video.reader.first_index):
            self.series.write(self._video.picture(frame, stamp, duration), stamp)

    def end(self) -> None:
        """Finish the last segment."""
        self.series.end()

    def finish(self) -> Written:
        """End the last segment, join all, and let the file have its name once it was read again."""
        self.end()
        with ExitStack() as opened:
            opened.callback(self._video.part.unlink, missing_ok=True)
            feed = self._video.reader.feed
            beside = feed.again() if isinstance(feed, FileFeed) else None
            if beside is not None:
                opened.callback(beside.close)
            mux = self._video.mux(beside=beside)
            opened.callback(mux.abandon)
            with writing(self._video.name):
                self._join(mux, beside)
            return self._video.commit(mux, self.series.stamps(), warnings=self.warnings, is_joined=True)

    def discard(self) -> None:
        """Remove the segment that is not finished; those that are stay."""
        if self._series is not None:
            self._series.discard()

    def _join(self, mux: Mux, beside: FileFeed | None) -> None:
        """Write all packets of the picture, and those of the other streams as their time comes."""
        origin, end = self._video.clock.origin, self._video.reader.end_seconds
        for packet in self.series.packets():
            if beside is not None:
                seconds = (packet.dts or 0) * self._video.clock.time_base
                beside.read_on(seconds=float(origin + seconds))
            packet.stream = mux.video
            mux.add(packet)
        if beside is not None:
            beside.read_rest(seconds=math.inf if end is None else float(end))
        mux.end()
