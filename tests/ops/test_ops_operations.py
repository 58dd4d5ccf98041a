"""Choosing between torch and the kernels, and gradients through either."""

import cuda_on_cpu
import pytest
import torch
from close import assert_close

from vrestore import ops
from vrestore.errors import DeviceError
from vrestore.frames import Box
from vrestore.ops.operations import ByKernels, ByTorch
from vrestore.ops.warp.consistency import Tolerance
from vrestore.ops.warp.shift_align import Motion

needs_compiler = pytest.mark.skipif(
    cuda_on_cpu.COMPILER is None, reason="NOT TESTED: g++ is not installed, so kernels cannot be built"
)


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def call_warp(operations, pictures, flow):
    return operations.warp(pictures, flow, padding="border")


def call_shift_align(operations, features):
    parts = (drawn(2, count, 10, 14, seed=count).clamp(0, 3) for count in (2, 2, 1, 1))
    motion = Motion(*(part.to(features.device) for part in parts))
    return operations.shift_align(features, motion, fold=2, official=False, clip_end="own")


def call_deform(operations, frames, offset, mask, weight, bias):
    return operations.deform_conv(frames, offset, mask, weight, bias, stride=2, padding=1)


def call_consistency(operations, points, displacement, back):
    return operations.consistency(points, displacement, back, tolerance=Tolerance(pixels=9, softness=2))


def call_fetch(operations, weighted, targets, trust):
    return torch.cat([part.flatten() for part in operations.fetch(weighted, targets, trust, decay=0.5)])


def call_matched(operations, colors, confidence, known, points):
    return operations.match_seam_gain(colors, confidence, known, points, Box(0, 0, 9, 9), cell=4, sure=0.5)


def call_membrane(operations, values, known):
    return operations.membrane(values, known > 0.5)


DIFFERENTIABLE = {
    "warp": (call_warp, [(2, 4, 5, 7), (2, 2, 5, 7)]),
    "shift_align": (call_shift_align, [(3, 5, 5, 7)]),
    "deform": (call_deform, [(2, 4, 5, 7), (2, 36, 3, 4), (2, 18, 3, 4), (6, 4, 3, 3), (6,)]),
}
CALLS = DIFFERENTIABLE | {
    "consistency": (call_consistency, [(9, 2), (9, 2), (2, 5, 7)]),
    "fetch": (call_fetch, [(4, 5, 7), (9, 2), (9,)]),
    "matched": (call_matched, [(3, 9), (9,), (3, 4), (9, 2)]),
    "membrane": (call_membrane, [(2, 5, 7), (5, 7)]),
}


@pytest.fixture
def operations():
    """By kernels, which the CPU runs."""
    return ByKernels(cuda_on_cpu.run)


@needs_compiler
@pytest.mark.parametrize("name", CALLS)
def test_both_kinds_do_the_same(operations, name):
    call, shapes = CALLS[name]
    tensors = [drawn(*shape, seed=index).abs() for index, shape in enumerate(shapes)]
    assert_close(call(operations, *tensors), call(ByTorch(), *tensors))


@needs_compiler
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_those_of_the_definition(operations, name):
    call, shapes = DIFFERENTIABLE[name]
    found = []
    for kind in (operations, ByTorch()):
        tensors = [drawn(*shape, seed=index).requires_grad_() for index, shape in enumerate(shapes)]
        result = call(kind, *tensors)
        (result * drawn(*result.shape, seed=9)).sum().backward()
        found.append([tensor.grad for tensor in tensors])
    for gradient, expected in zip(*found, strict=True):
        assert expected.any()
        assert_close(gradient, expected)


@needs_compiler
def test_only_what_asks_for_gradients_gets_them(operations):
    pictures, flow = drawn(1, 2, 5, 7), drawn(1, 2, 5, 7, seed=1).requires_grad_()
    operations.warp(pictures, flow).sum().backward()
    assert pictures.grad is None
    assert flow.grad is not None


@needs_compiler
def test_gradients_of_a_missing_mask_are_not_asked_for(operations):
    frames, offset, _, weight, _ = (
        drawn(*shape, seed=index).requires_grad_() for index, shape in enumerate(CALLS["deform"][1])
    )
    operations.deform_conv(frames, offset, None, weight, stride=2, padding=1).sum().backward()
    assert all(tensor.grad is not None for tensor in (frames, offset, weight))


@pytest.mark.parametrize("name", ["warp", "shift_align", "deform"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_torch_keeps_a_16_bit_type(name, dtype):
    call, shapes = DIFFERENTIABLE[name]
    tensors = [drawn(*shape, seed=index).to(dtype) for index, shape in enumerate(shapes)]
    result = call(ByTorch(), *tensors)
    assert result.dtype == dtype
    assert_close(result, call(ByTorch(), *(tensor.float() for tensor in tensors)), dtype=dtype)


def test_the_cpu_is_served_by_torch():
    selection = ops.select("cpu")
    assert (selection.name, selection.why) == ("torch", "the kernels are for CUDA, this is cpu")


def test_torch_can_be_asked_for():
    assert ops.select("cuda", asked="torch").name == "torch"


def test_kernels_that_cannot_run_are_refused():
    with pytest.raises(DeviceError, match="--kernels cupy was asked for, but the kernels are for CUDA"):
        ops.select("cpu", asked="cupy")


@pytest.mark.gpu
def test_a_device_is_served_by_the_kernels():
    assert ops.select("cuda").name == "cupy"


@pytest.mark.gpu
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_on_a_device_are_those_of_the_definition(name):
    call, shapes = DIFFERENTIABLE[name]
    found = []
    for kind in (ByKernels(), ByTorch()):
        leaves = [drawn(*shape, seed=index).cuda().requires_grad_() for index, shape in enumerate(shapes)]
        call(kind, *leaves).square().sum().backward()
        found.append([leaf.grad.cpu() for leaf in leaves])
    for gradient, expected in zip(*found, strict=True):
        assert_close(gradient, expected)
