"""What launchers share: words, addresses, offsets; and what keeps kernels from running."""

from dataclasses import replace

import cuda_on_cpu
import pytest
import torch

from vrestore.kernels import runtime
from vrestore.kernels.launch import index_of, lanes_for, source_of, tiles_of, vector_of
from vrestore.kernels.propagate import fetch
from vrestore.kernels.warp import CHANNELS, TILE, warp


@pytest.mark.parametrize(
    ("dtype", "dividing", "expected"),
    [
        (torch.float32, (64,), 4),
        (torch.bfloat16, (64,), 8),
        (torch.bfloat16, (64, 12), 4),
        (torch.bfloat16, (6,), 2),
        (torch.float16, (7,), 1),
    ],
)
def test_words_are_as_large_as_the_counts_allow(dtype, dividing, expected):
    assert vector_of(torch.zeros(64, dtype=dtype), dividing=dividing) == expected


@pytest.mark.parametrize(("skipped", "expected"), [(8, 8), (4, 4), (2, 2), (1, 1)])
def test_words_are_as_large_as_the_address_allows(skipped, expected):
    assert vector_of(torch.zeros(64, dtype=torch.bfloat16)[skipped:], dividing=(8,)) == expected


@pytest.mark.parametrize(("elements", "expected"), [(2**31 - 1, "int"), (2**31, "long long")])
def test_offsets_are_of_64_bits_where_32_do_not_do(elements, expected):
    assert index_of(elements) == expected


def test_large_pictures_are_launched_with_offsets_of_64_bits():
    """Nothing is allocated: expanded from one element, and the launch is only looked at."""
    launches = []
    pictures = torch.zeros(1).expand(1, 1, 46341, 46341)
    flow = torch.zeros(1).expand(1, 2, 46341, 46341)
    for dtype in (torch.float32, torch.bfloat16):
        meta = [tensor.to("meta", dtype) for tensor in (pictures, flow)]
        warp(*meta, runner=launches.append)
    assert [dict(launch.defines)["INDEX"] for launch in launches] == ["long long", "long long"]


@pytest.mark.parametrize("vectors", [1, 3, 32, 100])
def test_a_block_is_within_its_bound(vectors):
    lanes, pixels = lanes_for(vectors, most=32)
    assert lanes <= 32
    assert 128 < lanes * pixels <= 256


def test_tiles_cover_a_picture():
    assert [tiles_of(height, width, (4, 16)) for height, width in ((4, 16), (5, 17), (1, 1))] == [1, 4, 1]


def test_numbers_that_stand_twice_are_the_same():
    """A launcher counts the tiles that its kernel takes."""
    for kernel in ("warp", "shift_align"):
        text = source_of(kernel, ())
        assert f"#define TILE_HEIGHT {TILE[0]}\n" in text
        assert f"#define TILE_WIDTH {TILE[1]}\n" in text
    assert f"#define CHANNELS {CHANNELS}\n" in source_of("warp", ())


def test_kernels_say_that_they_need_cuda():
    assert runtime.unavailable_reason(torch.device("cpu")) == "the kernels are for CUDA, this is cpu"


def test_tensors_elsewhere_are_not_launched():
    with pytest.raises(ValueError, match="kernels run on CUDA, the tensors are on cpu"):
        warp(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2, 2))


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason="NOT TESTED: g++ is not installed")
def test_a_kernel_that_writes_beside_its_tensors_is_caught():
    """It is told of one point more than there are."""

    def runner(launch):
        *tensors, count, planes, height, width, decay, least, sharpness = launch.arguments
        rest = count + 1, planes, height, width, decay, least, sharpness
        cuda_on_cpu.run(replace(launch, arguments=(*tensors, *rest)))

    with pytest.raises(AssertionError, match="the kernel wrote beside its tensor"):
        fetch(torch.ones(3, 4, 5), torch.zeros(3, 2), torch.ones(3), decay=1, least=0, runner=runner)


@pytest.mark.gpu
def test_kernels_run_on_the_stream_of_torch():
    """What is computed on a stream of one's own is used there without waiting for others."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        pictures = torch.randn(4, 64, 256, 256, device="cuda").cumsum(0)
        result = warp(pictures, torch.zeros(4, 2, 256, 256, device="cuda"))
        same = (result == pictures).all()
    stream.synchronize()
    assert bool(same)


@pytest.mark.gpu
def test_all_memory_is_that_of_torch():
    import cupy

    pictures = torch.randn(4, 64, 64, 64, device="cuda")
    warp(pictures, torch.zeros(4, 2, 64, 64, device="cuda"))
    assert cupy.get_default_memory_pool().total_bytes() == 0
