"""The journal forgets nothing, survives what a crash leaves, and refuses what it did not write."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrestore.batching.journal import Journal, Past
from vrestore.errors import InputError, TargetError
from vrestore.run.file_stamps import FileStamp

FAILED = {"exit_code": 3, "error": "bad", "log": "x.log", "counts": True}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "journal.jsonl"


def past_of(place, key="a"):
    with Journal(place) as journal:
        return journal.past(key)


def test_what_is_added_is_there_again(place):
    with Journal(place) as journal:
        journal.add("started", "a", ours=True, failures=1)
        assert journal.past("a") == Past(is_open=True, is_ours=True, failures=1)
        journal.add("started", "b", ours=False, failures=0)
        journal.add("done", "b", exit_code=9, target_bytes=7)
        journal.add_file_hash(Path("/x\n.mp4"), FileStamp(1, 2, 3), "ff")
    assert past_of(place) == Past(is_open=True, is_ours=True, failures=1)
    assert past_of(place, "b") == Past(is_done=True, exit_code=9, target_bytes=7)
    assert past_of(place, "c") == Past()
    with Journal(place) as journal:
        assert journal.file_hash(Path("/x\n.mp4"), FileStamp(1, 2, 3)) == "ff"
        assert journal.file_hash(Path("/x\n.mp4"), FileStamp(1, 2, 4)) is None


def test_failures_add_up_unless_they_do_not_count(place):
    with Journal(place) as journal:
        journal.add("failed", "a", **FAILED)
        journal.add("failed", "a", **FAILED | {"counts": False})
        journal.add("started", "a", ours=True, failures=1)
        journal.add("failed", "a", **FAILED)
    assert past_of(place) == Past(failures=2, exit_code=3, error="bad", log="x.log")


def test_every_event_is_a_line_and_on_the_disk_at_once(place, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(place.read_bytes()))
    with Journal(place) as journal:
        journal.add("started", "a", ours=True, failures=0)
        journal.add("done", "a", exit_code=0, target_bytes=1)
    lines = place.read_bytes().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["started", "done"]
    assert synced[-1] == place.read_bytes()


WHOLE = b'{"v": 1, "event": "started", "key": "a", "ours": true, "failures": 0}\n'


@pytest.mark.parametrize(
    "torn",
    [WHOLE[:20], WHOLE[:-1], b"\0\0\0\0", b"\xff\xfe", b"{}\n", b"\0" * 50 + b"\n"],
    ids=["half", "no-end", "zeros", "bytes", "empty", "zeros-line"],
)
def test_a_torn_last_line_is_taken_away_and_writing_goes_on(place, torn):
    place.write_bytes(WHOLE + torn)
    with Journal(place) as journal:
        assert journal.past("a").is_open
        journal.add("done", "a", exit_code=0, target_bytes=5)
    assert past_of(place) == Past(is_done=True, target_bytes=5)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b"[]\n",
        b"{}\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        WHOLE.replace(b'"v": 1', b'"v": 2'),
        WHOLE.replace(b"started", b"flown"),
        WHOLE.replace(b'"a"', b"[]"),
        WHOLE.replace(b"0}", b'"many"}'),
        b'{"v": 1, "event": "sum", "path": "x", "stamp": [1, 2], "sha256": "ff"}\n',
        b'{"v": 1, "event": "done", "key": "a", "exit_code": null, "target_bytes": 1}\n',
    ],
    ids=lambda line: line[:30].decode(errors="replace"),
)
def test_any_other_line_that_is_not_ours_is_one_clear_line(place, line):
    place.write_bytes(WHOLE + line + WHOLE)
    with pytest.raises(
        InputError, match=r"line 2 of the journal .* move the journal away to begin anew"
    ) as raised:
        Journal(place)
    assert "\n" not in str(raised.value)
    assert place.read_bytes() == WHOLE + line + WHOLE


def test_a_journal_that_vanishes_is_noticed(place):
    with Journal(place) as journal:
        place.unlink()
        with pytest.raises(TargetError, match="vanished"):
            journal.add("started", "a", ours=True, failures=0)


def test_a_journal_that_cannot_be_written_is_one_clear_line(tmp_path):
    with pytest.raises(TargetError, match="cannot be written"):
        Journal(tmp_path / "none" / "journal.jsonl")


@given(st.binary(max_size=300), st.integers(0, 300))
def test_whatever_is_in_it_opening_ends_in_a_journal_or_a_line(tmp_path_factory, noise, cut):
    place = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    place.write_bytes((WHOLE * 3)[:cut] + noise)
    try:
        past_of(place)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is right
    else:
        past_of(place)  # what was torn is gone: nothing is left to complain of
