"""Burnt-in words are marked stroke by stroke while they stand; what moves with the scene is left alone."""

import importlib.util
import re
import sys

import cv2
import numpy as np
import pytest

import vrestore
from tests.clips import planes_in, write_pictures
from tests.textured import panned, texture
from vrestore.detect.text.reading import WITHOUT_NETWORK
from vrestore.errors import MaskError

HEIGHT, WIDTH, FRAMES = 144, 256, 40
STEP = (2.0, 0.6)
COMES, GOES = 9, 30

needs_network = pytest.mark.skipif(
    importlib.util.find_spec("rapidocr") is None, reason="rapidocr, of the extra `text`, is not installed"
)


@pytest.fixture(params=[pytest.param("network", marks=[needs_network, pytest.mark.slow]), "strokes"])
def reading(request, monkeypatch):
    """Tell lines by the network, and as where its package is missing."""
    if request.param == "strokes":
        monkeypatch.setitem(sys.modules, "rapidocr", None)
    return request.param


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)


def written_words(text="Where are you?", row=124, column=40):
    """Return the white strokes and their black outline, (H, W) in [0, 1] each."""
    layers = []
    for thick in (2, 6):
        canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.putText(canvas, text, (column, row), cv2.FONT_HERSHEY_SIMPLEX, 0.75, 255, thick, cv2.LINE_AA)
        layers.append(canvas.astype(np.float32)[:, :, None] / 255)
    return layers


WHITE, BLACK = written_words()
DRAWN = BLACK[:, :, 0] > 0.25


def moving(step=STEP, count=FRAMES, seed=4):
    world = texture(HEIGHT + 60, WIDTH + 140, seed=seed)
    pictures = panned(world, count=count, height=HEIGHT, width=WIDTH, step=step)
    return [picture.transpose(1, 2, 0) * 255 for picture in pictures]


def with_words(pictures, frames=range(COMES, GOES)):
    for index in frames:
        pictures[index] = (1 - BLACK) * pictures[index]
        pictures[index] = (1 - WHITE) * pictures[index] + WHITE * 240
    return pictures


def written(path, pictures, rate=25):
    codes = (np.rint(picture).clip(0, 255).astype(np.uint8) for picture in pictures)
    return write_pictures(path, codes, layout="yuv420p", rate=rate)


def found(folder, pictures, rate=25, **options):
    source = written(folder / "clip.mkv", pictures, rate)
    report = vrestore.run_command("mask text", source, target=folder / "words.mkv", **options)
    return report, np.stack([planes[0] > 127 for planes in planes_in(folder / "words.mkv")])


def test_strokes_are_marked_while_they_stand(tmp_path, reading):
    report, masks = found(tmp_path, with_words(moving()))
    assert masks.shape == (FRAMES, HEIGHT, WIDTH)
    assert list(np.flatnonzero(masks.any(axis=(1, 2)))) == list(range(COMES, GOES))
    near = cv2.dilate(DRAWN.view(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    assert masks[COMES:GOES, DRAWN].mean() > 0.97
    assert near[masks[20]].mean() > 0.9
    assert not masks[20].all(axis=1).any()
    assert (WITHOUT_NETWORK in report.found) is (reading == "strokes")


def test_boxes_are_told_that_would_do_the_same(tmp_path, no_network):
    report, masks = found(tmp_path, with_words(moving()), boxes=True)
    told = [re.fullmatch(r"found: --box (\d+),(\d+),(\d+),(\d+)@9-30", line) for line in report.found]
    same = np.zeros_like(masks)
    for box in filter(None, told):
        x, y, width, height = map(int, box.groups())
        same[COMES:GOES, y : y + height, x : x + width] = True
    assert same.any()
    assert (same == masks).all()
    assert same[20][DRAWN].mean() > 0.97


def test_a_plate_is_marked_with_its_words(tmp_path, no_network):
    pictures = moving()
    for index in range(COMES, GOES):
        pictures[index][98:136, 30:230] = 16
    _, masks = found(tmp_path, with_words(pictures))
    plate = np.zeros((HEIGHT, WIDTH), bool)
    plate[98:136, 30:230] = True
    assert masks[20][plate].all()
    assert np.count_nonzero(masks[20] & ~plate) < 0.25 * np.count_nonzero(plate)


def sign_in_the_scene(step):
    """Return pictures of a world in which the words are written."""
    world = texture(HEIGHT + 60, WIDTH + 140, seed=4).transpose(1, 2, 0) * 255
    world[10 : 10 + HEIGHT, 60 : 60 + WIDTH] *= 1 - BLACK
    world[10 : 10 + HEIGHT, 60 : 60 + WIDTH] += WHITE * 240
    pictures = panned(world.transpose(2, 0, 1), count=FRAMES, height=HEIGHT, width=WIDTH, step=step)
    return [picture.transpose(1, 2, 0) for picture in pictures]


@pytest.mark.parametrize("step", [(2.0, 0.3), (0.25, 0.0)], ids=["fast", "slow"])
def test_words_that_move_with_the_scene_are_left_alone(tmp_path, no_network, step):
    with pytest.raises(MaskError, match="no words are found"):
        found(tmp_path, sign_in_the_scene(step))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]


def test_words_of_the_scene_can_be_asked_for(tmp_path, no_network):
    _, masks = found(tmp_path, sign_in_the_scene((1.0, 0.0)), scene_text=True)
    shares = []
    for index in range(FRAMES):
        moved = np.roll(DRAWN, (10, 60 - index), axis=(0, 1))
        shares.append(masks[index][moved].mean())
    assert np.mean(shares) > 0.9


def test_before_a_still_camera_only_words_that_come_or_go_are_meant(tmp_path, no_network):
    with pytest.raises(MaskError, match="stand all the time before a still camera"):
        found(tmp_path, with_words(moving((0, 0)), range(FRAMES)))
    _, masks = found(tmp_path, with_words(moving((0, 0))), overwrite=True)
    assert list(np.flatnonzero(masks.any(axis=(1, 2)))) == list(range(COMES, GOES))


def test_what_stands_longer_than_a_subtitle_is_left_alone(tmp_path, no_network):
    pictures = with_words(moving((1.5, 0.5), count=48), range(2, 46))
    with pytest.raises(MaskError, match=r"1 line\(s\) that stand longer than 10 seconds are left; no words"):
        found(tmp_path, pictures, rate=4)


def test_a_line_begins_and_ends_at_cuts_too(tmp_path, no_network):
    pictures = moving()[:20] + moving(seed=9)[:20]
    _, masks = found(tmp_path, with_words(pictures, range(20)))
    assert list(np.flatnonzero(masks.any(axis=(1, 2)))) == list(range(20))


@pytest.mark.parametrize(
    "pictures", [moving, lambda: moving()[:1], lambda: [0 * picture for picture in moving()]],
    ids=["clean", "one frame", "black"],
)  # fmt: skip
def test_where_there_are_no_words_a_line_says_so_and_nothing_is_written(tmp_path, no_network, pictures):
    with pytest.raises(MaskError, match="no words are found that come, stand for a while and go"):
        found(tmp_path, pictures())
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]
