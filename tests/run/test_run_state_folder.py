"""One target has one run at a time, and what killed runs leave goes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from clips import write_clip

import vrestore
from vrestore.errors import TargetError
from vrestore.files import part_beside
from vrestore.run.state_folder import locked, sole_writer, work_folder

HOLDER = """
import sys
from vrestore.run.state_folder import sole_writer
with sole_writer(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the target `out.mp4`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "out.mp4")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_second_run_on_a_target_is_one_clear_line(tmp_path, holder):
    clip = write_clip(tmp_path / "clip.mp4")
    with pytest.raises(TargetError, match=f"is being written by process {holder.pid} on .*; wait for it"):
        vrestore.inpaint(clip, box="20,16,12,10", target=tmp_path / "out.mp4", overwrite=True)
    assert names(tmp_path) == [".vrestore", "clip.mp4"]


def test_a_link_to_a_target_is_that_target(tmp_path, holder):
    (tmp_path / "link.mp4").symlink_to("out.mp4")
    with pytest.raises(TargetError, match="is being written"), sole_writer(str(tmp_path / "link.mp4")):
        pass


def test_the_lock_of_a_killed_run_is_taken_over_and_its_parts_go(tmp_path, holder):
    place = tmp_path / "out.mp4"
    part_beside(place).write_text("half")
    part_beside(tmp_path / "other.mp4").write_text("half")
    holder.kill()
    holder.wait()
    assert (work_folder(place) / "lock").exists()
    with sole_writer(str(place)):
        assert [name[:11] for name in names(tmp_path)] == [".other.part", ".vrestore"]
    assert [name[:11] for name in names(tmp_path)] == [".other.part"]


def test_long_names_that_differ_at_their_end_only_are_told_apart(tmp_path):
    one, other = tmp_path / f"{'日' * 80}1.mp4", tmp_path / f"{'日' * 80}2.mp4"
    part_beside(one).write_text("half")
    with sole_writer(str(other)):
        pass
    assert len(names(tmp_path)) == 1


def test_a_lock_leaves_nothing(tmp_path):
    with locked(tmp_path / ".vrestore" / "clip.mp4", what="'clip.mp4'"):
        assert names(tmp_path) == [".vrestore"]
    assert names(tmp_path) == []


def test_of_many_that_come_and_go_one_holds_the_lock(tmp_path):
    folder, held, met = tmp_path / ".vrestore" / "clip.mp4", [], []

    def come_and_go():
        for _ in range(100):
            with suppress(TargetError), locked(folder, what="'clip.mp4'"):
                held.append(None)
                met.append(len(held))
                held.pop()

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(come_and_go) for _ in range(4)]:
            each.result()
    assert set(met) == {1}
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_one_clear_line(tmp_path):
    (tmp_path / ".vrestore").write_text("mine")
    with pytest.raises(TargetError, match="cannot be written"), sole_writer(str(tmp_path / "clip.mp4")):
        pass


def test_state_that_is_not_the_locks_stays(tmp_path):
    folder = tmp_path / ".vrestore" / "clip.mp4"
    with locked(folder, what="'clip.mp4'"):
        (folder / "segment.mkv").write_text("mine")
    assert names(folder) == ["segment.mkv"]


def test_a_target_whose_links_lead_round_is_one_clear_line(tmp_path):
    (tmp_path / "a.mp4").symlink_to("b.mp4")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    with pytest.raises(TargetError, match="links lead round in a circle"):
        vrestore.inpaint(write_clip(tmp_path / "clip.mp4"), box="20,16,12,10", target=tmp_path / "a.mp4")
