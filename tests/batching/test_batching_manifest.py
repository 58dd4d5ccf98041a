"""Jobs in a file: understood, or refused whole with the number of the job."""

import numpy as np
import pytest
from batches import BOX, clips_in
from clips import write_pictures
from hypothesis import given
from hypothesis import strategies as st

from vrestore.batching.manifest import read_manifest
from vrestore.errors import InputError, MaskError, TargetError, UsageError, VRestoreError
from vrestore.parallel.task import job_of


@pytest.fixture
def folder(tmp_path):
    clips_in(tmp_path, "a.mp4", "sub/b.mp4")
    write_pictures(tmp_path / "a.mkv", [np.eye(48, 64, dtype=np.uint8) * 255])
    return tmp_path


def read(folder, text):
    (folder / "jobs.toml").write_text(text)
    return read_manifest(folder / "jobs.toml")


JOB = '[[job]]\ncommand = "inpaint"\nsource = "a.mp4"\n'


def test_jobs_have_their_own_options_and_the_defaults(folder):
    manifest = read(
        folder,
        f"""
        output = "out"
        [defaults]
        quality = "draft"
        box = "{BOX}"
        [[job]]
        command = "inpaint"
        source = "a.mp4"
        mask = ["a.mkv"]
        rate = "24000/1001"
        encoder_options = {{ tune = "grain" }}
        [[job]]
        command = "inpaint"
        source = "sub/b.mp4"
        target = "b.clean.mkv"
        quality = "best"
        """,
    )
    one, other = manifest.tasks
    assert one.target == str(folder / "out" / "a.mp4")
    assert one.options["quality"] == "draft"
    assert one.options["mask"] == [str(folder / "a.mkv")]
    assert other.target == str(folder / "out" / "b.clean.mkv")
    assert other.options == {"quality": "best", "box": BOX}
    assert manifest.state == folder / ".vrestore" / "jobs.toml"


def test_a_word_in_place_of_a_file_is_no_path(folder):
    found, said = read(folder, f'{JOB}overlay = "auto"\n{JOB}overlay = "a.mkv"\ntarget = "b.mp4"').tasks
    assert found.options["overlay"] == "auto"
    assert said.options["overlay"] == str(folder / "a.mkv")
    assert job_of(found).reads == []
    assert job_of(said).reads == [folder / "a.mkv"]


def test_without_an_output_results_lie_beside_their_sources(folder):
    (task,) = read(folder, f'{JOB}box = "{BOX}"').tasks
    assert task.target == str(folder / "a.inpaint.mp4")


def test_the_files_words_are_the_libraries(folder):
    (task,) = read(folder, f'{JOB}box = "{BOX}"\nmethod = "propagate"\ngrow = 3\ncrf = 20').tasks
    assert (task.options["method"], task.options["grow"], task.options["crf"]) == ("propagate", 3, 20)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("job = 1", UsageError, r"holds no \[\[job\]\]"),
        ("", UsageError, r"holds no \[\[job\]\]"),
        ("this is not it", UsageError, "is not TOML"),
        ("x = " + "[" * 5000, UsageError, "is not TOML"),
        ("[jobs]", UsageError, "there is no 'jobs'"),
        (f"output = 3\n{JOB}", UsageError, "output is a string"),
        (f"defaults = 3\n{JOB}", UsageError, "output is a string"),
        ('[[job]]\nsource = "a.mp4"', UsageError, "job 1: command is one of inpaint"),
        ('[[job]]\ncommand = "inpaint"', UsageError, "job 1: source is the name of a video, got None"),
        (f'{JOB}box = "{BOX}"\ncolor = "red"', UsageError, "job 1: .* there is no option 'color'"),
        (f'{JOB}box = "{BOX}"\nquality = "top"', UsageError, "quality is 'draft' or 'balanced' or 'best'"),
        (f"{JOB}box = 3", UsageError, "box is a string or a list of a string, got 3"),
        (f'{JOB}box = "{BOX}"\ncrf = true', UsageError, "crf is a number, got True"),
        (f'{JOB}box = "{BOX}"\nrate = "fast"', UsageError, "rate is a number such as 25"),
        (f'{JOB}box = "{BOX}"\nmemory = "lots"', UsageError, "memory is a size"),
        (f'{JOB}box = "{BOX}"\ntarget = "-"', UsageError, "target is the name of a file"),
        (JOB, UsageError, "pass --mask or --box"),
        (f'{JOB}mask = "none.png"', MaskError, "job 1: mask .*none.png' does not exist"),
        (f'{JOB}box = "{BOX}"'.replace("a.mp4", "c.mp4"), InputError, "job 1: .*c.mp4' does not exist"),
        (f'{JOB}box = "{BOX}"\ntarget = "no/folder/a.mp4"\n', TargetError, "there is no folder"),
        (f'{JOB}box = "{BOX}"\ntarget = "sub"', TargetError, "is a folder"),
        (
            f'{JOB}box = "{BOX}"\ntarget = "sub/b.mp4"\n{JOB.replace("a.mp4", "sub/b.mp4")}box = "{BOX}"',
            UsageError,
            "is the source",
        ),
        (f'{JOB}box = "{BOX}"\n' * 2, UsageError, "both have the target"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_first_frame(folder, text, kind, message):
    with pytest.raises(kind, match=message) as raised:
        read(folder, text if "no/folder" not in text else text.replace('"no', '"../no'))
    assert not (folder / ".vrestore").exists()
    assert "\n" not in str(raised.value)


def test_all_that_is_wrong_is_counted(folder):
    with pytest.raises(UsageError, match=r"job 1: .* \(and 1 more\)"):
        read(folder, f'{JOB}box = 1\n{JOB}box = "{BOX}"\n{JOB}box = 2')


def test_a_file_that_is_not_there_or_no_text_is_one_clear_line(folder):
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(folder / "none.toml")
    with pytest.raises(UsageError, match="is not TOML"):
        read_manifest(folder / "a.mp4")


@given(st.data())
def test_a_file_that_is_changed_anywhere_is_read_or_refused(tmp_path_factory, data):
    text = f'output = "out"\n[defaults]\nquality = "draft"\n{JOB}box = "{BOX}"\ngrow = 3\n'.encode()
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.binary(max_size=6)) + text[at + data.draw(st.integers(0, 6)) :]
    folder = tmp_path_factory.mktemp("manifest")
    (folder / "a.mp4").write_bytes(b"some video")
    (folder / "jobs.toml").write_bytes(broken)
    try:
        assert read_manifest(folder / "jobs.toml").tasks
    except VRestoreError as error:
        assert str(error)  # noqa: PT017 - either end is right
