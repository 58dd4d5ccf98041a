"""The kernel of deformable convolution against its definition in float64."""

from dataclasses import replace

import pytest
import torch
from close import assert_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.kernels.deform import deform_conv
from vrestore.ops.warp.deform import deform_conv_exact as twin


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def problem(
    count=2,
    channels=16,
    size=(7, 9),
    *,
    outputs=6,
    groups=2,
    weight_groups=1,
    taps=(3, 2),
    stride=1,
    padding=1,
    dilation=1,
    seed=0,
):
    """Tensors of a call whose values are about 1, and its steps."""
    out = [
        (length + 2 * padding - dilation * (tap - 1) - 1) // stride + 1
        for length, tap in zip(size, taps, strict=True)
    ]
    kernel = taps[0] * taps[1]
    depth = channels // weight_groups
    tensors = (
        drawn(count, channels, *size, seed=seed),
        2 * drawn(count, 2 * groups * kernel, *out, seed=seed + 1),
        drawn(count, groups * kernel, *out, seed=seed + 2).sigmoid(),
        drawn(outputs, depth, *taps, seed=seed + 3) / (depth * kernel) ** 0.5,
        drawn(outputs, seed=seed + 4),
    )
    return tensors, {"stride": stride, "padding": padding, "dilation": dilation}


def convolved_by(machine, tensors, steps, *, column_bytes=2**28, **changes):
    def runner(launch):
        machine.runner(replace(launch, **changes))

    put = [None if tensor is None else machine.put(tensor) for tensor in tensors]
    return deform_conv(*put, **steps, column_bytes=column_bytes, runner=runner).cpu()


def convolved_by_twin(tensors, steps):
    return twin(*(None if tensor is None else tensor.double() for tensor in tensors), **steps)


@pytest.mark.parametrize(
    ("dtype", "offsets"),
    [
        (torch.float32, torch.float32),
        (torch.float16, torch.float16),
        (torch.bfloat16, torch.bfloat16),
        (torch.bfloat16, torch.float32),
    ],
    ids=["float32", "float16", "bfloat16", "exact-offsets"],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["first", "last"])
def test_the_kernel_does_what_the_definition_says(machine, dtype, offsets, layout):
    (frames, offset, mask, weight, bias), steps = problem()
    offset, mask = (part.to(offsets).contiguous(memory_format=layout) for part in (offset, mask))
    tensors = frames.to(dtype), offset, mask, weight.to(dtype), bias.to(dtype)
    result = convolved_by(machine, tensors, steps)
    assert result.dtype == dtype
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert_close(result, convolved_by_twin(tensors, steps), dtype=dtype)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(0, 2),
    groups=st.sampled_from([1, 2, 3]),
    depth=st.sampled_from([1, 2, 4]),
    weight_groups=st.sampled_from([1, 2]),
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    taps=st.sampled_from([(3, 3), (1, 1), (3, 2)]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_shapes_of_any_kind_are_covered(
    machine, count, groups, depth, weight_groups, size, taps, stride, padding, dilation, seed
):
    padding = max(padding, dilation)  # so that the kernel fits
    tensors, steps = problem(
        count,
        2 * groups * depth,
        size,
        groups=groups,
        weight_groups=weight_groups,
        taps=taps,
        stride=stride,
        padding=padding,
        dilation=dilation,
        seed=seed,
    )
    assert_close(convolved_by(machine, tensors, steps), convolved_by_twin(tensors, steps), dtype="float32")


def test_a_mask_and_a_bias_may_be_missing(machine):
    (frames, offset, _, weight, _), steps = problem()
    tensors = frames, offset, None, weight, None
    assert_close(convolved_by(machine, tensors, steps), convolved_by_twin(tensors, steps), dtype="float32")


def test_without_displacement_it_is_a_convolution(machine):
    (frames, offset, mask, weight, bias), steps = problem()
    tensors = frames, torch.zeros_like(offset), torch.ones_like(mask), weight, bias
    expected = torch.nn.functional.conv2d(frames, weight, bias, padding=1)
    assert_close(convolved_by(machine, tensors, steps), expected)


def test_columns_may_be_made_in_parts(machine):
    """10 pixels of 6 taps and 16 channels at once; neither parts nor blocks are seen in the result."""
    tensors, steps = problem()
    whole = convolved_by(machine, tensors, steps)
    assert_close(convolved_by(machine, tensors, steps, column_bytes=10 * 6 * 16 * 4), whole)
    assert_close(convolved_by(machine, tensors, steps, blocks=1), whole)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_an_offset_that_is_not_finite_counts_as_none(machine, value):
    (frames, offset, mask, weight, bias), steps = problem()
    offset[:, ::3] = value
    tensors = frames, offset, mask, weight, bias
    assert_close(convolved_by(machine, tensors, steps), convolved_by_twin(tensors, steps), dtype="float32")


def test_views_are_read_as_they_are(machine):
    (frames, offset, mask, weight, bias), steps = problem(count=3)
    transposed = [part.transpose(2, 3).contiguous().transpose(2, 3) for part in (frames, offset, mask)]
    tensors = *(part[1:] for part in transposed), weight, bias
    assert_close(convolved_by(machine, tensors, steps), convolved_by_twin(tensors, steps), dtype="float32")


@pytest.mark.parametrize(
    ("place", "shape", "words"),
    [
        (1, (2, 24, 6, 9), r"offset is \(2, 24, 6, 9\), expected \(2, 24, 7, 10\)"),
        (2, (2, 11, 7, 10), r"mask is \(2, 11, 7, 10\), expected \(2, 12, 7, 10\)"),
        (3, (6, 5, 3, 2), r"16 channels, 2 groups of offsets and weight \(6, 5, 3, 2\) do not divide"),
    ],
    ids=["offset", "mask", "weight"],
)
def test_what_does_not_fit_is_refused(machine, place, shape, words):
    tensors, steps = problem()
    wrong = [*tensors]
    wrong[place] = torch.zeros(shape)
    with pytest.raises(ValueError, match=words):
        convolved_by(machine, wrong, steps)
