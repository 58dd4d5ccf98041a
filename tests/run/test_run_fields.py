"""Runs on interlaced video and telecined film: stopped, looked at before, and told of."""

import numpy as np
import pytest
import resuming
from clips import packets_of, planes_in, stamps_of
from interlaced import interlaced, telecined

import vrestore
from vrestore.errors import InputError
from vrestore.masks.masks import MaskOptions
from vrestore.masks.preview import preview

OPTIONS = {"box": "20,16,16,12", "quality": "draft", "codec": "ffv1", "segment": 0.16, "threads": 1}
KINDS = pytest.mark.parametrize(
    ("make", "words", "count"),
    [
        (interlaced, {"deinterlace": True, "double_rate": True}, 8),
        (telecined, {"detelecine": True}, 16),
    ],
    ids=["fields", "film"],
)


@KINDS
@pytest.mark.slow
def test_a_run_that_was_stopped_gives_the_same(tmp_path, make, words, count):
    source, _ = make(tmp_path / "in.mkv", count)
    whole = resuming.done(vrestore.inpaint, source, tmp_path / "whole.mkv", **OPTIONS, **words)
    assert resuming.stopped(vrestore.inpaint, source, tmp_path / "out.mkv", at=13, **OPTIONS, **words) > 0
    again = resuming.done(vrestore.inpaint, source, tmp_path / "out.mkv", **OPTIONS, **words)
    assert (again.frames, again.frames_before > 0) == (whole.frames, True)
    resuming.assert_same(tmp_path / "out.mkv", tmp_path / "whole.mkv")
    assert packets_of(tmp_path / "out.mkv", "video") == packets_of(tmp_path / "whole.mkv", "video")


def test_what_was_made_is_told(tmp_path):
    source, _ = interlaced(tmp_path / "in.mkv")
    words = {"box": "20,16,16,12", "quality": "draft", "deinterlace": True, "double_rate": True}
    plan = vrestore.plan_inpaint(source, target=tmp_path / "out.mkv", **words)
    said = "deinterlaced by bwdif: 50 frames a second, 2 of each of the source's"
    assert said in plan.lines()
    report = vrestore.inpaint(source, target=tmp_path / "out.mkv", **words)
    assert (report.frames, report.fields) == (12, said)
    assert said in report.summary_lines()
    assert len(stamps_of(tmp_path / "out.mkv")) == 12


def test_a_mask_can_be_looked_at_on_whole_frames(tmp_path):
    source, _ = interlaced(tmp_path / "in.mkv")
    masks = MaskOptions(boxes=("20,16,16,12",))
    with pytest.raises(InputError, match="is interlaced; pass --deinterlace"):
        preview(source, tmp_path / "look.png", masks=masks)
    assert preview(source, tmp_path / "look.png", masks=masks, at=2, deinterlace=True).frame == 2
    assert np.asarray(planes_in(tmp_path / "look.png")[0][0]).size > 0
