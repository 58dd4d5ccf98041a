"""What fills a hole gets noise as strong, as large and as lively as that around it, the same each time."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from textured import hole_of_boxes, layout

from vrestore.frames import Box, Frame, Hole
from vrestore.media.formats import plane_shapes
from vrestore.methods.inpaint.grain.fields import noise_field
from vrestore.methods.inpaint.grain.measure import Grain, Noise
from vrestore.methods.inpaint.grain.regrain import regrained

GRAY = layout("gray")
BOX = Box(20, 10, 80, 60)


def grain(deviation, alike=(0.0, 0.0)):
    return Grain((Noise((0.0,), (deviation,), alike),))


def given(plane, index, *, hole=None, deviation=3.0, alike=(0.0, 0.0)):
    frame = Frame((plane,), index, 1, index)
    return regrained(frame, hole or hole_of_boxes(BOX), grain(deviation, alike), format=GRAY).planes[0]


def inside(plane):
    return plane[BOX.rows, BOX.columns].astype(float)


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.66, 0.85])
def test_a_field_has_the_deviation_and_the_grain_size_asked_for(alike):
    field = noise_field(Box(0, 0, 400, 300), (7, 0), (alike, alike / 2))
    assert field.std() == pytest.approx(1, abs=0.06)
    assert np.corrcoef(field[:, 1:].ravel(), field[:, :-1].ravel())[0, 1] == pytest.approx(alike, abs=0.04)
    assert np.corrcoef(field[1:].ravel(), field[:-1].ravel())[0, 1] == pytest.approx(alike / 2, abs=0.04)


def test_a_field_is_the_frames_own_and_always_the_same():
    box = Box(4, 6, 40, 30)
    first = noise_field(box, (7, 0), (0.3, 0.3))
    assert (first == noise_field(box, (7, 0), (0.3, 0.3))).all()
    for other in ((8, 0), (7, 1)):
        assert abs(np.corrcoef(first.ravel(), noise_field(box, other, (0.3, 0.3)).ravel())[0, 1]) < 0.2


def test_components_share_as_much_of_a_field_as_they_are_alike():
    one, other = (noise_field(Box(0, 0, 200, 200), (7, number), (0, 0), 0.6) for number in (0, 1))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_frozen_noise_becomes_lively_and_no_stronger(alike):
    frozen = 120 + 3 * noise_field(Box(0, 0, 120, 80), (99, 0), (alike, alike))
    plane = np.rint(frozen).astype(np.uint8)
    frames = [inside(given(plane, index, alike=(alike, alike))) for index in range(6)]
    lively = np.mean([(one - other).std() for one, other in pairwise(frames)])
    assert 0.75 < lively / (3 * 2**0.5) < 1.2
    assert 0.85 < frames[0].std() / inside(plane).std() < 1.2


def test_what_was_painted_smoothly_gets_all_of_it():
    made = inside(given(np.full((80, 120), 100, np.uint8), 3))
    assert made.std() == pytest.approx(3, rel=0.1)
    assert made.mean() == pytest.approx(100, abs=0.2)


def test_detail_is_spared():
    pattern = np.where(np.indices((80, 120)).sum(0) // 3 % 2, 60, 180).astype(np.uint8)
    mean = np.mean([inside(given(pattern, index)) for index in range(40)], axis=0)
    assert abs(mean - inside(pattern)).mean() < 1.5


def test_nothing_changes_beside_the_hole_and_a_feather_keeps_the_noise_whole():
    rng, alpha = np.random.default_rng(0), np.zeros((60, 80), np.uint8)
    alpha[:, :] = 128
    # Half of a smooth fill over the source's noise, as compositing leaves it.
    plane = np.full((80, 120), 100, np.float32) + 3 * rng.standard_normal((80, 120)).astype(np.float32)
    plane[BOX.rows, BOX.columns] = 100 + (plane[BOX.rows, BOX.columns] - 100) * (1 - 128 / 255)
    codes = np.rint(plane).astype(np.uint8)
    made = given(codes, 5, hole=Hole(BOX, alpha, (BOX,)))
    outside = np.ones(codes.shape, bool)
    outside[BOX.rows, BOX.columns] = False
    assert (made[outside] == codes[outside]).all()
    assert 0.8 < inside(made).std() / codes[outside].std() < 1.2


@pytest.mark.parametrize("name", ["yuv420p", "nv12", "yuv411p", "p010le", "rgb24", "gbrp12le"])
def test_every_layout_keeps_what_is_no_cell_of_the_hole(name):
    pixels, hole = layout(name), hole_of_boxes(Box(21, 11, 17, 15), Box(50, 30, 9, 7))
    middle = pixels.peak // 2
    shapes = plane_shapes(pixels, height=45, width=67)
    frame = Frame(
        tuple(np.full(shape, middle << pixels.components[0].shift, pixels.dtype) for shape in shapes), 0, 1, 4
    )
    noise = Noise((0.0,), (0.02 * pixels.peak,), (0.0, 0.0))
    made = regrained(frame, hole, Grain((noise,) * len(pixels.components)), format=pixels)
    alpha = hole.alpha_in(Box(0, 0, 67, 45))
    for component in pixels.components:
        old, new = (
            each.planes[component.plane][:, component.offset :: component.step] for each in (frame, made)
        )
        across, down = 1 << component.subsample_x, 1 << component.subsample_y
        padded = np.pad(alpha, ((0, -45 % down), (0, -67 % across)))
        cells = padded.reshape(padded.shape[0] // down, down, -1, across).max((1, 3)) > 0
        changed = (new != old)[: cells.shape[0], : cells.shape[1]]
        assert not changed[~cells].any()
        assert changed[cells].mean() > 0.5


def test_noise_of_sixteen_bits_is_found_beside_large_codes():
    pixels = layout("gray16le")
    frozen = 60000 + 300 * noise_field(Box(0, 0, 120, 80), (99, 0), (0, 0))
    frame = Frame((np.rint(frozen).astype(np.uint16),), 0, 1, 0)
    made = regrained(frame, hole_of_boxes(BOX), grain(300.0), format=pixels).planes[0]
    assert inside(made).std() == pytest.approx(300, rel=0.2)
    assert np.corrcoef(inside(made).ravel(), inside(frame.planes[0]).ravel())[0, 1] < 0.5


def test_the_spectrum_of_large_grain_is_kept():
    made = inside(given(np.full((80, 120), 100, np.uint8), 3, deviation=6.0, alike=(0.66, 0.66))) - 100
    smooth = cv2.blur(made, (3, 3))
    assert smooth.std() / made.std() > 0.55  # a third for noise without any
