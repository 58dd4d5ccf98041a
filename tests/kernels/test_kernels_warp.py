"""The warp kernel against its definition in float64."""

from dataclasses import replace

import pytest
import torch
from close import assert_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.kernels.warp import warp
from vrestore.ops.warp.warp import warp as twin

TYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
LAYOUTS = pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
PADDINGS = pytest.mark.parametrize("padding", ["zeros", "border"])
SIZE = (2, 16, 7, 21)
"""More than a tile each way, and channels that fill a word of any type."""


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pair(size=SIZE, *, reach=3.0, seed=0):
    count, _, height, width = size
    return drawn(*size, seed=seed), reach * drawn(count, 2, height, width, seed=seed + 1)


def warped_by(machine, pictures, flow, *, padding="zeros", **changes):
    """Warp by the kernel, its launch changed."""
    runner = machine.runner
    if changes:
        runner = lambda launch: machine.runner(replace(launch, **changes))  # noqa: E731
    result = warp(machine.put(pictures), machine.put(flow), padding=padding, runner=runner)
    return result.cpu()


@TYPES
@LAYOUTS
@PADDINGS
def test_the_kernel_does_what_the_definition_says(machine, dtype, layout, padding):
    pictures, flow = pair()
    pictures = pictures.to(dtype).contiguous(memory_format=layout)
    result = warped_by(machine, pictures, flow, padding=padding)
    assert result.dtype == dtype
    assert result.is_contiguous(memory_format=layout)
    assert_close(result, twin(pictures.double(), flow.double(), padding=padding), dtype=dtype)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.tuples(*(st.integers(*bounds) for bounds in ((1, 3), (1, 19), (2, 9), (2, 35)))),
    reach=st.sampled_from([0.0, 0.5, 5.0, 500.0]),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
    padding=st.sampled_from(["zeros", "border"]),
    seed=st.integers(0, 99),
)
def test_sizes_of_any_kind_are_covered(machine, size, reach, layout, padding, seed):
    """From 2 pixels on: along an axis of one, `grid_sample` knows no displacement, and the kernel does."""
    pictures, flow = pair(size, reach=reach, seed=seed)
    pictures = pictures.contiguous(memory_format=layout)
    result = warped_by(machine, pictures, flow, padding=padding)
    assert_close(result, twin(pictures.double(), flow.double(), padding=padding), dtype="float32")


@LAYOUTS
def test_one_block_does_the_work_of_all(machine, layout):
    pictures, flow = pair()
    pictures = pictures.contiguous(memory_format=layout)
    assert torch.equal(warped_by(machine, pictures, flow, blocks=1), warped_by(machine, pictures, flow))


@LAYOUTS
def test_offsets_may_be_of_64_bits(machine, layout):
    pictures, flow = pair()
    pictures = pictures.contiguous(memory_format=layout)
    vector = 4 if layout == torch.channels_last else 1
    defines = (("ELEMENT", "float"), ("VECTOR", vector), ("INDEX", "long long"))
    assert torch.equal(
        warped_by(machine, pictures, flow, defines=defines), warped_by(machine, pictures, flow)
    )


@TYPES
def test_views_and_odd_addresses_are_read_as_they_are(machine, dtype):
    """Channels of a channels-last picture, rows from the second on, flow turned on its side."""
    base = drawn(3, 9, 21, 20, seed=3).to(dtype)
    pictures = base.permute(0, 3, 1, 2)[1:, 1:12]
    flow = drawn(2, 2, 21, 9, seed=4).transpose(2, 3)
    assert not pictures.is_contiguous(memory_format=torch.channels_last)
    result = warped_by(machine, pictures, flow)
    assert_close(result, twin(pictures.double(), flow.double()), dtype=dtype)


def test_a_dense_picture_at_an_odd_address_is_read_in_smaller_words(machine):
    """Channels would allow words of 16 bytes, the address 4."""
    base = drawn(1 + SIZE[0] * SIZE[1] * SIZE[2] * SIZE[3])
    pictures = base[1:].view(SIZE[0], SIZE[2], SIZE[3], SIZE[1]).permute(0, 3, 1, 2)
    flow = pair()[1]
    launches = []

    def watched(launch):
        launches.append(launch)
        machine.runner(launch)

    result = warp(
        machine.put(base)[1:].as_strided(SIZE, pictures.stride(), 1), machine.put(flow), runner=watched
    )
    assert dict(launches[0].defines)["VECTOR"] == 1
    assert_close(result, twin(pictures.double(), flow.double()), dtype="float32")


def test_far_away_the_fraction_of_a_flow_is_kept(machine):
    """A coordinate of 20,000.1 in float32 is 0.0006 off; the kernel adds the whole part as an integer."""
    width = 20_011
    pictures, flow = drawn(1, 1, 1, width), torch.full((1, 2, 1, width), 0.1)
    flow[:, 1] = 0
    result = warped_by(machine, pictures, flow)
    assert_close(result, twin(pictures.double(), flow.double()), dtype="float32")


@LAYOUTS
@pytest.mark.parametrize("flow_value", [float("inf"), float("-inf"), float("nan"), 3e38])
def test_what_is_nowhere_reads_nothing(machine, layout, flow_value):
    pictures, flow = drawn(1, 4, 3, 5).contiguous(memory_format=layout), torch.full((1, 2, 3, 5), flow_value)
    assert not warped_by(machine, pictures, flow).any()


@LAYOUTS
def test_what_is_outside_is_not_read(machine, layout):
    """Pixels that are no numbers do not leak from the border to places beyond it."""
    pictures = torch.full((1, 4, 3, 5), torch.nan).contiguous(memory_format=layout)
    assert not warped_by(machine, pictures, torch.full((1, 2, 3, 5), -7.5)).any()


@pytest.mark.parametrize("size", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 0, 5)])
def test_nothing_is_warped_to_nothing(machine, size):
    count, _, height, width = size
    result = warped_by(machine, torch.zeros(size), torch.zeros(count, 2, height, width))
    assert tuple(result.shape) == size


def test_arrays_of_other_libraries_are_taken_where_they_lie(machine):
    """NumPy's arrays offer DLPack as CuPy's do."""
    pictures, flow = pair()
    launches = []
    arrays = pictures.numpy(), flow.numpy()

    def watched(launch):
        launches.append(launch)
        if launch.device == machine.device:
            machine.runner(launch)

    warp(*arrays, runner=watched)
    assert [value.data_ptr() for value in launches[0].arguments[:2]] == [a.ctypes.data for a in arrays]


def test_a_result_can_be_taken_by_dlpack_without_a_copy(machine):
    result = warp(*(machine.put(tensor) for tensor in pair()), runner=machine.runner)
    assert torch.from_dlpack(result).data_ptr() == result.data_ptr()


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ((1, 2, 4, 6), torch.float32, r"flow is \(1, 2, 4, 6\), expected \(1, 2, 4, 5\)"),
        ((1, 2, 4, 5), torch.float64, r"pictures is torch.float64, the kernels take float32"),
    ],
)
def test_what_does_not_fit_is_refused(machine, shape, dtype, words):
    with pytest.raises(ValueError, match=words):
        warp(torch.zeros(1, 3, 4, 5, dtype=dtype), torch.zeros(shape), runner=machine.runner)


@pytest.mark.gpu
@pytest.mark.slow
@LAYOUTS
def test_pictures_of_more_than_2_31_elements_are_warped(layout):
    """One of 2.2 thousand million, moved by one pixel."""
    pictures = torch.randn(1, 3, 27_000, 27_000, device="cuda", dtype=torch.bfloat16)
    pictures = pictures.contiguous(memory_format=layout)
    flow = torch.zeros(1, 2, 27_000, 27_000, device="cuda")
    flow[:, 0] = 1
    assert torch.equal(warp(pictures, flow)[..., :-1], pictures[..., 1:])
