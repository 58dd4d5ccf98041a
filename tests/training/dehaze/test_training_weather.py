"""Haze that is drawn: it follows the law, drifts, moves with the wind, and the same numbers draw the same."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from clips import write_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import draw_data, picture_of
from textured import texture

from vrestore.training.dehaze.layered_depth import layered_depth
from vrestore.training.dehaze.scenes import Scenery, read_recordings
from vrestore.training.dehaze.weather import DISPLAY_GAMMA, Weather, add_haze, density_for, draw_weather

PLAIN = Weather(density=0.8, air=(0.8, 0.85, 0.9))


def clip(count=3, height=40, width=56, *, seed=0):
    """A still clip (T, H, W, 3) and a depth that grows to the right."""
    picture = texture(height, width, seed=seed).transpose(1, 2, 0)
    depth = np.tile(np.linspace(0.3, 2, width, dtype=np.float32), (count, height, 1))
    return np.repeat(picture[None], count, 0), depth


def test_plain_haze_is_the_scattering_law_in_eight_bits():
    clear, depth = clip()
    hazed = add_haze(clear, depth, PLAIN)
    t = np.exp(-0.8 * depth.astype(np.float64))[..., None]
    expected = clear * t + np.array(PLAIN.air) * (1 - t)
    assert np.abs(hazed.pictures - expected).max() <= 0.5 / 255 + 1e-6
    np.testing.assert_allclose(hazed.transmission, t[..., 0], rtol=1e-5)
    np.testing.assert_allclose(hazed.air, np.tile(PLAIN.air, (3, 1)), rtol=1e-6)


def test_linear_haze_is_the_law_before_the_display_curve():
    clear, depth = clip()
    hazed = add_haze(clear, depth, replace(PLAIN, is_linear=True))
    t = np.exp(-0.8 * depth.astype(np.float64))[..., None]
    light = clear.astype(np.float64) ** DISPLAY_GAMMA * t + np.array(PLAIN.air) ** DISPLAY_GAMMA * (1 - t)
    assert np.abs(hazed.pictures - light ** (1 / DISPLAY_GAMMA)).max() <= 0.5 / 255 + 1e-5


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_any_weather_gives_pictures_that_can_be_shown(seed):
    random = np.random.default_rng(seed)
    clear, depth = clip()
    hazed = add_haze(clear, depth, draw_weather(random, depth))
    assert hazed.pictures.shape == clear.shape
    for values in (hazed.pictures, hazed.transmission, hazed.air):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1


def test_the_same_weather_gives_the_same_haze():
    clear, depth = clip()
    weather = draw_weather(np.random.default_rng(5), depth)
    one, other = (add_haze(clear, depth, weather) for _ in range(2))
    assert (one.pictures == other.pictures).all()


@pytest.mark.parametrize("wanted", [0.15, 0.5, 0.9])
def test_a_density_is_found_for_a_mean_transmission(wanted):
    _, depth = clip()
    assert np.exp(-density_for(depth, wanted) * depth).mean() == pytest.approx(
        wanted, abs=0.02
    )  # every fourth place is looked at


def test_density_and_air_drift_slowly():
    clear, depth = clip(count=12)
    hazed = add_haze(clear, depth, replace(PLAIN, drifts=True))
    change = np.abs(np.diff(hazed.transmission.mean((1, 2))))
    assert 0 < change.max() < 0.03
    assert 0 < np.abs(np.diff(hazed.air, axis=0)).max() < 0.02


def test_smoke_is_uneven_and_moves_with_the_wind():
    clear, _ = clip(count=9)
    flat = np.ones((9, 40, 56), np.float32)
    weather = replace(PLAIN, smoke=0.6, smoke_size=0.5, wind=(0.1, 0.0))
    smoke = add_haze(clear, flat, weather).transmission
    assert smoke[0].std() > 0.03
    moved = np.roll(smoke[0], 4, axis=1)  # a tenth of 40 lines a frame
    stays, goes = (np.abs(smoke[1] - each)[:, 8:-8].mean() for each in (smoke[0], moved))
    assert goes < 0.6 * stays


@pytest.mark.parametrize(
    "change", [{"noise": 0.02}, {"jpeg_quality": 40}, {"glow": 0.5}], ids=["noise", "codec", "glow"]
)
def test_what_the_camera_adds_comes_on_top_of_the_haze(change):
    clear, depth = clip()
    clear[:, 10:14, 10:14] = 1
    plain, other = (add_haze(clear, depth, replace(PLAIN, **each)) for each in ({}, change))
    assert np.abs(plain.pictures - other.pictures).mean() > 1e-4
    assert (plain.transmission == other.transmission).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_depth_is_made_up_for_any_picture(seed):
    pictures = np.stack([texture(40, 56, seed=seed).transpose(1, 2, 0)] * 2)
    depth = layered_depth(pictures, np.random.default_rng(seed))
    assert depth.shape == (2, 40, 56)
    assert depth.min() > 0
    assert depth.mean() == pytest.approx(1, rel=0.05)
    assert (depth[0] == depth[1]).all()  # what looks the same is as far


def test_a_plain_sky_is_the_farthest():
    picture = np.concatenate(
        [np.full((20, 56, 3), (0.6, 0.75, 0.95)), texture(30, 56).transpose(1, 2, 0) * 0.5]
    )
    found = 0
    for seed in range(8):
        depth = layered_depth(picture[None].astype(np.float32), np.random.default_rng(seed))[0]
        found += depth[:12].min() > depth[24:].max()
    assert found >= 5  # four of five are given one


@pytest.fixture
def folder(tmp_path):
    """Photographs, a clip, a recording of 13 frames with depth, and two stills with it."""
    data = draw_data(tmp_path / "data", stills=3)
    own = data / "rgbd" / "room"
    (own / "depth").mkdir(parents=True)
    picture = picture_of(texture(60, 80, seed=9))
    write_pictures(own / "color.mp4", [picture] * 13, codec="libx264", layout="yuv420p")
    codes = np.full((60, 80), 1500, np.uint16)
    codes[:, 40:] = 3000
    codes[20:30, 50:60] = 0
    for index in range(13):
        cv2.imwrite(str(own / "depth" / f"{index:05}.png"), codes)
    stills = data / "rgbd" / "stills"
    for place in ("color", "depth", "depth_filled"):
        (stills / place).mkdir(parents=True)
    for index in range(2):
        cv2.imwrite(str(stills / "color" / f"{index:05}.jpg"), picture)
        cv2.imwrite(str(stills / "depth" / f"{index:05}.png"), codes)
        cv2.imwrite(
            str(stills / "depth_filled" / f"{index:05}.png"),
            np.full((60, 80), 1500 + 3000 * index, np.uint16),
        )
    return data


def test_a_recording_is_read_in_metres_without_gaps(folder):
    (recording,) = read_recordings(folder / "rgbd" / "room")
    assert recording.pictures.shape == (13, 60, 80, 3)
    assert np.unique(recording.depth).tolist() == [1.5, 3.0]
    assert (recording.depth[:, 20:30, 50:60] == 3.0).all()


def test_the_last_frames_of_a_recording_are_kept_back(folder):
    assert len(read_recordings(folder / "rgbd" / "room", 5)[0].depth) == 8
    assert len(read_recordings(folder / "rgbd" / "room", 12)[0].depth) == 7  # half is always learnt from
    scenery = Scenery.load(folder, held_out_frames=5)
    assert [len(each.pictures) for each in scenery.recordings] == [8, 1, 1]


def test_stills_with_depth_are_recordings_of_one_frame_and_depth_that_was_completed_is_preferred(folder):
    first, second = read_recordings(folder / "rgbd" / "stills")
    assert first.pictures.shape == (1, 60, 80, 3)
    assert np.unique(first.depth).tolist() == [1.5]
    assert np.unique(second.depth).tolist() == [4.5]


def test_what_is_validated_on_is_not_learnt_from(folder):
    learnt, held_back = Scenery.load(folder).split()
    assert held_back.photographs
    assert not {id(each) for each in learnt.photographs} & {id(each) for each in held_back.photographs}
    assert held_back.clips == ()
    assert [len(each.pictures) for each in held_back.recordings] == [1]
    assert len(learnt.recordings) == 2
    assert not {id(each) for each in learnt.recordings} & {id(each) for each in held_back.recordings}


def test_scenes_of_every_kind_are_drawn_in_the_size_asked_for(folder):
    scenery = Scenery.load(folder)
    for seed in range(20):
        scene = scenery.draw(np.random.default_rng(seed), frames=3, height=32, width=48)
        assert scene.pictures.shape == (3, 32, 48, 3)
        assert scene.depth.shape == (3, 32, 48)
        assert scene.depth.min() > 0
        assert 0 <= scene.pictures.min() <= scene.pictures.max() <= 1
