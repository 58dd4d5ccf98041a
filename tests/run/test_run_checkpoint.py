"""A run that was stopped goes on from its finished segments, and gives what it would have given."""

import json
import shutil
from unittest import mock

import av
import numpy as np
import pytest
import resuming
from clips import packets_of, planes_in, stamps_of, with_company, write_clip, write_pictures
from networks import small
from resuming import assert_same, left_behind, lines, names, state_of

import vrestore
from vrestore.errors import InputError, TargetError, UsageError
from vrestore.methods.inpaint.patch_io import PatchIO
from vrestore.models.cards import Card
from vrestore.models.weights import save_weights
from vrestore.run.checkpoint import frames_kept

BOXES = ["20,16,12,10@0-20", "20,16,12,10@24-44"]
"""A run that ends by itself, and one that is cut with what it needs."""

OPTIONS = {"box": BOXES, "quality": "draft", "codec": "ffv1", "segment": 0.4, "threads": 1}
"""Segments of 5 to 10 frames at 25 a second."""

BORDERS = [10, 20, 30, 40, 45]
FRAMES = 50


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "in.mkv", codec="ffv1", frames=FRAMES)


@pytest.fixture(scope="module")
def whole(clip, tmp_path_factory):
    """The result of a run that nobody stops, its further clips, and its report."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, done(clip, folder / "out.mkv", **further(folder))


@pytest.fixture(scope="module")
def halfway(clip, tmp_path_factory):
    """The folder that a run left which was stopped with three segments done or four."""
    target = tmp_path_factory.mktemp("halfway") / "out.mkv"
    assert stopped(clip, target, at=44) >= 30
    return state_of(target)


def further(folder):
    return {"compare": folder / "compare.mp4", "reveal_map": folder / "reveal.mkv"}


def done(clip, target, *, events=None, **options):
    return resuming.done(vrestore.inpaint, clip, target, events=events, **OPTIONS | options)


def stopped(clip, target, *, at, **options):
    return resuming.stopped(vrestore.inpaint, clip, target, at=at, **OPTIONS | options)


def facts_of(report):
    return report.frames, report.repaired_frames, report.scenes, report.details, report.codec, report.kept


@pytest.mark.parametrize("at", [1, 11, 23, 37, 50])
def test_a_stopped_run_goes_on_and_gives_the_same(clip, whole, tmp_path, at):
    target = tmp_path / "out.mkv"
    kept = stopped(clip, target, at=at)
    events = []
    report = done(clip, target, events=events)
    assert_same(target, whole[0] / "out.mkv")
    assert facts_of(report) == facts_of(whole[1])
    assert report.frames_before == kept
    assert kept in [0, *BORDERS]
    assert kept > at - 20
    said = [text for text in lines(events, "plan") if "goes on" in text]
    assert said == ([f"goes on at frame {kept} of {FRAMES}, where an earlier run stopped"] if kept else [])
    assert names(tmp_path) == ["out.mkv"]


def test_it_may_be_stopped_again_and_again(clip, whole, tmp_path):
    target = tmp_path / "out.mkv"
    kept = [stopped(clip, target, at=at) for at in (13, 18, 26, 37, 49)]
    assert kept == sorted(kept)
    report = done(clip, target)
    assert_same(target, whole[0] / "out.mkv")
    assert facts_of(report) == facts_of(whole[1])


def test_what_is_kept_is_not_done_again(clip, tmp_path, monkeypatch):
    target, filled = tmp_path / "out.mkv", []
    kept = stopped(clip, target, at=37)
    real = PatchIO.put_back
    monkeypatch.setattr(
        PatchIO,
        "put_back",
        lambda self, hole, frame, *rest: filled.append(frame.index) or real(self, hole, frame, *rest),
    )
    events = []
    done(clip, target, events=events)
    assert kept >= 20
    assert sorted(filled) == [number for number in range(24, 44) if number >= kept]
    counted = [(event.stage, event.frame) for event in events if event.event == "progress"]
    assert counted == [("resume" if n <= kept else "inpaint", n) for n in range(1, FRAMES + 1)]


def test_clips_beside_the_target_are_whole_after_it_too(clip, whole, tmp_path):
    target = tmp_path / "out.mkv"
    for at in (13, 41):
        stopped(clip, target, at=at, **further(tmp_path))
    report = done(clip, target, **further(tmp_path))
    for name in ("out.mkv", "compare.mp4", "reveal.mkv"):
        assert_same(tmp_path / name, whole[0] / name)
    assert len(report.extra_files) == 2
    assert names(tmp_path) == ["compare.mp4", "out.mkv", "reveal.mkv"]


def test_clips_in_segments_show_what_they_show_without(clip, whole, tmp_path):
    """What a border changes of the hole apart, which is little."""
    done(clip, tmp_path / "out.mkv", segment=0, **further(tmp_path))
    for name in ("compare.mp4", "reveal.mkv"):
        pairs = zip(planes_in(tmp_path / name), planes_in(whole[0] / name), strict=True)
        assert all(np.abs(a[0].astype(float) - b[0]).mean() < 4 for a, b in pairs)
        assert stamps_of(tmp_path / name) == stamps_of(whole[0] / name)


def test_a_part_of_a_video_with_sound_comes_out_as_without_a_stop(tmp_path):
    company = with_company(seconds=2.4)
    clip = write_clip(tmp_path / "in.mkv", frames=60, beside=company)
    how = {"start": 7, "stop": 52, "box": BOXES[1], "codec": None}
    done(clip, tmp_path / "whole.mp4", **how)
    kept = stopped(clip, tmp_path / "out.mp4", at=30, **how)
    report = done(clip, tmp_path / "out.mp4", **how)
    assert report.frames_before == kept > 0
    assert packets_of(tmp_path / "out.mp4", "audio") == packets_of(tmp_path / "whole.mp4", "audio")
    assert_same(tmp_path / "out.mp4", tmp_path / "whole.mp4")
    with av.open(str(tmp_path / "out.mp4")) as out, av.open(str(tmp_path / "whole.mp4")) as once:
        assert out.chapters() == once.chapters()


def test_the_report_says_that_it_went_on(clip, tmp_path):
    target = tmp_path / "out.mkv"
    kept = stopped(clip, target, at=45)
    report = done(clip, target, report=tmp_path / "report.json")
    assert f"went on at frame {kept}; seconds and memory are of the rest" in report.summary_lines()
    assert json.loads((tmp_path / "report.json").read_text())["frames_before"] == kept


OTHERS = {
    "set of options": {"crf": 3, "codec": "h264"},
    "set of options, by a box": {"box": "20,16,12,11"},
    "set of options, by segments": {"segment": 0.8},
    "set of options, by a clip": {"compare": "compare.mp4"},
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_options_begin_afresh_and_say_so(clip, halfway, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    target, events = left_behind(halfway, tmp_path), []
    report = done(clip, target, events=events, **OTHERS[case])
    (said,) = lines(events, "warning")
    assert said.startswith("what an earlier run left is of another ")
    assert case.partition(",")[0] in said
    assert report.frames_before == 0
    assert frames_kept(str(target)) == 0


def test_another_mask_begins_afresh(clip, tmp_path):
    target, mask, events = tmp_path / "out.mkv", tmp_path / "mask.mkv", []
    picture = np.zeros((48, 64), np.uint8)
    picture[10:20, 10:20] = 255
    blanks = [np.zeros_like(picture)] * (FRAMES - 6)
    write_pictures(mask, [picture] * 6 + blanks)
    assert stopped(clip, target, at=25, mask=mask, box=())
    write_pictures(mask, [picture[::-1]] * 6 + blanks)
    assert done(clip, target, events=events, mask=mask, box=()).frames_before == 0
    assert lines(events, "warning") == ["what an earlier run left is of another mask; it is made again"]
    done(clip, tmp_path / "once.mkv", mask=mask, box=())
    assert_same(target, tmp_path / "once.mkv")


def test_another_source_begins_afresh(clip, tmp_path):
    source, target = tmp_path / "in.mkv", tmp_path / "out.mkv"
    shutil.copy(clip, source)
    stopped(source, target, at=30)
    write_clip(source, codec="ffv1", frames=FRAMES, noise=True)
    events = []
    assert done(source, target, events=events).frames_before == 0
    assert lines(events, "warning") == ["what an earlier run left is of another source; it is made again"]
    done(source, tmp_path / "once.mkv")
    assert_same(target, tmp_path / "once.mkv")


def test_a_source_that_was_moved_or_touched_is_the_same(clip, whole, tmp_path):
    target = tmp_path / "out.mkv"
    shutil.copy(clip, tmp_path / "a.mkv")
    kept = stopped(tmp_path / "a.mkv", target, at=30)
    (tmp_path / "a.mkv").rename(tmp_path / "b.mkv")
    (tmp_path / "b.mkv").touch()
    report = done(tmp_path / "b.mkv", target, threads=2, report=tmp_path / "report.json")
    assert report.frames_before == kept > 0
    assert_same(target, whole[0] / "out.mkv")


def when_filled(monkeypatch, index, work):
    """Let something happen before a frame is filled, so that none behind it can have been written."""
    real = PatchIO.put_back

    def put_back(self, hole, frame, *rest):
        if frame.index == index:
            work()
        return real(self, hole, frame, *rest)

    monkeypatch.setattr(PatchIO, "put_back", put_back)


def test_nothing_is_kept_of_a_source_that_changes_meanwhile(clip, tmp_path, monkeypatch):
    source, target = tmp_path / "in.mkv", tmp_path / "out.mkv"
    shutil.copy(clip, source)
    when_filled(monkeypatch, 25, source.touch)
    with pytest.raises(InputError, match="changed while it was read"):
        done(source, target)
    assert frames_kept(str(target)) <= 20


def test_no_resume_begins_afresh(clip, whole, halfway, tmp_path):
    target = left_behind(halfway, tmp_path)
    assert done(clip, target, resume=False).frames_before == 0
    assert_same(target, whole[0] / "out.mkv")


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


def other_number(path):
    path.write_text(path.read_text().replace('"repaired_frames": ', '"repaired_frames": 1'))


DAMAGE = {
    "state cut off": ("state.json", truncate, 0),
    "state of another kind": ("state.json", lambda path: path.write_text("[1, 2]"), 0),
    "state empty": ("state.json", lambda path: path.write_bytes(b""), 0),
    "record cut off": ("000001.json", truncate, 10),
    "record is noise": ("000000.json", lambda path: path.write_bytes(bytes(range(256))), 0),
    "record changed": ("000001.json", other_number, 10),
    "record deep": ("000001.json", lambda path: path.write_text("[" * 100_000), 10),
    "picture missing": ("picture.000001.nut", lambda path: path.unlink(), 10),
    "picture cut off": ("picture.000000.nut", truncate, 0),
    "picture changed": ("picture.000001.nut", flip, 10),
    "picture is a folder": ("picture.000001.nut", lambda path: path.unlink() or path.mkdir(), 10),
    "carried is noise": ("000002.npz", lambda path: path.write_bytes(bytes(range(256))), 20),
    "carried changed": ("000002.npz", flip, 20),
    "carried missing": ("000002.npz", lambda path: path.unlink(), 20),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_told_and_what_it_touches_is_made_again(clip, whole, halfway, tmp_path, case):
    name, damage, left = DAMAGE[case]
    target, events = left_behind(halfway, tmp_path), []
    damage(state_of(target) / name)
    report = done(clip, target, events=events)
    (said,) = lines(events, "warning")
    assert "damaged (" in said
    assert said.endswith("it is made again")
    assert report.frames_before == left
    assert_same(target, whole[0] / "out.mkv")


def test_a_record_that_is_missing_hides_those_behind_it(clip, whole, halfway, tmp_path, monkeypatch):
    target = left_behind(halfway, tmp_path)
    (state_of(target) / "000001.json").unlink()
    when_filled(monkeypatch, 12, mock.Mock(side_effect=[KeyboardInterrupt, None]))
    with pytest.raises(KeyboardInterrupt):
        done(clip, target)
    assert frames_kept(str(target)) == 10
    assert not (state_of(target) / "000002.json").exists()
    done(clip, target)
    assert_same(target, whole[0] / "out.mkv")


def test_arrays_that_would_be_unpickled_are_not_read(clip, whole, halfway, tmp_path, monkeypatch):
    """Also where somebody has made the hash fit."""
    from vrestore.run import checkpoint as segments

    target, events = left_behind(halfway, tmp_path), []
    place = state_of(target) / "000002.npz"
    with place.open("wb") as file:
        np.savez(file, colors0=np.array([print], object), confidence0=np.array([1]))
    monkeypatch.setattr(segments, "_check_sum", lambda *_: None)
    assert done(clip, target, events=events).frames_before == 20
    assert "damaged (Object arrays cannot be loaded" in lines(events, "warning")[0]
    assert_same(target, whole[0] / "out.mkv")


def test_with_less_memory_it_begins_afresh_and_with_more_it_keeps_its_plan(clip, whole, tmp_path):
    target = tmp_path / "out.mkv"
    tight = whole[1].plan.expected_bytes - 1000
    smaller = done(clip, tmp_path / "small.mkv", memory=tight)
    assert smaller.plan.look_ahead < whole[1].plan.look_ahead
    kept = stopped(clip, target, at=37, memory=tight)
    more = done(clip, target)
    assert (more.frames_before, more.plan.look_ahead) == (kept, smaller.plan.look_ahead)
    assert_same(target, tmp_path / "small.mkv")
    target.unlink()
    stopped(clip, target, at=37)
    events = []
    assert done(clip, target, events=events, memory=tight).frames_before == 0
    assert "made with more memory" in lines(events, "warning")[0]
    assert_same(target, tmp_path / "small.mkv")


@pytest.mark.parametrize("options", [{"segment": 60}, {"segment": 0}], ids=["short", "without"])
def test_a_short_video_or_one_without_segments_is_written_at_once(clip, tmp_path, options):
    target = tmp_path / "out.mkv"
    seen = []

    def look(event):
        if event.frame == FRAMES:
            seen.extend(names(state_of(target)))

    vrestore.inpaint(clip, target=target, progress=look, **OPTIONS | options)
    assert seen == ["lock", "owner"]


def test_a_run_without_segments_takes_away_what_one_with_them_left(clip, halfway, tmp_path):
    target = left_behind(halfway, tmp_path)
    done(clip, target, segment=0)
    assert names(tmp_path) == ["out.mkv"]


def test_what_is_not_of_the_segments_stays(clip, halfway, tmp_path):
    """A batch keeps its logs in a folder that may be called as a target is."""
    target = left_behind(halfway, tmp_path)
    (state_of(target) / "clip.log").touch()
    done(clip, target)
    assert names(state_of(target)) == ["clip.log"]


def test_a_plan_leaves_what_is_kept_alone(clip, halfway, tmp_path):
    target = left_behind(halfway, tmp_path)
    vrestore.plan_inpaint(clip, target=target, **OPTIONS)
    assert names(state_of(target)) == names(halfway)


def test_a_state_folder_that_cannot_be_written_is_one_clear_line(clip, tmp_path):
    target = tmp_path / "out.mkv"

    def vanish(event):
        if event.frame == 5:
            shutil.rmtree(tmp_path / ".vrestore")

    # Whether the segment's own file is missed first, or the place for its record, is a matter of time.
    with pytest.raises(TargetError, match=r"^'[^']*out\.mkv(/\d+\.json)?' (cannot be|was not) written"):
        vrestore.inpaint(clip, target=target, progress=vanish, **OPTIONS)
    assert not target.exists()


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_a_segment_is_a_time(clip, seconds):
    with pytest.raises(UsageError, match="a segment is 0 s"):
        vrestore.inpaint(clip, box=BOXES, segment=seconds)


def test_images_are_written_at_once(clip, tmp_path):
    report = done(clip, f"{tmp_path}/out/", codec=None)
    assert report.frames == len(names(tmp_path / "out")) == FRAMES


@pytest.mark.slow
def test_with_a_network_it_gives_the_same_too(clip, tmp_path):
    """What the network saw before a border is not carried: it begins anew there, in both runs."""
    card = Card("model", "1", "tsam-small", "Paints.", "CC0-1.0", (), "a test", 0, 0, "any", ())
    save_weights(small(), tmp_path / "model.safetensors", card)
    how = {"method": "tsam", "model": tmp_path / "model.safetensors", "precision": "fp32"}
    done(clip, tmp_path / "once.mkv", **how)
    kept = stopped(clip, tmp_path / "out.mkv", at=34, **how)
    assert done(clip, tmp_path / "out.mkv", **how).frames_before == kept > 0
    assert_same(tmp_path / "out.mkv", tmp_path / "once.mkv")
