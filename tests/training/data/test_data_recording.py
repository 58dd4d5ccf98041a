"""How a recording changes a scene: always another way, never its size, and the same from a seed."""

import numpy as np
import pytest
from lessons import picture_of
from textured import texture

from vrestore.training.data.recording import record

CLIP = np.stack([picture_of(texture(31, 45))] * 4)


@pytest.mark.parametrize("seed", range(12))
def test_a_recording_has_the_frames_of_the_scene(seed):
    recorded = record(np.random.default_rng(seed), CLIP)
    assert recorded.shape == CLIP.shape
    assert recorded.dtype == np.uint8


def test_a_seed_gives_the_same_recording_and_another_one_another():
    one, again, other = (record(np.random.default_rng(seed), CLIP) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_the_scene_stays_as_it_is():
    before = CLIP.copy()
    record(np.random.default_rng(0), CLIP)
    assert (before == CLIP).all()


def test_recordings_are_still_of_the_scene():
    """The order of light and dark survives: correlation above 0.8, worst seen 0.9."""
    for seed in range(12):
        recorded = record(np.random.default_rng(seed), CLIP)
        alike = np.corrcoef(recorded[0].mean(-1).ravel(), CLIP[0].mean(-1).ravel())[0, 1]
        assert alike > 0.8


def test_one_frame_and_odd_sizes_are_recorded():
    assert record(np.random.default_rng(4), CLIP[:1, :3, :1]).shape == (1, 3, 1, 3)
