"""Clips out of photographs: a camera that moves no faster than it may, and things before it."""

import cv2
import numpy as np
import pytest
from lessons import picture_of
from textured import texture

from vrestore.training.data import camera
from vrestore.training.data.camera import draw_path, draw_scene

HEIGHT, WIDTH, COUNT = 70, 90, 7


def scene(seed, *, layers, monkeypatch, count=COUNT):
    monkeypatch.setattr(camera, "MAX_LAYERS", layers)
    photographs = iter(picture_of(texture(100, 120, seed=index)) for index in range(9))
    rng = np.random.default_rng(seed)
    return draw_scene(rng, lambda: next(photographs), count=count, height=HEIGHT, width=WIDTH)


def test_the_camera_is_no_faster_than_it_may_be():
    for seed in range(40):
        path = draw_path(
            np.random.default_rng(seed), photograph_size=(90, 90), count=20, height=HEIGHT, width=WIDTH
        )
        middles = path[:, :, :2] @ [WIDTH / 2, HEIGHT / 2] + path[:, :, 2]
        assert np.hypot(*np.diff(middles, axis=0).T).max() < 1.3 * camera.MAX_SPEED + 8 * camera.TREMOR


def test_things_cover_a_part_of_the_scene_and_move(monkeypatch):
    bare = scene(5, layers=0, monkeypatch=monkeypatch)
    covered = [scene(seed, layers=3, monkeypatch=monkeypatch) for seed in range(6)]
    assert bare.shape == (COUNT, HEIGHT, WIDTH, 3)
    alone = [scene(seed, layers=0, monkeypatch=monkeypatch) for seed in range(6)]
    shares = [(a != b).any(-1).mean() for a, b in zip(covered, alone, strict=True)]
    assert max(shares) > 0.02
    assert max(shares) < 0.9


def test_a_seed_gives_the_same_scene(monkeypatch):
    one, other = (scene(2, layers=3, monkeypatch=monkeypatch) for _ in range(2))
    assert (one == other).all()


@pytest.mark.parametrize("size", [(20, 500), (500, 20), (7, 5)], ids=str)
def test_photographs_of_any_shape_cover_the_picture(size):
    photograph = np.full((*size, 3), 200, np.uint8)
    made = draw_scene(np.random.default_rng(0), lambda: photograph, count=2, height=HEIGHT, width=WIDTH)
    assert cv2.absdiff(made, np.full_like(made, 200)).max() <= 1
