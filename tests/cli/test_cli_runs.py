"""Whole runs of the command: results, files, streams of words, exit codes."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from clips import stamps_of, write_clip, write_pictures
from typer.testing import CliRunner

from vrestore.cli.main import build_app

BOX = "--box=20,16,12,10"


def run(*words):
    return CliRunner(env={"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}).invoke(
        build_app(), [str(w) for w in words]
    )


def command(*words):
    return [sys.executable, "-c", "from vrestore.cli.main import main; main()", *map(str, words)]


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_writes_beside_the_source_and_sums_up_on_stdout(clip, tmp_path):
    result = run("inpaint", clip, BOX, "--progress", "none")
    assert result.exit_code == 0, result.output
    assert names(tmp_path) == ["clip.inpaint.mp4", "clip.mp4"]
    assert stamps_of(tmp_path / "clip.inpaint.mp4") == stamps_of(clip)
    assert result.stdout.startswith(f"{tmp_path / 'clip.inpaint.mp4'}: 8 frames, 8 repaired")
    assert result.stderr == ""


def test_a_run_can_leave_a_report_and_a_comparison(clip, tmp_path):
    result = run(
        *("inpaint", clip, BOX, "-o", tmp_path / "out.mkv", "-c", "ffv1"),
        *("--report", tmp_path / "report.json", "--compare", tmp_path / "both.mp4"),
    )
    assert result.exit_code == 0, result.output
    assert names(tmp_path) == ["both.mp4", "clip.mp4", "out.mkv", "report.json"]
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["frames"], report["codec"], report["exit_code"]) == (8, "ffv1", 0)


def test_an_existing_target_is_kept_unless_told(clip, tmp_path):
    target = tmp_path / "out.mp4"
    target.write_text("mine")
    refused = run("inpaint", clip, BOX, "-o", target)
    assert refused.exit_code == 5
    assert target.read_text() == "mine"
    assert run("inpaint", clip, BOX, "-o", target, "-n").exit_code == 5
    assert run("inpaint", clip, BOX, "-o", target, "-y").exit_code == 0
    assert stamps_of(target) == stamps_of(clip)


def test_progress_as_json_has_a_line_for_the_last_frame(clip, tmp_path):
    result = run("inpaint", clip, BOX, "-o", tmp_path / "out.mp4", "--progress", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert all(line["v"] == 1 for line in lines)
    assert [line["frame"] for line in lines if line["event"] == "progress"][-1] == 8
    assert lines[-1]["event"] == "done"


def test_a_plan_takes_the_words_of_a_run_and_writes_nothing(clip, tmp_path):
    result = run(
        "plan", "inpaint", clip, BOX, "-o", tmp_path / "out.mp4", "--crf", "12", "--quality", "draft"
    )
    assert result.exit_code == 0, result.output
    assert "quality draft" in result.stdout
    assert names(tmp_path) == ["clip.mp4"]


def test_a_plan_speaks_json(clip):
    plan = json.loads(run("plan", "inpaint", clip, BOX, "--json").stdout)
    assert (plan["frames"], plan["frames_with_holes"]) == (8, 8)


def test_probe_says_what_is_there(clip):
    words = run("probe", clip).stdout
    assert "h264, 64x48, yuv420p, 8 bit" in words
    assert "8 at 25 a second, even timestamps" in words
    assert json.loads(run("probe", clip, "--json").stdout)["picture"]["codec"] == "h264"


def test_a_preview_is_a_picture_or_a_clip(clip, tmp_path):
    picture = run("mask", "preview", clip, BOX, "-o", tmp_path / "look.png", "--at", "3")
    moving = run("mask", "preview", clip, BOX, "-o", tmp_path / "look.mp4")
    assert "in frame 3" in picture.stdout
    assert "on average" in moving.stdout
    assert len(stamps_of(tmp_path / "look.mp4")) == 8


def test_a_comparison_states_how_far_videos_are_apart(clip, tmp_path):
    result = run("compare", clip, clip, "-o", tmp_path / "both.mp4", "--layout", "split")
    assert "8 frames, PSNR infinite (equal)" in result.stdout
    assert stamps_of(tmp_path / "both.mp4") == stamps_of(clip)


def test_y4m_goes_in_and_out(clip, tmp_path):
    with (
        av.open(str(clip)) as source,
        av.open(str(tmp_path / "in.y4m"), "w", format="yuv4mpegpipe") as target,
    ):
        stream = target.add_stream("wrapped_avframe", 25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in source.decode(video=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    result = subprocess.run(
        command("inpaint", "-", BOX, "-o", "-", "--progress", "none"),
        input=(tmp_path / "in.y4m").read_bytes(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    with av.open(io.BytesIO(result.stdout), format="yuv4mpegpipe") as written:
        assert len(list(written.decode(video=0))) == 8
    assert b"8 frames, 8 repaired" in result.stderr


def empty_mask(folder):
    return write_pictures(folder / "empty.mkv", [np.zeros((48, 64), np.uint8)] * 8)


def full_mask(folder):
    return write_pictures(folder / "full.mkv", [np.full((48, 64), 255, np.uint8)] * 8)


def small_mask(folder):
    return write_pictures(folder / "small.mkv", [np.full((24, 32), 255, np.uint8)] * 8)


def short_mask(folder):
    return write_pictures(folder / "short.mkv", [np.eye(48, 64, dtype=np.uint8) * 255] * 3)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (empty_mask, "empty"),
        (full_mask, "--invert"),
        (small_mask, "--mask-fit resize"),
        (short_mask, "3"),
        (lambda folder: folder / "none.png", "none.png"),
    ],
    ids=["empty", "full", "small", "short", "missing"],
)
def test_a_bad_mask_exits_with_4_and_leaves_nothing(clip, tmp_path, mask, message):
    made = mask(tmp_path)
    before = names(tmp_path)
    result = run("inpaint", clip, "--mask", made, "-o", tmp_path / "out.mp4", "--progress", "none")
    assert result.exit_code == 4, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert names(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["--box=60,40,30,30"], 4, "60,40,30,30"),
        (["--box=1,2,3"], 2, "1,2,3"),
        ([BOX, "-c", "h266"], 2, "h266"),
        ([BOX, "--device", "cuda"], 7, "cuda"),
        ([BOX, "--device", "tpu"], 2, "--device is auto"),
        ([BOX, "--memory", "lots"], 2, "memory is a size"),
        ([BOX, "--memory", "1MB"], 8, "memory"),
        ([BOX, "--model", "tsam-small"], 2, "a model is for the method tsam"),
        ([BOX, "--start", "later"], 2, "later"),
        ([BOX, "-o", "no/such/folder/out.mp4"], 5, "no/such/folder"),
        ([], 2, "pass --mask or --box"),
    ],
)
def test_words_that_cannot_be_done_leave_nothing(clip, tmp_path, monkeypatch, words, exit_code, message):
    monkeypatch.chdir(tmp_path)
    result = run("inpaint", clip, *words, "--progress", "none")
    assert result.exit_code == exit_code, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert names(tmp_path) == ["clip.mp4"]


@pytest.mark.alone
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing(tmp_path, number):
    clip = write_clip(tmp_path / "long.mp4", frames=600, height=120, width=160)
    process = subprocess.Popen(
        command("inpaint", clip, "--box=60,40,30,30", "--quality", "draft", "--progress", "json"),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while '"plan"' not in process.stderr.readline():
        assert process.poll() is None
    began = time.monotonic()
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert words.splitlines()[-1] == "vrestore: interrupted; nothing was written"
    assert names(tmp_path) == ["long.mp4"]
    assert time.monotonic() - began < 20
