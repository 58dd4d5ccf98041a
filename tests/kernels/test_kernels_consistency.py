"""The consistency kernel against its definition in float64."""

from dataclasses import asdict, replace

import pytest
import torch
from close import assert_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.kernels.consistency import consistency
from vrestore.ops.warp.consistency import Tolerance
from vrestore.ops.warp.consistency import consistency as twin

TOLERANCE = Tolerance(pixels=2.0, softness=0.8, share=0.1)


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def problem(count, height, width, *, seed=0):
    """Points in and around a picture, steps, and a way back that nearly undoes them."""
    size = torch.tensor([width + 2.0, height + 2.0])
    points = torch.rand(count, 2, generator=torch.Generator().manual_seed(seed)) * size - 1.5
    step = torch.tensor([1.25, -0.75])
    back = -step[:, None, None] + drawn(2, height, width, seed=seed + 1)
    return points, step + 0.3 * drawn(count, 2, seed=seed + 2), back


def judged_by(machine, points, displacement, back, **changes):
    def runner(launch):
        machine.runner(replace(launch, **changes))

    put = [machine.put(tensor) for tensor in (points, displacement, back)]
    return consistency(*put, **asdict(TOLERANCE), runner=runner).cpu()


def judged_by_twin(*tensors):
    return twin(*(tensor.double() for tensor in tensors), tolerance=TOLERANCE)


def on_its_side(back):
    """The same flow with both its parts beside each other, as estimators give it."""
    return back.permute(1, 2, 0).contiguous().permute(2, 0, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.Tensor.contiguous, on_its_side], ids=["planes", "pairs"])
def test_the_kernel_does_what_the_definition_says(machine, dtype, layout):
    points, displacement, back = problem(400, 9, 23)
    back = layout(back.to(dtype))
    expected = judged_by_twin(points, displacement, back)
    assert 0.2 < (expected > 0).double().mean() < 0.9
    assert_close(judged_by(machine, points, displacement, back), expected)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(0, 700),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    layout=st.sampled_from([torch.Tensor.contiguous, on_its_side]),
    seed=st.integers(0, 99),
)
def test_sizes_of_any_kind_are_covered(machine, count, height, width, layout, seed):
    points, displacement, back = problem(count, height, width, seed=seed)
    result = judged_by(machine, points, displacement, layout(back))
    assert_close(result, judged_by_twin(points, displacement, back), dtype="float32")


def test_one_block_does_the_work_of_all(machine):
    tensors = problem(1000, 5, 7)
    assert torch.equal(judged_by(machine, *tensors, blocks=1), judged_by(machine, *tensors))


def test_views_are_read_as_they_are(machine):
    points, displacement, back = problem(50, 6, 8)
    views = points.T.contiguous().T[3:], displacement[3:], back[:, 1:, ::2]
    assert_close(judged_by(machine, *views), judged_by_twin(*views))


def test_what_does_not_fit_is_refused(machine):
    points, displacement, back = problem(5, 6, 8)
    with pytest.raises(ValueError, match=r"displacement is \(4, 2\), expected \(5, 2\)"):
        judged_by(machine, points, displacement[1:], back)
