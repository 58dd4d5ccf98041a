import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrestore.frames import Box, Rotation
from vrestore.media.rotation import box_turned, box_turned_back, displayed_size, turned, turned_back

ANGLES = [Rotation(angle, mirrored) for angle in (0, 90, -90, 180, -180, 270) for mirrored in (False, True)]


def test_a_rotation_is_counterclockwise():
    decoded = np.array([[1, 2, 3], [4, 5, 6]])
    assert turned(decoded, rotation=Rotation(90)).tolist() == [[3, 6], [2, 5], [1, 4]]
    assert turned(decoded, rotation=Rotation(-90)).tolist() == [[4, 1], [5, 2], [6, 3]]
    assert turned(decoded, rotation=Rotation(-90, is_mirrored=True)).tolist() == decoded.T.tolist()


@pytest.mark.parametrize("rotation", [*ANGLES, Rotation(45)])
def test_turning_back_undoes_turning(rotation):
    decoded = np.arange(3 * 5 * 3).reshape(3, 5, 3)
    shown = turned(decoded, rotation=rotation)
    assert shown.shape[:2] == displayed_size(3, 5, rotation=rotation)
    assert (turned_back(shown, rotation=rotation) == decoded).all()


@given(st.sampled_from(ANGLES), st.integers(0, 5), st.integers(0, 7), st.integers(1, 3), st.integers(1, 4))
def test_a_box_turns_as_its_pixels_do(rotation, x, y, width, height):
    shown = np.zeros((11, 8), bool)
    box = Box(x, y, width, height)
    shown[box.rows, box.columns] = True
    decoded = turned_back(shown, rotation=rotation)
    found = box_turned_back(box, height=11, width=8, rotation=rotation)
    assert decoded[found.rows, found.columns].all()
    assert found.area == decoded.sum()


@pytest.mark.parametrize("rotation", [*ANGLES, Rotation(30)])
def test_a_box_is_turned_for_display_and_back(rotation):
    box = Box(3, 5, 7, 4)
    mask = np.zeros((20, 30), bool)
    mask[box.rows, box.columns] = True
    there = box_turned(box, height=20, width=30, rotation=rotation)
    shown = turned(mask, rotation=rotation)
    assert shown[there.rows, there.columns].all()
    assert shown.sum() == there.area
    height, width = shown.shape
    assert box_turned_back(there, height=height, width=width, rotation=rotation) == box
