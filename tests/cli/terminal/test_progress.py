"""Progress as lines, as objects and as a bar."""

import json

import pytest

from vrestore.cli.terminal.log import Log
from vrestore.cli.terminal.progress import Pace, progress_shown
from vrestore.errors import InputError
from vrestore.progress import ProgressEvent


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def shown(style, events, capsys):
    with progress_shown(style, source="folder/clip.mp4", log=Log()) as show:
        for event in events:
            show(event)
    return capsys.readouterr()


EVENTS = [
    ProgressEvent("start", text="clip.mp4"),
    ProgressEvent("plan", text="one crop of 96x64"),
    *(ProgressEvent("progress", "inpaint", number, 4) for number in range(5)),
    ProgressEvent("warning", text="a subtitle was left out"),
]


def test_pace_counts_from_the_first_frame_of_a_stage():
    clock = Clock()
    pace = Pace(clock)
    assert pace.see(ProgressEvent("progress", "flow", 10, 110)) == (None, None)
    clock.seconds = 5
    assert pace.see(ProgressEvent("progress", "flow", 60, 110)) == (10, 5)
    assert pace.see(ProgressEvent("progress", "inpaint", 0, 110)) == (None, None)


def test_pace_knows_no_end_where_the_source_does_not():
    clock = Clock()
    pace = Pace(clock)
    pace.see(ProgressEvent("progress", "flow", 0))
    clock.seconds = 2
    assert pace.see(ProgressEvent("progress", "flow", 8)) == (4, None)


def test_plain_lines_name_the_file_and_are_few(capsys):
    output = shown("plain", EVENTS, capsys)
    lines = output.err.splitlines()
    assert output.out == ""
    assert all(line.startswith("clip.mp4: ") for line in lines)
    assert "clip.mp4: inpaint 0/4" in lines
    assert "clip.mp4: warning: a subtitle was left out" in lines
    assert len(lines) == 4


def test_json_lines_are_objects_with_a_version(capsys):
    output = shown("json", EVENTS, capsys)
    objects = [json.loads(line) for line in output.err.splitlines()]
    assert output.out == ""
    assert all(entry["v"] == 1 and entry["file"] == "folder/clip.mp4" for entry in objects)
    assert [entry["event"] for entry in objects] == [
        "start",
        "plan",
        "progress",
        "progress",
        "warning",
        "done",
    ]
    assert set(objects[2]) >= {"stage", "frame", "frames", "fps", "eta_s", "rss_mb"}
    assert objects[3]["frame"] == 4


@pytest.mark.parametrize(
    ("error", "words"), [(InputError("no such file"), "no such file"), (KeyboardInterrupt(), "interrupted")]
)
def test_the_last_json_line_tells_of_a_failure(error, words, capsys):
    with pytest.raises(type(error)), progress_shown("json", source="clip.mp4", log=Log()):
        raise error
    *_, last = capsys.readouterr().err.splitlines()
    assert json.loads(last) == {"v": 1, "event": "error", "file": "clip.mp4", "text": words}


def test_the_bar_leaves_warnings_on_stderr(capsys):
    output = shown("rich", EVENTS, capsys)
    assert output.out == ""
    assert "warning: a subtitle was left out" in output.err


def test_none_says_nothing(capsys):
    output = shown("none", EVENTS, capsys)
    assert (output.out, output.err) == ("", "")


@pytest.mark.parametrize("style", ["plain", "json", "rich", "none"])
def test_events_go_to_the_log_whatever_is_shown(style, tmp_path, capsys):
    log = Log()
    log.open(str(tmp_path / "log.txt"))
    with progress_shown(style, source="clip.mp4", log=log) as show:
        for event in [*EVENTS, ProgressEvent("done", text="4 frames")]:
            show(event)
    log.close()
    written = (tmp_path / "log.txt").read_text()
    assert "warning: a subtitle was left out" in written
    assert " progress" not in written
