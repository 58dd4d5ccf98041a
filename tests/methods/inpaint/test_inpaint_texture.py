"""Texture for what no frame shows: patches of the surroundings, painted once and carried along."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from textured import QUICK, frame_of, hole_of_boxes, hole_psnr, panned, repaired, rgb_of, texture

from vrestore.errors import UsageError
from vrestore.frames import Box
from vrestore.methods.inpaint.options import InpaintOptions
from vrestore.methods.inpaint.painted import LOST, MOST_KEYS, Key, Painted
from vrestore.methods.inpaint.patches.patch import make_patch
from vrestore.methods.inpaint.propagation.correspondence import FetchMap
from vrestore.methods.inpaint.propagation.filled import Filled
from vrestore.methods.inpaint.settings import InpaintStats
from vrestore.methods.inpaint.texture import synthesis
from vrestore.methods.inpaint.texture.hole import MOST_MISFIT
from vrestore.methods.inpaint.texture.painter import Painter
from vrestore.methods.inpaint.texture.pyramid import continued
from vrestore.methods.inpaint.texture.synthesis import synthesize

HEIGHT, WIDTH = 96, 140
MIDDLE = Box(50, 36, 40, 28)


def bricks(height=HEIGHT, width=WIDTH):
    """A wall, (H, W, 3): what it goes on like is known."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    joint = (y % 12 < 2) | ((x + 10 * (y // 12 % 2)) % 20 < 2)
    wall = np.where(joint[..., None], 0.8, np.array([0.5, 0.25, 0.2]) + 0.002 * (x % 20)[..., None])
    return cv2.GaussianBlur(wall.astype(np.float32), (0, 0), 0.7)


def hole(box=MIDDLE):
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[box.rows, box.columns] = True
    return mask


def psnr(a, b):
    return -10 * np.log10(np.mean(np.square(a - b)) + 1e-9)


def paint(picture, is_open, is_source=None, seed=0):
    guess = continued(np.where(is_open[..., None], np.float32(0), picture), is_open)
    return synthesize(guess, is_open, ~is_open if is_source is None else is_source, side=9, seed=seed)


@pytest.mark.parametrize("most", [synthesis.MOST_PIXELS, 4000], ids=["matched", "copied-as-a-smaller-one"])
def test_a_wall_goes_on_behind_the_hole(monkeypatch, most):
    monkeypatch.setattr(synthesis, "MOST_PIXELS", most)
    wall, is_open = bricks(), hole()
    smooth = continued(np.where(is_open[..., None], np.float32(0), wall), is_open)
    made = paint(wall, is_open)
    assert psnr(made.picture[is_open], wall[is_open]) > psnr(smooth[is_open], wall[is_open]) + 6
    assert np.array_equal(made.picture[~is_open], wall[~is_open])
    assert made.misfit < 1.5


@pytest.mark.parametrize("seed", range(3))
def test_grain_has_the_contrast_of_its_surroundings(seed):
    grain = np.ascontiguousarray(texture(HEIGHT, WIDTH, seed=seed).transpose(1, 2, 0))
    is_open = hole()
    made = paint(grain, is_open, seed=seed).picture
    inner = cv2.erode(is_open.view(np.uint8), np.ones((5, 5), np.uint8)) > 0

    def detail(picture):
        return np.square(picture - cv2.GaussianBlur(picture, (0, 0), 1.5))[inner].mean()

    assert 0.5 < detail(made) / detail(grain) < 2.2


def test_the_same_seed_paints_the_same_and_no_open_pixel_is_looked_at():
    picture, is_open = bricks(), hole()
    first = paint(picture, is_open, seed=7).picture
    other = np.where(is_open[..., None], np.float32(0.9), picture)
    assert np.array_equal(first, paint(other, is_open, seed=7).picture)


def test_what_the_surroundings_do_not_know_is_a_misfit():
    """The rim is of another kind than all that may be copied."""
    picture, is_open = bricks(), hole(Box(70, 36, 24, 24))
    around = cv2.dilate(is_open.view(np.uint8), np.ones((25, 25), np.uint8)) > 0
    picture[around] = texture(HEIGHT, WIDTH, seed=4).transpose(1, 2, 0)[around]
    fits = paint(picture, is_open).misfit
    assert paint(picture, is_open, ~around).misfit > max(MOST_MISFIT, 2 * fits)


def test_without_a_whole_patch_nothing_is_painted():
    picture, is_open = bricks(), hole()
    assert paint(picture, is_open, np.zeros_like(is_open)) is None


STILL = Box(40, 30, 24, 20)
COUNT = 12


def walk(step, *, light=0.0):
    """A camera over a wall, and a hole that stays on the same part of it."""
    wall = np.ascontiguousarray(bricks(HEIGHT + 60, WIDTH + 60).transpose(2, 0, 1))
    pictures = panned(wall, count=COUNT, height=HEIGHT, width=WIDTH, step=step)
    pictures = [picture * (1 - light * index) for index, picture in enumerate(pictures)]
    boxes = [
        Box(STILL.x - round(step[0] * index), STILL.y - round(step[1] * index), STILL.width, STILL.height)
        for index in range(COUNT)
    ]
    return [frame_of(picture, index) for index, picture in enumerate(pictures)], boxes


def fill(frames, boxes, **options):
    holes = [hole_of_boxes(box) for box in boxes]
    return repaired(frames, holes, height=HEIGHT, width=WIDTH, **options), holes


@pytest.mark.parametrize(("step", "light"), [((0.0, 0.0), 0.0), ((2.0, 1.0), 0.0), ((0.0, 0.0), 0.02)])
def test_what_is_painted_once_moves_with_the_scene_and_takes_its_light(step, light):
    frames, boxes = walk(step, light=light)
    tally = InpaintStats()
    result, holes = fill(frames, boxes, tally=tally)
    assert tally.painted == tally.textured > 0.95 * sum(each.pixel_count for each in holes)
    first = rgb_of(result[0])[:, boxes[0].rows, boxes[0].columns]
    for index, box in enumerate(boxes):
        part = rgb_of(result[index])[:, box.rows, box.columns]
        assert psnr(part[:, 3:-3, 3:-3], first[:, 3:-3, 3:-3] * (1 - light * index)) > 28
    smooth, _ = fill(frames, boxes, settings=replace(QUICK, texture_side=0))
    truth = [rgb_of(frame) for frame in frames]
    assert hole_psnr(map(rgb_of, result), truth, holes) > hole_psnr(map(rgb_of, smooth), truth, holes) + 4


def filled_by_hand(index, *, before=None, shift=(0.0, 0.0), box=STILL):
    """A frame of the wall whose hole no frame shows, and which comes from the frame before by a shift."""
    whole = Box(0, 0, WIDTH, HEIGHT)
    hidden = hole(box)
    wall = np.roll(bricks(), (round(-shift[1] * index), round(-shift[0] * index)), (0, 1))
    known = np.where(hidden, np.float32(0), wall.transpose(2, 0, 1))
    patch = make_patch(index, whole, known, hidden)
    count = patch.hidden_count
    smooth = continued(np.ascontiguousarray(known.transpose(1, 2, 0)), hidden)[hidden].T
    unsure = torch.zeros(count)
    step = None
    if before is not None:
        step = FetchMap(patch.points + torch.tensor(shift), torch.zeros(len(patch.points)))
    return Filled(patch, torch.from_numpy(smooth.copy()), unsure, unsure > 0, unsure, step=step)


def test_what_a_frame_showed_before_its_motion_was_lost_stays_smooth():
    """It would be painted anew in each frame, and flicker."""
    painter = Painter(side=9, grain=0.5)
    first = painter.paint(filled_by_hand(0))
    assert bool(first.is_texture.all())
    # Half of the hole comes from beside that of the frame before.
    given = filled_by_hand(1, before=first, shift=(12.0, 0.0))
    second = painter.paint(given)
    places = painter.painted.frames
    assert {LOST, 0} == set(places.tolist())
    assert np.array_equal(second.is_texture.numpy(), places == 0)
    assert torch.equal(second.colors[:, places == LOST], given.colors[:, places == LOST])
    assert list(painter.painted.keys) == [0]


def test_what_comes_into_the_picture_is_painted_into_a_key_of_its_own():
    painter = Painter(side=9, grain=0.5)
    corner = Box(0, 30, 30, 24)
    first = painter.paint(filled_by_hand(0, box=corner))
    painter.paint(filled_by_hand(1, before=first, shift=(-10.0, 0.0), box=corner))
    assert set(painter.painted.frames.tolist()) == {0, 1}


def test_of_many_keys_the_oldest_goes_on_in_the_newest():
    painter = Painter(side=9, grain=0.5)
    corner, filled = Box(0, 30, 60, 24), None
    for index in range(MOST_KEYS + 3):
        filled = painter.paint(filled_by_hand(index, before=filled, shift=(-6.0, 0.0), box=corner))
        assert set(painter.painted.frames.tolist()) <= set(painter.painted.keys)
    assert len(painter.painted.keys) <= MOST_KEYS


def test_what_is_carried_over_a_border_goes_on_as_if_there_were_none():
    whole, first = Painter(side=9, grain=0.5), Painter(side=9, grain=0.5)
    frames, filled = [], None
    for index in range(4):
        made = filled_by_hand(index, before=filled, shift=(-1.5, 0.5))
        filled = whole.paint(made)
        frames.append(filled)
        if index < 2:
            first.paint(made)
    carried = Painted.unpacked(first.painted.packed())
    rest = Painter(side=9, grain=0.5, painted=carried)
    rest.paint(frames[1])
    for index in (2, 3):
        again = rest.paint(filled_by_hand(index, before=filled, shift=(-1.5, 0.5)))
        assert torch.equal(again.colors, frames[index].colors)


def test_a_key_is_packed_whole():
    codes = np.arange(24, dtype=np.uint16).reshape(3, 2, 4)
    key = Key(Box(3, 4, 4, 2), codes, np.ones((2, 4), np.uint8))
    painted = Painted({5: key}, np.array([5, LOST, -1], np.int32), np.zeros((2, 3), np.float32))
    again = Painted.unpacked(painted.packed())
    assert again.keys[5].box == key.box
    assert np.array_equal(again.keys[5].codes, codes)
    assert np.array_equal(again.frames, painted.frames)


def test_texture_is_of_propagation_alone():
    assert InpaintOptions().has_texture
    assert not InpaintOptions(paint="smooth").has_texture
    assert not InpaintOptions(method="tsam").has_texture
    with pytest.raises(UsageError, match="texture, smooth"):
        InpaintOptions(paint="oil")
