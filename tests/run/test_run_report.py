"""The account of a run, for people and for programs."""

import json
from dataclasses import replace

import pytest
from clips import mask_meta

from vrestore.frames import Box, HoleSummary
from vrestore.methods.inpaint.plan import make_plan
from vrestore.methods.inpaint.report import InpaintReport, Origins, Paint, ReadOnce
from vrestore.run.report import PlanReport, Report

PLAN = make_plan(
    mask_meta(), [HoleSummary((Box(3, 4, 5, 6),), 30)], quality="balanced", threads=2, memory_bytes=2**32
)
REPORT = Report(
    version="1.2",
    source="in.mp4",
    target="out.mp4",
    method="propagate",
    device="cpu",
    frames=50,
    repaired_frames=40,
    scenes=3,
    details=InpaintReport(Origins(copied=50, blended=25, painted=25), ReadOnce(40, 20, 7.5)),
    codec="libx264",
    kept=[{"kind": "audio", "index": 1}],
    dropped=[],
    warnings=[],
    damage=[],
    plan=PLAN,
    settings={"quality": "balanced"},
    seconds=2.5,
    stage_seconds={"decode": 1.0},
    peak_memory_bytes=3 * 2**20,
)


def test_shares_are_of_all_hidden_pixels():
    line = InpaintReport(Origins(copied=50, blended=25, painted=25)).line()
    assert line == "hole pixels: 50.0% copied, 25.0% blended, 25.0% painted (no frame shows them)"


def test_what_was_read_once_is_told_with_its_age():
    line = InpaintReport(Origins(50, 25, 25), ReadOnce(40, 20, 7.5)).line()
    assert line.endswith(
        "; 40.0% read from earlier frames, 20.0% from later ones, 7.5 frames away on average"
    )


def test_texture_is_told_apart_from_smooth_paint():
    report = InpaintReport(Origins(50, 25, 25), paint=Paint(texture=20, smooth=5))
    assert report.line().endswith("25.0% painted (no frame shows them), 20.0% with texture")
    assert report.to_dict()["paint"] == {"texture": 20, "smooth": 5}


def test_without_hidden_pixels_all_shares_are_nothing():
    assert Origins().total == 0
    assert "0.0% copied, 0.0% blended, 0.0% painted" in InpaintReport(Origins()).line()


def test_the_target_comes_first():
    first, second, third = REPORT.summary_lines()
    assert first == "out.mp4: 50 frames, 40 repaired, 3 scene(s), 2.5 s, 20.0 frames a second"
    assert second == REPORT.details.line()
    assert third == "memory 3 MiB at most, 4.00 GiB allowed; encoded with libx264"


def test_everything_that_went_wrong_has_its_line():
    report = replace(
        REPORT,
        losses=["HDR10+ data", "data stream 4 (no place in mp4)"],
        warnings=["odd stamps"],
        damage=["2 packets are missing"],
        extra_files=["both.mp4"],
    )
    assert report.summary_lines()[3:] == [
        "not kept: HDR10+ data",
        "not kept: data stream 4 (no place in mp4)",
        "warning: odd stamps",
        "source damaged: 2 packets are missing",
        "also written: both.mp4",
    ]


@pytest.mark.parametrize(("damage", "code"), [([], 0), (["no index"], 9)], ids=["whole", "damaged"])
def test_damage_sets_the_exit_code(damage, code):
    report = replace(REPORT, damage=damage)
    assert (report.exit_code, report.to_dict()["exit_code"]) == (code, code)


def test_a_run_of_no_time_has_a_rate():
    assert "frames a second" in replace(REPORT, seconds=0.0).summary_lines()[0]


def test_programs_get_plain_types():
    values = json.loads(json.dumps(REPORT.to_dict()))
    assert values["origins"] == {"copied": 50, "blended": 25, "painted": 25}
    assert values["read_once"] == {"from_past": 40, "from_future": 20, "mean_age_frames": 7.5}
    assert values["plan"]["quality"] == "balanced"
    assert values["frames"] == 50


def planned(frames):
    return PlanReport(
        "in.mp4", "out.mp4", frames, 7, "67x45 yuv420p", "libx264", "cpu", PLAN, ["beware"], ["HDR10+ data"]
    )


@pytest.mark.parametrize(("frames", "words"), [(50, "50 frames"), (None, "an unknown number of frames")])
def test_a_plan_is_told_with_its_warnings(frames, words):
    lines = planned(frames).lines()
    assert lines[0] == "in.mp4 -> out.mp4"
    assert lines[1] == f"{words} 67x45 yuv420p, 7 with a hole"
    assert lines[3:-2] == PLAN.lines()
    assert lines[-2:] == ["warning: would not keep: HDR10+ data", "warning: beware"]


def test_a_plan_is_plain_for_programs():
    values = json.loads(json.dumps(planned(None).to_dict()))
    assert (values["frames"], values["plan"]["passes"]) == (None, PLAN.passes)
