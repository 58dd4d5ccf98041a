"""The flow beside a hole: what shows the picture is taken, whatever it was estimated by."""

import cv2
import numpy as np
import pytest
import torch
from close import assert_close

from vrestore.flow.choose import Sight, choose_flow
from vrestore.flow.complete import RIM_PIXELS, completed, dilated

HEIGHT, WIDTH = 80, 110
SHIFT = 3


def scene(seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH + SHIFT), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5) * 2 % 255


def hole():
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[30:50, 40:70] = True
    return hidden


def pair():
    """Two pictures of a scene that moves by SHIFT to the left, the same hole blanked in both."""
    wide, hidden = scene(), hole()
    first, second = wide[:, :WIDTH].copy(), wide[:, SHIFT:].copy()
    first[hidden] = second[hidden] = 128
    return Sight(first, hidden), Sight(second, hidden)


def moved(x=-SHIFT):
    flow = torch.zeros(2, HEIGHT, WIDTH)
    flow[0] = x
    return flow


def spoiled(cells):
    """The right flow, wrong up to so many cells around the hole."""
    near = torch.from_numpy(dilated(hole(), cells)) if cells else torch.from_numpy(hole())
    return torch.where(near, moved(2.5), moved())


@pytest.mark.parametrize("cells", [0, RIM_PIXELS + 6], ids=["rim-right", "spoiled-far-out"])
def test_flow_is_right_up_to_the_hole_whether_its_rim_is_or_not(cells):
    made = choose_flow(spoiled(cells), *pair())
    beside = torch.from_numpy(dilated(hole(), 6))
    assert float((made.put_into(spoiled(cells)) - moved()).abs()[:, beside].max()) < 0.05


def test_a_rim_of_its_own_motion_is_kept_where_it_shows_so():
    """A post beside the hole stands still while all else moves: a fixed rim would throw it away."""
    first, second = pair()
    post = np.s_[20:60, 71:76]
    strip = scene(1)[post]
    first.gray[post] = second.gray[post] = strip
    flow = moved()
    flow[(0, *post)] = 0
    near = (0, slice(32, 48), slice(72, 75))
    made = choose_flow(flow, first, second).put_into(flow)
    assert float(made[near].abs().max()) < 0.3
    kept = completed(flow, torch.from_numpy(hole())).put_into(flow)
    assert float(kept[near].abs().min()) > 2


def test_what_is_hidden_has_no_say():
    first, second = pair()
    expected = choose_flow(spoiled(0), first, second).flow
    for sight in (first, second):
        sight.gray[sight.hidden] = np.random.default_rng(2).integers(0, 256, int(sight.hidden.sum()))
    assert_close(choose_flow(spoiled(0), first, second).flow, expected)


@pytest.mark.parametrize("hidden", [np.zeros, np.ones], ids=["no hole", "all hidden"])
def test_without_hole_or_surroundings_there_is_nothing_to_choose(hidden):
    sight = Sight(np.zeros((40, 40), np.uint8), hidden((40, 40), bool))
    assert choose_flow(torch.zeros(2, 40, 40), sight, sight) is None
