"""Clips out of photographs: the camera's motion is known, and it is the motion that is seen."""

import cv2
import numpy as np
import pytest
import torch
from lessons import picture_of
from textured import texture

from vrestore.ops.warp.warp import pixel_grid, sample
from vrestore.training.data import camera
from vrestore.training.data.camera import draw_path, draw_scene, flow_along

HEIGHT, WIDTH, COUNT = 70, 90, 7


def scene(seed, *, layers, monkeypatch, count=COUNT):
    monkeypatch.setattr(camera, "MOST_LAYERS", layers)
    photographs = iter(picture_of(texture(100, 120, seed=index)) for index in range(9))
    rng = np.random.default_rng(seed)
    return draw_scene(rng, lambda: next(photographs), count=count, height=HEIGHT, width=WIDTH)


def warped(frame, flow):
    """Return `frame` read where the flow says, (H, W, 3), and where that is inside, (H, W)."""
    points = (pixel_grid(HEIGHT, WIDTH) + torch.from_numpy(flow)).flatten(1).T
    picture = torch.from_numpy(frame.astype(np.float32)).permute(2, 0, 1)
    x, y = points.T
    inside = (x >= 1) & (x <= WIDTH - 2) & (y >= 1) & (y <= HEIGHT - 2)
    read = sample(picture, points, padding="border").reshape(3, HEIGHT, WIDTH).permute(1, 2, 0)
    return read.numpy(), inside.reshape(HEIGHT, WIDTH).numpy()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", [1, -1], ids=["next", "previous"])
def test_the_next_frame_read_along_the_flow_is_this_frame(seed, step, monkeypatch):
    """Both are read from one photograph between its pixels: a mean of 3 codes at most, worst seen 1.6."""
    made = scene(seed, layers=0, monkeypatch=monkeypatch)
    for index in range(1, COUNT - 1):
        flow = flow_along(made.path, index, index + step, height=HEIGHT, width=WIDTH)
        read, inside = warped(made.frames[index + step], flow)
        assert np.abs(read - made.frames[index])[inside].mean() < 3


def test_flow_there_and_back_ends_where_it_began():
    rng = np.random.default_rng(3)
    path = draw_path(rng, photograph_size=(100, 120), count=COUNT, height=HEIGHT, width=WIDTH)
    for index in range(COUNT - 1):
        there = flow_along(path, index, index + 1, height=HEIGHT, width=WIDTH)
        back = flow_along(path, index + 1, index, height=HEIGHT, width=WIDTH)
        points = (pixel_grid(HEIGHT, WIDTH) + torch.from_numpy(there)).flatten(1).T
        returned = sample(torch.from_numpy(back), points, padding="border").T.numpy()
        x, y = points.T.numpy()
        inside = (x >= 0) & (x <= WIDTH - 1) & (y >= 0) & (y <= HEIGHT - 1)
        assert np.abs(there.reshape(2, -1).T + returned)[inside].max() < 1e-3


def test_a_frame_does_not_move_against_itself():
    path = draw_path(np.random.default_rng(0), photograph_size=(99, 98), count=3, height=HEIGHT, width=WIDTH)
    assert np.abs(flow_along(path, 1, 1, height=HEIGHT, width=WIDTH)).max() < 1e-4


def test_the_camera_is_no_faster_than_it_may_be():
    for seed in range(40):
        path = draw_path(
            np.random.default_rng(seed), photograph_size=(90, 90), count=20, height=HEIGHT, width=WIDTH
        )
        middles = path[:, :, :2] @ [WIDTH / 2, HEIGHT / 2] + path[:, :, 2]
        assert np.hypot(*np.diff(middles, axis=0).T).max() < 1.3 * camera.MOST_SPEED + 8 * camera.TREMOR


def test_things_cover_a_part_of_the_scene_and_move(monkeypatch):
    bare = scene(5, layers=0, monkeypatch=monkeypatch)
    covered = [scene(seed, layers=3, monkeypatch=monkeypatch) for seed in range(6)]
    assert bare.frames.shape == (COUNT, HEIGHT, WIDTH, 3)
    alone = [scene(seed, layers=0, monkeypatch=monkeypatch) for seed in range(6)]
    shares = [(a.frames != b.frames).any(-1).mean() for a, b in zip(covered, alone, strict=True)]
    assert max(shares) > 0.02
    assert max(shares) < 0.9


def test_a_seed_gives_the_same_scene(monkeypatch):
    one, other = (scene(2, layers=3, monkeypatch=monkeypatch) for _ in range(2))
    assert (one.frames == other.frames).all()
    assert (one.path == other.path).all()


@pytest.mark.parametrize("size", [(20, 500), (500, 20), (7, 5)], ids=str)
def test_photographs_of_any_shape_cover_the_picture(size):
    photograph = np.full((*size, 3), 200, np.uint8)
    made = draw_scene(np.random.default_rng(0), lambda: photograph, count=2, height=HEIGHT, width=WIDTH)
    assert cv2.absdiff(made.frames, np.full_like(made.frames, 200)).max() <= 1
