"""Estimators by name: each finds how far a picture has moved."""

import numpy as np
import pytest
from textured import panned, texture

from vrestore.flow.cells import mean_of_cells
from vrestore.flow.estimator import ESTIMATORS, make_estimator


def pair():
    """A texture and what a camera that has moved by (3, 2) sees of it, in gray."""
    views = panned(texture(120, 160), count=2, height=90, width=120, step=(3.0, 2.0))
    first, second = (np.rint(255 * view.mean(0)).astype(np.uint8) for view in views)
    return first, second


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_finds_how_far_a_picture_has_moved(name):
    flow = make_estimator(name)(*pair())
    assert flow.shape == (2, 90, 120)
    assert flow.dtype == np.float32
    assert np.abs(np.median(flow, (1, 2)) - (-3.0, -2.0)).max() < 0.5


@pytest.mark.parametrize("name", ESTIMATORS)
def test_in_cells_flow_counts_in_cells(name):
    flow = make_estimator(name, scale=1, shrunk=1)(*(mean_of_cells(each, 2) for each in pair()))
    assert flow.shape == (2, 45, 60)
    assert np.abs(np.median(flow, (1, 2)) - (-1.5, -1.0)).max() < 0.5
