"""Whole runs on a CUDA device: the frames are the CPU's, the memory is bounded, several share a video."""

import json
import shutil
from collections import deque
from dataclasses import asdict

import numpy as np
import pytest
from clips import planes_in, write_clip, write_pictures
from pretend import DEVICE, FRACTIONS, FREE_BYTES, METER, pretended
from resuming import assert_same, names
from textured import panned, texture

import vrestore
from vrestore.batching import scheduler as batching
from vrestore.device import memory as device_memory
from vrestore.device.memory import format_bytes
from vrestore.errors import DeviceError, UsageError
from vrestore.parallel import multi_gpu as dividing
from vrestore.parallel.device_pool import DevicePool
from vrestore.parallel.executor import Outcome, TaskEvent
from vrestore.parallel.task import Task
from vrestore.parallel.worker import outcome_of

BOXES = ["20,16,12,10@0-12", "20,16,12,10@15-27", "8,8,12,10@32-36"]
OPTIONS = {"box": BOXES, "quality": "draft", "codec": "ffv1", "threads": 1}
FRAMES = 36


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    return write_clip(folder / "in.mkv", frames=FRAMES, options={"g": "6", "bf": "2"})


@pytest.fixture(scope="module")
def on_cpu(clip, tmp_path_factory):
    target = tmp_path_factory.mktemp("cpu") / "out.mkv"
    return target, vrestore.inpaint(clip, target=target, **OPTIONS)


def apart(one, other):
    """Of all samples of two videos, the differences in code values."""
    pairs = zip(planes_in(one), planes_in(other), strict=True)
    return np.concatenate(
        [(a.astype(int) - b).ravel() for some, others in pairs for a, b in zip(some, others, strict=True)]
    )


def assert_alike(one, other):
    away = np.abs(apart(one, other))
    assert away.max() <= 1
    assert np.count_nonzero(away) <= away.size // 1000


def test_a_run_on_a_device_gives_the_processors_frames(clip, on_cpu, tmp_path):
    with pretended():
        report = vrestore.inpaint(clip, target=tmp_path / "out.mkv", device="cuda", **OPTIONS)
    assert report.device == str(DEVICE)
    assert report.device_memory_bytes == METER.peak > 0
    assert report.plan.fills_on_device
    assert report.details == on_cpu[1].details
    assert not any("CPU" in words for words in report.warnings)
    assert f"cuda:0: memory {format_bytes(METER.peak)} at most" in report.summary_lines()
    assert_alike(tmp_path / "out.mkv", on_cpu[0])


@pytest.mark.slow
@pytest.mark.parametrize("box", ["60,30,40,30", "2,2,130,80"])
def test_the_memory_that_is_planned_for_is_what_is_taken(tmp_path, box):
    """Counted in what torch's pool is asked for, on a clip longer than all windows hold."""
    views = panned(texture(100, 200), count=70, height=90, width=140, step=(0.4, 0.05))
    codes = [np.rint(view.transpose(1, 2, 0) * 255).astype(np.uint8) for view in views]
    clip = write_pictures(tmp_path / "in.mkv", codes, layout="yuv420p")
    how = {"codec": "ffv1", "box": box, "threads": 1, "device": "cuda", "quality": "draft"}
    with pretended():
        report = vrestore.inpaint(clip, target=tmp_path / "out.mkv", **how)
    assert report.scenes == 1
    assert 0.4 < report.device_memory_bytes / report.plan.device_expected_bytes < 1


@pytest.mark.parametrize(("memory", "share"), [("2GiB", 0.25), (None, 0.8), ("64GiB", 1.0)])
def test_the_memory_of_the_device_is_bounded(clip, tmp_path, memory, share, monkeypatch):
    monkeypatch.setattr(device_memory, "free_memory_bytes", lambda: 2**36)
    FRACTIONS.clear()
    with pretended():
        report = vrestore.inpaint(
            clip, target=tmp_path / "out.mkv", device="cuda:0", memory=memory, stop=4, **OPTIONS
        )
    assert pytest.approx([share]) == FRACTIONS
    allowed = {"2GiB": 2**31, None: int(0.8 * FREE_BYTES), "64GiB": 2**36}[memory]
    assert report.plan.device_memory_bytes == allowed


def test_where_holes_do_not_fit_the_device_the_processor_fills_them(clip, on_cpu, tmp_path, monkeypatch):
    monkeypatch.setattr("vrestore.methods.inpaint.plan.DEVICE_WORK_BYTES", 10**7)
    with pretended():
        report = vrestore.inpaint(clip, target=tmp_path / "out.mkv", device="cuda", **OPTIONS)
    assert not report.plan.fills_on_device
    assert any("of cuda:0 are too little; pass --memory with more" in words for words in report.warnings)
    assert not apart(tmp_path / "out.mkv", on_cpu[0]).any()


@pytest.mark.parametrize("max_bytes", [1, 20_000])
def test_a_device_that_runs_out_of_memory_ends_no_run(clip, on_cpu, tmp_path, max_bytes):
    with pretended(max_bytes=max_bytes):
        report = vrestore.inpaint(clip, target=tmp_path / "out.mkv", device="cuda", **OPTIONS)
    assert any("cuda:0 ran out of memory; " in words for words in report.warnings)
    assert_alike(tmp_path / "out.mkv", on_cpu[0])


def test_a_run_says_who_serves_the_device(clip, tmp_path):
    events = []
    with pretended():
        for work, how in (
            (vrestore.inpaint, OPTIONS | {"stop": 3}),
            (vrestore.dehaze, {"method": "dcp", "stop": 3}),
        ):
            work(clip, target=tmp_path / f"{work.__name__}.mkv", device="cuda", progress=events.append, **how)
    lines = [event.text for event in events if event.event == "plan"]
    assert lines.count("operations on the device by torch: it is only pretended") == 2


@pytest.mark.parametrize("work", [vrestore.inpaint, vrestore.dehaze])
def test_kernels_that_cannot_run_are_refused_before_the_work(work, clip, tmp_path):
    how = {"box": BOXES} if work is vrestore.inpaint else {}
    with pretended(), pytest.raises(DeviceError, match="--kernels cupy was asked for, but it is only"):
        work(clip, target=tmp_path / "out.mkv", device="cuda", kernels="cupy", **how)
    assert names(tmp_path) == []


def test_a_plan_says_what_the_device_does(clip, tmp_path):
    with pretended():
        plan = vrestore.plan_inpaint(clip, target=tmp_path / "out.mkv", device="cuda", **OPTIONS)
    assert any(line.startswith("on the device: memory ") for line in plan.lines())
    assert plan.lines().count("operations on the device by torch: it is only pretended") == 1
    assert plan.device == str(DEVICE)
    assert plan.to_dict()["plan"]["device_memory_bytes"] == int(0.8 * FREE_BYTES)


class ProcessPool:
    """Does in this process, when it is waited for, what it was told; notes the devices of what it does."""

    def __init__(self, count, *, stall_seconds):
        self.count, self.waiting, self.devices = count, deque(), []
        made.append(self)

    @property
    def free(self):
        return self.count - len(self.waiting)

    def start(self, number, task):
        self.waiting.append((number, Task(**json.loads(json.dumps(asdict(task))))))
        self.devices.append(task.options["device"])

    def wait(self, seconds):
        number, task = self.waiting.popleft()
        return [TaskEvent(number, Outcome(**outcome_of(task, lambda event: None)))]

    def close(self):
        self.waiting.clear()


made = []


def divided(clip, target, monkeypatch, **options):
    monkeypatch.setattr(dividing, "ProcessPool", ProcessPool)
    events = []
    with pretended():
        report = vrestore.inpaint(
            clip, target=target, device="cuda:0,cuda:1", progress=events.append, **OPTIONS | options
        )
    return report, made[-1], [event.text for event in events if event.event == "warning"]


def test_two_devices_give_what_one_gives(clip, tmp_path, monkeypatch):
    with pretended():
        vrestore.inpaint(clip, target=tmp_path / "one.mkv", device="cuda", segment=0.2, **OPTIONS)
    report, workers, warnings = divided(clip, tmp_path / "two.mkv", monkeypatch, segment=0.2)
    assert_same(tmp_path / "two.mkv", tmp_path / "one.mkv")
    assert set(workers.devices) == {"cuda:0", "cuda:1"}
    assert abs(workers.devices.count("cuda:0") - workers.devices.count("cuda:1")) <= 1
    assert (report.device, report.frames) == ("cuda:0,cuda:1", FRAMES)
    assert report.device_memory_bytes > 0
    assert warnings == []
    assert names(tmp_path) == ["one.mkv", "two.mkv"]


def test_a_short_video_is_done_by_the_first_device(clip, on_cpu, tmp_path, monkeypatch):
    report, workers, warnings = divided(clip, tmp_path / "out.mkv", monkeypatch)
    assert workers.devices == []
    assert report.device == "cuda:0"
    assert warnings[0].startswith("cuda:0 does it alone: the video is short")
    assert_alike(tmp_path / "out.mkv", on_cpu[0])


def test_a_pipe_is_not_divided(monkeypatch):
    with pretended(), pytest.raises(UsageError, match="a pipe cannot be divided among devices"):
        vrestore.inpaint("-", device="cuda:0,cuda:1", box="0,0,9,9")


def test_one_video_is_dehazed_by_one_device(clip, tmp_path):
    with pretended(), pytest.raises(UsageError, match="one device at a time here, got cuda:0,cuda:1"):
        vrestore.dehaze(clip, target=tmp_path / "out.mkv", device="cuda:0,cuda:1")
    with pretended():
        report = vrestore.dehaze(
            clip, target=tmp_path / "out.mkv", device="cuda:1", method="dcp", codec="ffv1"
        )
    assert (report.device, report.frames) == ("cuda:1", FRAMES)


@pytest.mark.slow
def test_a_batch_works_on_a_video_for_each_device(clip, on_cpu, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for name in "abc":
        shutil.copy(clip, tmp_path / "in" / f"{name}.mkv")
    monkeypatch.setattr(batching, "ProcessPool", ProcessPool)
    with pretended():
        report = vrestore.batch("inpaint", tmp_path / "in", device="cuda:0,cuda:1", **OPTIONS)
    assert [item.state for item in report.items] == ["done"] * 3
    assert made[-1].count == 2
    assert made[-1].devices == ["cuda:0", "cuda:1", "cuda:0"]
    assert_alike(tmp_path / "in.inpaint" / "c.mkv", on_cpu[0])


def test_a_device_is_given_to_who_needs_one():
    """Each task that names several devices gets the one with least to do; others keep their words."""
    workers = ProcessPool(4, stall_seconds=1)
    dealing = DevicePool(workers)
    for number, asked in enumerate(["cuda:0,cuda:1", "cuda:1,cuda:0", "cpu", "cuda:0,cuda:1"]):
        dealing.start(number, Task("inpaint", "a", f"{number}", {"device": asked}))
    assert workers.devices == ["cuda:0", "cuda:1", "cpu", "cuda:0"]
    assert dealing.free == 0
    workers.wait = lambda seconds: [TaskEvent(1, Outcome(0)), TaskEvent(2, Outcome(0))]
    dealing.wait(0)
    dealing.start(4, Task("inpaint", "a", "4", {"device": "cuda:0,cuda:1"}))
    assert workers.devices[-1] == "cuda:1"
