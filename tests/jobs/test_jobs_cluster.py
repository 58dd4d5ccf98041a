"""A batch on a Ray cluster of this machine: the same results, also when a worker is lost."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from batches import BOX, clips_in
from clips import planes_in, write_clip

import vrestore
from vrestore.errors import UsageError
from vrestore.jobs.batch import BatchOptions

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'vrestore[cluster]'")

OPTIONS = {"box": BOX, "codec": "ffv1", "quality": "draft", "segment": 0.8, "jobs": 2}

# In a process of its own: Ray leaves threads, handlers and files open. When some segments of the long file
# are done, the process that works on it is killed.
DRIVER = """
import json, os, signal, sys
from pathlib import Path
import vrestore
from vrestore.jobs.segments import frames_kept

source, target, options, kills = json.loads(sys.argv[1])
killed, said = [], []

def at_work():
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "cmdline").read_bytes().startswith(b"ray::_work"):
                yield int(place.name)
        except OSError:
            pass

def show(source, event):
    said.append([Path(source).name, event.event, event.text])
    if kills and not killed and frames_kept(str(Path(target) / "long.mkv")) >= 20:
        killed.extend(at_work())
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

report = vrestore.batch("inpaint", source, output=target, executor="ray", progress=show, **options)
print(json.dumps([report.exit_code, killed, said]))
"""


def worked_on(source, target, *, kills):
    words = json.dumps([str(source), str(target), OPTIONS, kills])
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, words], capture_output=True, text=True, check=True, timeout=500
    )
    return json.loads(done.stdout.splitlines()[-1])


def assert_same_folders(one, other):
    names = sorted(path.name for path in one.glob("[a-z]*.mkv"))
    assert names == sorted(path.name for path in other.glob("[a-z]*.mkv"))
    for name in names:
        for planes, others in zip(planes_in(one / name), planes_in(other / name), strict=True):
            assert all((a == b).all() for a, b in zip(planes, others, strict=True))


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("kills", [False, True], ids=["undisturbed", "killed"])
def test_results_are_those_of_this_machine_also_when_workers_are_killed(tmp_path, kills):
    source = clips_in(tmp_path / "in", "a.mkv", "b.mkv")
    write_clip(source / "long.mkv", codec="ffv1", frames=120, noise=True)
    vrestore.batch("inpaint", source, output=tmp_path / "here", **OPTIONS)
    exit_code, killed, said = worked_on(source, tmp_path / "there", kills=kills)
    assert exit_code == 0
    assert bool(killed) == kills
    lost = [text for _, event, text in said if event == "warning"]
    assert len(lost) == len(killed)
    assert all("its worker was lost" in text for text in lost)
    goes_on = [text for name, _, text in said if name == "long.mkv" and text.startswith("goes on at frame")]
    assert len(goes_on) == kills
    assert {event for name, event, _ in said if name == "a.mkv"} >= {"start", "progress", "done"}
    assert_same_folders(tmp_path / "here", tmp_path / "there")


def test_without_ray_a_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    clips_in(tmp_path / "in", "a.mkv")
    with pytest.raises(UsageError, match=r"needs Ray; pip install 'vrestore\[cluster\]'"):
        vrestore.batch("inpaint", tmp_path / "in", box=BOX, executor="ray")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_an_address_is_for_a_cluster():
    with pytest.raises(UsageError, match="pass --executor ray with it"):
        BatchOptions(address="head:6379")


def test_another_executor_is_refused():
    with pytest.raises(UsageError, match="executor is one of local, ray, got 'slurm'"):
        BatchOptions(executor="slurm")
