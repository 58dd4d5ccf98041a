"""Links between neighboring patches: where points lie, and how much that can be trusted."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.device.fallback import DeviceFallback
from vrestore.flow.estimator import make_estimator
from vrestore.frames import Box
from vrestore.methods.inpaint.patches.gray import gray_without_hole
from vrestore.methods.inpaint.patches.patch import make_patch
from vrestore.methods.inpaint.propagation.correspondence import link
from vrestore.methods.inpaint.propagation.pair_flow import View, estimate_pair
from vrestore.ops.warp.consistency import Tolerance

TOLERANCE = Tolerance(pixels=3.0, softness=1.0)
CELL = 2
WORLD = np.random.default_rng(0).random((3, 60, 80)).astype(np.float32)


def view(box, hole, index=0, *, is_filled=False):
    """A patch of the world with a hole given in the world's coordinates."""
    hidden = np.zeros((box.height, box.width), bool)
    inner = hole.relative_to(box)
    hidden[inner.rows, inner.columns] = True
    patch = make_patch(index, box, WORLD[:, box.rows, box.columns] * ~hidden, hidden)
    return View(patch, gray_without_hole(patch, CELL), is_filled)


def linked(views, estimate=None, ahead=2):
    with ThreadPoolExecutor(2) as executor:
        options = {"cell": CELL, "tolerance": TOLERANCE, "executor": executor, "ahead": ahead}
        estimate = estimate or make_estimator("medium", shrunk=1)
        return list(
            link(
                iter(views),
                flow=partial(estimate_pair, estimate=estimate, cell=CELL, is_chosen=False),
                fallback=DeviceFallback(),
                **options,
            )
        )


def still(of, towards):
    return np.zeros((2, *of.shape), np.float32)


def moving(dx, dy):
    """An estimator for a camera that moves what the first patch shows by (dx, dy) pixels in the second."""
    calls = []

    def estimate(of, towards):
        calls.append(of)
        sign = 1 if len(calls) % 2 else -1
        step = np.array([dx, dy], np.float32)[:, None, None] * sign / CELL
        return np.broadcast_to(step, (2, *of.shape)).copy()

    return estimate


HOLE = Box(30, 25, 6, 5)


def test_each_patch_is_linked_to_the_one_before():
    views = [view(Box(10, 10, 50, 40), HOLE, index) for index in range(5)]
    links = linked(views, still)
    assert [each.patch for each in links] == [each.patch for each in views]
    assert links[0].from_previous is links[0].previous_from_this is None
    assert all(each.from_previous and each.previous_from_this for each in links[1:])


def test_patches_without_motion_point_at_themselves():
    views = [view(Box(10, 10, 50, 40), HOLE, index) for index in range(2)]
    step = linked(views)[1].from_previous
    assert_close(step.targets, views[1].patch.points)
    assert_close(step.trust, torch.ones(len(step.trust)))


def test_points_are_given_in_the_patch_that_is_read():
    before, after = view(Box(10, 10, 40, 36), HOLE), view(Box(16, 12, 50, 44), Box(35, 27, 6, 5), 1)
    made = linked([before, after], still)[1]
    assert_close(made.from_previous.targets, after.patch.points + torch.tensor([6.0, 2.0]))
    assert_close(made.previous_from_this.targets, before.patch.points - torch.tensor([6.0, 2.0]))


def test_points_follow_the_flow_both_ways():
    views = [view(Box(10, 10, 50, 40), HOLE, index) for index in range(2)]
    made = linked(views, moving(3.0, -2.0))[1]
    assert_close(made.previous_from_this.targets, views[0].patch.points + torch.tensor([3.0, -2.0]))
    assert_close(made.from_previous.targets, views[1].patch.points - torch.tensor([3.0, -2.0]))
    assert float(made.from_previous.trust.min()) > 0.99


def test_only_what_both_patches_show_is_compared():
    seen = []

    def estimate(of, towards):
        seen.append((of.shape, towards.shape))
        return still(of, towards)

    linked([view(Box(10, 10, 40, 36), HOLE), view(Box(16, 12, 50, 44), HOLE, 1)], estimate)
    assert seen == [((17, 17), (17, 17))] * 2


@pytest.mark.parametrize(("is_filled", "most"), [(False, 0.01), (True, 9)], ids=["guess", "filled"])
def test_the_flow_near_a_guess_is_completed_but_not_near_what_was_filled(is_filled, most):
    """The estimator is misled in the middle, where the hole is."""

    def estimate(of, towards):
        flow, (y, x) = still(of, towards), (side // 2 for side in of.shape)
        flow[:, y - 3 : y + 3, x - 3 : x + 3] = 9.0 / CELL
        return flow

    views = [view(Box(4, 2, 60, 50), HOLE, index, is_filled=is_filled) for index in range(2)]
    moved = linked(views, estimate)[1].from_previous.targets - views[1].patch.points
    assert float(moved.abs().max()) == pytest.approx(most, abs=0.01)


def test_flow_is_read_between_the_middles_of_cells():
    """A flow that grows evenly across the picture, as of a zoom, is known at every pixel."""

    def estimate(of, towards):
        sign = 1 if np.array_equal(of, views[0].gray) else -1
        flow = still(of, towards)
        flow[0] = sign * 0.02 * ((np.arange(of.shape[1]) + 0.5) * CELL - 0.5) / CELL
        return flow

    box = Box(10, 10, 50, 40)
    views = [view(box, HOLE, 0), view(box, HOLE.grown(1, height=60, width=80), 1)]
    step = linked(views, estimate)[1].previous_from_this
    x, y = views[0].patch.points.T
    assert_close(step.targets, torch.stack([1.02 * x, y], 1))


@pytest.mark.parametrize("moved", [0.0, 0.9], ids=["still", "out by a pixel"])
def test_what_lies_at_the_border_is_trusted_as_far_as_it_is_seen(moved):
    views = [view(Box(10, 10, 50, 40), Box(10, 25, 6, 5), index, is_filled=True) for index in range(2)]
    step = linked(views, moving(-moved, 0.0))[1].previous_from_this
    leaves = views[0].patch.points[:, 0] < moved
    assert not step.trust[leaves].any()
    assert float(step.trust[~leaves].min()) > 0.99
    assert bool(leaves.any()) == bool(moved)


def test_flows_that_contradict_each_other_are_not_trusted():
    def estimate(of, towards):
        return np.full((2, *of.shape), 8.0 / CELL, np.float32)

    views = [view(Box(10, 10, 50, 40), HOLE, index) for index in range(2)]
    assert not linked(views, estimate)[1].from_previous.trust.any()


def test_patches_that_do_not_meet_are_linked_without_trust():
    views = [view(Box(0, 0, 20, 20), Box(5, 5, 4, 4)), view(Box(40, 30, 20, 20), Box(45, 35, 3, 4), 1)]
    made = linked(views)[1]
    for step, each in ((made.from_previous, views[1]), (made.previous_from_this, views[0])):
        assert step.targets.shape == each.patch.points.shape
        assert not step.trust.any()


def test_a_patch_without_a_hole_has_no_points():
    views = [view(Box(10, 10, 50, 40), HOLE)]
    plain = make_patch(1, Box(10, 10, 50, 40), WORLD[:, 10:50, 10:60], np.zeros((40, 50), bool))
    made = linked([*views, View(plain, gray_without_hole(plain, CELL), is_filled=False)])[1]
    assert made.from_previous.targets.shape == (0, 2)
    assert len(made.previous_from_this.trust) == len(views[0].patch.points)


@pytest.mark.parametrize("count", [0, 1, 2, 7], ids=str)
@pytest.mark.parametrize("ahead", [0, 1, 20], ids=str)
def test_any_number_of_patches_comes_out_in_order(count, ahead):
    views = [view(Box(10, 10, 30, 30), HOLE, index) for index in range(count)]
    assert [each.patch.index for each in linked(views, still, ahead)] == list(range(count))


def test_few_patches_are_held():
    taken = []

    def views():
        for index in range(20):
            taken.append(index)
            yield view(Box(10, 10, 30, 30), HOLE, index)

    with ThreadPoolExecutor(1) as executor:
        how = {"cell": CELL, "tolerance": TOLERANCE, "executor": executor, "fallback": DeviceFallback()}
        links = link(
            views(), flow=partial(estimate_pair, estimate=still, cell=CELL, is_chosen=False), ahead=3, **how
        )
        held = [len(taken) - done for done, _ in enumerate(links)]
    assert max(held) == 4


class OddError(Exception):
    """An error that nobody knows but the test."""


def test_an_error_of_the_estimator_reaches_who_asks():
    def estimate(of, towards):
        raise OddError

    with pytest.raises(OddError):
        linked([view(Box(10, 10, 30, 30), HOLE, index) for index in range(2)], estimate)
