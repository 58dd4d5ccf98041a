"""A video whose parts are made by workers, in any order, is the one that a run on one machine gives."""

import json
import shutil
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from clips import with_company, write_clip
from interlaced import interlaced, telecined
from resuming import assert_same, lines, names

import vrestore
from vrestore.batching.folder import FolderJobs
from vrestore.batching.scheduler import BatchOptions, run_batch
from vrestore.errors import InputError, VRestoreError
from vrestore.media.frame_maker import FrameMaker
from vrestore.option_schema import plain
from vrestore.parallel.distributed import run_on
from vrestore.parallel.executor import Outcome, TaskEvent
from vrestore.parallel.options import ParallelOptions
from vrestore.parallel.shard_executor import ShardExecutor
from vrestore.parallel.sharding.shard_files import shard_path
from vrestore.parallel.task import Task
from vrestore.parallel.worker import outcome_of
from vrestore.run.checkpoint import drop_segments, frames_kept

BOXES = ["20,16,12,10@0-20", "20,16,12,10@24-44", "8,8,12,10@52-77"]
OPTIONS = {"box": BOXES, "quality": "draft", "codec": "ffv1", "segment": 0.4, "threads": 1}
"""Segments of 5 to 10 frames at 25 a second; some of their borders are within a run of holes."""

FRAMES = 80
PARTS = [(0, 20), (20, 45), (45, 50), (50, 77), (77, 80)]


class ProcessPool:
    """Does in this process, when it is waited for, what it was told last; as many tasks as there are wait.

    `task_of` may change a task, `work` is what is done.
    """

    def __init__(self, *, room=100, work=outcome_of, task_of=lambda task: task):
        self.room, self.work, self.task_of = room, work, task_of
        self.waiting, self.seen = deque(), []

    @property
    def free(self):
        return self.room - len(self.waiting)

    def start(self, number, task):
        words = json.loads(json.dumps(asdict(task)))  # as it is sent
        self.waiting.append((number, self.task_of(Task(**words))))
        self.seen.append(task.part)

    def wait(self, seconds):
        number, task = self.waiting.pop()
        events = []
        outcome = Outcome(**self.work(task, events.append))
        return [*(TaskEvent(number, event) for event in events), TaskEvent(number, outcome)]

    def close(self):
        self.waiting.clear()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    return write_clip(folder / "in.mkv", frames=FRAMES, options={"g": "12", "bf": "2"})


@pytest.fixture(scope="module")
def whole(clip, tmp_path_factory):
    """The result of a run on one machine, its further clips, and its report."""
    folder = tmp_path_factory.mktemp("whole")
    options = OPTIONS | {name: str(place) for name, place in further(folder).items()}
    return folder, vrestore.inpaint(clip, target=folder / "out.mkv", **options)


def further(folder):
    return {"compare": folder / "compare.mp4", "reveal_map": folder / "reveal.mkv"}


def spread(clip, target, workers=None, *, events=None, **options):
    task = Task("inpaint", str(clip), str(target), plain(OPTIONS | options))
    report = run_on(workers or ProcessPool(), task, progress=(events if events is not None else []).append)
    drop_segments(str(target))
    return report


def facts_of(report):
    return report.frames, report.repaired_frames, report.scenes, report.details, report.codec, report.kept


@pytest.mark.parametrize("room", [1, pytest.param(2, marks=pytest.mark.slow), 100])
def test_parts_in_any_order_give_what_one_machine_gives(clip, whole, tmp_path, room):
    workers = ProcessPool(room=room)
    report = spread(clip, tmp_path / "out.mkv", workers, **further(tmp_path))
    assert [(part["start"], part["stop"]) for part in workers.seen] == PARTS
    for name in ("out.mkv", "compare.mp4", "reveal.mkv"):
        assert_same(tmp_path / name, whole[0] / name)
    assert facts_of(report) == facts_of(whole[1])
    assert report.frames_before == 0
    assert len(report.extra_files) == 2
    assert names(tmp_path) == ["compare.mp4", "out.mkv", "reveal.mkv"]


def test_lossy_pictures_and_sound_are_those_of_one_machine_too(tmp_path):
    company = with_company(seconds=FRAMES / 25)
    clip = write_clip(tmp_path / "in.mkv", frames=FRAMES, options={"g": "9"}, beside=company)
    how = {"start": 3, "stop": 71, "codec": None}
    vrestore.inpaint(clip, target=tmp_path / "whole.mp4", **OPTIONS | how)
    workers = ProcessPool()
    report = spread(clip, tmp_path / "out.mp4", workers, **how)
    assert len(workers.seen) > 2
    assert report.frames == 68
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


KINDS = {
    "refreshed.mkv": {"options": {"x264-params": "intra-refresh=1:keyint=8"}},
    "stream.ts": {"options": {"g": "9"}},
    "open-groups.mkv": {"options": {"g": "9", "x264-params": "open-gop=1:bframes=3:b-adapt=0"}},
    "raw.h264": {"options": {"g": "9"}},
}


QUICK = "open-groups.mkv"


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == QUICK else pytest.mark.slow) for kind in KINDS]
)
def test_where_a_file_cannot_be_entered_in_the_middle_it_is_read_from_its_beginning(kind, tmp_path):
    clip = write_clip(tmp_path / kind, frames=FRAMES, noise=True, **KINDS[kind])
    vrestore.inpaint(clip, target=tmp_path / "whole.mkv", **OPTIONS)
    workers = ProcessPool()
    spread(clip, tmp_path / "out.mkv", workers)
    assert len(workers.seen) == len(PARTS)
    assert_same(tmp_path / "out.mkv", tmp_path / "whole.mkv")


def test_the_frames_before_a_part_are_not_worked_on(clip, tmp_path, monkeypatch):
    read, real = [], FrameMaker._native
    monkeypatch.setattr(
        FrameMaker,
        "_native",
        lambda self, *rest, index: read.append(index) or real(self, *rest, index=index),
    )
    spread(clip, tmp_path / "out.mkv")
    surveyed = list(range(FRAMES))
    # One more before a part, the source's first, and one behind, until which the last one lasts.
    others = {part: stop - start + 3 for part, (start, stop) in enumerate(PARTS)}
    assert read
    assert len(read) <= len(surveyed) + sum(others.values())


def test_a_video_that_cannot_be_cut_is_one_part_and_a_line_says_so(clip, tmp_path):
    workers, events = ProcessPool(), []
    how = {"box": "20,16,12,10", "stop": 40}
    spread(clip, tmp_path / "out.mkv", workers, events=events, **how)
    assert [(part["start"], part["stop"], part["segments"]) for part in workers.seen] == [(0, 40, 4)]
    assert any(event.text.startswith("one part for one worker") for event in events)
    vrestore.inpaint(clip, target=tmp_path / "whole.mkv", **OPTIONS | how)
    assert_same(tmp_path / "out.mkv", tmp_path / "whole.mkv")


def test_progress_counts_the_frames_of_all_parts(clip, tmp_path):
    events = []
    spread(clip, tmp_path / "out.mkv", events=events)
    done = [event.frame for event in events if event.stage == "inpaint"]
    assert done == sorted(done)
    assert done[-1] == FRAMES
    assert [event.frames for event in events if event.stage == "inpaint"][-1] == FRAMES
    said = lines(events, "plan")
    assert "5 parts that need nothing of each other, 10 segments in all" in said


class Lost(BaseException):
    """The worker is gone, and so is who waits for it."""


def lost_at(part, frame):
    """Return work that is lost in a part, when so many of its frames are done."""

    def work(task, progress):
        def tell(event):
            progress(event)
            if task.part["start"] == part and event.frame == frame:
                raise Lost

        return outcome_of(task, tell)

    return work


def test_a_run_of_parts_goes_on_with_its_own_segments(clip, whole, tmp_path):
    target = tmp_path / "out.mkv"
    with pytest.raises(Lost):
        spread(clip, target, ProcessPool(work=lost_at(20, 22)))
    events = []
    report = spread(clip, target, events=events)
    assert report.frames_before == 3 + 27 + 5 + 20
    assert not lines(events, "warning")
    assert_same(target, whole[0] / "out.mkv")
    assert facts_of(report) == facts_of(whole[1])


def test_a_run_of_parts_goes_on_where_one_machine_stopped(clip, whole, tmp_path):
    target = tmp_path / "out.mkv"

    def stop(event):
        if event.event == "progress" and event.frame == 44:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vrestore.inpaint(clip, target=target, progress=stop, **OPTIONS)
    kept = frames_kept(str(target))
    report = spread(clip, target)
    assert report.frames_before == kept > 20
    assert_same(target, whole[0] / "out.mkv")
    assert facts_of(report) == facts_of(whole[1])


@pytest.mark.parametrize("room", [1, pytest.param(100, marks=pytest.mark.slow)])
def test_one_machine_goes_on_where_a_run_of_parts_stopped(clip, whole, tmp_path, room):
    target = tmp_path / "out.mkv"
    with pytest.raises(Lost):
        spread(clip, target, ProcessPool(room=room, work=lost_at(20, 22)))
    report = vrestore.inpaint(clip, target=target, **OPTIONS)
    assert report.frames_before == (40 if room == 1 else 0)
    assert_same(target, whole[0] / "out.mkv")
    assert facts_of(report) == facts_of(whole[1])
    assert names(tmp_path) == ["out.mkv"]


def test_other_options_begin_afresh_and_say_so(clip, tmp_path):
    target, events = tmp_path / "out.mkv", []
    with pytest.raises(Lost):
        spread(clip, target, ProcessPool(work=lost_at(0, 5)))
    report = spread(clip, target, events=events, box=[*BOXES[:2], "8,8,12,10@52-76"])
    assert report.frames_before == 0
    (said,) = lines(events, "warning")
    assert said == "what an earlier run left is of another set of options; it is made again"


def test_what_a_part_fails_of_the_whole_fails_of(clip, tmp_path):
    def work(task, progress):
        return {"exit_code": 3, "words": "the disk is gone"}

    with pytest.raises(InputError, match="the disk is gone"):
        spread(clip, tmp_path / "out.mkv", ProcessPool(work=work))
    assert names(tmp_path) == []


def test_another_file_under_the_same_name_is_noticed(clip, tmp_path):
    other = write_clip(tmp_path / "other.mkv", frames=FRAMES, noise=True)

    def elsewhere(task):
        return replace(task, source=str(other))

    with pytest.raises(InputError, match="is it the same file on all machines"):
        spread(clip, tmp_path / "out.mkv", ProcessPool(task_of=elsewhere))
    assert not (tmp_path / "out.mkv").exists()


def test_a_folder_that_a_worker_does_not_see_is_one_line(clip, tmp_path):
    (tmp_path / "elsewhere").mkdir()

    def elsewhere(task):
        return Task(
            task.command, task.source, str(tmp_path / "elsewhere/out.mkv"), task.options, part=task.part
        )

    with pytest.raises(InputError, match="do all machines see the target's folder"):
        spread(clip, tmp_path / "out.mkv", ProcessPool(task_of=elsewhere))


def test_segments_that_are_lost_after_all_are_told(clip, tmp_path):
    def work(task, progress):
        outcome = outcome_of(task, progress)
        (tmp_path / ".vrestore/out.mkv" / "000002.json").unlink(missing_ok=True)
        return outcome

    with pytest.raises(VRestoreError, match=r"segments of .* are missing"):
        spread(clip, tmp_path / "out.mkv", ProcessPool(work=work))
    assert shard_path(tmp_path / ".vrestore/out.mkv", 0).name == "part.000000.npz"


def test_what_is_not_written_in_segments_has_no_parts(clip, tmp_path):
    assert spread(clip, tmp_path / "out.mkv", segment=60) is None
    assert names(tmp_path) == []


@pytest.mark.slow
def test_a_damaged_source_gives_the_same(tmp_path):
    broken = write_clip(tmp_path / "broken.mkv", frames=FRAMES, noise=True, options={"g": "12"})
    data = bytearray(broken.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    broken.write_bytes(data)
    report = vrestore.inpaint(broken, target=tmp_path / "whole.mkv", **OPTIONS)
    assert report.damage
    again = spread(broken, tmp_path / "out.mkv")
    assert (again.damage, again.frames) == (report.damage, report.frames)
    assert_same(tmp_path / "out.mkv", tmp_path / "whole.mkv")


def test_a_batch_hands_out_the_parts_of_long_videos_and_the_others_whole(clip, whole, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("long.mkv", "longer.mkv"):
        shutil.copy(clip, folder / name)
    write_clip(folder / "short.mkv", frames=5)
    workers, seen = ProcessPool(room=3), {}
    jobs = FolderJobs("inpaint", folder, options=plain(OPTIONS))
    report = run_batch(
        jobs.checked_tasks(),
        base=jobs.base,
        state=jobs.state,
        options=BatchOptions(ParallelOptions(jobs=3, threads=1)),
        executor=ShardExecutor(workers, 3),
        show=lambda source, event: seen.setdefault(Path(source).name, []).append(event.event),
    )
    assert report.exit_code == 0, report
    assert sorted(part is None for part in workers.seen) == [False] * 2 * len(PARTS) + [True]
    for name in ("long.mkv", "longer.mkv"):
        assert_same(jobs.base / name, whole[0] / "out.mkv")
        assert seen[name][-1] == "done"
    assert names(jobs.state) == ["journal.jsonl"]


def test_what_fails_of_a_long_video_fails_that_job_of_a_batch(clip, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(clip, folder / "long.mkv")
    write_clip(folder / "short.mkv", frames=5)

    def work(task, progress):
        bad = {"exit_code": 3, "words": "the disk is gone"}
        return outcome_of(task, progress) if task.part is None else bad

    jobs = FolderJobs("inpaint", folder, options=plain(OPTIONS))
    report = run_batch(
        jobs.checked_tasks(),
        base=jobs.base,
        state=jobs.state,
        options=BatchOptions(ParallelOptions(jobs=2, threads=1), tries=1),
        executor=ShardExecutor(ProcessPool(work=work), 2),
    )
    ends = {Path(item.source).name: (item.state, item.words) for item in report.items}
    assert ends == {"long.mkv": ("failed", "the disk is gone"), "short.mkv": ("done", "")}


@pytest.mark.parametrize(
    ("make", "words", "count"),
    [(interlaced, {"deinterlace": True, "double_rate": True}, 8), (telecined, {"detelecine": True}, 16)],
    ids=["fields", "film"],
)
@pytest.mark.slow
def test_what_workers_make_of_fields_is_the_same(tmp_path, make, words, count):
    source, _ = make(tmp_path / "in.mkv", count)
    options = OPTIONS | words | {"box": ["20,16,16,12@0-3", "20,16,16,12@5-8"], "segment": 0.16}
    vrestore.inpaint(source, target=tmp_path / "whole.mkv", **options)
    workers = ProcessPool()
    task = Task("inpaint", str(source), str(tmp_path / "out.mkv"), plain(options))
    run_on(workers, task, progress=[].append)
    assert len(workers.seen) > 1
    assert_same(tmp_path / "out.mkv", tmp_path / "whole.mkv")
