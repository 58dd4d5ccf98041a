"""Where output may go, and how it gets its name, also on Windows as far as that can be pretended."""

import pytest

from vrestore import files
from vrestore.errors import InputError, TargetError
from vrestore.files import check_source_file, check_target, replace, windows_refusal


@pytest.fixture
def windows(monkeypatch):
    """What is decided in `files` by the system is decided as on Windows; the system itself stays."""
    monkeypatch.setattr(files, "_IS_WINDOWS", True)
    monkeypatch.setattr(files, "_REPLACE_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CON", "'CON' is a device of Windows"),
        ("nul.mp4", "'nul' is a device of Windows"),
        ("Com1.tar.gz", "'Com1' is a device of Windows"),
        ("clip.", "drops dots and spaces"),
        ("clip.mp4 ", "drops dots and spaces"),
        ("a:b.mp4", "no ':' in a name"),
        ("a?.mp4", "no '?' in a name"),
        ("a\tb.mp4", "in a name"),
    ],
)
def test_windows_has_no_file_of_such_a_name(name, reason):
    assert reason in windows_refusal(name)


@pytest.mark.parametrize(
    "name", ["clip.mp4", "console.mp4", "com10.mp4", "a.nul", ".hidden", "日 本.mkv", "-"]
)
def test_other_names_are_names_on_windows(name):
    assert windows_refusal(name) is None


@pytest.mark.parametrize("name", ["nul.mp4", "clip.mp4.", "a|b.mp4"])
def test_a_target_that_windows_calls_otherwise_is_one_clear_line(tmp_path, windows, name):
    with pytest.raises(TargetError, match=r"cannot be written: .*Windows.*; give another name$"):
        check_target(tmp_path / name, sources=[], overwrite=False)


def test_a_target_with_too_long_a_path_is_one_clear_line_on_windows(tmp_path, windows):
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    with pytest.raises(TargetError, match=r"has a path of \d+ characters, Windows allows 259"):
        check_target(folder / f"{'name' * 20}.mp4", sources=[], overwrite=False)


@pytest.mark.parametrize("name", ["nul.mp4", "clip.mp4."])
def test_elsewhere_such_names_are_names(tmp_path, name):
    assert check_target(tmp_path / name, sources=[], overwrite=False) == tmp_path / name


def test_what_somebody_has_open_is_replaced_when_it_is_closed(tmp_path, windows, monkeypatch):
    part, place = tmp_path / "part", tmp_path / "place"
    part.write_text("new")
    place.write_text("old")
    calls, real = [], type(part).replace

    def refused_twice(self, target):
        calls.append(target)
        if len(calls) < 3:
            raise PermissionError(13, "in use")
        return real(self, target)

    monkeypatch.setattr(type(part), "replace", refused_twice)
    replace(part, place)
    assert place.read_text() == "new"
    assert len(calls) == 3


def test_what_stays_open_is_an_error(tmp_path, windows, monkeypatch):
    def refused(self, target):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(type(tmp_path), "replace", refused)
    with pytest.raises(PermissionError):
        replace(tmp_path / "part", tmp_path / "place")


def test_a_finished_part_is_committed_as_on_windows(tmp_path, windows):
    part, place = tmp_path / "part", tmp_path / "place"
    part.write_text("new")
    files.commit(part, place)
    assert place.read_text() == "new"


@pytest.mark.parametrize("source", ["http://host/clip.mp4", "rtsp://host/clip", "concat:a|b"])
def test_an_address_is_no_file(source):
    with pytest.raises(InputError, match="only local files are read"):
        check_source_file(source)


@pytest.mark.parametrize("source", ["C:\\clip.mp4", "c:clip.mp4", "c:/clip.mp4"])
def test_a_drive_is_no_address(source):
    with pytest.raises(InputError, match="does not exist"):
        check_source_file(source)
