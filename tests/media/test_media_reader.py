"""Reading: frames and what is said of them, bad inputs by name, damage, and no file but the source."""

import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from clips import made_picture, with_company, with_cover, write_clip

from vrestore.errors import InputError, UsageError
from vrestore.media.container.damage import Damage
from vrestore.media.formats import pixel_format
from vrestore.media.reader import open_video


def test_frames_come_in_order_with_the_containers_time(tmp_path):
    stamps = [0, 512, 1100, 1101, 2600, 2900, 4100, 5100]
    with open_video(write_clip(tmp_path / "in.mp4", stamps=stamps)) as reader:
        frames = list(reader)
    assert [frame.pts for frame in frames] == stamps
    assert [frame.index for frame in frames] == list(range(8))
    assert all(frame.duration > 0 for frame in frames)
    assert [plane.shape for plane in frames[0].planes] == [(48, 64), (24, 32), (24, 32)]


def test_what_a_video_says_of_itself(tmp_path):
    source = write_clip(tmp_path / "in.mp4", rate=Fraction(30000, 1001), time_base=Fraction(1, 30000))
    with open_video(source) as reader:
        meta = reader.meta
    assert (meta.source, meta.codec, meta.width, meta.height) == (str(source), "h264", 64, 48)
    assert (meta.time_base, meta.rate, meta.frame_count) == (
        Fraction(1, 30000),
        Fraction(30000, 1001),
        8,
    )
    assert meta.field_order == "progressive"
    assert meta.duration_seconds == pytest.approx(8 * 1001 / 30000, abs=0.001)


def test_planes_stay_valid_after_the_reader_is_closed(tmp_path):
    with open_video(write_clip(tmp_path / "in.mp4")) as reader:
        frames = list(reader)
        before = [frame.planes[0].copy() for frame in frames]
    for frame, plane in zip(frames, before, strict=True):
        np.testing.assert_array_equal(frame.planes[0], plane)


@pytest.mark.parametrize(("name", "codec"), [("in.mp4", "libx264"), ("in.webm", "libvpx-vp9")])
def test_a_reader_is_closed_while_its_decoder_wants_to_say_something(tmp_path, name, codec):
    """The decoder's threads wait for the interpreter's lock then, under which the decoder is freed."""
    source = write_clip(tmp_path / name, codec=codec, frames=40, noise=True)
    code = f"""
import av
from vrestore.media.reader import open_video

av.logging.set_level(av.logging.ERROR)
for _ in range(60):
    with open_video({str(source)!r}, threads=4) as reader:
        frames = iter(reader)
        assert [next(frames).index for _ in range(6)] == list(range(6))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_a_reader_is_read_once(tmp_path):
    with open_video(write_clip(tmp_path / "in.mp4")) as reader:
        list(reader)
        with pytest.raises(ValueError, match="once"):
            list(reader)


@pytest.mark.parametrize("frames", [1, 2])
def test_very_short_videos_are_read(tmp_path, frames):
    with open_video(write_clip(tmp_path / "in.mp4", frames=frames)) as reader:
        assert len(list(reader)) == frames


def test_a_picture_of_one_pixel_is_read(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", width=1, height=1, layout="yuv420p")
    with open_video(source) as reader:
        assert [[plane.shape for plane in frame.planes] for frame in reader] == [[(1, 1)] * 3] * 8


@pytest.mark.parametrize(
    ("start", "stop", "indices"),
    [
        (None, None, range(10)),
        (3, None, range(3, 10)),
        (None, 4, range(4)),
        ("3", "4", range(3, 4)),
        ("0.08s", "0.2s", range(2, 5)),
        ("0:00.1", "1m", range(3, 10)),
        ("80ms", 4, range(2, 4)),
        (0, 99, range(10)),
    ],
)
def test_start_and_stop_leave_the_frames_between_them(tmp_path, start, stop, indices):
    source = write_clip(tmp_path / "in.mp4", frames=10)
    with open_video(source, start=start, stop=stop) as reader:
        assert reader.meta.frame_count == len(indices)
        assert [frame.index for frame in reader] == list(indices)


def test_times_count_from_the_first_frame(tmp_path):
    stamps = [19200 + 512 * index for index in range(10)]
    company = with_company(subtitles=None)
    with open_video(
        write_clip(tmp_path / "in.mp4", frames=10, stamps=stamps, beside=company), start="0.2s"
    ) as reader:
        assert reader.first_index == 5


@pytest.mark.parametrize(("start", "stop"), [(10, None), ("9s", None), (None, 0), (5, 5)])
def test_nothing_between_start_and_stop_is_an_error(tmp_path, start, stop):
    source = write_clip(tmp_path / "in.mp4", frames=10)
    with pytest.raises(InputError, match="no frame between start and stop"):
        open_video(source, start=start, stop=stop)


def test_a_rate_is_for_images_only(tmp_path):
    with pytest.raises(UsageError, match="image sequences only"):
        open_video(write_clip(tmp_path / "in.mp4"), rate=Fraction(25))


def missing(folder):
    return folder / "missing.mp4"


def text_file(folder):
    return written(folder / "text.mp4", b"this is a text\n" * 50)


def empty_file(folder):
    return written(folder / "zero.mp4", b"")


def sound_only(folder):
    with av.open(str(folder / "sound.m4a"), "w", format="mp4") as container:
        with_company(languages=("eng",), subtitles=None, chapters=False)(container)()
    return folder / "sound.m4a"


def without_index(folder):
    whole = write_clip(folder / "whole.mp4").read_bytes()
    return written(folder / "cut.mp4", whole[: len(whole) * 6 // 10])


def empty_folder(folder):
    (folder / "nothing").mkdir()
    return folder / "nothing"


def folder_of_videos(folder):
    (folder / "videos").mkdir()
    write_clip(folder / "videos" / "one.mp4", frames=1)
    return folder / "videos"


def web_address(folder):
    return "https://example.org/video.mp4"


def two_files_in_one_word(folder):
    return f"concat:{write_clip(folder / 'a.mp4')}|{folder / 'a.mp4'}"


def playlist(folder):
    write_clip(folder / "part.mp4")
    return written(folder / "list.m3u8", b"#EXTM3U\n#EXTINF:1,\npart.mp4\n#EXT-X-ENDLIST\n")


def playlist_in_disguise(folder):
    write_clip(folder / "part.mp4")
    return written(folder / "list.mp4", b"#EXTM3U\n#EXTINF:1,\npart.mp4\n#EXT-X-ENDLIST\n")


def script(folder):
    write_clip(folder / "part.mp4")
    return written(folder / "list.mp4", b"ffconcat version 1.0\nfile part.mp4\n")


def interlaced(folder):
    options = {"x264-params": "interlaced=1", "flags": "+ildct+ilme"}
    return write_clip(folder / "fields.mp4", height=64, options=options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, "does not exist"),
        (text_file, "not a video that can be read"),
        (empty_file, "is empty"),
        (sound_only, "only sound"),
        (without_index, "no index.*moov.*repair it first"),
        (empty_folder, "folder without images"),
        (folder_of_videos, "folder without images.*one video at a time"),
        (web_address, "only local files"),
        (two_files_in_one_word, "only local files"),
        (playlist, "not a video that can be read|playlist"),
        (playlist_in_disguise, "not a video that can be read|playlist"),
        (script, "playlist, a script"),
        (interlaced, "interlaced; pass --deinterlace .*--double-rate.*--detelecine"),
    ],
)
def test_a_bad_source_is_one_clear_line(tmp_path, make, words):
    source = make(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        open_video(source)
    assert "\n" not in str(caught.value)


def test_a_source_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mp4")
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(InputError, match=r"cannot be read \(permission denied\)"):
        open_video(source)


def refuse(*_args, **_kwargs):
    raise PermissionError(13, "Permission denied")


def test_names_that_mean_something_to_ffmpeg_are_just_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a%03d.mp4", "http:film.mp4", "a|b.mp4", "-x.mp4"):
        write_clip(tmp_path / "plain.mp4", frames=2).rename(name)
        with open_video(name) as reader:
            assert len(list(reader)) == 2


@pytest.mark.parametrize(
    ("name", "options"),
    [("in.mp4", {"movflags": "faststart"}), ("in.mkv", {}), ("in.ts", {}), ("in.avi", {})],
)
def test_a_source_that_ends_too_early_gives_what_is_there_and_says_so(tmp_path, name, options):
    encoder = {"bf": "0", "g": "4"}
    base = Fraction(1, 25) if name.endswith(".avi") else Fraction(1, 12800)
    whole = write_clip(
        tmp_path / name, frames=30, time_base=base, options=encoder, container_options=options
    ).read_bytes()
    cut = written(tmp_path / f"cut-{name}", whole[: len(whole) * 7 // 10])
    with open_video(cut) as reader:
        count = len(list(reader))
        damage = reader.damage
    assert 5 < count < 30
    assert damage.truncated
    assert "ends too early" in damage.texts[0]


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.avi", "in.ts", "in.mov", "in.webm"])
def test_a_whole_source_has_no_damage(tmp_path, name):
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    base = Fraction(1, 25) if name.endswith(".avi") else Fraction(1, 12800)
    company = None if name.endswith(("avi", "webm", "ts")) else with_company(subtitles=None)
    source = write_clip(tmp_path / name, frames=30, time_base=base, codec=codec, beside=company)
    with open_video(source) as reader:
        assert len(list(reader)) == 30
        assert reader.damage == Damage()


def test_frames_decoded_with_errors_are_counted(tmp_path):
    path = write_clip(tmp_path / "in.mkv", frames=30, noise=True, options={"g": "10"})
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 3, len(content) * 2 // 3, 400):
        content[place] ^= 0x55
    path.write_bytes(content)
    with open_video(path) as reader:
        assert len(list(reader)) == 30
        assert reader.damage.corrupt_frames >= 1
    assert "decoded with errors" in reader.damage.texts[-1]


def test_a_source_that_changes_size_is_refused_where_it_does(tmp_path):
    small, large = (write_clip(tmp_path / f"{n}.ts", frames=4, width=n, height=48) for n in (64, 96))
    joined = written(tmp_path / "both.ts", small.read_bytes() + large.read_bytes())
    with open_video(joined) as reader, pytest.raises(InputError, match="64x48 to 96x48 at frame 4"):
        list(reader)


def test_timestamps_that_do_not_increase_are_moved_with_a_warning(tmp_path):
    first, second = (write_clip(tmp_path / f"{n}.ts", frames=4, options={"bf": "0"}) for n in "ab")
    joined = written(tmp_path / "both.ts", first.read_bytes() + second.read_bytes())
    with open_video(joined) as reader:
        stamps = [frame.pts for frame in reader]
    assert len(stamps) == 8
    assert all(a < b for a, b in pairwise(stamps))
    assert any("do not increase" in warning for warning in reader.warnings)


def test_a_raw_stream_without_timestamps_gets_some(tmp_path):
    with av.open(str(tmp_path / "in.h264"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height = 64, 48
        for index in range(6):
            picture = made_picture(pixel_format("yuv420p"), height=48, width=64, index=index)
            picture.pts = index
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    with open_video(tmp_path / "in.h264") as reader:
        stamps = [frame.pts for frame in reader]
        assert [stamp - stamps[0] for stamp in stamps] == [
            round(index / 25 / reader.meta.time_base) for index in range(6)
        ]


@pytest.mark.parametrize(("name", "target"), [("pal8", "bgra"), ("monob", "gray"), ("rgb555le", "rgb24")])
def test_a_layout_that_is_not_handled_is_unpacked_and_said_so(tmp_path, name, target):
    codec, suffix = {"pal8": ("png", "mov"), "monob": ("png", "mov"), "rgb555le": ("rawvideo", "nut")}[name]
    with av.open(str(tmp_path / f"in.{suffix}"), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 8, name
        picture = av.VideoFrame(16, 8, name)
        for plane in picture.planes:
            plane.update(bytes(range(256)) * (plane.buffer_size // 256) + bytes(plane.buffer_size % 256))
        picture.pts = 0
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    with open_video(tmp_path / f"in.{suffix}") as reader:
        assert reader.meta.pixel_format.name == target
        assert len(list(reader)) == 1
        assert any(f"{name} was unpacked to {target}" in warning for warning in reader.warnings)


def test_cover_art_is_not_taken_for_the_picture(tmp_path):
    with open_video(write_clip(tmp_path / "in.mp4", beside=with_cover)) as reader:
        assert (reader.meta.width, len(list(reader))) == (64, 8)


def test_packets_nobody_asked_for_are_not_kept(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=50, beside=with_company(subtitles=None, seconds=2))
    with open_video(source) as reader:
        list(reader)
        assert len(reader.feed.packets) == 0


def test_packets_before_start_are_not_kept(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=50, beside=with_company(subtitles=None, seconds=2))
    with open_video(source, start=40) as reader:
        assert len(reader.feed.packets) < 60  # of 190: what demuxing and decoding run ahead
        assert not reader.feed.covers


def written(path, content):
    path.write_bytes(content)
    return path


MS = Fraction(1, 1000)


def cut(source, target, *, seconds):
    """Copy a clip from a time on without encoding it, as `ffmpeg -ss 2.5 -i in -c copy out` does."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                ticks = round(seconds / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - ticks, packet.dts - ticks, stream
                part.mux(packet)
    return target


@pytest.mark.parametrize("extension", [".mp4", ".mov"])
@pytest.mark.parametrize(("rate", "seconds", "frames"), [(1, 2.5, 5), (1, 1.3, 6), (2, 0.9, 14)])
def test_a_healthy_clip_that_was_cut_is_not_damaged(tmp_path, extension, rate, seconds, frames):
    options = {"g": "8", "bf": "2"}
    source = write_clip(tmp_path / "in.mp4", frames=8 * rate, rate=rate, options=options)
    with open_video(cut(source, tmp_path / f"cut{extension}", seconds=seconds)) as reader:
        assert len(list(reader)) == frames
        assert reader.damage.texts == ()


def test_what_begins_late_in_matroska_is_not_damaged(tmp_path):
    source = write_clip(tmp_path / "in.mkv", frames=8, stamps=[40 * n + 1900 for n in range(8)], time_base=MS)
    with open_video(source) as reader:
        assert len(list(reader)) == 8
        assert reader.damage.texts == ()


def test_fragments_that_are_missing_are_still_noticed(tmp_path):
    """The file ends where a fragment does, so that its sizes are right."""
    source = write_clip(
        tmp_path / "in.mp4", frames=50, options={"g": "10"}, container_options={"movflags": "dash"}
    )
    data = source.read_bytes()
    source.write_bytes(data[: data.rfind(b"moof", 0, data.rfind(b"moof")) - 4])
    with open_video(source) as reader:
        list(reader)
        assert "s missing of what it declares" in reader.damage.texts[0]
