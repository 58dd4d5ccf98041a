"""Logos are found where they are, when they are there, and nowhere else."""

import cv2
import numpy as np
import pytest

import vrestore
from tests.clips import planes_in, write_pictures
from tests.textured import panned, texture
from vrestore.detect.logo.supports import from_gradients
from vrestore.errors import MaskError

HEIGHT, WIDTH, FRAMES = 90, 150, 48
STEP = (3.0, 0.7)

PLATE = np.zeros((HEIGHT, WIDTH), bool)
PLATE[8:22, 110:140] = True
RING = np.zeros((HEIGHT, WIDTH), bool)
RING[np.abs(np.hypot(*(np.mgrid[:HEIGHT, :WIDTH] - np.array([70, 25])[:, None, None])) - 8) <= 3] = True


def moving(step=STEP):
    world = texture(HEIGHT + 40, WIDTH + 160, seed=3)
    pictures = panned(world, count=FRAMES, height=HEIGHT, width=WIDTH, step=step)
    return [picture.transpose(1, 2, 0) * 255 for picture in pictures]


def written(path, pictures):
    codes = (np.rint(picture).clip(0, 255).astype(np.uint8) for picture in pictures)
    return write_pictures(path, codes, layout="yuv420p")


def blended(pictures, where, *, share, value=250, frames=range(FRAMES)):
    for index in frames:
        pictures[index][where] = (1 - share) * pictures[index][where] + share * value
    return pictures


def marked(path):
    """Return the masks of a file, (T, H, W)."""
    return np.stack([planes[0] > 127 for planes in planes_in(path)])


def overlap(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def found(folder, pictures, target="mask.mkv"):
    source = written(folder / "clip.mkv", pictures)
    return vrestore.run_command("mask logo", source, target=folder / target)


def test_logos_are_found_opaque_and_shining_through(tmp_path):
    pictures = blended(blended(moving(), PLATE, share=1.0), RING, share=0.4)
    report = found(tmp_path, pictures)
    masks = marked(tmp_path / "mask.mkv")
    assert masks.shape == (FRAMES, HEIGHT, WIDTH)
    assert (masks == masks[0]).all()
    assert overlap(masks[0][:45], PLATE[:45]) > 0.93
    assert overlap(masks[0][45:], RING[45:]) > 0.8
    assert len(report.found) == 2
    assert report.to_dict()["found"] == report.found
    assert "found: --box 110,8,30,14" in report.summary_lines()


def test_a_picture_of_it_can_be_asked_for(tmp_path):
    found(tmp_path, blended(moving(), PLATE, share=0.6), target="mask.png")
    mask = cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_GRAYSCALE) > 127
    assert overlap(mask, PLATE) > 0.9


@pytest.mark.slow
def test_it_is_marked_while_it_is_there(tmp_path):
    long = [picture for _ in range(3) for picture in [*moving(), *moving()[::-1]]]
    for index in range(90, 200):
        long[index] = np.where(PLATE[:, :, None], 0.3 * long[index] + 0.7 * 250, long[index])
    (line,) = found(tmp_path, long).found
    there = marked(tmp_path / "mask.mkv").any(axis=(1, 2))
    assert np.flatnonzero(np.diff(there.astype(int))) == pytest.approx([89, 199], abs=3)
    start, stop = map(int, line.rpartition("@")[2].split("-"))
    assert (start, stop) == pytest.approx((90, 200), abs=3)


def test_a_part_of_a_video_is_counted_from_its_start(tmp_path):
    source = written(tmp_path / "clip.mkv", blended(moving(), PLATE, share=0.8))
    report = vrestore.run_command("mask logo", source, target=tmp_path / "mask.mkv", start=8, stop=40)
    assert report.frames == 32
    assert report.found == ["found: --box 110,8,30,14"]


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (moving, "no logo is found: nothing stays in its place"),
        (lambda: blended(moving((0, 0)), PLATE, share=1.0), "the picture hardly moves"),
        (lambda: moving()[:1], r"1 frame\(s\) are too few"),
        (lambda: [0 * picture for picture in moving()], "no logo is found"),
    ],
    ids=["clean", "static camera", "one frame", "black"],
)
def test_where_nothing_can_be_found_a_line_says_so_and_nothing_is_written(tmp_path, pictures, message):
    with pytest.raises(MaskError, match=message):
        found(tmp_path, pictures())
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]


def test_a_picture_is_solved_from_its_gradients():
    rng = np.random.default_rng(0)
    picture = np.zeros((13, 18), np.float32)
    picture[1:-1, 1:-1] = rng.random((11, 16))
    across = np.diff(picture, axis=1, append=0).astype(np.float32)
    down = np.diff(picture, axis=0, append=0).astype(np.float32)
    assert np.abs(from_gradients(across, down) - picture).max() < 1e-5
