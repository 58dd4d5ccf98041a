"""Masks from end to end: options in, the hole of each frame out, and every refusal."""

from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import mask_meta, write_pictures
from vrestore.errors import MaskError, UsageError
from vrestore.frames import Box, Frame, HoleSummary, Rotation
from vrestore.masks.masks import MaskOptions, open_masks
from vrestore.media.images.orientation import with_orientation
from vrestore.media.rotation import turned_back

HEIGHT, WIDTH = 45, 67
META = mask_meta(height=HEIGHT, width=WIDTH, frame_count=6)
SHARP = {"grow": 0, "feather": 0}


def frame(index, pts=None):
    return Frame((), index * 512 if pts is None else pts, 512, index)


def marked(masks, index):
    """The filled pixels of a frame, (H, W) bool."""
    hole = masks.hole(frame(index))
    return hole.alpha_in(Box(0, 0, WIDTH, HEIGHT)) > 0 if hole else np.zeros((HEIGHT, WIDTH), bool)


def rectangle(x, y, width, height):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def moving(count):
    return [rectangle(3 * index, 5, 4, 6) for index in range(count)]


def save(path, mask):
    cv2.imwrite(str(path), mask.astype(np.uint8) * 255)
    return path


def save_video(path, masks, rate=25):
    return write_pictures(path, [mask.astype(np.uint8) * 255 for mask in masks], rate=rate)


@pytest.fixture
def still(tmp_path):
    return save(tmp_path / "still.png", rectangle(10, 8, 7, 5))


@pytest.fixture
def video(tmp_path):
    return save_video(tmp_path / "moving.mkv", moving(6))


def test_a_still_mask_stands_for_all_frames_as_one_object(still):
    masks = open_masks(MaskOptions(paths=(still,), **SHARP), META)
    assert (marked(masks, 0) == rectangle(10, 8, 7, 5)).all()
    assert masks.hole(frame(0)) is masks.hole(frame(5))
    assert list(masks.summaries) == [HoleSummary((Box(10, 8, 7, 5),), 35)] * 6


def test_a_mask_video_gives_each_frame_its_own(video):
    masks = open_masks(MaskOptions(paths=(video,), **SHARP), META)
    for index in (5, 0, 3):  # in any order
        assert (marked(masks, index) == moving(6)[index]).all()
    assert [summary.parts[0].x for summary in masks.summaries] == [0, 3, 6, 9, 12, 15]


def test_identical_frames_of_a_video_share_their_hole(tmp_path):
    path = save_video(tmp_path / "m.mkv", [rectangle(1, 1, 5, 5)] * 3 + moving(3))
    masks = open_masks(MaskOptions(paths=(path,), **SHARP), META)
    assert masks.hole(frame(0)) is masks.hole(frame(2))


def test_frames_without_a_marked_pixel_have_no_hole(tmp_path):
    empty = np.zeros((HEIGHT, WIDTH), bool)
    path = save_video(tmp_path / "m.mkv", [empty, rectangle(1, 1, 5, 5), empty, empty, empty, empty])
    masks = open_masks(MaskOptions(paths=(path,)), META)
    assert [masks.hole(frame(index)) is None for index in range(3)] == [True, False, True]
    assert [summary is None for summary in masks.summaries] == [True, False, True, True, True, True]


def test_paths_and_boxes_are_united(still, video, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for index in range(6):
        save(folder / f"{index}.png", rectangle(40, 5 * index, 3, 3))
    options = MaskOptions(paths=(still, video, folder), boxes=("-1,-2,9,9", "50,0,4,4@2-4"), **SHARP)
    masks = open_masks(options, META)
    for index in range(6):
        expected = rectangle(10, 8, 7, 5) | moving(6)[index] | rectangle(40, 5 * index, 3, 3)
        expected |= rectangle(57, 34, 9, 9) | rectangle(50, 0, 4, 4 * (2 <= index < 4))
        assert (marked(masks, index) == expected).all()


box_texts = st.tuples(st.integers(0, 50), st.integers(0, 30), st.integers(1, 16), st.integers(1, 14))


@given(st.lists(box_texts, min_size=1, max_size=5))
def test_boxes_together_are_the_union_of_boxes_apart(boxes):
    texts = [",".join(map(str, box)) for box in boxes]
    together = open_masks(MaskOptions(boxes=tuple(texts), **SHARP), META)
    apart = [open_masks(MaskOptions(boxes=(text,), **SHARP), META) for text in texts]
    assert (marked(together, 0) == np.any([marked(masks, 0) for masks in apart], axis=0)).all()


def test_inverting_fills_what_is_not_marked(still):
    masks = open_masks(MaskOptions(paths=(still,), invert=True, allow_full=True, **SHARP), META)
    assert (marked(masks, 0) == ~rectangle(10, 8, 7, 5)).all()


def test_inverting_leaves_frames_that_nothing_speaks_of(video):
    options = MaskOptions(boxes=("0,0,50%,100%@2-4",), invert=True, **SHARP)
    masks = open_masks(options, META)
    assert [masks.hole(frame(index)) is None for index in range(6)] == [True, True, False, False, True, True]
    assert (marked(masks, 2) == rectangle(34, 0, 33, HEIGHT)).all()


def test_growing_comes_after_inverting(still):
    options = MaskOptions(paths=(still,), invert=True, allow_full=True, grow=1, feather=0)
    assert (marked(open_masks(options, META), 0) == ~rectangle(11, 9, 5, 3)).all()


@pytest.mark.parametrize(("height", "grow", "feather"), [(45, 0, 0), (100, 1, 0), (480, 4, 2), (1080, 9, 4)])
def test_growth_and_feather_follow_the_height(height, grow, feather):
    masks = open_masks(MaskOptions(boxes=("5,5,9,9",)), mask_meta(height=height, frame_count=3))
    assert (masks.grow, masks.feather) == (grow, feather)


@pytest.mark.parametrize("offset", [-4, -1, 1, 3, 5])
def test_an_offset_shifts_mask_frames_against_the_video(video, still, offset):
    masks = open_masks(MaskOptions(paths=(video, still), offset=offset, **SHARP), META)
    for index in range(6):
        expected = rectangle(10, 8, 7, 5)
        expected |= moving(6)[index - offset] if 0 <= index - offset < 6 else False
        assert (marked(masks, index) == expected).all()


def test_with_an_offset_a_mask_may_be_shorter_than_the_video(tmp_path):
    path = save_video(tmp_path / "short.mkv", moving(2))
    masks = open_masks(MaskOptions(paths=(path,), offset=3, **SHARP), META)
    assert [summary is None for summary in masks.summaries] == [True, True, True, False, False, True]
    assert (marked(masks, 4) == moving(2)[1]).all()


def test_a_trimmed_run_counts_the_frames_of_the_source(video):
    part = replace(META, frame_count=3)
    options = MaskOptions(paths=(video,), boxes=("50,0,4,4@4-",), **SHARP)
    masks = open_masks(options, part, first_frame=2, is_trimmed=True)
    assert (marked(masks, 3) == moving(6)[3]).all()
    assert (marked(masks, 4) == moving(6)[4] | rectangle(50, 0, 4, 4)).all()
    assert [summary.parts[0].x for summary in masks.summaries] == [6, 9, 12]


def test_an_offset_of_a_trimmed_run_is_against_the_source_too(tmp_path):
    path = save_video(tmp_path / "short.mkv", moving(2))
    options = MaskOptions(paths=(path,), offset=3, **SHARP)
    masks = open_masks(options, replace(META, frame_count=4), first_frame=2)
    assert [summary is None for summary in masks.summaries] == [True, False, False, True]
    assert (marked(masks, 4) == moving(2)[1]).all()


def test_box_times_are_those_of_the_frames_themselves():
    masks = open_masks(MaskOptions(boxes=("5,5,9,9@0.1s-0.2s",), **SHARP), META, start_pts=9000)
    seconds = [0, 0.02, 0.1, 0.15, 0.2, 0.5]
    frames = [frame(index, 9000 + round(12800 * time)) for index, time in enumerate(seconds)]
    holes = [masks.hole(late) for late in reversed(frames)]
    assert [hole is not None for hole in holes] == [False, False, True, True, False, False]


def test_without_a_start_the_first_frame_asked_about_sets_the_clock():
    masks = open_masks(MaskOptions(boxes=("5,5,9,9@80ms-",), **SHARP), META)
    holes = [masks.hole(frame(index, 7 + 512 * index)) for index in (3, 2, 1, 0)]
    assert [hole is not None for hole in holes] == [True, True, False, False]


def test_frame_times_place_boxes_before_a_frame_is_decoded():
    times = [0.0, 0.5, 0.6, 2.0, 2.1, 9.0]
    meta = replace(META, duration_seconds=9.5)
    masks = open_masks(MaskOptions(boxes=("5,5,9,9@2s-",), **SHARP), meta, frame_times=times)
    assert [summary is not None for summary in masks.summaries] == [False] * 3 + [True] * 3
    assert masks.hole(frame(2)) is None
    assert masks.hole(frame(3)) is not None


def test_a_video_that_does_not_count_its_frames_takes_them_from_the_mask(video):
    masks = open_masks(MaskOptions(paths=(video,), **SHARP), replace(META, frame_count=None))
    assert len(masks.summaries) == 6
    with pytest.raises(MaskError, match="has 6 frames, video goes on"):
        masks.hole(frame(6))


def test_the_last_summary_stands_for_all_frames_that_follow(still):
    meta = mask_meta(height=HEIGHT, width=WIDTH)
    masks = open_masks(MaskOptions(paths=(still,), boxes=("50,0,4,4@4-8",), **SHARP), meta)
    assert [len(summary.parts) for summary in masks.summaries] == [1] * 4 + [2] * 4 + [1]
    assert (marked(masks, 500) == rectangle(10, 8, 7, 5)).all()


def test_a_mask_as_long_as_the_frames_in_the_file_fits_whatever_is_declared(video, tmp_path):
    source = save_video(tmp_path / "source.mkv", moving(6))
    for declared in (None, 9):
        meta = replace(META, source=str(source), frame_count=declared)
        assert len(open_masks(MaskOptions(paths=(video,)), meta).summaries) == 6


@pytest.mark.parametrize("count", [1, 5, 7])
def test_another_count_is_refused_where_the_file_tells_it(count, tmp_path):
    source = save_video(tmp_path / "source.mkv", moving(6))
    path = save_video(tmp_path / "m.mkv", moving(count))
    with pytest.raises(MaskError, match=rf"'m.mkv' has {count} frames?, video has 6; give one mask a frame"):
        open_masks(MaskOptions(paths=(path,)), replace(META, source=str(source), frame_count=None))


@pytest.mark.parametrize("count", [5, 7])
def test_one_mask_more_or_less_than_frames_is_an_error(tmp_path, count):
    path = save_video(tmp_path / "m.mkv", moving(count))
    with pytest.raises(MaskError, match=rf"has {count} frames, video has 6; .* --mask-offset"):
        open_masks(MaskOptions(paths=(path,)), META)


def test_a_folder_of_one_image_is_pointed_at_the_image(tmp_path):
    (tmp_path / "folder").mkdir()
    save(tmp_path / "folder" / "0.png", moving(1)[0])
    with pytest.raises(MaskError, match="has 1 frame, video has 6; pass the image itself"):
        open_masks(MaskOptions(paths=(tmp_path / "folder",)), META)


def test_a_mask_that_ends_before_the_trimmed_part_does_is_an_error(video):
    with pytest.raises(MaskError, match="has 6 frames, the part of the video ends at 7"):
        open_masks(MaskOptions(paths=(video,)), replace(META, frame_count=5), first_frame=2)


def test_another_rate_is_told_where_the_counts_differ(tmp_path):
    path = save_video(tmp_path / "m.mkv", moving(7), rate=30)
    with pytest.raises(MaskError, match="7 frames at 30 fps, video has 6 at 25 fps; convert the mask"):
        open_masks(MaskOptions(paths=(path,)), META)


def test_another_rate_with_the_same_count_is_taken_frame_by_frame(tmp_path):
    path = save_video(tmp_path / "m.mkv", moving(6), rate=Fraction(30000, 1001))
    assert len(open_masks(MaskOptions(paths=(path,)), META).summaries) == 6


def test_another_size_is_an_error(tmp_path):
    path = save(tmp_path / "m.png", np.eye(20, 30, dtype=bool))
    with pytest.raises(MaskError, match=r"^mask is 30x20, video is 67x45; pass --mask-fit resize$"):
        open_masks(MaskOptions(paths=(path,)), META)


def test_an_empty_frame_of_another_size_is_an_error_too(tmp_path, still):
    for index in range(6):
        shape = (9, 9) if index == 4 else (HEIGHT, WIDTH)
        (tmp_path / "folder").mkdir(exist_ok=True)
        save(tmp_path / "folder" / f"{index}.png", np.zeros(shape, bool))
    with pytest.raises(MaskError, match=r"folder' frame 4 is 9x9, video is 67x45"):
        open_masks(MaskOptions(paths=(still, tmp_path / "folder")), META)


@pytest.mark.parametrize("as_decoded", [False, True])
def test_masks_and_boxes_are_drawn_on_the_picture_as_shown(tmp_path, as_decoded):
    """The decoded picture is 67x45; a player shows it turned by 90 degrees, 45x67."""
    decoded = rectangle(10, 8, 7, 5)
    path = save(tmp_path / "m.png", decoded if as_decoded else np.rot90(decoded))
    meta = replace(META, rotation=Rotation(90))
    masks = open_masks(MaskOptions(paths=(path,), boxes=("0,-0,4,9",), **SHARP), meta)
    assert (marked(masks, 0) == decoded | rectangle(0, 0, 9, 4)).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("rotation", [Rotation(-180), Rotation(-90), Rotation(90, is_mirrored=True)], ids=str)
def test_a_photo_of_a_mask_is_used_as_a_viewer_shows_it(tmp_path, suffix, rotation):
    seen = rectangle(10, 8, 20, 12)
    path = save(tmp_path / f"m{suffix}", turned_back(seen, rotation=rotation))
    path.write_bytes(with_orientation(path.read_bytes(), rotation))
    masks = open_masks(MaskOptions(paths=(path,), **SHARP), META)
    assert np.abs(marked(masks, 0).astype(int) - seen).sum() <= (30 if suffix == ".jpg" else 0)  # its ringing


def test_a_mask_video_is_used_as_a_player_shows_it(tmp_path):
    """It is stored as 45x67 and shown turned by 90 degrees: 67x45."""
    decoded = np.zeros((67, 45), np.uint8)
    decoded[4:20, 6:30] = 255
    turning = (0, -65536, 0, 65536, 0, 0, 0, 0, 1073741824)
    with av.open(str(tmp_path / "m.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 67, 45, "gray"
        stream.set_display_matrix(turning)
        for number in range(META.frame_count):
            picture = av.VideoFrame.from_ndarray(decoded, format="gray")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    masks = open_masks(MaskOptions(paths=(tmp_path / "m.mkv",), **SHARP), META)
    assert (marked(masks, 0) == np.rot90(decoded > 0)).all()


def test_a_mask_is_resized_to_the_picture_as_shown(tmp_path):
    shown = np.zeros((40, 60), bool)
    shown[30:, :16] = True
    meta = replace(mask_meta(height=30, width=20, frame_count=2), rotation=Rotation(-90))
    masks = open_masks(MaskOptions(paths=(save(tmp_path / "m.png", shown),), fit="resize", **SHARP), meta)
    decoded = np.rot90(shown)[::2, ::2]
    assert (masks.hole(frame(0)).alpha_in(Box(0, 0, 20, 30)) == decoded * 255).all()


@pytest.mark.parametrize("scale", [2, 3, Fraction(1, 3)])
def test_a_mask_is_resized_when_asked(tmp_path, scale):
    meta = mask_meta(height=42, width=63, frame_count=2)
    mask = np.zeros((int(42 * scale), int(63 * scale)), bool)
    mask[int(6 * scale) : int(24 * scale), int(9 * scale) : int(30 * scale)] = True
    masks = open_masks(MaskOptions(paths=(save(tmp_path / "m.png", mask),), fit="resize", **SHARP), meta)
    assert masks.hole(frame(0)).box == Box(9, 6, 21, 18)


def test_what_covers_less_than_half_of_a_pixel_is_lost_in_resizing(tmp_path):
    mask = np.zeros((3 * HEIGHT, 3 * WIDTH), bool)
    mask[0, ::3] = mask[4, 1::3] = True  # one pixel in nine
    mask[30:33, 30:33] = True
    masks = open_masks(MaskOptions(paths=(save(tmp_path / "m.png", mask),), fit="resize", **SHARP), META)
    assert (marked(masks, 0) == rectangle(10, 10, 1, 1)).all()


@pytest.mark.parametrize(
    ("mask", "message"),
    [(0, "its brightest value is 0% of full scale"), (1, "its brightest value is 0%"), (100, "39% of full")],
)
def test_an_empty_mask_is_an_error_that_says_how_bright_it_is(tmp_path, mask, message):
    cv2.imwrite(str(tmp_path / "m.png"), np.full((HEIGHT, WIDTH), mask, np.uint8))
    with pytest.raises(MaskError, match=f"mask is empty: .*{message}"):
        open_masks(MaskOptions(paths=(tmp_path / "m.png",)), META)


def test_a_mask_moved_out_of_the_video_is_empty(video):
    with pytest.raises(MaskError, match=r"mask is empty in all frames .* --mask-offset"):
        open_masks(MaskOptions(paths=(video,), offset=6), META)


def test_a_mask_narrowed_to_nothing_is_an_error(still):
    with pytest.raises(MaskError, match="nothing is left of the mask when it is narrowed by 9 pixels"):
        open_masks(MaskOptions(paths=(still,), grow=-9), META)


def test_a_box_between_two_frames_is_an_error():
    with pytest.raises(MaskError, match="no frame that is read lies in the times of a box"):
        open_masks(MaskOptions(boxes=("5,5,9,9@45ms-70ms",)), META)


@pytest.mark.parametrize(("invert", "advice"), [(False, "pass --invert, or --yes"), (True, "drop --invert")])
def test_a_mask_of_nearly_everything_asks_whether_it_is_inverted(tmp_path, invert, advice):
    mask = rectangle(0, 0, WIDTH, 42)
    path = save(tmp_path / "m.png", ~mask if invert else mask)
    with pytest.raises(MaskError, match=f"mask covers 93% of the picture; .*{advice}"):
        open_masks(MaskOptions(paths=(path,), invert=invert), META)
    assert open_masks(MaskOptions(paths=(path,), invert=invert, allow_full=True), META).summaries[0]


def test_covering_everything_for_a_moment_is_not_suspicious(tmp_path):
    masks = open_masks(MaskOptions(boxes=("0,0,100%,100%@1-3",)), META)
    assert masks.summaries[1].pixel_count == HEIGHT * WIDTH


def test_nothing_to_fill_is_a_matter_of_usage():
    with pytest.raises(UsageError, match="pass --mask or --box"):
        MaskOptions()


def test_a_negative_feather_is_refused():
    with pytest.raises(UsageError, match="feather is -1"):
        MaskOptions(boxes=("1,1,5,5",), feather=-1)


def test_the_smallest_picture_can_be_masked():
    masks = open_masks(
        MaskOptions(boxes=("0,0,1,1",), allow_full=True), mask_meta(height=1, width=1, frame_count=1)
    )
    assert masks.hole(frame(0)).pixel_count == 1
