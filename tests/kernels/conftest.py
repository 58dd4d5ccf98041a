"""A kernel's tests run twice: its text built for the CPU, and compiled by CuPy on a device."""

from dataclasses import dataclass

import cuda_on_cpu
import pytest
import torch

from vrestore.kernels import runtime
from vrestore.kernels.launch import Runner
from vrestore.ops import Backend


@dataclass(frozen=True)
class Machine:
    """Where kernels run, and how."""

    device: torch.device
    runner: Runner

    def put(self, tensor):
        return tensor.to(self.device)

    @property
    def backend(self):
        """What lets operations be done by these kernels."""
        return Backend("cupy", "a test", self.runner, device_type=self.device.type)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def machine(request):
    if request.param == "cuda":
        device = torch.device("cuda", torch.cuda.current_device())
        unavailable_reason = runtime.unavailable_reason(device)
        assert unavailable_reason is None, unavailable_reason
        yield Machine(device, runtime.run)
        return
    if cuda_on_cpu.COMPILER is None:
        pytest.skip("NOT TESTED: g++ is not installed, so kernels cannot be built for the CPU")
    torch.use_deterministic_algorithms(mode=True)  # also fills new tensors, so what is not written is seen
    yield Machine(torch.device("cpu"), cuda_on_cpu.run)
    torch.use_deterministic_algorithms(mode=False)
