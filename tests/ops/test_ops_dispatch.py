"""Choosing between torch and the kernels, and gradients where kernels are chosen."""

import cuda_on_cpu
import pytest
import torch
from close import assert_close

from vrestore import ops
from vrestore.errors import DeviceError
from vrestore.frames import Box
from vrestore.ops.dispatch import TORCH, Backend
from vrestore.ops.filters.membrane import membrane
from vrestore.ops.filters.seam import match_seam_gain
from vrestore.ops.warp.deform import deform_conv
from vrestore.ops.warp.propagate import fetch
from vrestore.ops.warp.shift_align import Motion, shift_align
from vrestore.ops.warp.warp import warp

needs_compiler = pytest.mark.skipif(
    cuda_on_cpu.COMPILER is None, reason="NOT TESTED: g++ is not installed, so kernels cannot be built"
)


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def call_warp(backend, pictures, flow):
    return warp(pictures, flow, padding="border", backend=backend)


def call_deform(backend, frames, offset, mask, weight, bias):
    return deform_conv(frames, offset, mask, weight, bias, stride=2, padding=1, backend=backend)


def call_fetch(backend, weighted, targets, trust):
    parts = fetch(weighted, targets, trust, decay=0.5, backend=backend)
    return torch.cat([part.flatten() for part in parts])


def call_seam(backend, colors, confidence, known, points):
    window = Box(0, 0, 9, 9)
    return match_seam_gain(colors, confidence, known, points, window, cell=4, sure=0.5, backend=backend)


def call_membrane(backend, values, known):
    return membrane(values, known > 0.5, backend=backend)


DIFFERENTIABLE = {
    "warp": (call_warp, [(2, 4, 5, 7), (2, 2, 5, 7)]),
    "deform": (call_deform, [(2, 4, 5, 7), (2, 36, 3, 4), (2, 18, 3, 4), (6, 4, 3, 3), (6,)]),
}
CALLS = DIFFERENTIABLE | {
    "fetch": (call_fetch, [(4, 5, 7), (9, 2), (9,)]),
    "seam": (call_seam, [(3, 9), (9,), (3, 4), (9, 2)]),
    "membrane": (call_membrane, [(2, 5, 7), (5, 7)]),
}


class Launched(list):
    """The kernels that were launched, by the CPU."""

    def run(self, launch):
        self.append(launch.kernel)
        cuda_on_cpu.run(launch)


@pytest.fixture
def launched():
    return Launched()


@pytest.fixture
def backend(launched):
    """Kernels, which the CPU runs."""
    return Backend("cupy", "a test", launched.run, device_type="cpu")


def tensors_for(name):
    return [drawn(*shape, seed=index).abs() for index, shape in enumerate(CALLS[name][1])]


@needs_compiler
@pytest.mark.parametrize("name", CALLS)
def test_both_backends_do_the_same(backend, launched, name):
    call, tensors = CALLS[name][0], tensors_for(name)
    assert_close(call(backend, *tensors), call(TORCH, *tensors))
    assert len(launched) == 1


@pytest.mark.parametrize("name", CALLS)
def test_tensors_elsewhere_are_served_by_torch(launched, name):
    call, tensors = CALLS[name][0], tensors_for(name)
    found = call(Backend("cupy", "a test", launched.run), *tensors)
    assert torch.equal(found, call(TORCH, *tensors))
    assert launched == []


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_those_of_the_definition(backend, launched, name):
    call, found = CALLS[name][0], []
    for each in (backend, TORCH):
        tensors = [tensor.requires_grad_() for tensor in tensors_for(name)]
        result = call(each, *tensors)
        (result * drawn(*result.shape, seed=9)).sum().backward()
        found.append([tensor.grad for tensor in tensors])
    assert all(map(torch.equal, *found))
    assert launched == []


@needs_compiler
def test_weights_that_nobody_differentiates_are_served_by_kernels(backend, launched):
    tensors = [tensor.requires_grad_() for tensor in tensors_for("deform")]
    with torch.inference_mode():
        call_deform(backend, *tensors)
    assert launched == ["deform"]


def test_a_mask_that_is_missing_asks_for_no_gradients(backend):
    frames, offset, _, weight, _ = tensors_for("deform")
    leaves = [tensor.requires_grad_() for tensor in (frames, offset, weight)]
    deform_conv(frames, offset, None, weight, stride=2, padding=1, backend=backend).sum().backward()
    assert all(tensor.grad is not None for tensor in leaves)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_torch_keeps_a_16_bit_type(name, dtype):
    call, tensors = CALLS[name][0], [tensor.to(dtype) for tensor in tensors_for(name)]
    result = call(TORCH, *tensors)
    assert result.dtype == dtype
    assert_close(result, call(TORCH, *(tensor.float() for tensor in tensors)), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_shift_and_align_keeps_a_16_bit_type(dtype):
    motion = Motion(*(drawn(2, count, 10, 14, seed=count).clamp(0, 3) for count in (2, 2, 1, 1)))
    features, how = drawn(3, 5, 5, 7).to(dtype), {"fold": 2, "official": False, "clip_end": "own"}
    result = shift_align(features, motion, **how)
    assert result.dtype == dtype
    assert_close(result, shift_align(features.float(), motion, **how), dtype=dtype)


def test_the_cpu_is_served_by_torch():
    backend = ops.select("cpu")
    assert (backend.name, backend.why) == ("torch", "the kernels are for CUDA, this is cpu")
    assert backend.runner is None


def test_torch_can_be_asked_for():
    assert ops.select("cuda", asked="torch").name == "torch"


def test_kernels_that_cannot_run_are_refused():
    with pytest.raises(DeviceError, match="--kernels cupy was asked for, but the kernels are for CUDA"):
        ops.select("cpu", asked="cupy")


@pytest.mark.gpu
def test_a_device_is_served_by_the_kernels():
    assert ops.select("cuda").name == "cupy"
