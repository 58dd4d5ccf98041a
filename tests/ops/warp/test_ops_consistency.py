"""Trust in a flow: there and back again, point by point in float64."""

import math

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.ops.warp.consistency import Tolerance, consistency

HEIGHT, WIDTH = 9, 13
TOLERANCE = Tolerance(pixels=2.0, softness=0.8, share=0.1)


def constant(dx, dy, height=HEIGHT, width=WIDTH):
    return torch.tensor([dx, dy], dtype=torch.float32)[:, None, None].expand(2, height, width)


def points(*pairs):
    return torch.tensor(pairs, dtype=torch.float32).reshape(-1, 2)


def trusted_slowly(point, step, back):
    """One confidence for a back flow that is the same everywhere."""
    x, y = point[0] + step[0], point[1] + step[1]
    if not (0 <= x <= WIDTH - 1 and 0 <= y <= HEIGHT - 1):
        return 0.0
    error, length = math.dist(step, (-back[0], -back[1])), math.hypot(*step)
    if error >= TOLERANCE.pixels + TOLERANCE.share * length:
        return 0.0
    return math.exp(-0.5 * (error / (TOLERANCE.softness + 0.5 * TOLERANCE.share * length)) ** 2)


def test_each_point_is_judged_as_the_formula_says():
    rng = np.random.default_rng(0)
    places = rng.uniform(0, [WIDTH - 1, HEIGHT - 1], (60, 2)).astype(np.float32)
    steps = rng.uniform(-4, 4, (60, 2)).astype(np.float32)
    back = (1.3, -0.7)
    expected = [trusted_slowly(*pair, back) for pair in zip(places.tolist(), steps.tolist(), strict=True)]
    actual = consistency(
        torch.from_numpy(places), torch.from_numpy(steps), constant(*back), tolerance=TOLERANCE
    )
    assert 0 < np.count_nonzero(expected) < 60
    assert_close(actual, expected)


def test_flows_that_undo_each_other_are_trusted_fully():
    here = points((3, 3), (6, 5), (4.5, 2.5))
    there = points((2, 1), (2, 1), (2, 1))
    assert consistency(here, there, constant(-2, -1), tolerance=TOLERANCE).tolist() == [1, 1, 1]


def test_it_is_the_same_seen_from_the_other_side():
    """For motions of equal length: what a goes wrong towards b, b goes wrong towards a."""
    one = consistency(points((6, 4)), points((1.0, 0.2)), constant(-0.2, -1.0), tolerance=TOLERANCE)
    other = consistency(points((6, 4)), points((-0.2, -1.0)), constant(1.0, 0.2), tolerance=TOLERANCE)
    assert 0 < float(one) < 1
    assert_close(one, other)


def test_the_back_flow_is_read_at_the_target():
    back = torch.zeros(2, HEIGHT, WIDTH)
    back[:, 4, 8] = torch.tensor([-5.0, -2.0])
    assert consistency(points((3, 2)), points((5, 2)), back, tolerance=TOLERANCE).tolist() == [1]
    assert consistency(points((4, 2)), points((5, 2)), back, tolerance=TOLERANCE).tolist() == [0]


@pytest.mark.parametrize("step", [(-4, 0), (10, 0), (0, -4), (0, 7)], ids=["left", "right", "up", "down"])
def test_what_leaves_the_picture_is_not_trusted(step):
    back = constant(-step[0], -step[1])
    assert consistency(points((3, 3)), points(step), back, tolerance=TOLERANCE).tolist() == [0]


def test_fast_motion_may_err_more():
    slow = consistency(points((2, 2)), points((1, 0)), constant(1.2, 0), tolerance=TOLERANCE)
    fast = consistency(points((2, 2)), points((9, 0)), constant(-6.8, 0), tolerance=TOLERANCE)
    assert float(slow) == 0
    assert float(fast) > 0


def test_no_points_have_no_trust():
    assert consistency(points(), points(), constant(0, 0), tolerance=TOLERANCE).shape == (0,)


def test_a_picture_of_one_pixel_trusts_who_stays():
    back = constant(0, 0, 1, 1)
    assert consistency(points((0, 0)), points((0, 0)), back, tolerance=TOLERANCE).tolist() == [1]
    assert consistency(points((0, 0)), points((1, 0)), back, tolerance=TOLERANCE).tolist() == [0]
