"""Batches in real processes: what a crash, a silence, a signal and a full disk cost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batches import BOX, clips_in, states
from clips import planes_in, write_clip

import vrestore
from vrestore.batching.folder import FolderJobs
from vrestore.batching.scheduler import BatchOptions, run_batch
from vrestore.parallel import process_pool as workers
from vrestore.parallel.executor import Outcome
from vrestore.parallel.process_pool import ProcessPool
from vrestore.parallel.task import Task

LONG = {"frames": 150, "height": 120, "width": 160}
LONG_BOX = "60,40,30,30"


def command(*words):
    return [sys.executable, "-c", "from vrestore.cli.main import main; main()", *map(str, words)]


def batch_of(folder, *words):
    return command("batch", "inpaint", folder / "in", "-o", folder / "out", "--progress", "plain", *words)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".vrestore"))


@pytest.fixture
def at_work():
    """ProcessPool that are closed in the end."""
    made = ProcessPool(1, stall_seconds=600)
    yield made
    made.close()


def task_on(clip, **options):
    return Task("inpaint", str(clip), str(clip.with_suffix(".out.mkv")), {"box": BOX} | options)


def until(at_work, kind):
    """Wait for the first happening of a kind."""
    while True:
        for happening in at_work.wait(1.0):
            if isinstance(happening.what, kind):
                return happening.what


def frame_is_done(at_work):
    while True:
        for happening in at_work.wait(1.0):
            if getattr(happening.what, "frame", 0):
                return


def pids_of_workers(number_of_parent):
    """Return the workers that a process has started; other tests may have left other processes."""
    found = Path(f"/proc/{number_of_parent}/task/{number_of_parent}/children").read_text()
    return [int(word) for word in found.split() if b"vrestore.parallel.worker" in words_of(word)]


def words_of(pid):
    """Return the command line of a process, nothing where it has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.mark.alone
def test_a_process_is_kept_from_task_to_task(tmp_path, at_work, monkeypatch):
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(workers.subprocess, "Popen", lambda *a, **k: started.append(a) or real(*a, **k))
    for stem in "abc":
        at_work.start(0, task_on(write_clip(tmp_path / f"{stem}.mp4")))
        assert until(at_work, Outcome).exit_code == 0
    assert len(started) == 1


@pytest.mark.slow
def test_nothing_is_imported_from_where_one_stands(tmp_path, at_work, monkeypatch):
    clip = write_clip(tmp_path / "a.mp4")
    for module in ("av", "json", "torch", "vrestore"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    at_work.start(0, task_on(clip))
    assert until(at_work, Outcome).exit_code == 0


def test_a_task_that_fails_says_why_and_where(tmp_path, at_work):
    at_work.start(0, task_on(tmp_path / "none.mp4"))
    outcome = until(at_work, Outcome)
    assert (outcome.exit_code, outcome.report) == (3, None)
    assert "does not exist" in outcome.words
    assert "Traceback" in outcome.log


@pytest.mark.alone
@pytest.mark.slow
def test_a_process_that_is_killed_costs_its_task_and_leaves_nothing(tmp_path, at_work):
    at_work.start(0, task_on(write_clip(tmp_path / "long.mp4", **LONG), box=LONG_BOX))
    frame_is_done(at_work)
    (pid,) = pids_of_workers(os.getpid())
    os.kill(pid, signal.SIGKILL)
    outcome = until(at_work, Outcome)
    assert (outcome.exit_code, outcome.report) == (1, None)
    assert "was ended by SIGKILL; was there too little memory?" in outcome.words
    assert names(tmp_path) == ["long.mp4"]
    at_work.start(1, task_on(write_clip(tmp_path / "next.mp4")))
    assert until(at_work, Outcome).exit_code == 0


@pytest.mark.alone
@pytest.mark.slow
def test_a_process_that_falls_silent_is_stopped(tmp_path):
    at_work = ProcessPool(1, stall_seconds=1.5)
    try:
        at_work.start(0, task_on(write_clip(tmp_path / "long.mp4", **LONG), box=LONG_BOX))
        (pid,) = pids_of_workers(os.getpid())
        os.kill(pid, signal.SIGSTOP)
        outcome = until(at_work, Outcome)
    finally:
        at_work.close()
    assert outcome.words == "nothing was heard of it for 1.5 s; it was stopped"
    assert names(tmp_path) == ["long.mp4"]


@pytest.mark.slow
def test_what_a_process_prints_is_in_the_log_of_its_task(tmp_path, monkeypatch):
    """Also when it ends by itself, as after an error in a library."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif '-m' in sys.orig_argv: os.write(1, b'last words'); os._exit(7)"
    )
    monkeypatch.syspath_prepend(tmp_path)
    clips_in(tmp_path / "in", "a.mp4")
    jobs = FolderJobs("inpaint", tmp_path / "in", options={"box": BOX})
    report = run_batch(jobs.tasks(), base=jobs.base, state=jobs.state, options=BatchOptions(tries=1))
    (item,) = report.items
    assert item.words == "the process that worked on it ended with exit code 7"
    assert "last words" in Path(item.log).read_text()


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_batch_leaves_nothing_half_and_goes_on_when_run_again(tmp_path, number):
    write_clip(clips_in(tmp_path / "in", "a.mp4") / "b.mp4", **LONG)
    words = "-b", BOX, "--quality", "draft"
    with subprocess.Popen(
        batch_of(tmp_path, *words), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        while "b.mp4: inpaint" not in run.stderr.readline():
            assert run.poll() is None
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.splitlines()[-1].endswith("what is done is kept, run the same command again to go on")
    assert names(tmp_path / "out") == ["a.mp4"]
    before = (tmp_path / "out" / "a.mp4").stat()
    subprocess.run(batch_of(tmp_path, *words), check=True, capture_output=True)
    assert names(tmp_path / "out") == ["a.mp4", "b.mp4"]
    assert (tmp_path / "out" / "a.mp4").stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.alone
@pytest.mark.slow
def test_a_batch_that_is_killed_stops_its_workers_and_goes_on_when_run_again(tmp_path):
    clips_in(tmp_path / "in", "a.mkv", "b.mkv", "c.mkv")
    whole = vrestore.batch("inpaint", tmp_path / "in", output=tmp_path / "whole", box=BOX, codec="ffv1")
    assert whole.exit_code == 0
    words = "-b", BOX, "-c", "ffv1", "-j", "2"
    for lines in (1, 3, 5):
        run = subprocess.Popen(
            batch_of(tmp_path, *words), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        for _ in range(lines):
            run.stderr.readline()
        children = pids_of_workers(run.pid)
        run.kill()
        run.communicate()
        wait_for_the_end_of(children)
    subprocess.run(batch_of(tmp_path, *words), check=True, capture_output=True)
    assert names(tmp_path / "out") == ["a.mkv", "b.mkv", "c.mkv"]
    for name in ("a.mkv", "b.mkv", "c.mkv"):
        assert_equal(tmp_path / "whole" / name, tmp_path / "out" / name)


def assert_equal(one, other):
    for planes, others in zip(planes_in(one), planes_in(other), strict=True):
        assert all((a == b).all() for a, b in zip(planes, others, strict=True))


def wait_for_the_end_of(pids):
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}/exe").exists() for pid in pids):
        assert time.monotonic() < end, "a worker outlived its batch"


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from vrestore.cli.main import main; main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "exit_code", "said"),
    [
        (20_000, 10, "out/a.mkv' cannot be written (file too large)"),
        (250, 5, "cannot be written (file too large)"),
    ],
    ids=["target", "journal"],
)
def test_a_full_disk_is_clear_and_space_made_free_gives_the_equal_result(tmp_path, limit, exit_code, said):
    """A limit of the size of a file stands for a disk that is full."""
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in" / "a.mkv", frames=20, noise=True)
    words = ["batch", "inpaint", tmp_path / "in", "-o", tmp_path / "out", "-b", BOX, "-c", "ffv1"]
    limited = [sys.executable, "-c", LIMITED, str(limit), *map(str, words)]
    full = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert full.returncode == exit_code, full.stderr
    assert said in full.stderr.splitlines()[-1]
    assert "Traceback" not in full.stdout + full.stderr
    assert names(tmp_path / "out") == []
    subprocess.run(command(*words), check=True, capture_output=True)
    vrestore.inpaint(tmp_path / "in" / "a.mkv", box=BOX, codec="ffv1", target=tmp_path / "once.mkv")
    assert_equal(tmp_path / "out" / "a.mkv", tmp_path / "once.mkv")


@pytest.mark.slow
def test_a_target_folder_that_vanishes_is_one_clear_line(tmp_path):
    write_clip(clips_in(tmp_path / "in", "a.mp4") / "a.mp4", **LONG)

    def show(source, event):
        if event.frame > 5 and event.stage == "inpaint":
            shutil.rmtree(tmp_path / "out", ignore_errors=True)

    with pytest.raises(vrestore.errors.TargetError, match=r"vanished|cannot be written|was not written"):
        vrestore.batch("inpaint", tmp_path / "in", output=tmp_path / "out", box=LONG_BOX, progress=show)


@pytest.mark.slow
def test_a_corrupt_middle_is_restored_around_and_told(tmp_path):
    clip = write_clip(
        clips_in(tmp_path / "in", "b.mp4") / "a.mkv", frames=60, noise=True, options={"g": "10"}
    )
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    clip.write_bytes(data)
    report = vrestore.batch("inpaint", tmp_path / "in", output=tmp_path / "out", box=BOX)
    assert states(report) == {"a.mkv": "done", "b.mp4": "done"}
    assert report.exit_code == 9
    assert report.items[0].words
