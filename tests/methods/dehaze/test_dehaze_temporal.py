"""Haze steadied over time: less flicker, nothing carried over a cut, and each frame encoded once."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from close import assert_close
from hazy import AIR, clear_pictures, cleared, frames_of, hazed, knowing, pictures_of, slanted_depth, stirred
from textured import frame_of

from vrestore.errors import ModelError
from vrestore.flow.dis import DisFlow
from vrestore.methods.dehaze.estimators.estimate import HazeEstimate
from vrestore.methods.dehaze.estimators.network import frames_before, network_estimator
from vrestore.methods.dehaze.settings import DehazeSettings
from vrestore.methods.dehaze.temporal import FIRST_FRAMES, steadied
from vrestore.methods.dehaze.thumbnail import Thumbnail
from vrestore.models.cgidn.config import CGIDN
from vrestore.models.cgidn.network import CgIdn


def looks(pictures, *, cuts=(0,)):
    gray = pictures.mean(1, keepdims=True)
    return [
        Thumbnail(
            frame_of(picture, index),
            index in cuts,
            torch.from_numpy(picture)[None],
            torch.from_numpy(y)[None],
            torch.from_numpy(y)[None],
        )
        for index, (picture, y) in enumerate(zip(pictures, gray, strict=True))
    ]


def veils(count, *, depths=None, airs=None, cuts=(0,)):
    """Haze of one depth and air a frame over a clip that pans."""
    depths = [1.0] * count if depths is None else depths
    airs = [AIR] * count if airs is None else airs
    return [
        HazeEstimate(look, torch.full((1, 1, 16, 24), float(depth)), torch.tensor(air))
        for look, depth, air in zip(looks(clear_pictures(count), cuts=cuts), depths, airs, strict=True)
    ]


def depths_of(result):
    return np.array([float(veil.depth.mean()) for veil in result])


def test_what_flickers_is_steadied():
    flickering = [1.0, 1.4, 0.8, 1.3, 0.7, 1.2, 0.9, 1.1, 1.4, 0.6] * 2
    result = depths_of(steadied(iter(veils(20, depths=flickering)), DehazeSettings()))
    assert np.abs(np.diff(result)).max() < 0.25 * np.abs(np.diff(flickering)).max()


def test_more_steadiness_changes_more_slowly():
    steps = [0.5] * 4 + [1.5] * 8
    reached = [
        depths_of(steadied(iter(veils(12, depths=steps)), DehazeSettings(steady=steady)))[-1]
        for steady in (0.0, 0.5, 0.9, 1.0)
    ]
    assert reached[0] == pytest.approx(1.5)
    assert reached == sorted(reached, reverse=True)
    assert reached[-1] > 0.52


def test_a_cut_begins_anew():
    result = depths_of(
        steadied(iter(veils(8, depths=[0.4] * 4 + [1.6] * 4, cuts=(0, 4))), DehazeSettings(steady=1.0))
    )
    np.testing.assert_allclose(result, [0.4] * 4 + [1.6] * 4, rtol=1e-5)


def test_where_the_picture_changed_the_past_has_no_say():
    """A thing that appears is not given the haze of what was there."""
    pictures = clear_pictures(4)
    pictures[2:, :, 16:48, 32:64] = 1 - pictures[2:, :, 16:48, 32:64]
    depth = torch.ones(1, 1, 64, 96)
    near = depth.clone()
    near[..., 16:48, 32:64] = 0.2
    every = [
        HazeEstimate(look, near if index > 1 else depth, torch.tensor(AIR))
        for index, look in enumerate(looks(pictures))
    ]
    last = list(steadied(iter(every), DehazeSettings()))[2].depth
    assert float(last[..., 24:40, 40:56].mean()) < 0.5
    assert float(last[..., 52:, :].mean()) > 0.9


def test_haze_moves_with_what_it_covers():
    """The camera pans by two pixels a frame; so does the edge in depth."""
    every = []
    for index, look in enumerate(looks(clear_pictures(6))):
        depth = torch.full((1, 1, 64, 96), 0.5)
        depth[..., : 60 - 2 * index] = 1.5
        every.append(HazeEstimate(look, depth, torch.tensor(AIR)))
    result = list(steadied(iter(every), DehazeSettings()))
    wrong = (result[-1].depth - every[-1].depth).abs()[..., 8:-8, 8:-16]
    assert float(wrong.mean()) < 0.02


def test_the_air_of_a_shot_is_what_its_first_frames_say_together():
    airs = [AIR] * 20
    airs[1] = (0.1, 0.1, 0.1)
    for air_light, drifts in (("shot", False), ("auto", True)):
        odd = airs[:12] + [(0.4, 0.4, 0.4)] * 8
        seen = torch.stack(
            [veil.air for veil in steadied(iter(veils(20, airs=odd)), DehazeSettings(air_light=air_light))]
        )
        assert_close(seen[0], torch.tensor(AIR))
        assert bool((seen[-1] < seen[0] - 0.01).all()) == drifts
        assert float((seen[1:] - seen[:-1]).abs().max()) < 0.06  # of 0.8 that one frame is off


def test_a_shot_shorter_than_its_first_frames_is_whole():
    result = list(steadied(iter(veils(FIRST_FRAMES + 3, cuts=(0, 2, 3))), DehazeSettings()))
    assert [veil.look.frame.index for veil in result] == list(range(FIRST_FRAMES + 3))


def test_the_dark_channel_flickers_less_when_steadied():
    clear, depth = clear_pictures(12), slanted_depth()
    noise = np.random.default_rng(0).normal(0, 0.01, clear.shape).astype(np.float32)
    frames = frames_of(np.clip(hazed(clear, depth) + noise, 0, 1), "rgb24")
    jitter = {}
    for steady in (0.0, 0.9):
        error = pictures_of(cleared(frames, "rgb24", steady=steady), "rgb24") - clear
        jitter[steady] = np.abs(np.diff(error.mean((1, 2, 3)))).mean()
    assert jitter[0.9] < 0.4 * jitter[0.0]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_windows_give_what_the_whole_clip_gives(count):
    """At the ends the nearest frame stands in for the one that is not there."""
    network, clip = stirred(), looks(clear_pictures(count))
    given = list(network_estimator(network, every=1)(iter(clip)))
    for index, veil in enumerate(given):
        with torch.inference_mode():
            encoded = [network.encode(look.picture) for look in clip]
            around = (index - 1, index, index + 1)
            haze = network.clear([encoded[min(max(place, 0), count - 1)] for place in around])
        assert veil.look is clip[index]
        assert_close(veil.depth, haze.depth)
        assert_close(veil.air, haze.air[0])
        assert_close(veil.tint, haze.tint)


def test_a_scene_does_not_see_the_next():
    network, pictures = stirred(), clear_pictures(8)
    both = list(network_estimator(network)(iter(looks(pictures, cuts=(0, 4)))))
    alone = list(network_estimator(network)(iter(looks(pictures[:4]))))
    alone += list(network_estimator(network)(iter(looks(pictures[4:]))))
    for one, other in zip(both, alone, strict=True):
        assert_close(one.depth, other.depth)


@pytest.mark.parametrize(("every", "encoded"), [(1, 9), (2, 5), (3, 3)])
def test_each_frame_that_is_seen_is_encoded_once(every, encoded):
    network, calls = stirred(), []
    network.encoder.register_forward_hook(lambda *_: calls.append(1))
    assert len(list(network_estimator(network, every=every)(iter(looks(clear_pictures(9)))))) == 9
    assert len(calls) == encoded


def test_frames_between_have_the_mean_haze_of_those_that_are_seen():
    network, clip = stirred(), looks(clear_pictures(6), cuts=(0, 3))
    given = list(network_estimator(network)(iter(clip)))
    assert [veil.look.frame.index for veil in given] == list(range(6))
    # Seen are 0, 2 and, as a scene begins there, 3; then 4. After 2 comes the cut, after 5 nothing.
    expected = {1: (0, 2), 5: (4, 4)}
    for index, (before, after) in expected.items():
        assert_close(given[index].depth, (given[before].depth + given[after].depth) / 2)
        assert_close(given[index].air, (given[before].air + given[after].air) / 2)
        assert_close(given[index].tint, (given[before].tint + given[after].tint) / 2)
        assert given[index].look is clip[index]


def test_what_is_seen_goes_by_a_frames_number_not_by_where_reading_began():
    network, clip = stirred(), looks(clear_pictures(12))
    whole = list(network_estimator(network)(iter(clip)))
    for start in (6, 7):
        before = frames_before(network.config)
        later = list(network_estimator(network)(iter(clip[start - before :])))
        for one, other in zip(whole[start:], later[before:], strict=True):
            assert_close(one.depth, other.depth)


def test_the_network_looks_no_further_ahead_than_its_window():
    """Memory does not follow the length of the clip."""
    taken = []

    def counted():
        for look in looks(clear_pictures(9)):
            taken.append(1)
            yield look

    network = stirred()
    given = network_estimator(network)(counted())
    for number in range(1, 7):
        next(given)
        assert len(taken) <= number + frames_before(network.config)


def test_steadying_looks_no_further_ahead_than_its_first_frames():
    taken = []

    def counted():
        for veil in veils(20):
            taken.append(1)
            yield veil

    given = steadied(counted(), DehazeSettings())
    for number in range(1, 15):
        next(given)
        assert len(taken) <= max(FIRST_FRAMES, number) + 1


def test_flow_is_estimated_beside_the_other_work(monkeypatch):
    names, real = [], DisFlow.__call__
    monkeypatch.setattr(
        DisFlow,
        "__call__",
        lambda self, *pair: names.append(threading.current_thread().name) or real(self, *pair),
    )
    assert len(list(steadied(iter(veils(6)), DehazeSettings()))) == 6
    assert len(names) == 2 * 5
    assert all(name.startswith("flow") for name in names)


def test_a_network_that_gives_pictures_is_refused():
    small = replace(
        CGIDN, channels=(4, 8, 8), align_from=1, align_channels=8, offset_groups=2, bottleneck_blocks=1
    )
    with pytest.raises(ModelError, match="these weights do not estimate haze"):
        network_estimator(CgIdn(small))


def test_known_haze_is_cleared_the_same_in_one_go_and_frame_by_frame():
    """A generator that is asked for one frame at a time gives what a list gives."""
    depth = slanted_depth()
    frames = frames_of(hazed(clear_pictures(6), depth), "yuv420p")
    whole = cleared(frames, "yuv420p", estimate=network_estimator(stirred()))
    again = cleared(frames, "yuv420p", estimate=network_estimator(stirred()))
    known = cleared(frames, "yuv420p", estimate=knowing(depth))
    assert all((a.planes[0] == b.planes[0]).all() for a, b in zip(whole, again, strict=True))
    assert any((a.planes[0] != b.planes[0]).any() for a, b in zip(whole, known, strict=True))
