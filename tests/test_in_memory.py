"""Frames that are arrays: streamed, one for one, nothing but holes changed."""

import numpy as np
import pytest
from textured import panned, texture

import vrestore
from vrestore.errors import InputError, MaskError, UsageError

HEIGHT, WIDTH, COUNT = 48, 64, 9
HOLE = np.s_[18:28, 24:36]


def pictures(dtype=np.uint8, count=COUNT):
    views = panned(texture(70, 100), count=count, height=HEIGHT, width=WIDTH, step=(1.5, 0.5))
    values = [view.transpose(1, 2, 0) for view in views]
    if np.dtype(dtype).kind == "f":
        return [value.astype(dtype) for value in values]
    return [np.rint(value * np.iinfo(dtype).max).astype(dtype) for value in values]


def mask():
    marked = np.zeros((HEIGHT, WIDTH), bool)
    marked[HOLE] = True
    return marked


def spoiled(frames):
    """Return copies with the hole painted over."""
    copies = [frame.copy() for frame in frames]
    for copy in copies:
        copy[HOLE] = 0
    return copies


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_holes_are_filled_and_all_else_is_as_it_was(dtype):
    truth = pictures(dtype)
    found = list(vrestore.inpaint_frames(spoiled(truth), mask(), grow=0, feather=0, threads=1))
    assert len(found) == len(truth)
    top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    for ours, theirs in zip(found, truth, strict=True):
        assert ours.dtype == dtype
        assert np.array_equal(ours[~mask()], theirs[~mask()])
        error = (ours[HOLE].astype(float) - theirs[HOLE]) / top
        assert np.sqrt((error**2).mean()) < 0.06  # black would be 0.4 and more


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, bool])
def test_masks_of_ones_are_masks(kind):
    truth = pictures(count=4)
    found = vrestore.inpaint_frames(spoiled(truth), mask().astype(kind), threads=1, quality="draft")
    assert not any(np.array_equal(a, b) for a, b in zip(found, spoiled(truth), strict=True))


def test_what_is_under_the_mask_has_no_effect():
    truth = pictures()
    found = vrestore.inpaint_frames(spoiled(truth), mask(), threads=1, quality="draft")
    other = vrestore.inpaint_frames(truth, mask(), threads=1, quality="draft")
    assert all(np.array_equal(a, b) for a, b in zip(found, other, strict=True))


def test_a_mask_for_each_frame_lets_frames_without_one_pass():
    truth = pictures()
    masks = [mask() if index in {3, 4} else np.zeros_like(mask()) for index in range(COUNT)]
    masks = [each.astype(np.uint8) * 255 for each in masks]
    found = list(vrestore.inpaint_frames(iter(spoiled(truth)), iter(masks), grow=0, feather=0, threads=1))
    for index, (ours, theirs) in enumerate(zip(found, spoiled(truth), strict=True)):
        assert np.array_equal(ours, theirs) == (index not in {3, 4})


def test_frames_stream():
    """Far fewer frames are taken than there are before the first comes out."""
    taken = 0

    def source():
        nonlocal taken
        for frame in pictures(count=60):
            taken += 1
            yield frame

    found = vrestore.dehaze_frames(source(), method="dcp", threads=1)
    next(found)
    assert 0 < taken < 30
    assert 1 + len(list(found)) == 60


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_haze_is_cleared(dtype):
    clear = pictures(np.float64)
    top = 1 if np.dtype(dtype).kind == "f" else 255
    hazy = [(0.45 * frame + 0.55 * 0.8) * top for frame in clear]
    hazy = [frame.astype(dtype) if top == 1 else np.rint(frame).astype(dtype) for frame in hazy]
    found = list(vrestore.dehaze_frames(hazy, method="dcp", strength=100, threads=1))
    assert [frame.dtype for frame in found] == [dtype] * COUNT
    assert all(frame.std() > 1.3 * before.std() for frame, before in zip(found, hazy, strict=True))


def test_strength_0_gives_floats_back_bit_for_bit():
    frames = pictures(np.float64)
    found = vrestore.dehaze_frames(frames, method="dcp", strength=0, threads=1)
    assert all(np.array_equal(a, b) for a, b in zip(found, frames, strict=True))


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        ([], InputError, "there is no frame"),
        ([np.zeros((9, 9), np.uint8)], InputError, r"a frame is an array \(height, width, 3\), got \(9, 9\)"),
        ([np.zeros((9, 9, 3), int)], InputError, "a frame is uint8, uint16 or float in"),
        ([np.zeros((48, 64, 3), np.uint8), np.zeros((48, 60, 3), np.uint8)], InputError, "frame 1 is"),
    ],
    ids=["none", "gray", "int64", "another size"],
)
def test_frames_that_do_not_fit_are_refused(frames, error, message):
    with pytest.raises(error, match=message):
        list(vrestore.inpaint_frames(frames, mask()[: len(frames[0])] if frames else mask(), threads=1))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((HEIGHT, WIDTH), bool), "mask is empty"),
        (np.ones((5, 5), bool), "mask 0 is an array"),
        ([mask()] * (COUNT - 1), "there are 8 masks and more frames"),
        ([mask()] * (COUNT + 1), "there are 10 masks and 9 frames"),
    ],
    ids=["empty", "another size", "too few", "too many"],
)
def test_masks_that_do_not_fit_are_refused(masks, message):
    with pytest.raises(MaskError, match=message):
        list(vrestore.inpaint_frames(pictures(), masks, threads=1, quality="draft"))


def test_a_word_that_means_nothing_is_refused():
    with pytest.raises(TypeError, match="there is no option 'codec'; known are"):
        next(vrestore.inpaint_frames(pictures(), mask(), codec="ffv1"))


def test_files_are_for_files():
    with pytest.raises(UsageError, match="reveal_map is a file; frames in memory have none"):
        next(vrestore.inpaint_frames(pictures(), mask(), reveal_map="map.mp4"))
    with pytest.raises(UsageError, match="matte is a file; frames in memory have none"):
        next(vrestore.dehaze_frames(pictures(), matte="matte.mp4"))
