"""What is not the picture's samples: time, other streams, tags, rotation, color, mastering data."""

from fractions import Fraction

import av
import pytest
from av.sidedata.sidedata import Type
from clips import packets_of, stamps_of, with_company, with_cover, write_clip
from passing import restore

from vrestore.errors import LossError
from vrestore.frames import Color
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer

UNEVEN = [0, 512, 1100, 1101, 2600, 2900, 4100, 5100]


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv"])
def test_uneven_timestamps_come_back_exactly(tmp_path, extension):
    base = Fraction(1, 1000) if extension == ".mkv" else Fraction(1, 12800)
    source = write_clip(tmp_path / f"in{extension}", stamps=UNEVEN, time_base=base)
    restore(source, tmp_path / f"out{extension}")
    assert stamps_of(tmp_path / f"out{extension}") == [stamp * base for stamp in UNEVEN]


def test_durations_of_uneven_frames_come_back(tmp_path):
    source = write_clip(tmp_path / "in.mp4", stamps=UNEVEN)
    restore(source, tmp_path / "out.mp4")
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        assert after.streams.video[0].duration == before.streams.video[0].duration
        assert after.streams.video[0].time_base == before.streams.video[0].time_base


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24), Fraction(10)])
def test_even_timestamps_come_back_exactly(tmp_path, rate):
    source = write_clip(tmp_path / "in.mp4", rate=rate, time_base=Fraction(1, 30000))
    restore(source, tmp_path / "out.mp4")
    assert stamps_of(tmp_path / "out.mp4") == stamps_of(source)


def test_a_picture_that_starts_late_still_starts_late(tmp_path):
    late = [19200 + stamp for stamp in UNEVEN]
    source = write_clip(tmp_path / "in.mp4", stamps=late, beside=with_company(subtitles=None))
    restore(source, tmp_path / "out.mp4")
    assert stamps_of(tmp_path / "out.mp4") == stamps_of(source)


@pytest.mark.parametrize(
    ("extension", "subtitles"), [(".mp4", None), (".mkv", "subrip"), (".mov", None)], ids=str
)
def test_other_streams_come_back_packet_for_packet(tmp_path, extension, subtitles):
    source = write_clip(tmp_path / f"in{extension}", beside=with_company(subtitles=subtitles))
    target = tmp_path / f"out{extension}"
    written = restore(source, target, strict=True)
    assert written.dropped == ()
    for kind in ("audio", "subtitle"):
        assert packets_of(target, kind) == packets_of(source, kind)
    assert len(packets_of(target, "audio")) == 2
    assert [stream.packet_count for stream in written.kept] == [
        len(packets) for packets in packets_of(source, "audio") + packets_of(source, "subtitle")
    ]


def test_streams_keep_their_order_languages_and_dispositions(tmp_path):
    source = write_clip(tmp_path / "in.mkv", beside=with_company())
    restore(source, tmp_path / "out.mkv")
    assert described(tmp_path / "out.mkv") == described(source)
    assert [language for _, language, _ in described(source)] == [None, "eng", "fra", "deu"]


def test_sound_keeps_its_time_against_the_picture(tmp_path):
    source = write_clip(tmp_path / "in.mp4", beside=with_company(subtitles=None))
    restore(source, tmp_path / "out.mp4")
    assert sound_starts(tmp_path / "out.mp4") == sound_starts(source)


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_chapters_come_back(tmp_path, extension):
    source = write_clip(tmp_path / f"in{extension}", beside=with_company(subtitles=None))
    restore(source, tmp_path / f"out{extension}")
    assert chapters_of(tmp_path / f"out{extension}") == [(0, 0.2, "One"), (0.2, 0.4, "Two")]


def test_an_attachment_comes_back(tmp_path):
    source = write_clip(tmp_path / "in.mkv", beside=with_company(attachment=b"a font, say"))
    restore(source, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        (attachment,) = [stream for stream in container.streams if stream.type == "attachment"]
        assert (attachment.name, attachment.mimetype, attachment.data) == (
            "note.txt",
            "text/plain",
            b"a font, say",
        )


@pytest.mark.parametrize("extensions", [(".mp4", ".mp4"), (".mp4", ".mkv"), (".mkv", ".mkv")], ids="".join)
def test_cover_art_comes_back(tmp_path, extensions):
    source = write_clip(tmp_path / "in.mp4", beside=with_cover)
    image = packets_of(source, "video")[1]
    for number, extension in enumerate(extensions):
        target = tmp_path / f"{number}{extension}"
        written = restore(source, target, strict=True)
        assert [stream.packet_count for stream in written.kept] == [1]
        assert written.warnings == ()
        source = target
    assert packets_of(source, "video")[1] == image


def test_a_trimmed_run_keeps_cover_art(tmp_path):
    source = write_clip(tmp_path / "in.mp4", beside=with_cover)
    with open_video(source, start=5) as reader, open_writer(tmp_path / "out.mp4", reader) as writer:
        for frame in reader:
            writer.write(frame)
        writer.finish()
    assert packets_of(tmp_path / "out.mp4", "video")[1] == packets_of(source, "video")[1]


def test_a_timecode_comes_back(tmp_path):
    source = write_clip(tmp_path / "in.mov", beside=with_timecode)
    assert [kind for kind, _, _ in described(source)] == ["video", "data"]
    written = restore(source, tmp_path / "out.mov", strict=True)
    assert written.warnings == ()
    assert described(tmp_path / "out.mov") == described(source)
    with av.open(str(tmp_path / "out.mov")) as container:
        assert {stream.metadata["timecode"] for stream in container.streams} == {"01:02:03:04"}


@pytest.mark.parametrize("extension", [".mp4", ".mkv", ".mov"])
def test_tags_of_the_container_come_back(tmp_path, extension):
    tags = {"title": "A film", "artist": "Somebody", "comment": "kept as it was"}
    source = write_clip(tmp_path / f"in{extension}", beside=with_company(tags=tags, subtitles=None))
    restore(source, tmp_path / f"out{extension}")
    with av.open(str(tmp_path / f"out{extension}")) as container:
        found = {key.lower(): value for key, value in container.metadata.items()}
    assert {key: found.get(key) for key in tags} == tags


def test_tags_that_mp4_has_no_place_for_come_back_all_the_same(tmp_path):
    tags = {"title": "A film", "com.apple.quicktime.model": "Phone 9"}
    options = {"movflags": "use_metadata_tags"}
    company = with_company(tags=tags, subtitles=None)
    source = write_clip(tmp_path / "in.mp4", beside=company, container_options=options)
    restore(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert {key: container.metadata.get(key) for key in tags} == tags


TURNED = (0, -65536, 0, 65536, 0, 0, 0, 0, 1073741824)
FLIPPED = (-65536, 0, 0, 0, 65536, 0, 0, 0, 1073741824)


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("matrix", [TURNED, FLIPPED], ids=["turned", "flipped"])
def test_rotation_comes_back(tmp_path, matrix, extension):
    source = write_clip(
        tmp_path / f"in{extension}", matrix=matrix, beside=with_company(subtitles=None, chapters=False)
    )
    restore(source, tmp_path / f"out{extension}")
    for path in (source, tmp_path / f"out{extension}"):
        with av.open(str(path)) as container:
            picture = next(container.decode(video=0))
            data = bytes(next(item for item in picture.side_data if item.type == Type.DISPLAYMATRIX))
        assert data[:8] == b"".join(number.to_bytes(4, "little", signed=True) for number in matrix[:2])


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_the_shape_of_a_pixel_comes_back(tmp_path, extension):
    source = write_clip(tmp_path / f"in{extension}", aspect=Fraction(16, 11))
    restore(source, tmp_path / f"out{extension}")
    with open_video(tmp_path / f"out{extension}") as reader:
        assert reader.meta.sample_aspect_ratio == Fraction(16, 11)


BT709, BT601, BT2020 = (1, 1, 1), (6, 6, 6), (9, 9, 16)


@pytest.mark.parametrize(
    ("layout", "codec", "numbers", "full_range", "location"),
    [
        ("yuv420p", "libx264", BT709, False, "left"),
        ("yuvj420p", "libx264", BT709, True, "left"),
        ("yuv420p", "libx264", BT709, True, "topleft"),
        ("yuv444p", "libx264", BT601, False, None),
        ("yuv420p10le", "libx264", BT2020, False, "topleft"),
        ("yuv420p10le", "libx265", BT2020, False, "topleft"),
        ("yuv420p", "libx264", (2, 2, 2), None, None),
    ],
)
@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_color_comes_back(tmp_path, extension, layout, codec, numbers, full_range, location):
    options = {"chroma_sample_location": location} if location else {}
    if codec == "libx265":
        options["x265-params"] = "log-level=none"
    color = Color(numbers[0], numbers[1], numbers[2], full_range)
    source = write_clip(
        tmp_path / f"in{extension}", layout=layout, codec=codec, color=color, options=options, frames=3
    )
    restore(source, tmp_path / f"out{extension}")
    with open_video(source) as before, open_video(tmp_path / f"out{extension}") as after:
        assert after.meta.color == before.meta.color
        assert after.meta.pixel_format.name == before.meta.pixel_format.name
        found = after.meta.color
    assert (found.matrix, found.primaries, found.transfer, found.full_range) == (*numbers, full_range)
    assert location is None or found.chroma_location == {"left": 1, "topleft": 3}[location]


MASTERING = (
    "log-level=none:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)"
    "L(10000000,50):max-cll=1000,400"
)


ONLY_PRIMARIES = MASTERING.replace("L(10000000,50)", "L(0,0)")
ONLY_LUMINANCE = MASTERING.replace(
    "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)", "G(0,0)B(0,0)R(0,0)WP(0,0)"
)


@pytest.mark.parametrize("codec", ["libx265", "libx264"])
@pytest.mark.parametrize("said", [ONLY_PRIMARIES, ONLY_LUMINANCE], ids=["primaries", "luminance"])
def test_half_of_the_mastering_data_comes_back_too(tmp_path, said, codec):
    source = write_clip(
        tmp_path / "in.mkv", layout="yuv420p10le", codec="libx265", options={"x265-params": said}, frames=3
    )
    restore(source, tmp_path / "out.mkv", codec=codec)
    assert mastering_of(tmp_path / "out.mkv") == mastering_of(source)
    assert "MASTERING_DISPLAY_METADATA" in mastering_of(source)


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_mastering_data_of_hdr10_comes_back(tmp_path, extension):
    source = write_clip(
        tmp_path / f"in{extension}",
        layout="yuv420p10le",
        codec="libx265",
        color=Color(*BT2020, full_range=False),
        options={"x265-params": MASTERING},
        frames=3,
    )
    restore(source, tmp_path / f"out{extension}")
    assert mastering_of(tmp_path / f"out{extension}") == mastering_of(source)
    assert len(mastering_of(source)) == 2


def test_a_stream_that_the_container_cannot_hold_is_named(tmp_path):
    source = write_clip(tmp_path / "in.mkv", beside=with_company(attachment=b"x"))
    written = restore(source, tmp_path / "out.mp4")
    assert [(drop.index, drop.kind) for drop in written.dropped] == [(3, "subtitle"), (4, "attachment")]
    assert packets_of(tmp_path / "out.mp4", "audio") == packets_of(source, "audio")


def test_strict_refuses_to_lose_a_stream(tmp_path):
    source = write_clip(tmp_path / "in.mkv", beside=with_company())
    with pytest.raises(LossError, match="would lose subtitle stream 3"):
        restore(source, tmp_path / "out.mp4", strict=True)
    assert [file.name for file in tmp_path.iterdir()] == ["in.mkv"]


def test_a_trimmed_run_holds_its_frames_its_sound_and_its_chapters(tmp_path):
    source = write_clip(tmp_path / "in.mkv", frames=10, time_base=Fraction(1, 1000), beside=with_company())
    with (
        open_video(source, start=4, stop="0.36s") as reader,
        open_writer(tmp_path / "out.mkv", reader) as writer,
    ):
        assert reader.meta.frame_count is None
        assert (reader.first_index, reader.first_pts) == (4, 160)
        indices = [frame.index for frame in reader if not writer.write(frame)]
        writer.finish()
    assert indices == [4, 5, 6, 7, 8]
    start = stamps_of(tmp_path / "out.mkv")[0]
    assert stamps_of(tmp_path / "out.mkv") == [start + Fraction(40 * i, 1000) for i in range(5)]
    sound, before = packets_of(tmp_path / "out.mkv", "audio")[0], packets_of(source, "audio")[0]
    assert sound == before[before.index(sound[0]) :][: len(sound)]
    assert 9 <= len(sound) <= 10  # 0.2 s at 1024 samples a packet
    assert chapters_of(tmp_path / "out.mkv") == [(0, 0.04, "One"), (0.04, 0.2, "Two")]


def with_timecode(container):
    container.streams.video[0].metadata["timecode"] = "01:02:03:04"
    return lambda: None


def described(path):
    with av.open(str(path)) as container:
        return [(s.type, s.language, int(s.disposition)) for s in container.streams]


def chapters_of(path):
    with av.open(str(path)) as container:
        return [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in container.chapters()
        ]


def sound_starts(path):
    with av.open(str(path)) as container:
        return [packet.pts for packet in container.demux(audio=0) if packet.size][:3]


def mastering_of(path):
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        wanted = (Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL)
        return {item.type.name: bytes(item) for item in picture.side_data if item.type in wanted}
