"""What a target cannot hold shows before the work, and is left out then or refused."""

import re
from fractions import Fraction

import av
import pytest
from clips import packets_of, with_company, with_sound, write_clip
from passing import restore

from vrestore.errors import LossError
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.probe import probe
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer


def write_with_sound(path, *codecs, **options):
    base = Fraction(1, 25) if path.suffix == ".avi" else Fraction(1, 1000)
    codec = "mpeg4" if path.suffix in {".avi", ".3gp"} else "libx264"
    return write_clip(path, codec=codec, time_base=base, beside=with_sound(*codecs, **options))


def with_long_packets(source, target, count):
    """Remux, each packet of sound holding so many of the source's."""
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        streams = [after.add_stream_from_template(stream, opaque=True) for stream in before.streams]
        waiting = []
        for packet in before.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio":
                waiting.append(packet)
                if len(waiting) < count:
                    continue
                packet = av.Packet(b"".join(map(bytes, waiting)))
                packet.pts, packet.dts = waiting[0].pts, waiting[0].dts
                packet.time_base, packet.stream = waiting[0].time_base, waiting[0].stream
                waiting.clear()
            packet.stream = streams[packet.stream_index if packet.stream.type == "video" else 1]
            after.mux(packet)
    return target


def metadata_track(path):
    """Turn the track of text of a MOV into one of metadata, of a kind that FFmpeg does not know."""
    data = path.read_bytes()
    for old, new in (
        (b"sbtl", b"meta"),
        (b"text\0\0\0\0\0\0\0\1", b"mebx\0\0\0\0\0\0\0\1"),
        (b"tx3g", b"mebx"),
    ):
        data = data.replace(old, new)
    place = data.find(b"hdlrmhlrtext")
    path.write_bytes(data[: place + 8] + b"meta" + data[place + 12 :] if place >= 0 else data)
    return path


def with_text(container):
    stream = container.add_mux_stream("mov_text")
    stream.time_base = Fraction(1, 1000)

    def mux():
        packet = av.Packet(b"\0\2hi")
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts, packet.dts, packet.duration = 0, 0, 200
        container.mux(packet)

    return mux


def told(source, target, **options):
    """Return what is told before the work and after it."""
    with (
        open_video(source) as reader,
        open_writer(target, reader, options=EncodeOptions(**options)) as writer,
    ):
        before = list(writer.losses)
        for frame in reader:
            writer.write(frame)
        written = writer.finish()
    return before, list(written.losses), list(written.warnings)


REFUSED = {
    "comes-back-as-data": (
        ("flac",),
        "stereo",
        "out.ts",
        "mpegts cannot hold audio flac: it comes back as data",
    ),
    "no-header": (
        ("pcm_s16le",),
        "2.1",
        "out.mp4",
        "mp4 cannot hold audio pcm_s16le: no file can be written with it",
    ),
    "unknown-to-it": (("libopus",), "stereo", "out.mov", "mov cannot hold audio opus"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_sound_that_a_target_cannot_hold_is_named_before_and_after_the_work(tmp_path, name):
    codecs, layout, target, reason = REFUSED[name]
    source = write_with_sound(tmp_path / "in.mkv", *codecs, layout=layout)
    before, after, warnings = told(source, tmp_path / target)
    assert before == after == [f"audio stream 1 ({reason})"]
    assert warnings == []
    with open_video(source) as reader, pytest.raises(LossError, match=reason):
        open_writer(tmp_path / f"strict_{target}", reader, strict=True)
    assert not (tmp_path / f"strict_{target}").exists()


def test_one_stream_that_is_refused_costs_no_other(tmp_path):
    source = write_with_sound(tmp_path / "in.mkv", "mp2", "flac", "ac3")
    written = restore(source, tmp_path / "out.ts")
    assert [drop.index for drop in written.dropped] == [2]
    mp2, _, ac3 = packets_of(source, "audio")
    assert packets_of(tmp_path / "out.ts", "audio") == [mp2, ac3]


@pytest.mark.parametrize(("extension", "layout"), [(".mkv", "stereo"), (".avi", "mono")])
def test_samples_go_into_mp4(tmp_path, extension, layout):
    """Of one or two channels; Matroska and AVI say how many there are and no more."""
    source = write_with_sound(tmp_path / f"in{extension}", "pcm_s16le", layout=layout)
    restore(source, tmp_path / "out.mp4", strict=True)
    (before,), (after,) = packets_of(source, "audio"), packets_of(tmp_path / "out.mp4", "audio")
    assert b"".join(after) == b"".join(before)


def test_packets_that_only_the_muxer_refuses_are_named(tmp_path):
    plain = write_with_sound(tmp_path / "plain.3gp", "libopencore_amrnb", rate=8000, layout="mono")
    source = with_long_packets(plain, tmp_path / "in.nut", 4)
    before, after, warnings = told(source, tmp_path / "out.3gp")
    assert before == after
    assert "3gp cannot hold audio amrnb" in before[0]
    assert warnings == []


def test_metadata_of_an_unknown_kind_is_not_called_copied(tmp_path):
    source = metadata_track(write_clip(tmp_path / "in.mov", beside=with_text))
    assert probe(source)["streams"][1]["treatment"] == "dropped: mov cannot hold data of an unknown kind"
    before, after, _ = told(source, tmp_path / "out.mov")
    assert before == after == ["data stream 1 (mov cannot hold data of an unknown kind)"]
    with av.open(str(tmp_path / "out.mov")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_probe_names_what_the_trial_finds(tmp_path):
    source = write_with_sound(tmp_path / "in.mkv", "pcm_s16le", layout="2.1")
    renamed = source.rename(tmp_path / "in.mp4")  # the default target is by the name
    treatments = [stream["treatment"] for stream in probe(renamed)["streams"]]
    reason = "mp4 cannot hold audio pcm_s16le: no file can be written with it"
    assert treatments == ["restored", f"dropped: {reason}"]


def test_sound_that_moves_against_the_picture_is_named(tmp_path):
    source = write_with_sound(tmp_path / "in.mkv", "aac")
    before, after, warnings = told(source, tmp_path / "out.avi", codec="mpeg4")
    assert before == after == ["the time of audio stream 1 (avi has it 0.019 s early; .mkv keeps it)"]
    assert warnings == []


def test_sound_of_a_stretch_is_tried_there(tmp_path):
    source = write_with_sound(tmp_path / "in.mkv", "aac", "flac", seconds=0.9)
    with open_video(source, start="4") as reader, open_writer(tmp_path / "out.ts", reader) as writer:
        assert writer.losses == ["audio stream 2 (mpegts cannot hold audio flac: it comes back as data)"]


@pytest.mark.parametrize(("extension", "codec"), [(".avi", "ac3"), (".mkv", "ac3"), (".avi", "aac")])
def test_packets_of_sound_keep_their_distance_in_avi(tmp_path, extension, codec):
    source = write_with_sound(tmp_path / f"in{extension}", codec)
    restore(source, tmp_path / "out.avi", codec="mpeg4")
    steps = []
    for path in (source, tmp_path / "out.avi"):
        with av.open(str(path)) as container:
            times = [
                float(packet.pts * packet.time_base) for packet in container.demux(audio=0) if packet.size
            ]
            steps.append([after - times[0] for after in times])
    assert steps[1] == pytest.approx(steps[0], abs=0.002)


@pytest.mark.parametrize("target", ["out.mp4", "out.mov"])
def test_the_last_packet_of_sound_without_durations_is_kept(tmp_path, target):
    source = write_with_sound(tmp_path / "in.mkv", "alac")
    restore(source, tmp_path / target, strict=True)
    assert packets_of(tmp_path / target, "audio") == packets_of(source, "audio")


def test_a_codec_that_a_container_refuses_in_its_header_gives_way(tmp_path):
    source = write_clip(tmp_path / "in.webm", codec="libvpx-vp9", time_base=Fraction(1, 1000))
    written = restore(source, tmp_path / "out.mov")
    assert written.codec == "libx264"
    assert written.warnings == ("encoded with libx264: mov cannot hold libvpx-vp9",)


def without_samples(path, number):
    """Write a MP4 with two tracks of sound, and empty the tables of a track."""
    data = bytearray(write_clip(path, beside=with_company(subtitles=None, chapters=False)).read_bytes())
    tracks = [place.start() for place in re.finditer(b"trak", data)] + [len(data)]
    for table, count in ((b"stts", 8), (b"stsc", 8), (b"stco", 8), (b"stsz", 12)):
        place = data.find(table, tracks[number], tracks[number + 1]) + count
        data[place : place + 4] = bytes(4)
    path.write_bytes(data)
    return path


def half_silent(container):
    """Be a `beside`: two streams of sound, nothing in the first one."""
    container.add_stream("aac", rate=48000)
    return with_sound("aac")(container)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("extension", [".mp4", ".mov"])
def test_a_track_without_a_sample_is_left_out_and_nothing_else_is_said(tmp_path, number, extension):
    source = without_samples(tmp_path / "in.mp4", number)
    before, after, warnings = told(source, tmp_path / f"out{extension}")
    assert (before, warnings) == (after, [])
    assert [f"audio stream {number}" in text and "holds no packet" in text for text in after] == [True]
    kept = [packets for packets in packets_of(source, "audio") if packets]
    assert packets_of(tmp_path / f"out{extension}", "audio") == kept


def test_a_stream_of_nothing_in_matroska_is_left_out_of_mp4(tmp_path):
    source = write_clip(tmp_path / "in.mkv", beside=half_silent)
    _, after, warnings = told(source, tmp_path / "out.mp4")
    assert (after, warnings) == (["audio stream 1 (it holds no packet)"], [])
    assert packets_of(tmp_path / "out.mp4", "audio") == packets_of(source, "audio")[1:]


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_sound_that_begins_late_is_kept(tmp_path, extension):
    """Behind so many pictures that a trial has seen none of it."""
    options = {"preset": "ultrafast", "tune": "zerolatency"}
    silent = write_clip(tmp_path / "silent.mkv", frames=300, height=16, width=16, options=options)
    loud = write_clip(tmp_path / "loud.mkv", frames=2, beside=with_sound("aac"))
    source = tmp_path / f"in{extension}"
    with av.open(str(silent)) as pictures, av.open(str(loud)) as sound, av.open(str(source), "w") as both:
        streams = [both.add_stream_from_template(pictures.streams.video[0])]
        streams.append(both.add_stream_from_template(sound.streams.audio[0]))
        for stream, packets in zip(streams, (pictures.demux(video=0), sound.demux(audio=0)), strict=True):
            for packet in packets:
                if packet.size:
                    late = round(11 / packet.time_base) if stream.type == "audio" else 0
                    packet.pts, packet.dts, packet.stream = packet.pts + late, packet.dts + late, stream
                    both.mux(packet)
    assert told(source, tmp_path / "out.mp4") == ([], [], [])
    assert packets_of(tmp_path / "out.mp4", "audio") == packets_of(source, "audio")
