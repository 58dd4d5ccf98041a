"""Logos and words are found and removed in one run, and what was found is told."""

import sys

import cv2
import numpy as np
import pytest

import vrestore
from tests.clips import planes_in, write_pictures
from tests.textured import panned, texture
from vrestore.errors import MaskError, UsageError

HEIGHT, WIDTH, FRAMES = 136, 176, 32
COMES, GOES = 8, 25
QUICK = {"codec": "ffv1", "quality": "draft", "auto": True}

BADGE = np.zeros((HEIGHT, WIDTH, 1), np.float32)
BADGE[8:24, 140:166] = 1.0
BADGE[13:19, 147:159] = 0.0
WORDS, OUTLINE = (np.zeros((HEIGHT, WIDTH), np.uint8) for _ in range(2))
for canvas, thick in ((WORDS, 2), (OUTLINE, 5)):
    cv2.putText(canvas, "Where are you?", (16, 122), cv2.FONT_HERSHEY_SIMPLEX, 0.65, 255, thick, cv2.LINE_AA)
STROKES = OUTLINE > 60


@pytest.fixture(autouse=True)
def without_network(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)


def moving(step=(2.6, 0.7)):
    world = texture(HEIGHT + 40, WIDTH + 120, seed=5)
    pictures = panned(world, count=FRAMES, height=HEIGHT, width=WIDTH, step=step)
    return [picture.transpose(1, 2, 0) * 255 for picture in pictures]


def with_badge(pictures, opacity=0.4):
    return [(1 - opacity * BADGE) * picture + opacity * BADGE * 245 for picture in pictures]


def with_words(pictures):
    for picture in pictures[COMES:GOES]:
        for canvas, level in ((OUTLINE, 0), (WORDS, 240)):
            share = canvas[:, :, None] / 255
            picture[...] = (1 - share) * picture + share * level
    return pictures


def written(path, pictures):
    codes = (np.rint(picture).clip(0, 255).astype(np.uint8) for picture in pictures)
    return write_pictures(path, codes, layout="yuv444p")


def luma(path):
    return np.stack([planes[0] for planes in planes_in(path)]).astype(float)


@pytest.mark.slow
def test_logo_and_words_are_removed_in_one_run(tmp_path):
    truth = written(tmp_path / "truth.mkv", moving())
    source = written(tmp_path / "show.mkv", with_words(with_badge(moving())))
    report = vrestore.inpaint(source, target=tmp_path / "out.mkv", **QUICK)
    errors = {
        name: np.abs(luma(path) - luma(truth))
        for name, path in (("in", source), ("out", tmp_path / "out.mkv"))
    }
    for where in (np.s_[COMES:GOES, STROKES], np.s_[:, BADGE[:, :, 0] > 0]):
        assert errors["out"][where].mean() < 0.4 * errors["in"][where].mean()
    assert any(line.startswith("found: --box 140,8,26,16") for line in report.found)
    assert any(line.endswith(f"@{COMES}-{GOES}") for line in report.found)
    assert "what shines through the logo is restored, as by --overlay auto" in report.summary_lines()
    assert report.to_dict()["found"] == report.found
    assert report.settings["masks"]["auto"] is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mkv", "show.mkv", "truth.mkv"]


def test_words_alone_are_filled_before_a_still_camera_and_a_line_says_why(tmp_path):
    source = written(tmp_path / "show.mkv", with_words(moving((0, 0))))
    report = vrestore.inpaint(source, target=tmp_path / "out.mkv", **QUICK)
    assert report.repaired_frames == GOES - COMES
    assert any("the picture hardly moves" in line for line in report.found)


def test_a_plan_finds_too(tmp_path):
    source = written(tmp_path / "show.mkv", with_badge(moving(), opacity=1.0))
    plan = vrestore.plan_inpaint(source, target=tmp_path / "out.mkv", **QUICK)
    assert plan.frames_with_holes == FRAMES
    assert any(note.startswith("found: --box 140,8,26,16") for note in plan.notes)


def test_where_nothing_is_found_a_line_says_so(tmp_path):
    source = written(tmp_path / "show.mkv", moving())
    with pytest.raises(
        MaskError, match=r"--auto finds nothing to fill: no logo is found.*; no words are found"
    ):
        vrestore.inpaint(source, target=tmp_path / "out.mkv", **QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["show.mkv"]


@pytest.mark.parametrize(
    "more", [{"box": "1,1,9,9"}, {"dirt": True}, {"overlay": "auto"}, {"invert": True}, {"mask_offset": 2}]
)
def test_it_goes_alone(tmp_path, more):
    with pytest.raises(UsageError, match=r"--auto goes alone"):
        vrestore.inpaint(tmp_path / "show.mkv", target=tmp_path / "out.mkv", **QUICK, **more)
