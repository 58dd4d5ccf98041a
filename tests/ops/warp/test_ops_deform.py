"""Modulated deformable convolution, against seven loops in float64."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from close import assert_close

from vrestore.ops.warp.deform import deform_conv, deform_conv_exact

FORMS = pytest.mark.parametrize("form", [deform_conv, deform_conv_exact], ids=["fast", "exact"])
GRID_ERROR = 1e-4
"""The fast form's coordinates are rounded on their way to [-1, 1] and back; worst seen here 4e-6."""


def read_slowly(picture, y, x):
    """One value of a (H, W) picture between its pixels, 0 outside."""
    height, width = picture.shape
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * picture[row, column]
    return total


def slowly(frames, offset, mask, weight, bias, *, stride=1, padding=0, dilation=1):
    """Frame, channel out, row, column, channel in, kernel row, kernel column."""
    count, channels = frames.shape[:2]
    out_channels, share, tall, wide = weight.shape
    height, width = offset.shape[-2:]
    groups = offset.shape[1] // (2 * tall * wide)
    result = np.zeros((count, out_channels, height, width))
    for n, o, row, column in np.ndindex(result.shape):
        for own in range(share):
            c = o // (out_channels // (channels // share)) * share + own
            for i, j in np.ndindex(tall, wide):
                tap = c // (channels // groups) * tall * wide + i * wide + j
                y = row * stride - padding + i * dilation + offset[n, 2 * tap, row, column]
                x = column * stride - padding + j * dilation + offset[n, 2 * tap + 1, row, column]
                amount = 1 if mask is None else mask[n, tap, row, column]
                result[n, o, row, column] += weight[o, own, i, j] * amount * read_slowly(frames[n, c], y, x)
    return result if bias is None else result + bias[:, None, None]


def case(*, count=2, channels=6, out_channels=4, size=(5, 7), kernel=(3, 3), groups=2, weight_groups=1,
         reach=2.0, stride=1, padding=1, dilation=1, dtype=torch.float64):  # fmt: skip
    """Random arguments, and the steps."""
    random = np.random.default_rng(7)
    (tall, wide), steps = kernel, {"stride": stride, "padding": padding, "dilation": dilation}
    height, width = (
        (side + 2 * padding - dilation * (taps - 1) - 1) // stride + 1
        for side, taps in zip(size, kernel, strict=True)
    )
    shapes = {
        "frames": (count, channels, *size),
        "offset": (count, 2 * groups * tall * wide, height, width),
        "mask": (count, groups * tall * wide, height, width),
        "weight": (out_channels, channels // weight_groups, tall, wide),
        "bias": (out_channels,),
    }
    values = {name: torch.from_numpy(random.normal(0, 1, shape)).to(dtype) for name, shape in shapes.items()}
    values["offset"] *= reach
    return list(values.values()), steps


CASES = {
    "plain": {},
    "one group": {"groups": 1},
    "a group for each channel": {"groups": 6},
    "three groups of weights": {"weight_groups": 3, "out_channels": 6},
    "depthwise": {"weight_groups": 6, "out_channels": 6, "groups": 3},
    "stride 2": {"stride": 2, "size": (7, 9)},
    "dilation 2": {"dilation": 2, "padding": 2},
    "stride 3 of dilation 2": {"stride": 3, "dilation": 2, "size": (11, 8)},
    "kernel 1x1": {"kernel": (1, 1), "padding": 0},
    "kernel 2x5": {"kernel": (2, 5), "padding": 2},
    "far outside": {"reach": 30.0},
    "no padding": {"padding": 0},
    "one row": {"size": (1, 9)},
    "one pixel": {"size": (1, 1)},
}


@FORMS
@pytest.mark.parametrize("name", CASES)
def test_it_is_seven_loops(form, name):
    arguments, steps = case(**CASES[name])
    expected = slowly(*(value.numpy() for value in arguments), **steps)
    assert_close(form(*arguments, **steps), expected)


@FORMS
def test_mask_and_bias_may_be_left_out(form):
    (frames, offset, _, weight, _), steps = case()
    expected = slowly(frames.numpy(), offset.numpy(), None, weight.numpy(), None, **steps)
    assert_close(form(frames, offset, None, weight, **steps), expected)


@FORMS
def test_no_frames_give_no_frames(form):
    arguments, steps = case(count=0)
    assert form(*arguments, **steps).shape == (0, 4, 5, 7)


@FORMS
def test_without_offsets_it_is_a_convolution(form):
    (frames, offset, mask, weight, bias), steps = case(stride=2, size=(7, 9))
    result = form(frames, torch.zeros_like(offset), torch.ones_like(mask), weight, bias, **steps)
    assert_close(result, F.conv2d(frames, weight, bias, stride=2, padding=1))


@FORMS
@pytest.mark.parametrize(
    ("y", "share"),
    [
        (-1.0, 0.0),
        (-0.999, 0.001),
        (-0.5, 0.5),
        (0.0, 1.0),
        (2.0, 1.0),
        (2.5, 0.5),
        (2.999, 0.001),
        (3.0, 0.0),
    ],
)
def test_values_fade_within_one_pixel_beyond_the_border(form, y, share):
    """The border values of the published operator, on a picture of three rows of ones."""
    offset = torch.zeros(1, 2, 3, 4, dtype=torch.float64)
    offset[0, 0, 0] = y
    frames = torch.ones(1, 1, 3, 4, dtype=torch.float64)
    result = form(frames, offset, None, torch.ones(1, 1, 1, 1, dtype=torch.float64))
    assert_close(result[0, 0, 0], torch.full((4,), share, dtype=torch.float64))


@FORMS
def test_arguments_may_be_views(form):
    arguments, steps = case()
    views = [value.transpose(0, -1).contiguous().transpose(0, -1) for value in arguments]
    assert not views[0].is_contiguous()
    assert_close(form(*views, **steps), form(*arguments, **steps))


@FORMS
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_an_offset_that_is_no_number_counts_as_none(form, wrong):
    (frames, offset, *others), steps = case()
    broken, mended = offset.clone(), offset.clone()
    broken[0, 3], mended[0, 3] = wrong, 0
    assert_close(form(frames, broken, *others, **steps), form(frames, mended, *others, **steps))


@FORMS
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({}, id="plain"),
        pytest.param({"stride": 2, "groups": 1}, id="stride", marks=pytest.mark.slow),
        pytest.param({"weight_groups": 2, "dilation": 2}, id="groups", marks=pytest.mark.slow),
        pytest.param({"reach": 0.2}, id="near"),
    ],
)
def test_gradients_are_those_of_small_steps(form, shape):
    """Offsets keep away from whole numbers, where the derivative jumps."""
    arguments, steps = case(count=1, channels=2, size=(3, 4), kernel=(2, 2), out_channels=2, **shape)
    whole = arguments[1].round()
    arguments[1] = whole + (arguments[1] - whole).clamp(-0.4, 0.4) + 0.05
    near = (arguments[1] - arguments[1].round()).abs() < 0.01
    arguments[1] = torch.where(near, arguments[1] + 0.03, arguments[1])
    inputs = [value.requires_grad_() for value in arguments]
    assert torch.autograd.gradcheck(lambda *values: form(*values, **steps), inputs)


@pytest.mark.parametrize("reach", [1.0, 8.0], ids=["near", "far"])
def test_the_fast_form_is_close_in_single_precision(reach):
    arguments, steps = case(count=1, channels=16, groups=4, size=(67, 101), reach=reach, dtype=torch.float32)
    arguments[3] /= math.sqrt(16 * 9)
    fast, exact = deform_conv(*arguments, **steps), deform_conv_exact(*arguments, **steps)
    np.testing.assert_allclose(fast.numpy(), exact.numpy(), atol=GRID_ERROR, rtol=GRID_ERROR)


@FORMS
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offset": (2, 36, 4, 7)}, "offset is"),
        ({"offset": (2, 8, 5, 7)}, "groups of offsets"),
        ({"mask": (2, 9, 5, 7)}, "mask is"),
        ({"weight": (4, 5, 3, 3)}, "does not divide"),
        ({"frames": (2, 6, 0, 1)}, "does not fit"),
    ],
    ids=["offset", "groups", "mask", "weight", "frames"],
)
def test_shapes_that_do_not_fit_are_refused(form, change, message):
    arguments, steps = case()
    names = ["frames", "offset", "mask", "weight", "bias"]
    for name, shape in change.items():
        arguments[names.index(name)] = torch.zeros(shape, dtype=torch.float64)
    with pytest.raises(ValueError, match=message):
        form(*arguments, **steps)


@FORMS
def test_a_stride_of_nothing_is_refused(form):
    arguments, _ = case()
    with pytest.raises(ValueError, match="stride and dilation are 1 or more"):
        form(*arguments, stride=0, padding=1)
