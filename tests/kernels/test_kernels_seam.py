"""The kernel that lets fetched colors meet their rim, against its definition."""

import pytest
import torch
from close import assert_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrestore.frames import Box
from vrestore.kernels import seam
from vrestore.kernels.launch import source_of
from vrestore.ops.filters.seam import MOST_CELLS, match_seam_gain

SURE = 0.6


def problem(hidden, rim, window, *, channels=3, seed=0):
    """Fetched colors and their confidence, what the rim shows, and points anywhere in a window."""
    random = torch.Generator().manual_seed(seed)
    corner = torch.tensor([window.x, window.y])
    size = torch.tensor([window.width, window.height])
    points = (torch.rand(hidden + rim, 2, generator=random) * size).floor() + corner
    colors = torch.rand(channels, hidden + rim, generator=random)
    known = colors[:, hidden:] + 0.2 * torch.randn(channels, rim, generator=random)
    return colors, torch.rand(hidden + rim, generator=random), known, points


def matched_by(machine, tensors, window, *, cell, sure=SURE):
    put = [machine.put(tensor) for tensor in tensors]
    return match_seam_gain(*put, window, cell=cell, sure=sure, backend=machine.backend).cpu()


def assert_as_defined(machine, tensors, window, *, cell, sure=SURE):
    expected = match_seam_gain(*tensors, window, cell=cell, sure=sure)
    assert_close(matched_by(machine, tensors, window, cell=cell, sure=sure), expected)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hidden=st.integers(0, 2000),
    rim=st.integers(0, 500),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    channels=st.sampled_from([1, 3]),
    cell=st.sampled_from([1, 4, 8]),
    seed=st.integers(0, 99),
)
def test_sizes_of_any_kind_are_covered(machine, hidden, rim, height, width, channels, cell, seed):
    window = Box(3, 11, width, height)
    tensors = problem(hidden, rim, window, channels=channels, seed=seed)
    assert_as_defined(machine, tensors, window, cell=cell)


def test_several_blocks_share_a_large_hole(machine):
    window = Box(0, 0, 700, 400)
    tensors = problem(20_000, 4_000, window)
    assert_as_defined(machine, tensors, window, cell=4)


@pytest.mark.parametrize("step", [0.5, -0.5])
@pytest.mark.parametrize("side", [1, 64])
def test_all_of_the_rim_in_one_cell_does_not_overflow(machine, step, side):
    """Sums are counted in steps: as many points as there are, and the largest difference."""
    window = Box(0, 0, side, side)
    _, _, _, points = problem(1, 64 * 64, window)
    colors = torch.full((3, len(points)), 0.5)
    tensors = colors, torch.ones(len(points)), colors[:, 1:] + step, points
    assert_as_defined(machine, tensors, window, cell=side)


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_all_of_the_rim_or_nothing_is_compared(machine, sure):
    window = Box(2, 1, 50, 40)
    tensors = problem(300, 100, window)
    assert_as_defined(machine, tensors, window, cell=4, sure=sure)


def test_it_gives_the_same_bits_again(machine):
    window = Box(0, 0, 120, 80)
    tensors = problem(3_000, 900, window)
    once, again = (matched_by(machine, tensors, window, cell=4) for _ in range(2))
    assert torch.equal(once, again)


@pytest.mark.parametrize("layout", ["points together", "coordinates together"])
def test_points_may_lie_either_way(machine, layout):
    window = Box(5, 7, 40, 30)
    colors, confidence, known, points = problem(200, 80, window)
    if layout == "coordinates together":
        points = points.T.contiguous().T
    assert_as_defined(machine, (colors, confidence, known, points), window, cell=4)


@pytest.mark.parametrize("large", ["channels", "cells"])
def test_more_than_a_block_holds_is_refused(machine, large):
    tensors = problem(20, 10, Box(0, 0, 9, 9), channels=4 if large == "channels" else 3)
    rows = 3 if large == "channels" else MOST_CELLS
    put = [machine.put(tensor) for tensor in tensors]
    how = {"left": 0, "top": 0, "rows": rows, "columns": 3, "cell": 4, "sure": SURE, "largest": 0.2}
    with pytest.raises(ValueError, match=f"{len(tensors[0])} channels on {rows} x 3 cells"):
        seam.match_seam_gain(*put, **how, runner=machine.runner)


def test_numbers_that_stand_twice_are_the_same():
    text = source_of("seam", ())
    assert f"#define MOST_CELLS {seam.MOST_CELLS}\n" in text
    assert f"#define THREADS {seam.THREADS}\n" in text
    assert seam.MOST_CELLS == MOST_CELLS
