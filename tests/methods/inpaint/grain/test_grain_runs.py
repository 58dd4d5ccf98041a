"""From file to file: what is filled is as noisy as what lies around it, from frame to frame too."""

from itertools import pairwise

import numpy as np
import pytest
from clips import planes_in, write_pictures
from resuming import assert_same, stopped
from textured import texture

import vrestore
from vrestore.errors import UsageError

HEIGHT, WIDTH, COUNT = 96, 128, 8
BOX = "44,32,40,32"
OPTIONS = {"box": BOX, "codec": "ffv1", "grow": 0, "feather": 0, "threads": 1, "overwrite": True}


def written(path, *, deviation, count=COUNT):
    rng, picture = np.random.default_rng(1), 255 * texture(HEIGHT, WIDTH, seed=3).mean(0)
    noisy = (picture + deviation * rng.standard_normal(picture.shape) for _ in range(count))
    return write_pictures(path, [np.rint(np.clip(each, 0, 255)).astype(np.uint8) for each in noisy])


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return written(tmp_path_factory.mktemp("clip") / "in.mkv", deviation=4)


def change_over_that_around(path):
    """Return how much more the hole's middle changes from frame to frame than what lies beside it."""
    lumas = [planes[0].astype(float) for planes in planes_in(path)]
    changes = [one - other for one, other in pairwise(lumas)]
    hole = np.mean([change[36:60, 48:80].std() for change in changes])
    return hole / np.mean([change[36:60, 4:36].std() for change in changes])


def test_what_is_filled_is_as_lively_as_what_lies_around_it(clip, tmp_path):
    report = vrestore.inpaint(clip, target=tmp_path / "auto.mkv", **OPTIONS)
    assert report.details.grain.frames == COUNT
    assert report.details.grain.mean_level == pytest.approx(4, rel=0.15)
    assert f"grain of {report.details.grain.mean_level:g} levels in {COUNT} frames" in report.details.line()
    assert 0.75 < change_over_that_around(tmp_path / "auto.mkv") < 1.2
    for before, after in zip(planes_in(clip), planes_in(tmp_path / "auto.mkv"), strict=True):
        changed = before[0] != after[0]
        changed[32:64, 44:84] = False
        assert not changed.any()


@pytest.mark.parametrize("words", [{"grain": "off"}, {"quality": "draft"}])
def test_off_and_draft_leave_what_is_filled_as_it_is(clip, tmp_path, words):
    report = vrestore.inpaint(clip, target=tmp_path / "off.mkv", **OPTIONS | words)
    assert report.to_dict()["grain"] == {"frames": 0, "mean_level": None}
    assert "grain" not in report.details.line()
    assert change_over_that_around(tmp_path / "off.mkv") < 0.5


def test_a_clean_video_is_given_none(tmp_path):
    source = written(tmp_path / "in.mkv", deviation=0, count=4)
    for word in ("auto", "off"):
        report = vrestore.inpaint(source, target=tmp_path / f"{word}.mkv", grain=word, **OPTIONS)
        assert report.details.grain.frames == 0
    assert_same(tmp_path / "auto.mkv", tmp_path / "off.mkv")


def test_grain_is_auto_or_off():
    with pytest.raises(UsageError, match="grain is one of auto, off, got 'some'"):
        vrestore.inpaint("any.mkv", box=BOX, grain="some")


def test_frames_in_memory_get_the_same(clip):
    frames = [np.repeat(planes[0][..., None], 3, 2) for planes in planes_in(clip)]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[32:64, 44:84] = True
    made = list(vrestore.inpaint_frames(frames, mask, grow=0, feather=0, threads=1))
    changes = [(one - other)[36:60, 48:80].std() for one, other in pairwise(np.array(made).astype(float))]
    assert np.mean(changes) / (4 * 2**0.5) == pytest.approx(1, abs=0.2)
    # One noise in red, green and blue stays one.
    assert abs(made[5][40, 60].astype(int) - made[5][40, 60, ::-1]).max() <= 1


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_with_the_same_grain(tmp_path):
    source = written(tmp_path / "in.mkv", deviation=4, count=50)
    options = OPTIONS | {"segment": 0.6, "overwrite": False}
    vrestore.inpaint(source, target=tmp_path / "once.mkv", **options)
    assert stopped(vrestore.inpaint, source, tmp_path / "parts.mkv", at=40, **options) > 0
    report = vrestore.inpaint(source, target=tmp_path / "parts.mkv", **options)
    assert report.frames_before > 0
    assert report.details.grain.frames == 50
    assert_same(tmp_path / "once.mkv", tmp_path / "parts.mkv")
