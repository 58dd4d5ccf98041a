"""Shift-and-align: the published unit case, the definition by hand, and the tables against the definition."""

import math

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.ops.warp.align_tables import align_pairs, alignment
from vrestore.ops.warp.shift_align import Motion, end_channels, shift_align

CHANNELS, HEIGHT, WIDTH, FOLD = 11, 7, 13, 3


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def motion(pairs, height=HEIGHT, width=WIDTH, *, reach=3.0, occlusion=0.3):
    """Flow that also leaves the picture, with a share of the pixels in doubt."""
    doubts = [(torch.rand(pairs, 1, height, width) < occlusion).float() for _ in range(2)]
    return Motion(
        reach * drawn(pairs, 2, height, width, seed=1),
        reach * drawn(pairs, 2, height, width, seed=2),
        *doubts,
    )


def still(pairs, height=HEIGHT, width=WIDTH):
    return Motion(*(torch.zeros(pairs, n, height, width) for n in (2, 2, 1, 1)))


def by_tables(features, motion, *, fold, official, clip_end="zeros"):
    """The whole of shift-and-align from `align_pairs`."""
    tables = alignment(motion, *features.shape[-2:], official=official, dtype=features.dtype)
    left, right = align_pairs(features[:-1], features[1:], tables, fold=fold)
    left = torch.cat([left, end_channels(features[-1:, :fold], clip_end)])
    right = torch.cat([end_channels(features[:1, fold : 2 * fold], clip_end), right])
    return torch.cat([left, right, features[:, 2 * fold :]], dim=1)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


FORMS = pytest.mark.parametrize("form", [shift_align, by_tables], ids=["definition", "tables"])
OFFICIAL = pytest.mark.parametrize("official", [True, False], ids=["official", "ours"])


@FORMS
def test_the_published_unit_case(form):
    """As Zou et al.'s network computes it: half-pixel grid, zero border, one test for both directions."""
    frames = torch.arange(1.0, 97.0).reshape(3, 4, 2, 4)
    pairs = still(2, 2, 4)
    pairs.forward[0, 0] = 1
    pairs.forward[1, 1] = 0.5
    pairs.backward[0, 0] = -1
    pairs.backward[1, 0] = 9
    pairs.forward_doubt[0, 0, 0, 0] = 1
    pairs.backward_doubt[0, 0, 1, 1] = 1
    pairs.backward_doubt[0, 0, 1, 2] = 0.99
    aligned = form(frames, pairs, fold=1, official=True)
    expected = frames.clone()
    expected[0, 0] = torch.tensor([[1, 17.41667, 15, 4], [18.75, 19.41667, 16.66667, 8]])
    expected[0, 1] = 0
    expected[1, 0] = torch.tensor([[32.5, 65.83333, 67.16667, 34], [37, 38, 39, 40]])
    expected[1, 1] = torch.tensor([[0, 3.75, 5.08333, 44], [0, 46, 7.08333, 48]])
    expected[2, 0] = 0
    expected[2, 1] = torch.tensor([[0, 0, 0, 0], [77, 78, 79, 80]])
    np.testing.assert_allclose(aligned, expected, rtol=0, atol=1e-5)


@FORMS
def test_still_frames_are_shifted_and_nothing_else(form):
    frames = drawn(4, CHANNELS, HEIGHT, WIDTH)
    aligned = form(frames, still(3), fold=FOLD, official=False)
    assert_close(aligned[:-1, :FOLD], frames[1:, :FOLD])
    assert_close(aligned[1:, FOLD : 2 * FOLD], frames[:-1, FOLD : 2 * FOLD])
    assert torch.equal(aligned[:, 2 * FOLD :], frames[:, 2 * FOLD :])


@FORMS
def test_each_pixel_is_read_where_the_flow_says_or_keeps_its_own(form):
    """Ours, one pixel after the other: border continued for half a pixel, own beyond it, trust blends."""
    frames, pairs = drawn(2, CHANNELS, HEIGHT, WIDTH), motion(1)
    pairs.forward_doubt[0, 0, 3] = 0.25
    aligned = form(frames, pairs, fold=FOLD, official=False)
    expected = frames[0, :FOLD].double().clone()
    for y in range(HEIGHT):
        for x in range(WIDTH):
            trust = 1 - float(pairs.forward_doubt[0, 0, y, x])
            u, v = (float(value) for value in pairs.forward[0, :, y, x])
            if -0.5 <= x + u <= WIDTH - 0.5 and -0.5 <= y + v <= HEIGHT - 0.5:
                read = read_slowly(frames[1, :FOLD].double(), x + u, y + v)
                expected[:, y, x] = trust * read + (1 - trust) * expected[:, y, x]
    assert_close(aligned[0, :FOLD], expected, dtype="float32")


def read_slowly(picture, x, y):
    height, width = picture.shape[-2:]
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    left, top = math.floor(x), math.floor(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    upper = picture[:, top, left] * (1 - x + left) + picture[:, top, right] * (x - left)
    lower = picture[:, bottom, left] * (1 - x + left) + picture[:, bottom, right] * (x - left)
    return upper * (1 - y + top) + lower * (y - top)


@OFFICIAL
@pytest.mark.parametrize("clip_end", ["zeros", "own"])
@pytest.mark.parametrize(
    "size", [(HEIGHT, WIDTH), (14, 39), (1, 1)], ids=["same", "reduced", "one-pixel-flow"]
)
def test_tables_do_what_the_definition_says(official, clip_end, size):
    frames = drawn(5, CHANNELS, HEIGHT, WIDTH).relu()
    pairs = motion(4, *size)
    options = {"fold": FOLD, "official": official, "clip_end": clip_end}
    assert_close(by_tables(frames, pairs, **options), shift_align(frames, pairs, **options))


@OFFICIAL
def test_tables_do_not_depend_on_the_layout(official):
    frames, pairs = drawn(3, CHANNELS, HEIGHT, WIDTH), motion(2)
    packed = frames.contiguous(memory_format=torch.channels_last)
    strided = torch.stack([frames, frames], dim=-1)[..., 0]
    expected = by_tables(frames, pairs, fold=FOLD, official=official)
    assert torch.equal(by_tables(packed, pairs, fold=FOLD, official=official), expected)
    assert torch.equal(by_tables(strided, pairs, fold=FOLD, official=official), expected)


@OFFICIAL
def test_tables_in_bfloat16_are_near_the_definition(official):
    frames, pairs = drawn(3, CHANNELS, HEIGHT, WIDTH).bfloat16(), motion(2)
    aligned = by_tables(frames, pairs, fold=FOLD, official=official)
    assert aligned.dtype == torch.bfloat16
    assert_close(
        aligned.float(), shift_align(frames.float(), pairs, fold=FOLD, official=official), dtype="bfloat16"
    )


@OFFICIAL
def test_gradients_of_the_tables_are_those_of_the_definition(official):
    pairs = motion(2)
    gradients = []
    for form in (shift_align, by_tables):
        frames = drawn(3, CHANNELS, HEIGHT, WIDTH).requires_grad_()
        aligned = form(frames, pairs, fold=FOLD, official=official, clip_end="zeros")
        (aligned * drawn(*aligned.shape, seed=5)).sum().backward()
        gradients.append(frames.grad)
    assert_close(gradients[1], gradients[0])


@OFFICIAL
def test_doubt_leaves_every_frame_its_own(official):
    frames, pairs = drawn(3, CHANNELS, HEIGHT, WIDTH), motion(2, occlusion=1.1)
    aligned = by_tables(frames, pairs, fold=FOLD, official=official, clip_end="own")
    assert torch.equal(aligned, frames)


@OFFICIAL
@FORMS
def test_one_frame_has_only_ends(form, official):
    frames = drawn(1, CHANNELS, HEIGHT, WIDTH)
    aligned = form(frames, still(0), fold=FOLD, official=official)
    assert not aligned[:, : 2 * FOLD].any()
    assert torch.equal(aligned[:, 2 * FOLD :], frames[:, 2 * FOLD :])


def test_flow_at_full_size_moves_a_reduced_picture_as_far():
    """8 pixels of flow are 2 of a quarter; what is in doubt has no say in the mean."""
    frames = drawn(2, CHANNELS, HEIGHT, WIDTH)
    pairs = still(1, 4 * HEIGHT, 4 * WIDTH)
    pairs.forward[:, 0] = 8
    pairs.forward[..., ::2, :] = 400
    pairs.forward_doubt[..., ::2, :] = 1
    aligned = shift_align(frames, pairs, fold=FOLD, official=False)
    expected = (frames[1, :FOLD, :, 2:] + frames[0, :FOLD, :, :-2]) / 2  # half of each pixel is trusted
    assert_close(aligned[0, :FOLD, :, :-2], expected)


def test_official_flow_is_that_of_the_nearest_pixel_at_the_new_scale():
    """The upper left of 4x4 pixels counts, and its 8 pixels of flow are 2."""
    frames = drawn(2, CHANNELS, HEIGHT, WIDTH)
    pairs, same = still(1, 4 * HEIGHT, 4 * WIDTH), still(1)
    pairs.forward[:] = 400
    pairs.forward[..., ::4, ::4] = 8
    same.forward[:] = 2
    aligned = shift_align(frames, pairs, fold=FOLD, official=True)
    assert_close(aligned, shift_align(frames, same, fold=FOLD, official=True))


def test_each_direction_is_tested_by_its_own_points():
    """The published network asks the points of t+1 about t-1 as well; ours does not."""
    frames, pairs = drawn(2, CHANNELS, HEIGHT, WIDTH), still(1)
    pairs.forward[:, 0] = 2.0 * WIDTH
    aligned = shift_align(frames, pairs, fold=FOLD, official=False)
    assert torch.equal(aligned[0, :FOLD], frames[0, :FOLD])
    assert_close(aligned[1, FOLD : 2 * FOLD], frames[0, FOLD : 2 * FOLD])
    published = shift_align(frames, pairs, fold=FOLD, official=True)
    assert torch.equal(published[1, FOLD : 2 * FOLD], frames[1, FOLD : 2 * FOLD])


def test_official_doubt_short_of_one_is_trusted():
    frames, pairs = drawn(2, CHANNELS, HEIGHT, WIDTH), still(1)
    pairs.forward_doubt[:] = 0.99
    doubted = shift_align(frames, pairs, fold=FOLD, official=True)
    assert torch.equal(doubted, shift_align(frames, still(1), fold=FOLD, official=True))
