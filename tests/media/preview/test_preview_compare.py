import math
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import mask_meta, write_pictures
from vrestore.errors import InputError, TargetError
from vrestore.frames import Rotation
from vrestore.media.preview.compare import (
    GAIN,
    LAYOUTS,
    CompareWriter,
    compare_files,
    difference,
    side,
    split,
    stack,
)


def plain(value, height=45, width=67):
    return np.full((height, width, 3), value, np.uint8)


def test_side_has_before_left_and_after_right():
    picture = side(plain(40), plain(200))
    assert picture.shape == (45, 67 + 2 + 67, 3)
    assert (picture[40, :67] == 40).all()
    assert (picture[40, 67:69] == 255).all()
    assert (picture[40, 69:] == 200).all()


def test_stack_has_before_above_and_after_below():
    picture = stack(plain(40), plain(200))
    assert picture.shape == (45 + 2 + 45, 67, 3)
    assert (picture[:45, 66] == 40).all()
    assert (picture[47:, 66] == 200).all()


def test_split_wipes_in_the_middle():
    picture = split(plain(40), plain(200))
    assert (picture[40, :32] == 40).all()
    assert (picture[40, 32:34] == 255).all()
    assert (picture[40, 34:] == 200).all()


@given(st.integers(0, 255), st.integers(0, 255))
def test_difference_is_gray_where_equal_and_brighter_where_brighter(old, new):
    value = difference(plain(old, 3, 5), plain(new, 3, 5))[0, 0, 0]
    assert value == min(255, max(0, 128 + GAIN * (new - old)))


def test_words_are_written_where_there_is_room():
    black = plain(0, 240, 320)
    assert (side(black, black)[:60, :100] > 200).any()
    assert not (side(black, black)[60:, :300] > 0).any()
    assert (split(black, black)[:60, 250:] > 200).any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pictures_of_one_pixel_are_drawn_and_inputs_kept(layout):
    before, after = plain(9, 1, 1), plain(10, 1, 1)
    assert LAYOUTS[layout](before, after).dtype == np.uint8
    assert before[0, 0, 0] == 9
    assert after[0, 0, 0] == 10


def frames_of(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def test_a_written_clip_keeps_times_and_colors(tmp_path):
    meta = mask_meta(height=45, width=67)
    with CompareWriter(tmp_path / "c.mp4", meta) as writer:
        for pts in (1000, 1512, 4096):
            writer.write(plain((30, 120, 200)), plain((200, 60, 20)), pts=pts)
        assert not (tmp_path / "c.mp4").exists()
        writer.finish()
    frames = frames_of(tmp_path / "c.mp4")
    assert [frame.pts * frame.time_base * 12800 for frame in frames] == [0, 512, 3096]
    picture = frames[1].to_ndarray(format="rgb24")
    assert picture.shape == (46, 136, 3)
    assert np.abs(picture[40, 30].astype(int) - (30, 120, 200)).max() <= 4
    assert np.abs(picture[40, 100].astype(int) - (200, 60, 20)).max() <= 4
    assert int(frames[0].colorspace) == 1


def test_the_shape_of_pixels_is_turned_with_the_picture(tmp_path):
    meta = replace(mask_meta(), sample_aspect_ratio=Fraction(4, 3), rotation=Rotation(90))
    with CompareWriter(tmp_path / "c.mp4", meta) as writer:
        writer.write(plain(1), plain(2), pts=0)
        writer.finish()
    with av.open(str(tmp_path / "c.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(3, 4)


def test_a_clip_that_is_not_finished_leaves_nothing(tmp_path):
    with CompareWriter(tmp_path / "c.mp4", mask_meta()) as writer:
        for index in range(60):  # more than the encoder looks ahead
            writer.write(plain(1, 9, 9), plain(2, 9, 9), pts=512 * index)
        assert list(tmp_path.iterdir()) != []
    assert list(tmp_path.iterdir()) == []


def test_a_pair_of_two_sizes_is_a_mistake(tmp_path):
    with (
        CompareWriter(tmp_path / "c.mp4", mask_meta()) as writer,
        pytest.raises(ValueError, match="one size"),
    ):
        writer.write(plain(1), plain(2, 45, 68), pts=0)


def write(path, values, height=45, width=67):
    return write_pictures(path, [plain(value, height, width) for value in values], layout="bgr0")


def test_two_files_become_one_clip_and_two_figures(tmp_path):
    before, after = write(tmp_path / "a.mkv", [50, 60, 70]), write(tmp_path / "b.mkv", [50, 61, 80])
    result = compare_files(before, after, tmp_path / "c.mp4", layout="split")
    errors = [0, (1 / 255) ** 2, (10 / 255) ** 2]
    assert result.frame_count == 3 == len(frames_of(tmp_path / "c.mp4"))
    assert result.psnr_mean == pytest.approx(-10 * math.log10(sum(errors) / 3), abs=1e-3)
    assert result.psnr_min == pytest.approx(-10 * math.log10(errors[2]), abs=1e-3)


def test_equal_files_are_infinitely_alike(tmp_path):
    before = write(tmp_path / "a.mkv", [50])
    result = compare_files(before, write(tmp_path / "b.mkv", [50]), tmp_path / "c.mp4", layout="difference")
    assert (result.psnr_mean, result.psnr_min) == (math.inf, math.inf)
    assert np.abs(frames_of(tmp_path / "c.mp4")[0].to_ndarray(format="rgb24").astype(int) - 128).max() <= 2


def test_times_are_those_of_the_first_file(tmp_path):
    before = write_pictures(tmp_path / "a.mkv", [plain(1)] * 3, layout="bgr0", rate=Fraction(10))
    compare_files(before, write(tmp_path / "b.mkv", [1, 1, 1]), tmp_path / "c.mp4")
    assert [float(frame.time) for frame in frames_of(tmp_path / "c.mp4")] == pytest.approx([0, 0.1, 0.2])


@pytest.mark.parametrize(("first", "second", "longer"), [(2, 4, "b.mkv"), (4, 2, "a.mkv")])
def test_files_of_different_length_are_refused(tmp_path, first, second, longer):
    before, after = write(tmp_path / "a.mkv", [1] * first), write(tmp_path / "b.mkv", [1] * second)
    with pytest.raises(InputError, match=f"{longer}' goes on after 2 frames"):
        compare_files(before, after, tmp_path / "c.mp4")
    assert not (tmp_path / "c.mp4").exists()


def test_declared_counts_are_compared_before_any_work(tmp_path):
    clips = [
        write_pictures(tmp_path / f"{count}.mov", [plain(1)] * count, codec="png", layout="rgb24")
        for count in (2, 3)
    ]
    with pytest.raises(
        InputError, match=r"2.mov' has 2 frames, '.*3.mov' has 3; compare videos of the same frame"
    ):
        compare_files(*clips, tmp_path / "c.mp4")


def test_files_of_different_size_are_refused(tmp_path):
    before, after = write(tmp_path / "a.mkv", [1]), write(tmp_path / "b.mkv", [1], 45, 66)
    with pytest.raises(InputError, match=r"is 67x45, .* is 66x45; compare videos of the same size"):
        compare_files(before, after, tmp_path / "c.mp4")


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.mkv", "is the source"), ("old.mp4", "exists; pass -y"), ("c.gif", "is no video; known are")],
)
def test_a_target_that_cannot_be_is_refused(tmp_path, name, message):
    (tmp_path / "old.mp4").write_text("precious")
    before, after = write(tmp_path / "a.mkv", [1]), write(tmp_path / "b.mkv", [1])
    with pytest.raises(TargetError, match=message):
        compare_files(before, after, tmp_path / name)
    assert (tmp_path / "old.mp4").read_text() == "precious"


def test_an_existing_target_is_replaced_when_asked(tmp_path):
    (tmp_path / "c.mp4").write_text("old")
    before, after = write(tmp_path / "a.mkv", [1]), write(tmp_path / "b.mkv", [1])
    compare_files(before, after, tmp_path / "c.mp4", overwrite=True)
    assert len(frames_of(tmp_path / "c.mp4")) == 1
