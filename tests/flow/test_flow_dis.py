"""Motion between two pictures."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from textured import panned, texture

from vrestore.flow.dis import LEAST_SIDE, DisFlow
from vrestore.methods.inpaint.patches.patch import gray


def pair(step, *, height=75, width=101, seed=0):
    """Two gray pictures from a camera that moves by `step`."""
    import torch

    world = texture(height + 40, width + 40, seed=seed)
    first, second = panned(world, count=2, height=height, width=width, step=step)
    return gray(torch.from_numpy(first)).numpy(), gray(torch.from_numpy(second)).numpy()


@pytest.mark.parametrize("preset", ["fast", "medium"])
@pytest.mark.parametrize("step", [(0.0, 0.0), (4.0, 2.0), (1.5, 0.5)], ids=str)
def test_a_translation_is_found(step, preset):
    """A pixel at p in the first picture lies at p - step in the second."""
    flow = DisFlow(preset)(*pair(step))
    inner = flow[:, 12:-12, 12:-12]
    assert np.abs(inner.mean((1, 2)) + step).max() < 0.1  # 0.03 seen
    assert np.median(np.abs(inner + np.array(step)[:, None, None])) < 0.1


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (1, 40), (40, 1), (3, 5), (LEAST_SIDE - 1, 200), (LEAST_SIDE, LEAST_SIDE), (25, 31)],
    ids=str,
)
def test_any_size_has_a_flow_of_that_size(height, width):
    flow = DisFlow()(*pair((1.0, 0.0), height=height, width=width))
    assert (flow.shape, flow.dtype) == ((2, height, width), np.float32)
    assert flow.flags.c_contiguous
    assert np.isfinite(flow).all()


def test_cuts_out_of_larger_pictures_are_taken():
    first, second = pair((2.0, 0.0))
    part = np.s_[10:60, 20:90]
    expected = DisFlow()(first[part].copy(), second[part].copy())
    assert (DisFlow()(first[part], second[part]) == expected).all()


@pytest.mark.parametrize("preset", ["ultrafast", "fast", "medium"])
def test_an_estimator_keeps_nothing_between_calls(preset):
    """Whatever sizes it has seen: a thread may get any part of any video next."""
    sizes = [(75, 101), (61, 83), (120, 160), (60, 80), (33, 47), (119, 161)]
    pairs = [pair((2.0, 1.0), height=h, width=w, seed=index) for index, (h, w) in enumerate(sizes)]
    estimate = DisFlow(preset)
    for each in pairs:
        assert (estimate(*each) == DisFlow(preset)(*each)).all()


def test_threads_find_what_one_finds():
    pairs = [pair((float(index), 1.0), seed=index) for index in range(4)] * 3
    alone = DisFlow()
    expected = [alone(*each) for each in pairs]
    shared = DisFlow()
    with ThreadPoolExecutor(2) as executor:
        found = list(executor.map(lambda each: shared(*each), pairs))
    assert all((a == b).all() for a, b in zip(found, expected, strict=True))
