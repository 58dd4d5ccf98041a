"""Dirt is marked in the frames that have it; what moves, cuts and clean frames are left alone."""

import av
import numpy as np
import pytest

import vrestore
from tests.clips import planes_in, write_pictures
from tests.textured import panned, texture
from vrestore.detect.dirt.candidates import FEATURES
from vrestore.detect.dirt.judge import WEIGHTS
from vrestore.errors import MaskError, UsageError

HEIGHT, WIDTH, FRAMES = 72, 110, 12
SPECKS = [
    (2, 20, 30, 3, 90),
    (5, 50, 80, 2, -80),
    (5, 12, 90, 4, 100),
    (8, 40, 50, 3, -100),
    (0, 30, 60, 3, 95),
]
"""Frame, row, column, radius, levels."""


def moving(seed=1, step=(1.5, 0.5)):
    world = texture(HEIGHT + 20, WIDTH + 40, seed=seed)
    return [
        picture.transpose(1, 2, 0) * 255
        for picture in panned(world, count=FRAMES, height=HEIGHT, width=WIDTH, step=step)
    ]


def disc(row, column, radius):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(y - row, x - column) <= radius


def found(folder, pictures, **options):
    """Return the masks (T, H, W) of pictures written without loss."""
    codes = (np.rint(picture).clip(0, 255).astype(np.uint8) for picture in pictures)
    source = write_pictures(folder / "film.mkv", codes, layout="yuv444p")
    vrestore.run_command("mask dirt", source, target=folder / "dirt.mkv", **options)
    return np.stack([planes[0] > 127 for planes in planes_in(folder / "dirt.mkv")])


def test_specks_are_marked_in_their_own_frame(tmp_path):
    pictures, truth = moving(), np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    for index, row, column, radius, levels in SPECKS:
        where = disc(row, column, radius)
        truth[index] |= where
        pictures[index][where] += levels
    masks = found(tmp_path, pictures)
    assert masks.shape == truth.shape
    assert np.count_nonzero(masks & truth) > 0.85 * np.count_nonzero(truth)
    assert np.count_nonzero(masks & ~truth) < 0.1 * np.count_nonzero(truth)


def test_nothing_is_marked_in_what_is_clean_nor_at_a_cut(tmp_path):
    pictures = moving(seed=1)[:6] + moving(seed=2, step=(-1, 1))[:6]
    assert not found(tmp_path, pictures).any()


def test_what_moves_through_the_picture_is_no_dirt(tmp_path):
    pictures = moving()
    for index, picture in enumerate(pictures):
        picture[disc(20 + 2 * index, 15 + 6 * index, 6)] = (240, 60, 40)
    masks = found(tmp_path, pictures)
    assert np.count_nonzero(masks) < 0.01 * FRAMES * np.count_nonzero(disc(30, 30, 6))


def test_sensitivity_marks_more_or_nothing(tmp_path):
    pictures = moving()
    for index, row, column, radius, levels in SPECKS:
        pictures[index][disc(row, column, radius)] += levels / 4
    counts = [np.count_nonzero(found(tmp_path, pictures, sensitivity=n, overwrite=True)) for n in (0, 40, 99)]
    assert counts[0] == 0
    assert counts[0] <= counts[1] < counts[2]


def scratched(pictures):
    """Draw a bright and a dark scratch, of more pixels than a speck has, and say where."""
    where = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    for index, picture in enumerate(pictures):
        for column, levels in ((40 + index // 6, 60), (85, -60)):
            picture[:, column : column + 3] += levels
            where[index, :, column : column + 3] = True
    return pictures, where


def test_scratches_are_marked_when_they_are_asked_for(tmp_path):
    pictures, where = scratched(moving(step=(3.0, 0.5)))
    masks = found(tmp_path, pictures, scratches=True)
    assert masks[where].mean() > 0.85
    assert where[masks].mean() > 0.6
    assert found(tmp_path, pictures, overwrite=True)[where].mean() < 0.5


def test_upright_lines_that_move_with_the_scene_are_no_scratches(tmp_path):
    pictures = moving(step=(3.0, 0.5))
    for index, picture in enumerate(pictures):
        picture[:, 60 - 3 * index : 62 - 3 * index] += 60
    with_lines = found(tmp_path, pictures, scratches=True)
    assert np.array_equal(with_lines, found(tmp_path, pictures, overwrite=True))


def test_too_few_frames_have_a_line_and_write_nothing(tmp_path):
    with pytest.raises(MaskError, match=r"2 frame\(s\) are too few to tell dirt"):
        found(tmp_path, moving()[:2])
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


def test_a_sensitivity_beyond_100_is_refused(tmp_path):
    with pytest.raises(UsageError, match="sensitivity is from 0 to 100"):
        found(tmp_path, moving()[:3], sensitivity=120)


def test_every_feature_has_a_weight():
    assert tuple(WEIGHTS) == FEATURES


def psnr(one, other):
    return -10 * np.log10(np.mean((one.astype(float) - other) ** 2) / 255**2)


@pytest.fixture
def film(tmp_path):
    """Return a film with specks in some frames and the same without, as arrays, and its file."""
    clean = [np.rint(picture).clip(0, 255).astype(np.uint8) for picture in moving()]
    dirty = [picture.copy() for picture in clean]
    for index, row, column, radius, levels in SPECKS:
        where = disc(row, column, radius)
        dirty[index][where] = (dirty[index][where] + float(levels)).clip(0, 255)
    return clean, dirty, write_pictures(tmp_path / "film.mkv", dirty, layout="bgr0")


def test_inpaint_finds_and_fills_dirt_in_one_run(film, tmp_path):
    clean, dirty, source = film
    report = vrestore.inpaint(source, dirt=True, grow=1, quality="draft", target=tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        restored = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert psnr(np.stack(restored), np.stack(clean)) > psnr(np.stack(dirty), np.stack(clean)) + 6
    untouched = set(range(FRAMES)) - {index for index, *_ in SPECKS}
    assert all((restored[index] == clean[index]).all() for index in untouched)
    assert report.repaired_frames == FRAMES - len(untouched)
    assert report.settings["masks"] | {"dirt": True, "paths": []} == report.settings["masks"]
    assert vrestore.plan_inpaint(source, dirt=True, target=tmp_path / "plan.mkv").frames_with_holes == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "out.mkv"]


def test_the_mask_of_the_same_dirt_is_the_same_file(film, tmp_path):
    _, _, source = film
    for name in ("one.mov", "other.mov"):
        vrestore.run_command("mask dirt", source, target=tmp_path / name)
    assert (tmp_path / "one.mov").read_bytes() == (tmp_path / "other.mov").read_bytes()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"invert": True}, UsageError, "--dirt goes with neither --invert nor --mask-offset"),
        ({"mask_offset": 3, "box": "1,1,9,9"}, UsageError, "--dirt goes with neither"),
    ],
    ids=["inverted", "moved"],
)
def test_words_that_do_not_go_with_dirt_are_refused(film, tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        vrestore.inpaint(film[2], dirt=True, target=tmp_path / "out.mkv", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


def test_a_clean_film_has_a_line(tmp_path):
    codes = (np.rint(picture).clip(0, 255).astype(np.uint8) for picture in moving())
    source = write_pictures(tmp_path / "film.mkv", codes, layout="bgr0")
    with pytest.raises(MaskError, match="no dirt is found"):
        vrestore.inpaint(source, dirt=True, target=tmp_path / "out.mkv")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]
