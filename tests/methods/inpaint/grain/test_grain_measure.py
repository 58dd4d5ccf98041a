"""The noise beside a hole is measured where there is some, and nothing where there is none."""

import cv2
import numpy as np
import pytest
from textured import frame_of, hole_of_boxes, layout, panned, texture

from vrestore.flow.estimator import make_estimator
from vrestore.frames import Box, Frame, MaskedFrame
from vrestore.methods.inpaint.grain.follow import mean_grain
from vrestore.methods.inpaint.grain.measure import Grain, Noise, measure_grain

HEIGHT, WIDTH = 150, 200
HOLE = hole_of_boxes(Box(70, 50, 60, 50))
NOTHING = Grain((None, None, None))


def planes_of(luma, *, seed=0, deviation=0.0, chroma=0.0, blur=0.0):
    """Luma of noise of a deviation, or of one for each pixel, and flat chroma of another."""
    rng = np.random.default_rng(seed)
    field = rng.standard_normal(luma.shape).astype(np.float32)
    if blur:
        field = cv2.GaussianBlur(field, (0, 0), blur)
        field /= field.std()
    flat = [128 + chroma * rng.standard_normal((HEIGHT // 2, WIDTH // 2)) for _ in range(2)]
    return tuple(
        np.rint(np.clip(each, 0, 255)).astype(np.uint8) for each in (luma + deviation * field, *flat)
    )


def items(views, hole=HOLE, **noise):
    return [
        MaskedFrame(Frame(planes_of(view, seed=number + 1, **noise), number, 1, number), hole)
        for number, view in enumerate(views)
    ]


def measured(row, at=1, beside=(0, 2), name="yuv420p"):
    flow = make_estimator("ultrafast", scale=1, shrunk=1)
    neighbors = [row[number] for number in beside]
    return measure_grain(row[at], neighbors, format=layout(name), flow=flow, cell=2)


def still():
    """A picture with detail and calm places, (H, W) up to 255."""
    gray = 255 * texture(HEIGHT, WIDTH, seed=3).mean(0)
    gray[:, : WIDTH // 2] = cv2.GaussianBlur(gray, (0, 0), 6)[:, : WIDTH // 2]
    return gray


def moving(step, count=3):
    world = texture(HEIGHT, WIDTH + 20, seed=5)
    return [
        255 * view.mean(0) for view in panned(world, count=count, height=HEIGHT, width=WIDTH, step=(step, 0))
    ]


@pytest.mark.parametrize("deviation", [1.5, 4.0])
def test_the_noise_of_a_camera_that_stands_still_is_found(deviation):
    found = measured(items([still()] * 3, deviation=deviation, chroma=deviation / 2))
    luma, blue, red = found.components
    assert luma.mean == pytest.approx(deviation, rel=0.1)
    assert (blue.mean, red.mean) == pytest.approx((deviation / 2, deviation / 2), rel=0.15)
    assert max(luma.alike) < 0.1


def test_large_grain_of_a_moving_picture_is_found_with_its_size():
    found = measured(items(moving(2), deviation=5, blur=0.8)).components[0]
    assert found.mean == pytest.approx(5, rel=0.2)
    assert found.alike == pytest.approx((0.67, 0.67), abs=0.1)


@pytest.mark.parametrize("step", [0, 2, 1.3, 0.5, 0.2])
def test_a_clean_picture_has_none_whether_it_stands_or_moves(step):
    found = measured(items(moving(step)))
    assert mean_grain([found], count=3, least=0.5) == NOTHING


def test_noise_that_depends_on_the_tone_is_found_so():
    ramp = np.tile(np.linspace(40, 200, WIDTH, dtype=np.float32), (HEIGHT, 1))
    wide = hole_of_boxes(Box(30, 50, 140, 50))
    noise = measured(items([ramp] * 3, hole=wide, deviation=1 + ramp / 50)).components[0]
    dark, light = np.interp([75, 165], noise.tones, noise.deviations)
    assert (dark, light) == pytest.approx((2.5, 4.3), rel=0.15)


def test_what_lies_behind_a_cut_is_no_noise():
    other = 255 - still()
    row = items([still(), still(), other], deviation=2)
    assert measured(row).components[0].mean == pytest.approx(2, rel=0.15)
    assert measured(row, beside=(2,)) == NOTHING


def test_of_a_moving_picture_one_neighbor_tells_nothing():
    assert measured(items(moving(2), deviation=4), beside=(0,)) == NOTHING
    assert measured(items(moving(2), deviation=4), beside=()) == NOTHING


def test_what_the_hole_hides_has_no_say():
    row = items([still()] * 3, deviation=3, chroma=2)
    other = []
    for item in row:
        planes = [plane.copy() for plane in item.frame.planes]
        planes[0][50:100, 70:130] = np.random.default_rng(9).integers(0, 256, (50, 60))
        planes[1][25:50, 35:65] = planes[2][25:50, 35:65] = 3
        other.append(MaskedFrame(item.frame.with_planes(dict(enumerate(planes))), item.hole))
    assert measured(row) == measured(other)


def test_a_hole_that_hides_all_leaves_nothing_to_measure():
    everything = hole_of_boxes(Box(0, 0, WIDTH, HEIGHT))
    assert measured(items([still()] * 3, hole=everything, deviation=3)) == NOTHING


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_red_green_and_blue_may_have_their_noise_in_common(share):
    rng, picture = np.random.default_rng(4), texture(HEIGHT, WIDTH, seed=2)
    row = []
    for number in range(3):
        own, common = rng.standard_normal((2, 3, HEIGHT, WIDTH)).astype(np.float32)
        noise = common[:1] if share else own
        row.append(MaskedFrame(frame_of(np.clip(picture + noise * 4 / 255, 0, 1), number), HOLE))
    found = measured(row, name="rgb24")
    assert [noise.mean for noise in found.components] == pytest.approx([4, 4, 4], rel=0.15)
    assert found.shared == pytest.approx(share, abs=0.1)


def test_the_mean_of_some_frames_counts_those_without_noise():
    noise = Noise((50.0, 200.0), (2.0, 4.0), (0.2, 0.4))
    mean = mean_grain([Grain((noise,)), Grain((None,))], count=1, least=0.5).components[0]
    assert mean.tones == (50.0, 200.0)
    assert mean.deviations == pytest.approx((2**0.5, 8**0.5))
    assert mean.alike == pytest.approx((0.2, 0.4))
    assert mean_grain([Grain((noise,))] + [Grain((None,))] * 60, count=1, least=0.5) == Grain((None,))
    assert mean_grain([], count=1, least=0.5) == Grain((None,))
