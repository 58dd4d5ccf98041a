"""What goes from source to target beside the picture: other streams, chapters, tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from vrestore.media.container.feed import AnyPacket
from vrestore.media.container.opening import open_container
from vrestore.media.encode.containers import HAS_EMPTY_PLACES, scratch
from vrestore.media.timing.sound_frames import FRAMED, framed
from vrestore.media.timing.track import Track
from vrestore.media.write_result import Dropped, KeptStream

if TYPE_CHECKING:
    from av.container.core import Chapter  # in PyAV's stub only

# What muxers and statistics tools write about a file. Of the new file it would be untrue.
_ABOUT_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_STATISTICS = ("BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "_STATISTICS_")
# Tags that MP4 and MOV have atoms of their own for; any other is lost unless all go as key and value.
_MOVIE_TAGS = {
    "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright",
    "grouping", "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords",
    "season_number", "episode_sort", "media_type", "hd_video", "gapless_playback", "compilation",
    "track", "disc", "creation_time", "location", "location-eng",
}  # fmt: skip


MOVIES = {"mp4", "mov", "ipod", "3gp", "3g2", "f4v"}
"""The containers of MP4's family."""
NO_PACKET = "it holds no packet"
"""Why a stream is left out that MP4 and its like have no place for."""
_LAYOUTS = {1: "mono", 2: "stereo"}
_FEW = 8
"""Packets by which sound is recognised."""
_REFUSALS = (av.InvalidDataError, av.ArgumentError, av.PatchWelcomeError)
"""What a muxer says of a packet that it cannot write. A full disk is none of these."""


@dataclass(slots=True)
class Copies:
    """The streams that go over packet for packet, by their index in the source.

    `tracks` are what was written of each, `refused` how many packets the container did not take, `turns` the
    last place in a container that has places only.
    """

    kept: dict[int, Stream] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)
    tracks: dict[int, Track] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    turns: dict[int, int] = field(default_factory=dict)

    def mux(self, output: OutputContainer, packet: AnyPacket, *, origin: Fraction) -> None:
        """Write one of the source's packets; `origin` is the time in seconds that becomes 0."""
        index = packet.stream_index
        if origin and packet.time_base:
            ticks = round(origin / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - ticks
            packet.dts = None if packet.dts is None else packet.dts - ticks
        kind = self.kept[index].type
        track = self.tracks.setdefault(index, Track(f"{kind} stream {index}"))
        if kind == "audio" and not packet.duration and packet.pts is not None and track.last is not None:
            # Without one MP4 has its last packet end where it begins, and players leave it out.
            packet.duration = max(0, round(packet.pts - track.last / (packet.time_base or 1)))
        track.note(packet)
        if kind == "attachment":  # those went into the header
            return
        packet.stream = self.kept[index]
        if output.format.name in HAS_EMPTY_PLACES:
            self._take_turn(index, packet)
        try:
            output.mux(packet)
        except _REFUSALS:
            self.refused[index] = self.refused.get(index, 0) + 1

    def _take_turn(self, index: int, packet: AnyPacket) -> None:
        """Let a packet come behind the one before: AVI has no times, but its muxer wants them to increase."""
        unit = self.kept[index].time_base
        if packet.dts is not None and packet.time_base and unit:
            due = round(packet.dts * packet.time_base / unit)
            self.turns[index] = max(due, self.turns.get(index, due - 1) + 1)
            packet.pts = packet.dts = self.turns[index]
            packet.duration, packet.time_base = 1, unit

    def kept_streams(self) -> tuple[KeptStream, ...]:
        """Return what went over, in the source's order."""
        return tuple(
            KeptStream(index, stream.type, self.tracks[index].packet_count if index in self.tracks else 0)
            for index, stream in self.kept.items()
        )

    def empty(self, container: str) -> dict[int, Stream]:
        """Return the streams that the container leaves out because nothing was written of them."""
        if container not in MOVIES:
            return {}
        return {index: stream for index, stream in self.kept.items() if index not in self.tracks}

    def place(self, stream: Stream, container: str) -> int:
        """Return the index that a stream of the target has when it is read again."""
        return stream.index - sum(other.index < stream.index for other in self.empty(container).values())

    def sound(self, container: str) -> dict[int, Track]:
        """Return what was written of sound, by index in the target when it is read again.

        Sound only: muxers add packets of their own between subtitles.
        """
        sound = {index: stream for index, stream in self.kept.items() if stream.type == "audio"}
        return {
            self.place(stream, container): self.tracks[index]
            for index, stream in sound.items()
            if index in self.tracks
        }

    def drop_empty(self, container: str) -> None:
        """Count the streams that hold nothing among those that are left out."""
        for index, stream in self.empty(container).items():
            self.dropped.append(Dropped(index, stream.type, NO_PACKET))
            del self.kept[index]

    def refusals(self, container: str) -> list[str]:
        """Say which packets the container did not take."""
        return [
            f"{count} packets of {self.kept[index].type} stream {index} were refused by {container}"
            for index, count in self.refused.items()
        ]


def add_copy(
    output: OutputContainer,
    stream: Stream,
    source: InputContainer,
    *,
    covers: Iterable[AnyPacket],
    copies: Copies,
    refusal: str | None = None,
) -> None:
    """Add one of the source's streams to the output, or note why it cannot hold it; `refusal` is known."""
    if is_chapter_text(stream, source) or is_timecode(stream):
        return
    cover = next((packet for packet in covers if packet.stream.index == stream.index), None)
    if cover is not None and refusal is None and output.format.name == "matroska":
        copies.kept[stream.index] = _add_cover(output, stream, cover)
        return
    reason = refusal or copy_refusal_reason(output.format.name, stream)
    if reason:
        copies.dropped.append(Dropped(stream.index, stream.type, reason))
        return
    copy = _added(output, stream, source)
    describe_stream(copy, stream)
    copies.kept[stream.index] = copy


def _added(output: OutputContainer, stream: Stream, source: InputContainer) -> Stream:
    """Add a stream for another's packets, with what its own container does not say and this one asks for."""
    counts = {source.format.name, output.format.name} <= HAS_EMPTY_PLACES
    if not counts or stream.codec_context is None or stream.codec_context.name not in FRAMED:
        copy = output.add_stream_from_template(stream, opaque=True)
        if isinstance(copy, AudioStream) and output.format.name in MOVIES:
            _say_layout(copy.codec_context)
        return copy
    name = source.name.removeprefix("file:")
    with open_container(name, name=name) as again:
        packets = (packet for packet in again.demux(again.streams[stream.index]) if packet.size)
        with framed(stream, islice(packets, _FEW)) as described:
            return output.add_stream_from_template(described, opaque=True)


def _say_layout(sound: AudioCodecContext) -> None:
    """Call one channel mono and two stereo where only their number is known; MP4 refuses that of samples."""
    if sound.layout.name == f"{sound.layout.nb_channels} channels":
        sound.layout = _LAYOUTS.get(sound.layout.nb_channels, sound.layout)


def copy_refusal_reason(container: str, stream: Stream) -> str | None:
    """Return the reason why the container cannot take this stream's packets, None when it can.

    The stream's header is written to memory: some streams are refused only there, and by then it
    would be too late for a file that already holds others.
    """
    if stream.type == "data" and getattr(stream, "name", None) is None and container in MOVIES:
        return f"{container} cannot hold data of an unknown kind"  # its track would be without a description
    if stream.type == "attachment" and container != "matroska":
        return f"{container} cannot hold {kind_of(stream)}"  # webm takes it without a word and drops it
    output = scratch(container)
    try:
        output.add_stream_from_template(stream, opaque=True)
        output.start_encoding()
        output.close()
    except (av.FFmpegError, ValueError):
        return f"{container} cannot hold {kind_of(stream)}"
    return None


def kind_of(stream: Stream) -> str:
    """Return what a stream is, such as "audio aac"."""
    name = stream.codec_context.name if stream.codec_context else (getattr(stream, "name", None) or "unknown")
    return f"{stream.type} {name}"


def _add_cover(output: OutputContainer, stream: Stream, cover: AnyPacket) -> Stream:
    """Attach a cover as a file, which is how Matroska has it."""
    kind = "png" if bytes(cover)[1:4] == b"PNG" else "jpeg"
    name = stream.metadata.get("filename", f"cover.{kind.replace('jpeg', 'jpg')}")
    return output.add_attachment(name, stream.metadata.get("mimetype", f"image/{kind}"), bytes(cover))


def describe_stream(target: Stream, source: Stream) -> None:
    """Set a stream's tags and disposition to those of another."""
    target.metadata.update(own_tags(source.metadata))
    target.disposition = source.disposition


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that a person or a camera wrote, without those about the old file itself."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower() not in _ABOUT_THE_FILE and not key.upper().startswith(_STATISTICS)
    }


def needs_free_tags(tags: Mapping[str, str]) -> bool:
    """Say whether MP4 would lose one of these tags without `movflags=use_metadata_tags`."""
    return any(key not in _MOVIE_TAGS for key in own_tags(tags))


def moved_chapters(source: InputContainer, *, start: Fraction, stop: Fraction | None) -> list[Chapter]:
    """Return the chapters that touch [start, stop), in seconds, counted from `start`."""
    moved = []
    for chapter in source.chapters():
        base = chapter["time_base"] or Fraction(1, 1000)
        first, last = chapter["start"] * base, chapter["end"] * base
        first, last = max(first, start), last if stop is None else min(last, stop)
        if first < last or (first == last and chapter["start"] == chapter["end"]):
            begins, ends = round((first - start) / base), round((last - start) / base)
            moved.append({**chapter, "start": begins, "end": ends})
    return moved  # type: ignore[return-value]  # a TypedDict changed in two keys


def packet_seconds(packet: Packet[Stream]) -> Fraction | None:
    """Return when a packet is due, None where it does not say."""
    stamp = packet.dts if packet.dts is not None else packet.pts
    return None if stamp is None or not packet.time_base else stamp * packet.time_base


def kind_read_back(stream: Stream) -> str:
    """Return the type that a stream of an output has when it is read again."""
    is_image = stream.type == "attachment" and (getattr(stream, "mimetype", None) or "").startswith("image/")
    return "video" if is_image else stream.type


def is_timecode(stream: Stream) -> bool:
    """Recognise MOV's timecode track; its writer makes it anew from the tag of the picture's stream."""
    return stream.type == "data" and "timecode" in stream.metadata


def is_chapter_text(stream: Stream, source: InputContainer) -> bool:
    """Recognise the text track in which MP4 keeps the titles of its chapters; they are made anew."""
    name = getattr(stream, "name", None)
    return stream.type == "data" and name == "bin_data" and bool(source.chapters())
