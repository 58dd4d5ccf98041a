"""Differences at the rim continued into the hole."""

import numpy as np
import pytest
import torch
from close import assert_close
from pretend import DEVICE, pretended

from vrestore.ops.filters.seam import LARGEST_STEP, seam_offset

HEIGHT, WIDTH = 31, 45
INNER = slice(10, 19), slice(13, 30)


def ring(width=3):
    """Points of the rim around a rectangle and of the rectangle itself, (n, 2) each as x, y."""
    outer = np.zeros((HEIGHT, WIDTH), bool)
    outer[INNER[0].start - width : INNER[0].stop + width, INNER[1].start - width : INNER[1].stop + width] = (
        True
    )
    inner = np.zeros_like(outer)
    inner[INNER] = True
    return [
        torch.from_numpy(np.argwhere(mask)[:, ::-1].astype(np.float32)) for mask in (outer & ~inner, inner)
    ]


def offset(differences, rim, inner, height=HEIGHT, width=WIDTH):
    return seam_offset(differences, rim, inner, height=height, width=width, cell=4)


@pytest.mark.parametrize("values", [(0.1, -0.05, 0.0), (0.0, 0.0, 0.0)], ids=["tint", "nothing"])
def test_a_difference_that_is_the_same_all_round_is_the_offset(values):
    rim, inner = ring()
    differences = torch.tensor(values)[:, None].expand(3, len(rim))
    assert_close(offset(differences, rim, inner), torch.tensor(values)[:, None].expand(3, len(inner)))


def test_a_difference_at_one_place_reaches_everywhere():
    _, inner = ring()
    result = offset(torch.full((3, 1), 0.08), torch.tensor([[12.0, 9.0]]), inner)
    assert_close(result, torch.full((3, len(inner)), 0.08))


def test_a_slope_along_the_rim_is_continued():
    """Weighted means lag behind a slope, the less the nearer to the rim: within a sixth of its range."""
    rim, inner = ring()
    slope = 0.1 / WIDTH
    result = offset((rim[:, :1] * slope).T, rim, inner)
    assert float((result - (inner[:, :1] * slope).T).abs().max()) < 0.006  # 0.0028 seen


def test_it_is_between_the_least_and_the_greatest_difference():
    rim, inner = ring()
    differences = torch.from_numpy(np.random.default_rng(0).uniform(-0.1, 0.15, (3, len(rim)))).float()
    result = offset(differences, rim, inner)
    assert float(result.min()) >= float(differences.min())
    assert float(result.max()) <= float(differences.max())


def test_another_object_at_the_rim_counts_as_a_bounded_step():
    rim, inner = ring()
    result = offset(torch.full((1, len(rim)), 0.9), rim, inner)
    assert_close(result, torch.full((1, len(inner)), LARGEST_STEP))


def test_with_an_empty_rim_there_is_no_offset():
    _, inner = ring()
    result = offset(torch.zeros(3, 0), torch.zeros(0, 2), inner)
    assert result.shape == (3, len(inner))
    assert not result.any()


def test_with_an_empty_hole_there_are_no_offsets():
    rim, _ = ring()
    assert offset(torch.ones(3, len(rim)), rim, torch.zeros(0, 2)).shape == (3, 0)


@pytest.mark.parametrize(("height", "width"), [(1, 2), (2, 1), (3, 4), (5, 5)], ids=str)
def test_pictures_of_a_cell_or_two_have_an_offset(height, width):
    rim, inner = torch.tensor([[0.0, 0.0]]), torch.tensor([[width - 1.0, height - 1.0]])
    assert_close(offset(torch.full((3, 1), 0.1), rim, inner, height, width), torch.full((3, 1), 0.1))


@pytest.mark.parametrize("cell", [1, 2, 4, 8])
def test_on_a_device_the_offset_is_the_same(cell):
    rim, inner = ring()
    differences = torch.rand(3, len(rim), generator=torch.Generator().manual_seed(cell)) - 0.5
    how = {"height": HEIGHT, "width": WIDTH, "cell": cell}
    with pretended():
        made = seam_offset(*(each.to(DEVICE) for each in (differences, rim, inner)), **how).cpu()
    assert_close(made, seam_offset(differences, rim, inner, **how))
