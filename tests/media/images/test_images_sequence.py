"""Images and pipes as video: in, out, names, depths, and what is refused."""

import io
import subprocess
import sys
import textwrap
from fractions import Fraction

import numpy as np
import pytest
from clips import planes_in, stamps_of, with_company, write_clip, write_images
from passing import restore

from vrestore.errors import InputError, TargetError, UsageError
from vrestore.frames import Color
from vrestore.media.av_frames import planes_of
from vrestore.media.color.color_matrix import coding_of
from vrestore.media.formats import pixel_format
from vrestore.media.reader import open_video
from vrestore.media.writer import open_writer


def components_in(source):
    with open_video(source) as reader:
        layout = reader.meta.pixel_format
        return [
            [f.planes[c.plane][:, c.offset :: c.step].astype(int) for c in layout.components] for f in reader
        ]


def assert_same_samples(one, other):
    for planes, others in zip(components_in(one), components_in(other), strict=True):
        for plane, wanted in zip(planes, others, strict=True):
            np.testing.assert_array_equal(plane, wanted)


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("suffix", "layout"),
    [
        (".png", "rgb24"),
        (".png", "rgb48be"),
        (".png", "rgba"),
        (".png", "gray"),
        (".png", "gray16be"),
        (".tif", "rgb24"),
        (".tif", "rgb48le"),
        (".bmp", "bgr24"),
    ],
)
def test_images_come_back_with_their_names_their_depth_and_every_sample(tmp_path, suffix, layout):
    names = [f"shot{number}{suffix}" for number in (8, 9, 10)]
    source = write_images(tmp_path / "in", names, layout=layout)
    written = restore(source, f"{tmp_path}/out/")
    assert (written.frame_count, written.warnings) == (3, ())
    assert sorted(files_in(tmp_path / "out")) == sorted(names)
    assert_same_samples(source, tmp_path / "out")
    with open_video(tmp_path / "out") as reader:
        assert reader.meta.pixel_format.name == layout
    assert files_in(tmp_path) == ["in", "out"]


def test_a_folder_is_read_in_the_order_that_people_count(tmp_path):
    names = ["f10.png", "f9.png", "f100.png", "F11.png"]
    source = write_images(tmp_path / "in", names)
    with open_video(source) as reader:
        assert [file.name for file in reader.feed.files] == ["f9.png", "f10.png", "F11.png", "f100.png"]
        assert (reader.meta.frame_count, reader.meta.rate, reader.meta.container) == (
            4,
            Fraction(25),
            "image2",
        )


def test_a_rate_can_be_given_to_images(tmp_path):
    source = write_images(tmp_path / "in", ["1.png", "2.png"])
    with open_video(source, rate=Fraction(30000, 1001)) as reader:
        assert (reader.meta.rate, reader.meta.time_base) == (Fraction(30000, 1001), Fraction(1001, 30000))
        assert [frame.pts for frame in reader] == [0, 1]


def test_a_pattern_reads_and_writes_from_the_sources_first_number(tmp_path):
    source = write_images(tmp_path / "in", ["a007.png", "a008.png", "b009.png"])
    written = restore(source / "a%03d.png", tmp_path / "out%05d.tif")
    assert written.frame_count == 2
    assert files_in(tmp_path) == ["in", "out00007.tif", "out00008.tif"]


def test_part_of_a_sequence_keeps_its_names(tmp_path):
    source = write_images(tmp_path / "in", [f"{number}.png" for number in range(5)])
    with open_video(source, start=2, stop=4) as reader, open_writer(f"{tmp_path}/out/", reader) as writer:
        for frame in reader:
            writer.write(frame)
        writer.finish()
    assert files_in(tmp_path / "out") == ["2.png", "3.png"]
    np.testing.assert_array_equal(components_in(tmp_path / "out")[0], components_in(source)[2])


def test_one_image_is_a_video_of_one_frame(tmp_path):
    write_images(tmp_path / "in", ["one.png"])
    written = restore(tmp_path / "in" / "one.png", tmp_path / "fixed.png")
    assert written.frame_count == 1
    assert_same_samples(tmp_path / "in" / "one.png", tmp_path / "fixed.png")


def test_names_with_signs_of_a_pattern_are_read(tmp_path):
    source = write_images(tmp_path / "100%d", ["a%03d.png"])
    with open_video(source) as reader:
        assert len(list(reader)) == 1


def test_one_image_with_a_sign_of_a_pattern_in_its_name_gives_one_of_that_name(tmp_path):
    source = write_images(tmp_path / "in", ["50%done.png"]) / "50%done.png"
    assert restore(source, source.with_name("50%done.inpaint.png")).frame_count == 1
    assert files_in(tmp_path / "in") == ["50%done.inpaint.png", "50%done.png"]
    restore(source, tmp_path / "fixed%02d.png")  # another sign counts as ever
    assert files_in(tmp_path) == ["fixed50.png", "in"]


@pytest.mark.parametrize(
    ("layout", "codec", "extension"),
    [("rgb24", "libx264rgb", ".mkv"), ("rgb48be", "ffv1", ".mkv"), ("gray", "ffv1", ".mkv")],
)
def test_images_become_a_video_without_a_change_of_model(tmp_path, layout, codec, extension):
    source = write_images(tmp_path / "in", ["1.png", "2.png", "3.png"], layout=layout)
    out = tmp_path / f"out{extension}"
    written = restore(source, out, codec=codec if layout == "gray" else None)
    assert written.codec == codec
    assert any("few players" in line for line in written.warnings) == (codec == "libx264rgb")
    assert stamps_of(out) == [Fraction(index, 25) for index in range(3)]
    with open_video(out) as reader:
        assert reader.meta.pixel_format.model == pixel_format(layout).model


@pytest.mark.parametrize("name", ["out/", "out%d.png"])
@pytest.mark.parametrize("matrix", [1, 6, 9], ids=["709", "601", "2020"])
def test_a_video_becomes_images_by_its_own_matrix_and_says_so(tmp_path, name, matrix):
    color = Color(matrix, matrix, matrix, full_range=False)
    company = with_company(subtitles=None, chapters=False)
    source = write_clip(tmp_path / "in.mp4", layout="yuv444p", frames=2, color=color, beside=company)
    written = restore(source, f"{tmp_path}/{name}")
    assert written.warnings == ("yuv444p was converted to rgb24 for .png images",)
    assert [drop.kind for drop in written.dropped] == ["audio", "audio"]
    with open_video(source) as reader:
        frame = next(iter(reader))
        coding = coding_of(reader.meta.pixel_format, reader.meta.color, height=reader.meta.height)
    codes = np.stack(frame.planes, -1).astype(float) - coding.offset
    wanted = np.clip(codes @ coding.to_rgb.T, 0, 1) * 255
    found = planes_in(tmp_path / ("out/000001.png" if name == "out/" else "out1.png"))[0][0]
    assert np.abs(found.reshape(wanted.shape) - wanted).max() <= 2  # swscale's integer arithmetic


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["1.png", "2.tif"], r"mixes .png, .tif; use a pattern"),
        ([], "folder without images"),
    ],
)
def test_a_folder_that_is_no_sequence_is_one_clear_line(tmp_path, names, words):
    with pytest.raises(InputError, match=words):
        open_video(write_images(tmp_path / "in", names))


def test_a_pattern_with_a_gap_is_one_clear_line(tmp_path):
    source = write_images(tmp_path / "in", ["1.png", "2.png", "4.png"])
    with pytest.raises(InputError, match="has no image 3, but 2 and 4"):
        open_video(source / "%d.png")


def test_a_pattern_without_images_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="no file matches"):
        open_video(tmp_path / "%d.png")
    with pytest.raises(InputError, match="does not exist"):
        open_video(tmp_path / "missing" / "%d.png")


def test_an_image_of_another_size_is_named(tmp_path):
    source = write_images(tmp_path / "in", ["1.png"])
    write_images(source, ["2.png"], width=40)
    with open_video(source) as reader, pytest.raises(InputError, match=r"2.png' is 40x18.* are 26x18"):
        list(reader)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_an_image_that_cannot_be_read_is_named(tmp_path, content):
    source = write_images(tmp_path / "in", ["1.png"])
    (source / "2.png").write_bytes(content)
    with open_video(source) as reader, pytest.raises(InputError, match=r"2\.png"):
        list(reader)


def test_images_that_are_there_already_stay(tmp_path):
    source = write_images(tmp_path / "in", ["1.png", "2.png"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "2.png").write_text("mine")
    with pytest.raises(TargetError, match=r"2.png' exists; pass -y"):
        restore(source, tmp_path / "out")
    assert (tmp_path / "out" / "2.png").read_text() == "mine"
    (tmp_path / "out" / "other.txt").write_text("mine too")
    restore(source, tmp_path / "out", overwrite=True)
    assert files_in(tmp_path / "out") == ["1.png", "2.png", "other.txt"]
    assert files_in(tmp_path) == ["in", "out"]


def test_images_are_never_restored_onto_themselves(tmp_path):
    source = write_images(tmp_path / "in", ["1.png", "2.png"])
    for target in (source, source / "%d.png"):
        with pytest.raises(TargetError, match="is the source"):
            restore(source, target, overwrite=True)


def test_leaving_without_finish_leaves_no_images(tmp_path):
    source = write_images(tmp_path / "in", ["1.png", "2.png"])
    with open_video(source) as reader, open_writer(f"{tmp_path}/out/", reader) as writer:
        writer.write(next(iter(reader)))
    assert files_in(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("target", "options", "error", "words"),
    [
        ("missing/%d.png", {}, TargetError, "no folder"),
        ("%d.gif", {}, UsageError, "is no video file's extension|not written"),
        ("%d.png", {"codec": "h264"}, UsageError, ".png images are written by png, not by h264"),
        ("%d.png", {"crf": 3}, UsageError, "png has no --crf; it is lossless"),
    ],
)
def test_image_targets_that_do_not_fit_are_one_clear_line(tmp_path, target, options, error, words):
    source = write_images(tmp_path / "in", ["1.png", "2.png"])
    with pytest.raises(error, match=words):
        restore(source, tmp_path / target, **options)
    assert files_in(tmp_path) == ["in"]


@pytest.mark.parametrize("layout", ["yuv420p", "yuv444p", "gray", "yuv420p10le", "yuv422p12le"])
def test_yuv4mpeg_holds_every_sample(tmp_path, layout):
    source = write_clip(
        tmp_path / "in.mkv", codec="ffv1", layout=layout, height=31, width=45, frames=3, noise=True
    )
    written = restore(source, tmp_path / "out.y4m")
    assert (written.frame_count, written.warnings) == (3, ())
    assert_same_samples(source, tmp_path / "out.y4m")


def test_yuv4mpeg_comes_in_on_standard_input(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=3, noise=True)
    restore(source, tmp_path / "in.y4m")
    content = (tmp_path / "in.y4m").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    restore("-", tmp_path / "out.mkv", codec="ffv1")
    assert_same_samples(source, tmp_path / "out.mkv")


def test_standard_input_that_is_no_yuv4mpeg_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"no video at all\n" * 9)))
    with pytest.raises(InputError, match="standard input does not hold yuv4mpeg; pipe it with ffmpeg"):
        open_video("-")


PIPE = """
    import sys
    from vrestore.errors import VRestoreError
    from vrestore.media.reader import open_video
    from vrestore.media.writer import open_writer
    try:
        with open_video(sys.argv[1]) as reader, open_writer("-", reader) as writer:
            for frame in reader:
                writer.write(frame)
            print(writer.finish().frame_count, file=sys.stderr)
    except VRestoreError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
"""


def run_pipe(source, **streams):
    command = [sys.executable, "-c", textwrap.dedent(PIPE), str(source)]
    return subprocess.run(command, stderr=subprocess.PIPE, timeout=60, check=False, **streams)


def test_yuv4mpeg_goes_out_on_standard_output(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=3, noise=True)
    done = run_pipe(source, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr.decode().strip()) == (0, "3")
    (tmp_path / "out.y4m").write_bytes(done.stdout)
    assert_same_samples(source, tmp_path / "out.y4m")


def test_a_layout_that_yuv4mpeg_lacks_is_refused(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", layout="bgr0", frames=1)
    done = run_pipe(source, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"yuv4mpeg cannot hold bgr0" in done.stderr


def test_a_pipe_that_nobody_reads_is_one_clear_line(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=60, height=96, width=128)
    reader = subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE)
    reader.wait()
    done = run_pipe(source, stdout=reader.stdin)
    reader.stdin.close()
    assert done.returncode == 5
    assert b"'standard output' cannot be written (broken pipe)" in done.stderr
    assert b"Traceback" not in done.stderr


def test_made_images_have_the_noise_they_are_compared_by(tmp_path):
    first, second = components_in(write_images(tmp_path / "in", ["1.png", "2.png"]))
    assert np.abs(first[0] - second[0]).mean() > 10


def test_pictures_of_a_sequence_are_views_too(tmp_path):
    source = write_images(tmp_path / "in", ["1.png"])
    with open_video(source) as reader:
        (frame,) = reader
        layout = reader.meta.pixel_format
    np.testing.assert_array_equal(frame.planes[0], planes_of(frame.carrier, layout)[0])
