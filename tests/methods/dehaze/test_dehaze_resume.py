"""Dehazing that was stopped goes on from its finished segments, and gives what it would have given."""

import numpy as np
import pytest
import resuming
from clips import with_company, write_clip
from hazy import stirred, write_foggy, write_weights
from resuming import assert_same, left_behind, lines, names, state_of

import vrestore
from vrestore.methods.dehaze.render import Renderer
from vrestore.models.cgidn.config import CGIDN_SMALL
from vrestore.run.checkpoint import frames_kept

OPTIONS = {"method": "dcp", "codec": "ffv1", "segment": 0.4, "threads": 1}
"""Segments of 5 to 10 frames at 25 a second."""

SCENES = (26, 5, 19)
FRAMES, BORDERS = sum(SCENES), [10, 20, 26, 31, 41]
METHODS = ["dcp", "cgidn"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_foggy(tmp_path_factory.mktemp("clip") / "in.mkv", *SCENES)


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """The words of each method."""
    place = tmp_path_factory.mktemp("weights") / "stirred.safetensors"
    return {
        "dcp": {},
        "cgidn": {"method": "cgidn", "model": write_weights(place, stirred(CGIDN_SMALL, by=0.01))},
    }


@pytest.fixture(scope="module")
def whole(clip, ways, tmp_path_factory):
    """For each method the folder with the result of a run that nobody stops, and its report."""
    folders = {method: tmp_path_factory.mktemp(method) for method in METHODS}
    return {
        method: (folder, done(clip, folder / "out.mkv", **further(folder), **ways[method]))
        for method, folder in folders.items()
    }


@pytest.fixture(scope="module")
def halfway(clip, tmp_path_factory):
    """The folder that a run left which was stopped with four segments done or five."""
    target = tmp_path_factory.mktemp("halfway") / "out.mkv"
    assert stopped(clip, target, at=44) >= 31
    return state_of(target)


def further(folder):
    return {"compare": folder / "compare.mp4", "matte": folder / "matte.mkv"}


def done(clip, target, *, events=None, **options):
    return resuming.done(vrestore.dehaze, clip, target, events=events, **OPTIONS | options)


def stopped(clip, target, *, at, **options):
    return resuming.stopped(vrestore.dehaze, clip, target, at=at, **OPTIONS | options)


def facts_of(report):
    return report.frames, report.repaired_frames, report.scenes, report.details, report.codec, report.kept


@pytest.mark.parametrize(
    ("method", "at"),
    [
        *(("dcp", at) for at in (1, 11, 24, 37, 50)),
        ("cgidn", 37),
        *(pytest.param("cgidn", at, marks=pytest.mark.slow) for at in (1, 11, 24, 50)),
    ],
)
def test_a_stopped_run_goes_on_and_gives_the_same(clip, ways, whole, tmp_path, method, at):
    target, (expected, once) = tmp_path / "out.mkv", whole[method]
    kept = stopped(clip, target, at=at, **further(tmp_path), **ways[method])
    events = []
    report = done(clip, target, events=events, **further(tmp_path), **ways[method])
    for name in ("out.mkv", "matte.mkv", "compare.mp4"):
        assert_same(tmp_path / name, expected / name)
    assert facts_of(report) == facts_of(once)
    assert report.scenes == len(SCENES)
    assert report.frames_before == kept
    assert kept in [0, *BORDERS]
    assert kept > at - 20
    said = [text for text in lines(events, "plan") if "goes on" in text]
    assert said == ([f"goes on at frame {kept} of {FRAMES}, where an earlier run stopped"] if kept else [])
    assert names(tmp_path) == ["compare.mp4", "matte.mkv", "out.mkv"]


@pytest.mark.parametrize("method", ["dcp", pytest.param("cgidn", marks=pytest.mark.slow)])
def test_it_may_be_stopped_again_and_again(clip, ways, whole, tmp_path, method):
    target, (expected, once) = tmp_path / "out.mkv", whole[method]
    kept = [stopped(clip, target, at=at, **ways[method]) for at in (13, 18, 26, 37, 49)]
    assert kept == sorted(kept)
    report = done(clip, target, **ways[method])
    assert_same(target, expected / "out.mkv")
    assert facts_of(report) == facts_of(once)


@pytest.mark.parametrize("method", ["dcp", pytest.param("cgidn", marks=pytest.mark.slow)])
def test_segments_change_no_frame(clip, ways, whole, tmp_path, method):
    expected, once = whole[method]
    report = done(clip, tmp_path / "out.mkv", segment=0, **ways[method])
    assert_same(tmp_path / "out.mkv", expected / "out.mkv")
    assert facts_of(report) == facts_of(once)


def test_what_is_kept_is_not_done_again(clip, tmp_path, monkeypatch):
    target, rendered, events = tmp_path / "out.mkv", [], []
    kept = stopped(clip, target, at=37)
    real = Renderer.__call__
    monkeypatch.setattr(
        Renderer, "__call__", lambda self, veil: rendered.append(veil.look.frame.index) or real(self, veil)
    )
    done(clip, target, events=events)
    assert kept >= 20
    assert rendered == list(range(kept, FRAMES))
    counted = [(event.stage, event.frame) for event in events if event.event == "progress"]
    assert counted == [("resume" if n <= kept else "dehaze", n) for n in range(1, FRAMES + 1)]


def test_at_strength_0_it_stays_the_source_bit_for_bit(tmp_path):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=40, height=45, width=63, noise=True)
    kept = stopped(source, tmp_path / "out.mkv", at=33, strength=0)
    assert done(source, tmp_path / "out.mkv", strength=0).frames_before == kept > 0
    assert_same(tmp_path / "out.mkv", source)


def test_a_part_of_a_video_with_sound_comes_out_as_without_a_stop(tmp_path):
    clip = write_clip(tmp_path / "in.mkv", frames=60, beside=with_company(seconds=2.4))
    how = {"start": 7, "stop": 52, "codec": None}
    done(clip, tmp_path / "whole.mp4", **how)
    kept = stopped(clip, tmp_path / "out.mp4", at=30, **how)
    assert done(clip, tmp_path / "out.mp4", **how).frames_before == kept > 0
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


OTHERS = {
    "strength": {"strength": 61},
    "air": {"airlight": "shot"},
    "steadiness": {"steady": 0.8},
    "night": {"night": True},
    "segments": {"segment": 0.8},
    "a clip": {"matte": "matte.mkv"},
    "encoder": {"codec": "h264", "crf": 3},
}


QUICK = ("strength", "encoder")


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.slow) for case in OTHERS]
)
def test_other_options_begin_afresh_and_say_so(clip, halfway, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    target, events = left_behind(halfway, tmp_path), []
    report = done(clip, target, events=events, **OTHERS[case])
    (said,) = lines(events, "warning")
    assert said.startswith("what an earlier run left is of another ")
    assert "set of options; it is made again" in said
    assert report.frames_before == 0
    done(clip, tmp_path / "once.mkv", overwrite=True, **OTHERS[case])
    assert_same(target, tmp_path / "once.mkv")


def test_other_weights_begin_afresh(tmp_path):
    clip, target, events = write_foggy(tmp_path / "in.mkv", 24), tmp_path / "out.mkv", []
    network = stirred(CGIDN_SMALL, by=0.01)
    how = {"method": "cgidn", "model": write_weights(tmp_path / "model.safetensors", network)}
    assert stopped(clip, target, at=22, **how)
    next(network.parameters()).data.mul_(1.1)
    write_weights(tmp_path / "model.safetensors", network)
    assert done(clip, target, events=events, **how).frames_before == 0
    assert "another set of options; it is made again" in lines(events, "warning")[0]


def test_a_run_of_inpainting_does_not_go_on_with_dehazing(clip, halfway, tmp_path):
    target, events = left_behind(halfway, tmp_path), []
    how = {"box": "8,8,8,8", "quality": "draft", "codec": "ffv1", "segment": 0.4, "threads": 1}
    report = vrestore.inpaint(clip, target=target, progress=events.append, **how)
    assert report.frames_before == 0
    assert "another set of options" in lines(events, "warning")[0]


def test_no_resume_begins_afresh(clip, whole, halfway, tmp_path):
    target = left_behind(halfway, tmp_path)
    assert done(clip, target, resume=False).frames_before == 0
    assert_same(target, whole["dcp"][0] / "out.mkv")


@pytest.mark.parametrize("arrays", [{}, {"air": np.zeros(3), "maps": np.zeros(0)}], ids=["none", "some"])
def test_what_is_carried_and_is_not_all_there_is_made_again(
    clip, whole, halfway, tmp_path, monkeypatch, arrays
):
    """Also where somebody has made the hash fit."""
    from vrestore.run import checkpoint as segments

    target, events = left_behind(halfway, tmp_path), []
    with (state_of(target) / "000001.npz").open("wb") as file:
        np.savez(file, **arrays)
    monkeypatch.setattr(segments, "_check_sum", lambda *_: None)
    assert done(clip, target, events=events).frames_before == 10
    assert "damaged (" in lines(events, "warning")[0]
    assert_same(target, whole["dcp"][0] / "out.mkv")


def test_only_borders_within_a_scene_carry_anything(halfway):
    assert [name for name in names(halfway) if name.endswith(".npz")] in (
        ["000000.npz", "000001.npz"],
        ["000000.npz", "000001.npz", "000004.npz"],
    )


def test_a_short_video_is_written_at_once(clip, tmp_path):
    target, seen = tmp_path / "out.mkv", []

    def look(event):
        if event.frame == FRAMES:
            seen.extend(names(state_of(target)))

    vrestore.dehaze(clip, target=target, progress=look, **OPTIONS | {"segment": 60})
    assert seen == ["lock", "owner"]


def test_a_plan_leaves_what_is_kept_alone(clip, halfway, tmp_path):
    target = left_behind(halfway, tmp_path)
    vrestore.plan_dehaze(clip, target=target, **OPTIONS)
    assert names(state_of(target)) == names(halfway)


def test_a_batch_goes_on_at_the_last_finished_segment(clip, whole, tmp_path):
    """The files of a batch and of a run of its own are kept in the same way."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mkv").symlink_to(clip)
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "a.mkv"
    kept = stopped(clip, target, at=44)
    events = []
    vrestore.batch(
        "dehaze",
        tmp_path / "in",
        output=tmp_path / "out",
        progress=lambda _source, event: events.append(event),
        **OPTIONS,
    )
    assert f"goes on at frame {kept} of {FRAMES}, where an earlier run stopped" in lines(events, "plan")
    assert_same(target, whole["dcp"][0] / "out.mkv")
    assert frames_kept(str(target)) == 0
