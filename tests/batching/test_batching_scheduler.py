"""A batch does each job once, goes on after failures, and knows what it did before."""

import json
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from batches import BOX, clips_in, failing, run_here, states, written
from clips import write_clip, write_pictures

from vrestore.batching.folder import FolderJobs
from vrestore.batching.journal import Journal
from vrestore.errors import InputError, MaskError, TargetError, UsageError
from vrestore.parallel.executor import Outcome
from vrestore.run.content_hash import preload_hashes, sum_of
from vrestore.run.state_folder import locked


@pytest.fixture
def jobs(tmp_path):
    clips_in(tmp_path / "in", "a.mp4", "b.mp4", "sub/c.mp4")
    return FolderJobs("inpaint", tmp_path / "in", output=tmp_path / "out", options={"box": BOX})


def results(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.mp4"))


def test_every_file_is_done_and_sub_folders_are_mirrored(jobs):
    report, _ = run_here(jobs)
    assert states(report) == {"a.mp4": "done", "b.mp4": "done", "c.mp4": "done"}
    assert results(jobs.base) == ["a.mp4", "b.mp4", "sub/c.mp4"]
    assert report.exit_code == 0


def test_the_results_lie_beside_the_folder_by_default(jobs, tmp_path):
    assert replace(jobs, output=None).base == tmp_path / "in.inpaint"


def test_what_is_done_is_not_done_again(jobs):
    run_here(jobs)
    report, seen = run_here(jobs)
    assert seen == []
    assert set(states(report).values()) == {"done before"}


@pytest.mark.parametrize(
    "change",
    [
        lambda jobs: write_clip(jobs.folder / "a.mp4", frames=12),
        lambda jobs: (jobs.base / "a.mp4").unlink(),
        lambda jobs: (jobs.base / "a.mp4").write_text("cut"),
    ],
    ids=["source", "target-gone", "target-cut"],
)
def test_what_is_no_longer_so_is_done_again(jobs, change):
    run_here(jobs)
    change(jobs)
    _, seen = run_here(jobs, overwrite=True)
    assert [Path(task.source).name for task in seen] == ["a.mp4"]


def test_other_options_are_other_jobs(jobs):
    run_here(jobs)
    _, seen = run_here(replace(jobs, options={"box": BOX, "quality": "best"}), overwrite=True)
    assert len(seen) == 3


def test_another_mask_is_another_job(tmp_path):
    clips_in(tmp_path / "in", "a.mp4", "b.mp4")
    (tmp_path / "masks").mkdir()
    for stem in "ab":
        write_pictures(tmp_path / "masks" / f"{stem}.mkv", [np.eye(48, 64, dtype=np.uint8) * 255])
    jobs = FolderJobs("inpaint", tmp_path / "in", output=tmp_path / "out", masks=tmp_path / "masks")
    run_here(jobs)
    write_pictures(tmp_path / "masks" / "b.mkv", [np.full((48, 64), 255, np.uint8)])
    _, seen = run_here(jobs, overwrite=True)
    assert [Path(task.source).name for task in seen] == ["b.mp4"]


def test_how_it_is_done_is_not_what_is_done(jobs, tmp_path):
    """Threads, memory, a source touched or moved, a folder of results moved: all done before."""
    run_here(jobs)
    os.utime(jobs.folder / "a.mp4", ns=(1, 1))
    jobs.base.rename(tmp_path / "moved")
    _, seen = run_here(replace(jobs, output=tmp_path / "moved"), threads=1, memory_bytes=2**31)
    assert seen == []


def test_redo_does_it_again_and_replaces_what_it_made(jobs):
    run_here(jobs)
    report, seen = run_here(jobs, redo=True)
    assert len(seen) == 3
    assert set(states(report).values()) == {"done"}


def test_a_target_that_is_not_ours_is_kept(jobs):
    jobs.base.mkdir()
    (jobs.base / "a.mp4").write_text("mine")
    report, _ = run_here(jobs)
    assert states(report) == {"a.mp4": "failed", "b.mp4": "done", "c.mp4": "done"}
    assert (jobs.base / "a.mp4").read_text() == "mine"
    assert report.exit_code == 10
    assert run_here(jobs, overwrite=True)[0].exit_code == 0


def test_what_fails_is_tried_again_at_the_end_then_set_aside_with_its_log(jobs):
    report, seen = run_here(jobs, failing("a"))
    assert [Path(task.source).name for task in seen] == ["a.mp4", "b.mp4", "c.mp4", "a.mp4"]
    failed = report.items[-1]
    assert (failed.state, failed.tries, failed.exit_code, report.exit_code) == ("failed", 2, 3, 10)
    text = Path(failed.log).read_text()
    assert "it does not work" in text
    assert "Traceback: here" in text
    assert '"box": "20,16,12,10"' in text


def test_what_was_set_aside_is_left_alone_until_told(jobs):
    run_here(jobs, failing("a"))
    report, seen = run_here(jobs)
    assert (seen, states(report)["a.mp4"], report.exit_code) == ([], "set aside", 10)
    assert "it does not work (failed 2 times before; --redo tries again)" in report.items[0].words
    assert len(run_here(jobs, tries=3)[1]) == 1
    run_here(replace(jobs, name="x{name}"), failing("a"))
    assert len(run_here(replace(jobs, name="x{name}"), redo=True)[1]) == 3


@pytest.mark.parametrize("exit_code", [5, 8])
def test_what_the_machine_is_to_blame_for_never_sets_a_job_aside(jobs, exit_code):
    run_here(jobs, failing("a", exit_code=exit_code))
    report, _ = run_here(jobs)
    assert states(report)["a.mp4"] == "done"


def test_a_job_that_was_interrupted_is_begun_again(jobs):
    def stopped(task):
        if task.source.endswith("b.mp4"):
            raise KeyboardInterrupt
        return written(task)

    with pytest.raises(KeyboardInterrupt):
        run_here(jobs, stopped)
    report, seen = run_here(jobs)
    assert [Path(task.source).name for task in seen] == ["b.mp4", "c.mp4"]
    assert states(report)["a.mp4"] == "done before"


def test_a_job_that_ended_unseen_may_replace_what_it_made(jobs):
    """Killed between giving the file its name and noting that it is done."""

    def unseen(task):
        written(task)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_here(jobs, unseen)
    assert (jobs.base / "a.mp4").exists()
    assert states(run_here(jobs)[0])["a.mp4"] == "done"


def test_a_damaged_source_is_done_with_the_code_of_a_loss(jobs):
    def damaged(task):
        return replace(written(task), exit_code=9, words="the source ends too early")

    report, _ = run_here(jobs, damaged)
    assert (report.exit_code, report.items[0].words) == (9, "the source ends too early")
    assert run_here(jobs)[0].exit_code == 9


def test_a_video_without_a_mask_fails_and_the_others_go_on(tmp_path):
    clips_in(tmp_path / "in", "a.mp4", "b.mp4")
    (tmp_path / "masks").mkdir()
    write_pictures(tmp_path / "masks" / "b.mask.mkv", [np.eye(48, 64, dtype=np.uint8) * 255])
    jobs = FolderJobs("inpaint", tmp_path / "in", output=tmp_path / "out", masks=tmp_path / "masks")
    report, seen = run_here(jobs)
    assert states(report) == {"a.mp4": "failed", "b.mp4": "done"}
    assert report.items[0].exit_code == 4
    assert seen[0].options["mask"] == [str(tmp_path / "masks" / "b.mask.mkv")]


def test_memory_and_cores_are_shared(jobs):
    _, seen = run_here(jobs, jobs=4, memory_bytes=8 * 2**30)
    assert {task.options["memory"] for task in seen} == {2 * 2**30}
    assert all(task.options["threads"] >= 1 for task in seen)


def test_two_batches_on_one_folder_are_one_clear_line(jobs):
    with (
        locked(jobs.state, what="'out'"),
        pytest.raises(TargetError, match=r"out' is being written by process \d+ on"),
    ):
        run_here(jobs)


def test_a_journal_that_vanishes_with_its_folder_stops_the_batch(jobs):
    def vanish(task):
        (jobs.state / "journal.jsonl").unlink()
        return Outcome(5, "gone")

    with pytest.raises(TargetError, match="vanished"):
        run_here(jobs, vanish)


def test_a_target_folder_that_is_a_file_fails_that_job(jobs):
    jobs.base.mkdir()
    (jobs.base / "sub").write_text("in the way")
    report, _ = run_here(jobs)
    assert states(report) == {"a.mp4": "done", "b.mp4": "done", "c.mp4": "failed"}


def test_a_source_that_cannot_be_read_fails_that_job(jobs):
    (jobs.folder / "a.mp4").write_bytes(b"")
    report, _ = run_here(jobs)
    assert (report.items[0].state, report.items[0].words) == (
        "failed",
        f"'{jobs.folder / 'a.mp4'}' is empty (0 bytes)",
    )


def test_names_keep_their_letters(tmp_path):
    names = [
        "two\nlines.mp4",
        "日本 ü.mp4",
        os.fsdecode(b"\xff.mp4"),
        "$(touch x) `y`;.mp4",
        "x" * 251 + ".mp4",
    ]
    clips_in(tmp_path / "in", *names)
    jobs = FolderJobs("inpaint", tmp_path / "in", output=tmp_path / "out", options={"box": BOX})
    assert run_here(jobs)[0].exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([".vrestore", *names])
    assert set(states(run_here(jobs, failing("x"))[0]).values()) == {"done before"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"output": "in"}, "holds the sources"),
        ({"name": "{stem}.mkv"}, "both have the target"),
        ({"options": {"box": BOX, "compare": "x.mp4"}}, "compare is a file for one video"),
        ({"options": {"box": BOX, "color": 1}}, "there is no option 'color'"),
        (
            {"options": {"box": BOX, "grow": "much"}},
            "grow is a whole number or 'auto' or 'shadow'",
        ),
        ({"options": {}}, "pass --mask or --box"),
        ({"command": "paint"}, "command is one of"),
    ],
    ids=str,
)
def test_words_that_do_not_fit_are_refused_before_anything_is_made(tmp_path, words, message):
    clips_in(tmp_path / "in", "a.mp4", "a.mov")
    fields = {
        "command": "inpaint",
        "folder": tmp_path / "in",
        "output": tmp_path / "out",
        "options": {"box": BOX},
    }
    words = words | ({"output": tmp_path / words["output"]} if "output" in words else {})
    with pytest.raises(UsageError, match=message):
        run_here(FolderJobs(**fields | words))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_folders_that_are_missing_are_clear_lines(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        FolderJobs("inpaint", tmp_path / "none")
    with pytest.raises(MaskError, match="--masks takes one, --mask a mask for all videos"):
        FolderJobs("inpaint", tmp_path, masks=tmp_path / "mask.png")


@pytest.mark.parametrize("words", [{"jobs": 0}, {"tries": 0}, {"stall_seconds": 0.0}], ids=str)
def test_counts_are_one_or_more(jobs, words):
    with pytest.raises(UsageError, match="got 0"):
        run_here(jobs, **words)


def test_the_report_is_written_whole(jobs, tmp_path):
    report, _ = run_here(jobs, failing("b"), report=tmp_path / "report.json")
    written_report = json.loads((tmp_path / "report.json").read_text())
    assert written_report == json.loads(json.dumps(report.to_dict()))
    assert (written_report["counts"], written_report["exit_code"]) == ({"done": 2, "failed": 1}, 10)


def test_a_journal_from_a_crash_is_mended_and_used(jobs):
    run_here(jobs)
    place = jobs.state / "journal.jsonl"
    lines = place.read_bytes().splitlines(keepends=True)
    place.write_bytes(b"".join(lines[:-1]) + lines[-1][:10])
    _, seen = run_here(jobs)
    assert len(seen) == 1
    with Journal(place):
        pass


def test_a_worker_is_told_the_hashes_that_the_batch_has_taken(tmp_path):
    source = clips_in(tmp_path / "in", "a.mp4") / "a.mp4"
    _, (task,) = run_here(FolderJobs("inpaint", tmp_path / "in", options={"box": BOX}))
    digest = sha256(source.read_bytes()).hexdigest()
    assert [(name, said) for name, _, said in task.sums] == [(str(source), digest)]
    (name, stamp, _), *_ = task.sums
    preload_hashes([(name, stamp, "known")])
    assert sum_of(source) == "known"
    os.utime(source, ns=(1, 1))
    assert sum_of(source) == digest
