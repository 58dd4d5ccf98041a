"""The painter: the network's correction reaches the hole and nothing else, however it is cut up."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from close import assert_close
from networks import small
from textured import panned, texture

from vrestore.errors import ModelError
from vrestore.flow.estimator import make_estimator
from vrestore.frames import Box
from vrestore.masks.tracks import find_tracks
from vrestore.methods.inpaint.network import refine as paint
from vrestore.methods.inpaint.network.refine import Refiner, load_refiner, shrunk
from vrestore.methods.inpaint.network.windows import clip_of, window_of
from vrestore.methods.inpaint.patches.patch import make_patch
from vrestore.methods.inpaint.propagation.blending import regularize
from vrestore.methods.inpaint.propagation.passes import fill
from vrestore.methods.inpaint.settings import NetworkSettings, Settings
from vrestore.methods.inpaint.tools import NETWORK_FLOW, make_tools
from vrestore.models.tsam.config import SMALL

HEIGHT, WIDTH = 70, 96
ONE_PASS = Settings(passes=1, chunk=5, look_ahead=5, threads=1)
WALKING = [Box(20 + 4 * index, 24, 14, 18) for index in range(7)]


def fillings(holes):
    """Fill holes, None for a frame without one, of a panned picture; also gives their track."""
    views = panned(texture(120, 200), count=len(holes), height=HEIGHT, width=WIDTH, step=(3.0, 1.0))
    parts = [[] if hole is None else [hole] for hole in holes]
    track = find_tracks(parts, first=0, is_open=False, margin=40, height=HEIGHT, width=WIDTH)[0]
    patches = []
    for index, (view, hole) in enumerate(zip(views, holes, strict=True)):
        box = track.canvas(index)
        hidden = np.zeros((box.height, box.width), bool)
        if hole is not None:
            inner = hole.relative_to(box)
            hidden[inner.rows, inner.columns] = True
        patches.append(make_patch(index, box, view[:, box.rows, box.columns] * ~hidden, hidden))
    with ThreadPoolExecutor(1) as executor:
        return list(fill(iter(patches), ONE_PASS, make_tools(ONE_PASS, executor))), track


@pytest.fixture(scope="module")
def walking():
    return fillings(WALKING)


@pytest.fixture(scope="module")
def painter():
    return Refiner(small())


@pytest.fixture(scope="module")
def idle():
    """A painter whose network corrects nothing."""
    network = small()
    with torch.no_grad():
        for parameter in network.decoder.head.parameters():
            parameter.zero_()
    return Refiner(network)


def painted(painter, made):
    filled, track = made
    with ThreadPoolExecutor(2) as executor:
        return list(painter.paint(iter(filled), track, make_tools(ONE_PASS, executor)))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7])
def test_every_frame_comes_out_once_and_in_order(painter, count):
    made = fillings(WALKING[:count])
    result = painted(painter, made)
    assert [each.patch.index for each in result] == list(range(count))
    assert all(one.patch is other.patch for one, other in zip(result, made[0], strict=True))


def test_no_frames_give_none(painter, walking):
    assert painted(painter, ([], walking[1])) == []


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_hole_is_corrected_and_stays_in_range(painter, walking, scale):
    result = painted(replace(painter, scale=scale), walking)
    for after, before in zip(result, walking[0], strict=True):
        assert after.colors.shape == before.colors.shape
        assert float(after.colors.min()) >= 0
        assert float(after.colors.max()) <= 1
        assert float((after.colors - regularize(before).colors).abs().max()) > 1e-3


def test_where_colors_came_from_is_not_forgotten(painter, walking):
    for after, before in zip(painted(painter, walking), walking[0], strict=True):
        assert after.confidence is before.confidence
        assert after.is_blended is before.is_blended


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_network_that_corrects_nothing_leaves_the_softened_filling(idle, walking, scale):
    result = painted(replace(idle, scale=scale), walking)
    for after, before in zip(result, walking[0], strict=True):
        assert torch.equal(after.colors, regularize(before).colors)


@pytest.mark.parametrize("chunk", [1, 3, 50])
@pytest.mark.parametrize("scale", [1, 2])
def test_the_result_does_not_depend_on_how_frames_are_pushed(painter, walking, monkeypatch, chunk, scale):
    whole = painted(replace(painter, scale=scale), walking)
    monkeypatch.setattr(paint, "CHUNK", chunk)
    for one, other in zip(painted(replace(painter, scale=scale), walking), whole, strict=True):
        assert float((one.colors - other.colors).abs().max()) < 1e-5


def test_the_picture_is_that_of_the_whole_clip_at_once(painter, walking):
    """What comes out at the end of the stream is what the network makes of the windows in one go."""
    filled, track = walking
    tall, wide = paint.window_size(track, scale=1)
    windows = [window_of(each, height=tall, width=wide) for each in filled]
    estimate = make_estimator(NETWORK_FLOW)
    motion = paint.Motion.join([paint.motion_between(a, b, estimate) for a, b in pairwise(windows)])
    with torch.inference_mode():
        pictures = painter.network(clip_of(windows), motion)
    for each, window, picture in zip(painted(painter, walking), windows, pictures, strict=True):
        expected = picture[:, window.values[8] > 0].clamp(0, 1)
        assert float((each.colors - expected).abs().max()) < 1e-5


APART = [WALKING[0], WALKING[1], None, None, None, None, WALKING[2], WALKING[3]]


def test_frames_far_from_a_hole_pass_as_they_are(painter):
    made = fillings(APART)
    result = painted(painter, made)
    assert [each.patch.index for each in result] == list(range(8))
    assert all(result[index] is made[0][index] for index in (3, 4))


def test_stretches_without_a_hole_end_the_clip(painter):
    """What is before the gap does not depend on what is behind it, and the other way round."""
    filled, track = fillings(APART)
    whole = painted(painter, (filled, track))
    first, second = painted(painter, (filled[:3], track)), painted(painter, (filled[5:], track))
    for one, other in zip(whole[:2] + whole[6:], first[:2] + second[1:], strict=True):
        assert_close(one.colors, other.colors)


def test_neighbors_have_a_say(painter, walking):
    """Else the last two tests would say little."""
    filled, track = walking
    alone, among = painted(painter, (filled[3:4], track))[0], painted(painter, walking)[3]
    assert float((alone.colors - among.colors).abs().max()) > 1e-3


def test_a_network_that_paints_has_its_say_where_the_filling_is_doubtful(walking):
    """It is given no colors of the hole, so its picture is weighed by what propagation was not sure of."""
    network = small(replace(SMALL, refines=False, hint_channels=0))
    filled, track = walking
    sure = [replace(each, confidence=torch.ones_like(each.confidence)) for each in filled]
    for after, before in zip(painted(Refiner(network), (sure, track)), sure, strict=True):
        assert_close(after.colors, before.colors)
    unsure = [replace(each, confidence=torch.full_like(each.confidence, 0.4)) for each in filled]
    result = painted(Refiner(network), (unsure, track))
    assert float((result[3].colors - regularize(unsure[3]).colors).abs().max()) > 0.01


def test_a_smaller_clip_hides_all_that_is_hidden_in_part():
    hidden = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    hidden[0, 0, 3, 5] = True
    clip = clip_of([window_of(fillings(WALKING[:1])[0][0], height=32, width=48)])
    clip = replace(clip, frames=clip.frames[..., :8, :8], holes=hidden)
    clip = replace(clip, confidence=clip.confidence[..., :8, :8], hints=clip.hints[..., :8, :8])
    small_clip = shrunk(clip, 4)
    assert small_clip.holes.tolist() == [[[[False, True], [False, False]]]]
    assert_close(small_clip.frames[0, :, 0, 0], clip.frames[0, :, :4, :4].mean((1, 2)))
    assert shrunk(clip, 1) is clip


def test_a_model_that_fills_no_holes_is_refused(monkeypatch):
    monkeypatch.setattr(paint, "load_model", lambda name, device, dtype: torch.nn.Linear(1, 1))
    with pytest.raises(ModelError, match="the model 'haze' fills no holes; pass one for inpainting"):
        load_refiner(NetworkSettings("haze", 1, "fp32"))
