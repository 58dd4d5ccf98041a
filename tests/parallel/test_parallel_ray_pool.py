"""Videos on a Ray cluster of this machine: the same results, also when workers are lost or hang."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from batches import BOX, clips_in
from clips import write_clip
from resuming import assert_same, names

import vrestore
from vrestore.errors import UsageError
from vrestore.parallel.options import ParallelOptions

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'vrestore[cluster]'")

FRAMES = 120
BOXES = ["20,16,12,10@0-20", "20,16,12,10@24-64", "8,8,12,10@72-117"]
OPTIONS = {"box": BOXES, "codec": "ffv1", "quality": "draft", "segment": 0.8}
"""Segments of 10 to 20 frames, seven in three parts."""

# In a process of its own: Ray leaves threads, handlers and files open. What is done is done once, when some
# segments of the long video are there, to the processes that work.
DRIVER = """
import json, os, signal, sys
from pathlib import Path
import vrestore
from vrestore.parallel.options import ParallelOptions
from vrestore.parallel.ray_run import run_on_cluster
from vrestore.parallel.task import Task

what, source, target, options, number = json.loads(sys.argv[1])
hit, said = [], []
state = Path(target) / ".vrestore/long.mkv"

def at_work():
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "cmdline").read_bytes().startswith(b"ray::_work"):
                yield int(place.name)
        except OSError:
            pass

def show(source, event):
    said.append([Path(source).name, event.event, event.text])
    if number and not hit and len(list(state.glob("[0-9]*.json"))) >= 2:
        hit.extend(list(at_work())[: 1 if number == signal.SIGSTOP else None])
        for pid in hit:
            os.kill(pid, number)

if what == "batch":
    how = {"executor": "ray", "jobs": 2, "progress": show}
    report = vrestore.batch("inpaint", source, output=target, **how, **options)
else:
    Path(target).mkdir()
    options |= {"overwrite": True}
    task = Task("inpaint", source + "/long.mkv", target + "/long.mkv", options)
    how = ParallelOptions(jobs=2, executor="ray", stall_seconds=20.0 if number == signal.SIGSTOP else 600.0)
    report = run_on_cluster(task, how, progress=lambda event: show(task.source, event))
for pid in hit:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
print(json.dumps([report.to_dict(), hit, said]))
"""
SIGKILL, SIGSTOP = 9, 19


def worked_on(what, source, target, *, signal=0):
    words = json.dumps([what, str(source), str(target), OPTIONS, signal])
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, words], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder of clips, and what this machine makes of them."""
    folder = tmp_path_factory.mktemp("clips")
    clips_in(folder / "in", "a.mkv", "b.mkv")
    write_clip(folder / "in" / "long.mkv", frames=FRAMES, noise=True, options={"g": "12"})
    vrestore.batch("inpaint", folder / "in", output=folder / "out", jobs=1, threads=1, **OPTIONS)
    return folder


@needs_ray
@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    ("signal", "words"),
    [(0, ""), (SIGKILL, "its worker was lost"), (SIGSTOP, "nothing was heard of its worker for 20 s")],
    ids=["undisturbed", "killed", "hanging"],
)
def test_parts_of_one_video_are_made_by_several_workers(here, tmp_path, signal, words):
    target = tmp_path / "out"
    report, hit, said = worked_on("video", here / "in", target, signal=signal)
    assert bool(hit) == bool(signal)
    lost = [text for _, event, text in said if event == "warning"]
    assert len(lost) == len(hit)
    assert all(text.startswith(words) for text in lost)
    parts = "3 parts that need nothing of each other, 7 segments in all"
    assert parts in [text for _, event, text in said if event == "plan"]
    assert report["frames"] == FRAMES
    assert_same(target / "long.mkv", here / "out" / "long.mkv")


@needs_ray
@pytest.mark.slow
@pytest.mark.alone
def test_a_batch_gives_what_this_machine_gives_also_when_workers_are_killed(here, tmp_path):
    target = tmp_path / "out"
    report, killed, said = worked_on("batch", here / "in", target, signal=SIGKILL)
    assert report["exit_code"] == 0
    assert killed
    lost = [text for _, event, text in said if event == "warning"]
    assert len(lost) == len(killed)
    assert all("its worker was lost" in text for text in lost)
    assert {event for name, event, _ in said if name == "long.mkv"} >= {"start", "plan", "progress", "done"}
    done = [name for name in names(target) if name.endswith(".mkv")]
    assert done == ["a.mkv", "b.mkv", "long.mkv"]
    for name in done:
        assert_same(target / name, here / "out" / name)


def test_without_ray_a_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    clips_in(tmp_path / "in", "a.mkv")
    needed = r"needs Ray; pip install 'vrestore\[cluster\]'"
    with pytest.raises(UsageError, match=needed):
        vrestore.batch("inpaint", tmp_path / "in", box=BOX, executor="ray")
    with pytest.raises(UsageError, match=needed):
        vrestore.inpaint(tmp_path / "in" / "a.mkv", box=BOX, executor="ray")
    assert names(tmp_path) == ["in"]


def test_an_address_is_for_a_cluster(tmp_path):
    with pytest.raises(UsageError, match="pass --executor ray with it"):
        ParallelOptions(address="head:6379")
    with pytest.raises(UsageError, match="pass --executor ray with it"):
        vrestore.inpaint(tmp_path / "a.mkv", box=BOX, jobs=2)


def test_another_executor_is_refused():
    with pytest.raises(UsageError, match="executor is one of local, ray, got 'slurm'"):
        ParallelOptions(executor="slurm")
