"""Writing: which codec and container, every bad target by name, and never a file left half-written."""

import os
import subprocess
import sys
import textwrap
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import stamps_of, with_company, write_clip

from vrestore.errors import LossError, TargetError, UsageError
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer


def restore(source, target, *, overwrite=False, strict=False, **options):
    with (
        open_video(source) as reader,
        open_writer(
            target, reader, options=EncodeOptions(**options), overwrite=overwrite, strict=strict
        ) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        return writer.finish()


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def source(tmp_path):
    return write_clip(tmp_path / "in.mp4")


@pytest.mark.parametrize(
    ("codec", "layout", "extension", "encoder"),
    [
        ("libx264", "yuv420p", ".mp4", "libx264"),
        ("libx264", "yuv422p10le", ".mkv", "libx264"),
        ("libx265", "yuv420p12le", ".mp4", "libx265"),
        ("libsvtav1", "yuv420p10le", ".mkv", "libsvtav1"),
        ("libvpx-vp9", "yuv444p", ".webm", "libvpx-vp9"),
        ("libvpx", "yuv420p", ".webm", "libvpx"),
        ("prores_ks", "yuv422p10le", ".mov", "prores_ks"),
        ("ffv1", "yuv444p16le", ".mkv", "ffv1"),
        ("mjpeg", "yuvj422p", ".avi", "mjpeg"),
        ("mpeg4", "yuv420p", ".avi", "mpeg4"),
        ("mpeg2video", "yuv420p", ".ts", "mpeg2video"),
        ("utvideo", "gbrp", ".avi", "utvideo"),
        ("rawvideo", "yuv420p", ".avi", "libx264"),
    ],
)
def test_the_codec_is_of_the_sources_family(tmp_path, codec, layout, extension, encoder):
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    source = write_clip(
        tmp_path / f"in{extension}", codec=codec, layout=layout, time_base=Fraction(1, 25), options=options
    )
    written = restore(source, tmp_path / f"out{extension}")
    assert (written.codec, written.frame_count) == (encoder, 8)
    assert written.byte_count == (tmp_path / f"out{extension}").stat().st_size
    assert written.warnings == ()


@pytest.mark.parametrize(
    ("word", "encoder"),
    [("h264", "libx264"), ("hevc", "libx265"), ("av1", "libsvtav1"), ("vp9", "libvpx-vp9"), ("FFV1", "ffv1")],
)
def test_a_codec_can_be_asked_for_by_its_common_name(tmp_path, source, word, encoder):
    assert restore(source, tmp_path / "out.mkv", codec=word).codec == encoder


def test_rgb_in_h264_stays_rgb(tmp_path):
    """Decoded it is gbrp, and the encoder takes the same samples as bgr0."""
    source = write_clip(tmp_path / "in.mp4", codec="libx264rgb", layout="bgr0")
    written = restore(source, tmp_path / "out.mp4")
    assert written.codec == "libx264rgb"
    assert written.warnings == ("samples were laid out as bgr0 instead of gbrp",)


def test_a_family_without_an_encoder_becomes_h264_with_a_warning(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="libvpx")
    written = restore(source, tmp_path / "out.mp4")
    assert written.codec == "libx264"
    assert "encoded with libx264: mp4 cannot hold libvpx" in written.warnings


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
@pytest.mark.parametrize("size", [(49, 65), (48, 65), (49, 64)], ids=["both", "width", "height"])
def test_odd_sizes_work_without_being_asked_for(tmp_path, size, extension):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", height=size[0], width=size[1])
    raw = write_clip(
        tmp_path / "in.nut", codec="rawvideo", height=size[0], width=size[1], time_base=Fraction(1, 25)
    )
    for origin in (source, raw):
        written = restore(origin, tmp_path / f"out{extension}", overwrite=True)
        assert written.frame_count == 8
        with open_video(tmp_path / f"out{extension}") as reader:
            assert (reader.meta.height, reader.meta.width) == size
            assert reader.meta.pixel_format.name == "yuv420p"


def test_an_odd_size_that_the_codec_asked_for_refuses_is_said_before_the_work(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", height=49, width=65)
    with pytest.raises(UsageError, match="libx264 cannot hold 65x49 in yuv420p: sizes must be even; try"):
        restore(source, tmp_path / "out.mkv", codec="h264")
    assert files_in(tmp_path) == ["in.mkv"]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("out.mp4", {"codec": "nonsense"}, "unknown codec 'nonsense'; try h264"),
        ("out.mp4", {"codec": "aac"}, "unknown codec 'aac'"),
        ("out.mkv", {"codec": "prores"}, "prores_ks cannot hold yuv420p .it holds yuv422p10le.*ffv1"),
        ("out.webm", {"codec": "h264"}, "webm cannot hold libx264; give the output the extension .mkv"),
        ("out.mkv", {"codec": "ffv1", "crf": 20}, "ffv1 has no --crf; it is lossless"),
        ("out.avi", {"codec": "mpeg4", "crf": 20}, "mpeg4 has no --crf; it has -e b="),
        ("out.mp4", {"crf": 80}, "between 0 and 63, got 80"),
        ("out.mkv", {"codec": "vp9", "preset": "slow"}, "has no --preset; it has -e cpu-used="),
        ("out.mp4", {"preset": "nonsense"}, "libx264 refuses 64x48 yuv420p with .*preset=nonsense"),
        ("out.mp4", {"extra": {"nonsense": "1"}}, "libx264 has no option 'nonsense'"),
        ("out.mp4", {"extra": {"tune": "nonsense"}}, "libx264 refuses .*tune=nonsense"),
        ("out.xyz", {}, "'.xyz' is no video file's extension; use .mp4"),
        ("out", {}, "'out' is no video file's extension"),
        ("out.m3u8", {}, "'.m3u8' files are not written"),
        ("out.png", {}, "is one image; give a pattern such as out%06d.png"),
    ],
)
def test_words_that_do_not_fit_are_one_clear_line(tmp_path, source, name, options, words):
    with pytest.raises(UsageError, match=words) as caught:
        restore(source, tmp_path / name, **options)
    assert "\n" not in str(caught.value)
    assert files_in(tmp_path) == ["in.mp4"]


def test_quality_asked_for_is_the_quality_given(tmp_path, source):
    good = restore(source, tmp_path / "good.mp4", crf=5).byte_count
    poor = restore(source, tmp_path / "poor.mp4", crf=45).byte_count
    by_bits = restore(source, tmp_path / "bits.mp4", extra={"b": "20k"}).byte_count
    assert poor < by_bits < good


def test_an_existing_target_is_kept_unless_it_may_go(tmp_path, source):
    target = tmp_path / "out.mp4"
    target.write_text("mine")
    with pytest.raises(TargetError, match="exists; pass -y to overwrite"):
        restore(source, target)
    assert target.read_text() == "mine"
    restore(source, target, overwrite=True)
    assert stamps_of(target) == stamps_of(source)


@pytest.mark.parametrize("link", [None, "symlink_to", "hardlink_to"])
def test_a_file_is_never_restored_onto_itself(tmp_path, source, link):
    target, before = source, source.read_bytes()
    if link:
        target = tmp_path / "link.mp4"
        getattr(target, link)(source)
    with pytest.raises(TargetError, match="is the source"):
        restore(source, target, overwrite=True)
    assert source.read_bytes() == before


def test_a_target_behind_a_link_is_written_where_the_link_points(tmp_path, source):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "real.mp4").write_text("old")
    (tmp_path / "out.mp4").symlink_to(tmp_path / "far" / "real.mp4")
    restore(source, tmp_path / "out.mp4", overwrite=True)
    assert (tmp_path / "out.mp4").is_symlink()
    assert files_in(tmp_path / "far") == ["real.mp4"]
    assert stamps_of(tmp_path / "far" / "real.mp4") == stamps_of(source)


def test_targets_that_cannot_be_written_are_one_clear_line(tmp_path, source):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe.mp4")
    for name, words in (
        ("folder.mp4", "is a folder; give a file name"),
        ("missing/out.mp4", "there is no folder .*missing"),
        ("file/out.mp4", "cannot be written"),
        ("pipe.mp4", "not a regular file"),
    ):
        before = files_in(tmp_path)
        with pytest.raises(TargetError, match=words):
            restore(source, tmp_path / name, overwrite=True)
        assert files_in(tmp_path) == before


def test_a_folder_that_may_not_be_written_to_is_said_before_the_work(tmp_path, source, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)  # root may write anywhere
    with pytest.raises(TargetError, match="no permission to write to"):
        restore(source, tmp_path / "out.mp4")


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
def test_leaving_without_finish_leaves_nothing(tmp_path, extension):
    source = write_clip(tmp_path / f"in{extension}", beside=with_company(subtitles=None))
    with open_video(source) as reader, open_writer(tmp_path / f"out{extension}", reader) as writer:
        writer.write(next(iter(reader)))
        assert len(files_in(tmp_path)) == 2
    assert files_in(tmp_path) == [f"in{extension}"]


def test_an_error_on_the_way_leaves_nothing_and_keeps_the_old_target(tmp_path, source):
    (tmp_path / "out.mp4").write_text("old")
    with pytest.raises(ZeroDivisionError):
        restore_until_an_error(source, tmp_path / "out.mp4")
    assert files_in(tmp_path) == ["in.mp4", "out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "old"


def restore_until_an_error(source, target):
    with open_video(source) as reader, open_writer(target, reader, overwrite=True) as writer:
        for frame in reader:
            writer.write(frame)
            _ = 1 // (3 - frame.index)


FULL_DISK = """
    import resource, signal, sys
    from vrestore.errors import TargetError
    from vrestore.media.encode.encoder import EncodeOptions
    from vrestore.media.reader import open_video
    from vrestore.media.writer import open_writer
    source, target, limit = sys.argv[1:]
    with open_video(source) as reader:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
        try:
            with open_writer(target, reader, options=EncodeOptions(codec="ffv1")) as writer:
                for frame in reader:
                    writer.write(frame)
                writer.finish()
        except TargetError as error:
            print(error)
"""


@pytest.mark.parametrize("limit", [0, 5_000, 60_000], ids=["header", "frames", "end"])
@pytest.mark.parametrize("extension", [".mkv", ".mp4"])
def test_a_full_disk_is_one_clear_line_and_leaves_nothing(tmp_path, extension, limit):
    source = write_clip(
        tmp_path / f"in{extension}", codec="ffv1", noise=True, frames=10, height=96, width=128
    )
    size = restore(source, tmp_path / f"whole{extension}", codec="ffv1").byte_count
    limit = size - 200 if limit == 60_000 else limit
    (tmp_path / f"whole{extension}").unlink()
    command = [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(source)]
    done = subprocess.run(
        [*command, str(tmp_path / f"out{extension}"), str(limit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written (file too large)" in done.stdout
    assert files_in(tmp_path) == [f"in{extension}"]


def test_a_file_that_reads_back_wrong_is_not_given_its_name(tmp_path, source, monkeypatch):
    monkeypatch.setattr("vrestore.media.container.mux.Mux.close", cut_short)
    with pytest.raises(TargetError, match=r"was not written as it should.*kept as '.*out.unverified.mkv'"):
        restore(source, tmp_path / "out.mkv")
    assert files_in(tmp_path) == ["in.mp4", "out.unverified.mkv"]


def test_what_was_kept_of_an_earlier_run_is_not_overwritten(tmp_path, source, monkeypatch):
    monkeypatch.setattr("vrestore.media.container.mux.Mux.close", cut_short)
    (tmp_path / "out.unverified.mkv").write_bytes(b"earlier")
    with pytest.raises(TargetError, match=r"out\.unverified1\.mkv"):
        restore(source, tmp_path / "out.mkv")
    assert (tmp_path / "out.unverified.mkv").read_bytes() == b"earlier"


def cut_short(mux):
    mux.abandon()
    path = mux._output.name.removeprefix("file:")
    os.truncate(path, os.path.getsize(path) * 2 // 3)  # noqa: PTH202


def test_a_last_frame_that_cannot_be_decoded_is_noticed(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mp4", noise=True)
    monkeypatch.setattr("vrestore.media.container.mux.Mux.close", spoil_the_end)
    with pytest.raises(TargetError, match=r"was not written as it should"):
        restore(source, tmp_path / "out.mkv", extra={"bf": "0"})
    assert files_in(tmp_path) == ["in.mp4", "out.unverified.mkv"]


def spoil_the_end(mux):
    path = mux._output.name.removeprefix("file:")
    mux.abandon()
    with av.open(path) as container:
        *_, last = (packet for packet in container.demux(video=0) if packet.size)
        place, size = last.pos, last.size
    with open(path, "r+b") as file:  # noqa: PTH123
        file.seek(place + 16)
        file.write(bytes(size - 16))


def test_strict_accepts_a_source_that_can_be_kept_whole(tmp_path):
    source = write_clip(tmp_path / "in.mkv", beside=with_company(attachment=b"x"))
    assert restore(source, tmp_path / "out.mkv", strict=True).dropped == ()


def test_strict_names_mastering_data_that_cannot_be_kept(tmp_path, source, monkeypatch):
    monkeypatch.setattr("vrestore.media.encode.losses.dynamic_metadata", lambda _picture: ["HDR10+ data"])
    with pytest.raises(LossError, match=r"would lose HDR10\+ data"):
        restore(source, tmp_path / "out.mp4", strict=True)


@pytest.mark.parametrize("runs", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_the_same_pictures_give_the_same_file(tmp_path, runs):
    """x264 with AVX-512 gave another file in one of three to ten runs at this size."""
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=50, height=64, width=80, noise=True)
    found = set()
    for number in range(runs):
        unlike = [np.full(1000 * (number + step), number, np.uint8) for step in range(9)]
        del unlike  # what lies in memory is not the same each time
        restore(source, tmp_path / "out.mp4", codec="h264", overwrite=True)
        found.add((tmp_path / "out.mp4").read_bytes())
    assert len(found) == 1


def test_an_encoders_own_parameters_are_added_to_ours(tmp_path, source):
    restore(source, tmp_path / "out.mp4", extra={"x264-params": "keyint=4:scenecut=0"})
    assert key_frames_in(tmp_path / "out.mp4") == 2


def test_the_encoder_places_its_own_key_frames(tmp_path):
    source = write_clip(tmp_path / "in.mp4", frames=12, options={"g": "1"})
    restore(source, tmp_path / "out.mp4")
    assert (key_frames_in(source), key_frames_in(tmp_path / "out.mp4")) == (12, 1)


def key_frames_in(path):
    with av.open(str(path)) as container:
        return sum(packet.is_keyframe for packet in container.demux(video=0) if packet.size)


def test_hevc_in_mp4_has_the_tag_that_apple_plays(tmp_path, source):
    restore(source, tmp_path / "out.mp4", codec="hevc")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


def test_packets_stay_bounded_while_frames_are_written(tmp_path):
    source = write_clip(tmp_path / "in.mkv", frames=200, beside=with_company(seconds=8))
    most = 0
    with open_video(source) as reader, open_writer(tmp_path / "out.mkv", reader) as writer:
        for frame in reader:
            writer.write(frame)
            most = max(most, len(writer._mux._waiting) + len(reader.feed.packets))
        writer.finish()
    # x264 holds some fifty frames (2 s); two tracks of 47 packets a second wait for them.
    assert most < 250


def test_a_frame_whose_planes_are_not_contiguous_is_written(tmp_path, source):
    lossless = EncodeOptions(codec="ffv1")
    with open_video(source) as reader, open_writer(tmp_path / "out.mkv", reader, options=lossless) as writer:
        for frame in reader:
            plane = np.repeat(frame.planes[0], 2, axis=1)[:, ::2]
            writer.write(frame.with_planes({0: plane}))
        writer.finish()
    with open_video(source) as one, open_video(tmp_path / "out.mkv") as other:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a.planes[0], b.planes[0])
