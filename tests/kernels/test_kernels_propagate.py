"""The kernel of a step of propagation against its definition in float64."""

from dataclasses import replace

import pytest
import torch
from close import assert_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.kernels.propagate import fetch
from vrestore.ops.warp.propagate import LEAST_CONFIDENCE
from vrestore.ops.warp.propagate import fetch as twin

DECAY = 0.9


def problem(count, planes, height, width, *, seed=0):
    """A picture of which a part is known, targets in and around it, trust."""
    random = torch.Generator().manual_seed(seed)
    confidence = torch.rand(1, height, width, generator=random)
    confidence *= torch.rand(1, height, width, generator=random) < 0.8
    colors = torch.rand(planes - 1, height, width, generator=random)
    targets = torch.rand(count, 2, generator=random) * torch.tensor([width + 2.0, height + 2.0]) - 1.5
    return torch.cat([colors * confidence, confidence]), targets, torch.rand(count, generator=random)


def fetched_by(machine, weighted, targets, trust, sharpness=0.0, **changes):
    def runner(launch):
        machine.runner(replace(launch, **changes))

    put = [machine.put(tensor) for tensor in (weighted, targets, trust)]
    how = {"decay": DECAY, "least": LEAST_CONFIDENCE, "sharpness": sharpness}
    return [part.cpu() for part in fetch(*put, **how, runner=runner)]


def assert_as_defined(found, weighted, targets, trust, sharpness=0.0):
    """Colors of next to no confidence are a quotient of next to nothing, so they are not compared."""
    exact = [tensor.double() for tensor in (weighted, targets, trust)]
    colors, confidence = twin(*exact, decay=DECAY, sharpness=sharpness)
    is_known = confidence > 0
    assert_close(found[0] * is_known, colors * is_known, dtype=weighted.dtype)
    assert_close(found[1], confidence)


def pixels_together(weighted):
    """The same with all of a pixel side by side."""
    return weighted.permute(1, 2, 0).contiguous().permute(2, 0, 1)


LAYOUTS = [torch.Tensor.contiguous, pixels_together]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("planes", [4, 16], ids=["colors", "features"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=["planes", "pixels"])
@pytest.mark.parametrize("sharpness", [0.0, 0.7], ids=["bilinear", "sharp"])
def test_the_kernel_does_what_the_definition_says(machine, dtype, planes, layout, sharpness):
    weighted, targets, trust = problem(400, planes, 9, 23)
    weighted = layout(weighted.to(dtype))
    found = fetched_by(machine, weighted, targets, trust, sharpness)
    assert found[0].dtype == dtype
    assert (found[1] > 0).any()
    assert_as_defined(found, weighted, targets, trust, sharpness)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(0, 700),
    planes=st.integers(1, 6),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    layout=st.sampled_from(LAYOUTS),
    sharpness=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_sizes_of_any_kind_are_covered(machine, count, planes, height, width, layout, sharpness, seed):
    weighted, targets, trust = problem(count, planes, height, width, seed=seed)
    found = fetched_by(machine, layout(weighted), targets, trust, sharpness)
    assert_as_defined(found, weighted, targets, trust, sharpness)


@pytest.mark.parametrize("layout", LAYOUTS, ids=["planes", "pixels"])
def test_one_block_does_the_work_of_all(machine, layout):
    weighted, targets, trust = problem(1000, 4, 5, 7)
    one = fetched_by(machine, layout(weighted), targets, trust, blocks=1)
    all_blocks = fetched_by(machine, layout(weighted), targets, trust)
    assert all(torch.equal(a, b) for a, b in zip(one, all_blocks, strict=True))


def test_views_are_read_as_they_are(machine):
    weighted, targets, trust = problem(50, 4, 9, 8)
    views = weighted[:, 1:, ::2], targets.T.contiguous().T[3:], trust[3:]
    assert_as_defined(fetched_by(machine, *views), *views)


def test_what_does_not_fit_is_refused(machine):
    weighted, targets, trust = problem(5, 4, 6, 8)
    with pytest.raises(ValueError, match=r"trust is \(4,\), expected \(5,\)"):
        fetched_by(machine, weighted, targets, trust[1:])
