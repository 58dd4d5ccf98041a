"""The kernel of the membrane against its definition."""

import pytest
import torch
from close import assert_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.kernels.membrane import pyramid_size
from vrestore.ops.filters.membrane import membrane

FUZZED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def assert_as_defined(machine, values, known):
    made = membrane(machine.put(values), machine.put(known), backend=machine.backend)
    assert_close(made.cpu(), membrane(values, known))


@FUZZED
@given(
    channels=st.integers(1, 4),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_sizes_and_scattered_pixels_of_any_kind_are_covered(machine, channels, height, width, share, seed):
    assert_as_defined(
        machine, drawn(channels, height, width, seed=seed), drawn(height, width, seed=seed + 1) < share
    )


@FUZZED
@given(
    top=st.integers(0, 50),
    left=st.integers(0, 80),
    height=st.integers(1, 60),
    width=st.integers(1, 90),
    seed=st.integers(0, 99),
)
def test_holes_anywhere_are_covered(machine, top, left, height, width, seed):
    """The part around the hole is cut as the definition cuts it: its cells are others elsewhere."""
    known = torch.ones(60, 90, dtype=torch.bool)
    known[top : top + height, left : left + width] = False
    known[30, 40] = True
    assert_as_defined(machine, drawn(3, 60, 90, seed=seed), known)


def test_two_holes_are_continued_together(machine):
    known = torch.ones(40, 150, dtype=torch.bool)
    known[5:20, 3:9], known[30:, 120:149] = False, False
    assert_as_defined(machine, drawn(1, 40, 150), known)


@pytest.mark.parametrize("layout", ["other planes between", "other pixels between"])
def test_values_and_what_is_known_need_not_be_dense(machine, layout):
    known = (drawn(20, 60) < 0.4)[:, ::2]
    values = drawn(6, 20, 30)[::2] if layout == "other planes between" else drawn(3, 20, 60)[..., ::2]
    assert_as_defined(machine, values, known)


def test_values_where_nothing_is_known_are_not_read(machine):
    values, known = drawn(3, 25, 31), drawn(25, 31) < 0.5
    spoilt = torch.where(known, values, torch.nan)
    made = membrane(machine.put(spoilt), machine.put(known), backend=machine.backend)
    assert_close(made.cpu(), membrane(values, known))


def test_a_picture_without_pixels_stays_so(machine):
    made = membrane(
        machine.put(torch.zeros(3, 0, 5)),
        machine.put(torch.ones(0, 5, dtype=torch.bool)),
        backend=machine.backend,
    )
    assert made.shape == (3, 0, 5)


def test_another_shape_of_what_is_known_is_refused(machine):
    with pytest.raises(ValueError, match=r"known is \(4, 5\), expected \(4, 6\)"):
        membrane(
            machine.put(torch.zeros(1, 4, 6)),
            machine.put(torch.ones(4, 5, dtype=torch.bool)),
            backend=machine.backend,
        )


@pytest.mark.parametrize(("height", "width", "expected"), [(2, 9, 18), (3, 3, 9 + 4), (7, 5, 35 + 12 + 4)])
def test_a_pyramid_ends_at_two_lines(height, width, expected):
    assert pyramid_size(height, width) == expected
