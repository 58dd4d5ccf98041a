"""Runs that are killed at random moments and begun again until they are through: nothing is lost."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clips import write_clip
from hazy import stirred, write_foggy, write_weights
from resuming import assert_same, names

import vrestore
from vrestore.models.cgidn.config import CGIDN_SMALL
from vrestore.run.checkpoint import frames_kept
from vrestore.run.pipeline import QUEUE_FRAMES

pytestmark = pytest.mark.slow

LENGTH = 25
IN_FLIGHT = QUEUE_FRAMES + 3
"""Frames that were restored and wait to be written, or are at the border that is being written."""

LAST = 2 / 3
"""Of a video, where a run is killed at the latest; behind it is work for longer than it is waited then."""

BOXES = [f"8,8,8,6@{start}-{start + 18}" for start in range(0, 600, 60)] + ["20,12,8,6@400-590"]
OPTIONS = {"codec": "ffv1", "segment": 1.0, "threads": 1, "overwrite": True}
COMMANDS = {
    "inpaint": ("inpaint", {"box": BOXES, "quality": "draft"}, 12, (600,)),
    "dehaze": ("dehaze", {"method": "dcp"}, 6, (190, 14, 6, 230, 160)),
    "dehaze by the network": ("dehaze", {"method": "cgidn", "model": "model.safetensors"}, 3, (110, 6, 134)),
    "dehaze nothing": ("dehaze", {"method": "dcp", "strength": 0}, 2, (210, 230, 160)),
}
"""What is run, how, how often it is killed, and how many frames the scenes have."""

# One process loads the libraries, each run is a fork of it: that saves a minute. A run is killed some time
# after so many frames, by a thread of its own.
RUNS = """
import json, mmap, os, random, signal, sys, threading
import vrestore.api
import vrestore.methods.dehaze.estimators.network
import vrestore.methods.inpaint.spans
from vrestore.run.checkpoint import frames_kept

command, source, target, options, moments = json.loads(sys.argv[1])
done = mmap.mmap(-1, 8)

def run(at, delay):
    def progress(event):
        if event.event != "progress":
            return
        done[:] = event.frame.to_bytes(8, "little")
        if event.frame == at:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()

    report = getattr(vrestore, command)(source, target=target, progress=progress, **options)
    print(json.dumps(report.to_dict()), flush=True)

for at, delay in moments:
    pid = os.fork()
    if not pid:
        run(at, delay)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    count = int.from_bytes(done, "little")
    print(json.dumps([os.waitstatus_to_exitcode(status), count, frames_kept(target)]), flush=True)
run(-1, 0)
"""


@pytest.mark.alone
@pytest.mark.parametrize("case", COMMANDS)
def test_a_run_that_is_killed_again_and_again_gives_what_it_would_have_given(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    command, words, kills, scenes = COMMANDS[case]
    frames = sum(scenes)
    further = {"reveal_map" if command == "inpaint" else "matte": "further.mkv"}
    options = OPTIONS | words
    if command == "inpaint":
        write_clip(Path("in.mkv"), codec="ffv1", frames=frames, height=32, width=48, noise=True)
    else:
        write_foggy(Path("in.mkv"), *scenes, height=32, width=48)
        write_weights(Path("model.safetensors"), stirred(CGIDN_SMALL, by=0.01))
    whole = getattr(vrestore, command)("in.mkv", target="whole.mkv", **options, **further)
    Path("further.mkv").rename("further.whole.mkv")
    left = names(tmp_path)
    rng = random.Random(5)
    moments = sorted((rng.randrange(1, round(LAST * frames)), rng.uniform(0, 0.3)) for _ in range(kills))
    words = json.dumps([command, "in.mkv", "out.mkv", options | further, moments])
    said = subprocess.run(
        [sys.executable, "-c", RUNS, words], capture_output=True, text=True, check=True, timeout=300
    )
    *killed, report = map(json.loads, said.stdout.splitlines())
    assert [status for status, _, _ in killed] == [-9] * kills
    for _, done, kept in killed:
        assert done - kept <= LENGTH + IN_FLIGHT
    starts = [kept for _, _, kept in killed]
    assert starts == sorted(starts)
    assert report["frames_before"] == starts[-1] > frames // 3
    assert_same("out.mkv", "whole.mkv")
    assert_same("further.mkv", "further.whole.mkv")
    once = json.loads(json.dumps(whole.to_dict()))
    for name in ("frames", "repaired_frames", "scenes", "origins", "haze"):
        assert report[name] == once[name]
    assert names(tmp_path) == sorted([*left, "further.mkv", "out.mkv"])


def command(*words):
    return [sys.executable, "-c", "from vrestore.cli.main import main; main()", *map(str, words)]


def children_of(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for_the_end_of(pids):
    end = time.monotonic() + 60
    while any(Path(f"/proc/{pid}/exe").exists() for pid in pids):
        assert time.monotonic() < end, "a worker outlived its batch"
        time.sleep(0.05)


def frames_safe(folder):
    """Return how many frames of all files are done, in targets or in segments."""
    done = {path.name for path in folder.glob("[0-9].mkv")}
    open_ones = {path.name for path in (folder / ".vrestore").glob("[0-9].mkv")} - done
    return 100 * len(done) + sum(frames_kept(str(folder / name)) for name in open_ones)


def segments_kept(folder):
    """Return when each finished segment was noted, by the name of its target and its own."""
    records = (folder / ".vrestore").glob("[0-9].mkv/[0-9]*.json")
    return {(place.parent.name, place.name): place.stat().st_mtime_ns for place in records}


def segments_begun(folder, name):
    """Return how many segments of a target are begun and not noted."""
    state = folder / ".vrestore" / name
    return len(list(state.glob("picture.*"))) - len(list(state.glob("[0-9]*.json")))


WORDS = {
    "inpaint": ["inpaint", "-b", "8,8,8,6@10-58", "--quality", "draft", "-c", "ffv1", "--segment", "0.8"],
    "dehaze": ["dehaze", "--method", "dcp", "-c", "ffv1", "--segment", "0.8"],
}


@pytest.mark.alone
@pytest.mark.parametrize("method", WORDS)
def test_a_batch_of_six_that_is_killed_gives_what_it_would_have_given(tmp_path, method):
    """The batch itself is killed, or the process that works for it, which then counts as a failure.

    What is finished is never made again, and no more than one segment is under way when it is killed.
    """
    (tmp_path / "in").mkdir()
    for number in range(6):
        write_clip(
            tmp_path / "in" / f"{number}.mkv",
            codec="ffv1",
            frames=60 + number,
            height=32,
            width=48,
            noise=True,
        )
    words = [*WORDS[method], tmp_path / "in", "--progress", "json", "--tries", "9", "-o"]
    subprocess.run(command("batch", *words, tmp_path / "whole"), check=True, capture_output=True)
    batch = command("batch", *words, tmp_path / "out")
    rng = random.Random(7)
    safe, kept = [0], [{}]
    for kill in range(8):
        with subprocess.Popen(batch, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
            more = rng.choice([0, 10, 30, 100])
            while run.poll() is None and frames_safe(tmp_path / "out") < safe[-1] + more:
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.5))
            workers = children_of(run.pid) if run.poll() is None else []
            if workers and kill % 4 == 3:
                os.kill(workers[0], 9)
            run.kill()
        wait_for_the_end_of(workers)
        safe.append(frames_safe(tmp_path / "out"))
        kept.append(segments_kept(tmp_path / "out"))
        for (name, segment), noted in kept[-2].items():
            assert (tmp_path / "out" / name).exists() or kept[-1][name, segment] == noted
        assert all(segments_begun(tmp_path / "out", f"{number}.mkv") <= 1 for number in range(6))
    assert any(kept)
    assert safe == sorted(safe)
    assert safe[-1] > 100
    subprocess.run(batch, check=True, capture_output=True)
    results = [name for name in names(tmp_path / "out") if name.endswith(".mkv")]
    assert results == [f"{number}.mkv" for number in range(6)]
    for name in results:
        assert_same(tmp_path / "out" / name, tmp_path / "whole" / name)
    assert not list((tmp_path / "out" / ".vrestore").glob("*.mkv"))


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from vrestore.cli.main import main; main()
"""


@pytest.mark.parametrize(("limit", "kept"), [(150_000, 60), (20_000, 0)], ids=["join", "segment"])
def test_what_a_full_disk_stopped_goes_on_when_there_is_space_again(tmp_path, limit, kept):
    """A limit of the size of a file stands for a disk that is full: for the target, or for a segment."""
    source, target = tmp_path / "in.mkv", tmp_path / "out.mkv"
    write_clip(source, codec="ffv1", frames=60, noise=True)
    words = ["inpaint", source, "-b", "20,16,12,10", "--quality", "draft", "-c", "ffv1", "--segment", "0.8"]
    words += ["-o", target]
    limited = [sys.executable, "-c", LIMITED, str(limit), *map(str, words)]
    full = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert full.returncode == 5, full.stderr
    assert "out.mkv' cannot be written (file too large)" in full.stderr.splitlines()[-1]
    assert not target.exists()
    assert frames_kept(str(target)) == kept
    again = subprocess.run(command(*words), check=True, capture_output=True, text=True)
    assert (f"goes on at frame {kept}" in again.stderr) == bool(kept)
    subprocess.run(command(*words[:-1], tmp_path / "once.mkv"), check=True, capture_output=True)
    assert_same(target, tmp_path / "once.mkv")
    assert not (tmp_path / ".vrestore").exists()


@pytest.mark.alone
@pytest.mark.parametrize("method", WORDS)
def test_ctrl_c_says_that_the_same_command_goes_on_and_it_does(tmp_path, method):
    source = write_clip(tmp_path / "in.mkv", codec="ffv1", frames=400)
    words = [*WORDS[method], source, "-o", tmp_path / "out.mkv", "--progress", "json"]
    with subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True) as run:
        while not frames_kept(str(tmp_path / "out.mkv")):
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(2)
        _, said = run.communicate(timeout=60)
    kept = frames_kept(str(tmp_path / "out.mkv"))
    assert run.returncode == 130
    line = f"vrestore: interrupted; {kept} frames are done and kept, the same command goes on there"
    assert said.splitlines()[-1] == line
    again = subprocess.run(command(*words), check=True, capture_output=True, text=True)
    assert f"goes on at frame {kept} of 400, where an earlier run stopped" in again.stderr
    assert names(tmp_path) == ["in.mkv", "out.mkv"]
