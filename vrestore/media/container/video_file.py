"""What is settled about a video file before its first frame, and how it comes to be whole."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import av

from vrestore.errors import TargetError
from vrestore.files import check_target, commit, part_beside, writing
from vrestore.frames import Frame, VideoMeta
from vrestore.media.av_frames import PictureMaker
from vrestore.media.container.demux import FileFeed
from vrestore.media.container.feed import CopySource
from vrestore.media.container.mux import Mux
from vrestore.media.container.verify import verify
from vrestore.media.encode.containers import CONSTANT_RATE, HAS_EMPTY_PLACES, container_for
from vrestore.media.encode.encoder import EncodeOptions, choose_encoding
from vrestore.media.encode.hdr import mastering_parameters
from vrestore.media.encode.losses import losses_of
from vrestore.media.timing.even_rate import EvenRate, even_rate
from vrestore.media.timing.packets import packet_time
from vrestore.media.timing.target_clock import TargetClock
from vrestore.media.write_result import Written


class VideoFile:
    """A video file to be written: its place, its encoder, and the time of each frame in it.

    `losses` says what a file that was opened by `mux` cannot hold of the source. What a trial found is set
    before that: `refusals` are reasons to leave streams out, by index, and `moved` says what comes otherwise.
    """

    def __init__(
        self,
        target: str | Path,
        reader: CopySource,
        *,
        options: EncodeOptions,
        overwrite: bool,
        strict: bool = False,
    ) -> None:
        self.name, source = str(target), Path(reader.meta.source)
        self.container = container_for(Path(target))
        self.place = check_target(
            Path(target), sources=[source] if source.is_file() else [], overwrite=overwrite
        )
        self.part = part_beside(self.place)
        self.reader = reader
        self.encoding = choose_encoding(
            reader.meta,
            options,
            container=self.container,
            parameters=mastering_parameters(reader.first_picture),
            strict=strict,
        )
        self._maker = PictureMaker(reader.meta, self.encoding.layout)
        self._even: EvenRate | None = None
        if self.container in CONSTANT_RATE:
            self._even = places_for(reader, has_gaps=self.container in HAS_EMPTY_PLACES)
            self.encoding = replace(self.encoding, time_base=1 / self._even.rate)
        self.clock = TargetClock(reader, self._even)
        self.refusals: Mapping[int, str] = {}
        self.moved: Sequence[str] = ()

    def mux(
        self,
        *,
        beside: FileFeed | None = None,
        refusals: Mapping[int, str] | None = None,
        meta: VideoMeta | None = None,
    ) -> Mux:
        """Open the unfinished part; what the container refuses shows here.

        See Mux for `beside`, `refusals`, which are the file's own if None, and `meta`.
        """
        try:
            with writing(self.name):
                return Mux(
                    self.part,
                    self.container,
                    self.reader,
                    self.encoding,
                    origin=self.clock.origin,
                    beside=beside,
                    refusals=self.refusals if refusals is None else refusals,
                    meta=meta,
                )
        except BaseException:
            self.part.unlink(missing_ok=True)
            raise

    def losses(self, mux: Mux) -> list[str]:
        """Say what the file cannot hold of the source."""
        reader, encoder = self.reader, self.encoding.encoder
        others = losses_of(
            reader.first_picture,
            reader.meta.rotation,
            mux.copies.dropped,
            encoder=encoder,
            holder=self.container,
        )
        return [*self.time_losses(), *others]

    def time_losses(self) -> list[str]:
        """Say what is to be shown or heard at another time than in the source."""
        frames = [] if self._even is None else self._even.loss(self.container)
        return [*frames, *self.moved]

    def picture(self, frame: Frame, stamp: int, duration: int) -> av.VideoFrame:
        """Return the frame as the encoder takes it, its time in the clock's time base."""
        picture = self._maker.picture(frame)
        picture.pts, picture.duration, picture.time_base = stamp, duration, self.clock.time_base
        picture.pict_type = 0  # or the encoder repeats the source's I, P and B
        return picture

    def commit(
        self, mux: Mux, stamps: array[int], *, warnings: list[str], is_joined: bool = False
    ) -> Written:
        """Close the part, read it again to see that it is whole, and give it its name; see `verify`.

        Raises TargetError when the disk is full or the file does not hold what was put in, which stays beside
        the target then under a name of its own.
        """
        with writing(self.name):
            expected = mux.expected(stamps, self.clock)
            mux.close()
        mux.copies.drop_empty(self.container)
        warnings += self._late_frames() + mux.copies.refusals(self.container)
        try:
            found = verify(self.part, expected, name=self.name, is_joined=is_joined)
        except TargetError as error:
            raise TargetError(f"{error}; what was written is kept as {self._kept_aside()!r}") from error
        warnings += [text for text in found if text not in self.moved]
        byte_count = self.part.stat().st_size
        commit(self.part, self.place)
        return Written(
            path=Path(self.name),
            frame_count=len(stamps),
            byte_count=byte_count,
            codec=self.encoding.encoder,
            container=self.container,
            kept=mux.copies.kept_streams(),
            dropped=tuple(mux.copies.dropped),
            losses=tuple(self.losses(mux)),
            warnings=tuple(warnings),
        )

    def _kept_aside(self) -> str:
        """Give the part, which is not what it should be, a name that nothing has, and return it."""
        stem, suffix = self.place.stem, self.place.suffix
        names = (f"{stem}.unverified{number or ''}{suffix}" for number in count())
        place = next(path for path in map(self.place.with_name, names) if not path.exists())
        commit(self.part, place)
        return str(Path(self.name).with_name(place.name))

    def _late_frames(self) -> list[str]:
        """Say that frames came further beside their time than was to be seen before the work."""
        if self._even is None or self.clock.off_seconds <= self._even.off_seconds:
            return []
        return replace(self._even, off_seconds=self.clock.off_seconds).loss(self.container)


def places_for(reader: CopySource, *, has_gaps: bool) -> EvenRate:
    """Return the places of the frames to come in a container of an even rate; see `even_rate`.

    Sound begins at place 0 whatever its time is, so that is counted from the first sound the reader has seen.
    """
    meta, stream = reader.meta, reader.feed.stream
    end = reader.expected_end
    due = (stamp for stamp in reader.stamps() if stamp >= reader.first_pts)
    stamps = array("q", (stamp for stamp in due if end is None or stamp * meta.time_base < end))
    rates = (meta.rate, stream.base_rate, stream.guessed_rate) if stream and has_gaps else (meta.rate,)
    sound = [packet_time(packet) for packet in reader.feed.packets if packet.stream.type == "audio"]
    begins_with_sound = sound and reader.start is None
    return even_rate(
        stamps or array("q", [reader.first_pts]),
        time_base=meta.time_base,
        rates=rates,
        origin=round(min(sound) / meta.time_base) if begins_with_sound else reader.first_pts,
        has_gaps=has_gaps,
    )
