"""The words of the command line: help, usage errors, exit codes, and what is asked before overwriting."""

import json
import re
import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

import vrestore
from vrestore.cli.main import build_app
from vrestore.cli.parameters import library_words
from vrestore.cli.terminal.overwriting import may_overwrite
from vrestore.errors import UsageError
from vrestore.methods.inpaint.method import INPAINT

COMMANDS = [
    *("inpaint", "dehaze", "plan inpaint", "plan dehaze", "probe", "compare", "doctor"),
    *("mask logo", "batch mask logo", "plan mask logo", "mask check", "mask edit", "mask preview"),
    *("mask dirt", "batch mask dirt", "plan mask dirt"),
    *("mask text", "batch mask text", "plan mask text"),
]


def run(*words, environment=None):
    return CliRunner(env={"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"} | (environment or {})).invoke(
        build_app(), words
    )


def run_process(*words):
    return subprocess.run(
        [sys.executable, "-m", "vrestore", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_no_words_show_the_help():
    result = run()
    assert "Usage: vrestore" in result.output
    assert all(command.split()[0] in result.output for command in COMMANDS)


def test_the_version_is_shown():
    assert run("--version").output == f"vrestore {vrestore.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_under_60_lines_and_ends_in_three_examples(command):
    result = run(*command.split(), "--help")
    lines = result.output.rstrip().splitlines()
    assert result.exit_code == 0
    assert len(lines) < 60
    assert lines[-4].strip() == "Examples"
    assert all(line.strip().startswith(f"vrestore {command}") for line in lines[-3:])


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_fit_a_terminal(command):
    last = run(*command.split(), "--help").output.rstrip().splitlines()[-3:]
    assert all(len(line) <= 80 for line in last)


@pytest.mark.parametrize(
    "words",
    [
        ["inpaint"],
        ["nothing"],
        ["inpaint", "a.mp4", "--no-such-option"],
        ["inpaint", "a.mp4", "--threads", "-1"],
        ["inpaint", "a.mp4", "--quality", "splendid"],
        ["inpaint", "a.mp4", "--grow", "much"],
        ["inpaint", "a.mp4", "-y", "-n"],
        ["inpaint", "a.mp4", "-e", "tune"],
        ["inpaint", "a.mp4", "--rate", "quick"],
        ["inpaint", "a.mp4", "--rate", "1/0"],
        ["inpaint", "a.mp4", "--rate", "-25"],
        ["dehaze", "a.mp4", "--strength", "much"],
        ["dehaze", "a.mp4", "--strength", "101"],
        ["dehaze", "a.mp4", "--airlight", "gray"],
        ["plan", "mend", "a.mp4"],
        ["compare", "a.mp4"],
        ["compare", "a.mp4", "b.mp4", "-y", "-n"],
    ],
    ids=" ".join,
)
def test_words_that_do_not_fit_exit_with_2(words):
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["compare", "none.mp4", "other.mp4", "-o", "x.mp4"], 3, "none.mp4"),
        (["mask", "preview", "none.mp4", "--box", "0,0,9,9", "-o", "x.png"], 3, "none.mp4"),
        (["mask", "preview", "none.mp4", "-o", "x.png"], 2, "pass --mask or --box"),
        (["mask", "edit", "none.png", "-o", "x.png"], 4, "mask 'none.png' does not exist"),
        (["mask", "edit", "none.png", "--smooth", "2", "-o", "x.png"], 2, "an odd number of frames"),
        (["inpaint", "none.mp4", "-y", "-n"], 2, "-y and -n contradict each other"),
        (["inpaint", "none.mp4", "--log-file", "no/folder/log.txt"], 5, "the log 'no/folder/log.txt'"),
    ],
)
def test_a_failure_is_one_line_on_stderr(words, exit_code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("vrestore: ")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--executor", "ray"], "needs Ray; pip install 'vrestore[cluster]'"),
        (["--address", "head:6379"], "pass --executor ray with it"),
        (["--jobs", "2"], "pass --executor ray with it"),
    ],
    ids=["executor", "address", "jobs"],
)
def test_words_for_a_cluster_reach_the_library(words, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run("inpaint", "none.mp4", "--box", "0,0,9,9", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_debug_shows_where_an_error_arose(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("compare", "none.mp4", "other.mp4", "--debug")
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("vrestore: ")


def test_the_log_file_holds_the_command_and_the_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vrestore", "inpaint", "none.mp4"])
    run("inpaint", "none.mp4", "-y", "-n", "--log-file", "log.txt")
    log = (tmp_path / "log.txt").read_text()
    assert "command: vrestore inpaint none.mp4" in log
    assert "error: -y and -n contradict each other" in log
    assert "Traceback" in log


def test_words_reach_the_library_under_its_names():
    words = {"source": "a.mp4", "target": "b.mp4", "encoder_options": ["tune=grain", "x=a=b"]}
    words |= {"rate": "24000/1001", "grow": 4, "resume": True, "debug": True}
    arguments = library_words(INPAINT, words)
    assert arguments == {
        "target": "b.mp4",
        "encoder_options": {"tune": "grain", "x": "a=b"},
        "rate": arguments["rate"],
        "grow": 4,
        "resume": False,  # what is said on the command line is --no-resume
    }
    assert (arguments["rate"].numerator, arguments["rate"].denominator) == (24000, 1001)


def test_nothing_is_asked_where_nobody_can_answer(tmp_path):
    target = tmp_path / "there.mp4"
    target.touch()
    assert not may_overwrite(str(target), overwrite=False, no_overwrite=False)
    assert may_overwrite(str(target), overwrite=True, no_overwrite=False)


def test_overwriting_and_not_overwriting_contradict_each_other():
    with pytest.raises(UsageError, match="contradict"):
        may_overwrite("a.mp4", overwrite=True, no_overwrite=True)


def test_doctor_says_what_is_there_and_what_is_not():
    result = run_process("doctor")
    assert result.returncode == 0
    words = re.sub(r"\s+", " ", result.stdout)
    assert f"vrestore {vrestore.__version__}" in words
    assert all(title in words for title in ("Machine", "Devices", "Codecs", "Kernels", "Weights"))
    assert "libx264" in words


@pytest.fixture(scope="module")
def diagnosis():
    """What `doctor --json` says in a process of its own."""
    return json.loads(run_process("doctor", "--json").stdout)


def test_doctor_says_which_kernels_serve_and_why(diagnosis):
    facts = diagnosis["Kernels"]
    assert "shift_align.cu" in facts["kernels"]
    assert all(
        words.startswith(("torch", "cupy")) for name, words in facts.items() if name.startswith("cuda")
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_doctor_refuses_kernels_that_cannot_run():
    result = run_process("doctor", "--kernels", "cupy")
    assert result.returncode == 7
    assert "--kernels cupy was asked for, but" in result.stderr
    assert "pass --kernels auto or torch" in result.stderr


def test_doctor_speaks_json(diagnosis):
    assert diagnosis["Software"]["vrestore"] == vrestore.__version__
    assert "ffv1" in diagnosis["Codecs"]["encoders"]


def test_doctor_says_whether_a_device_decodes_and_encodes(diagnosis):
    facts = diagnosis["Codecs"]
    for name, codec in (("NVDEC", "hevc"), ("NVENC", "hevc_nvenc")):
        assert facts[name].startswith(("yes: ", "no: "))
        assert codec in facts[name]


@pytest.mark.parametrize(("words", "exit_code"), [(["--version"], 0), (["probe", "none.mp4"], 3)])
def test_the_process_ends_at_once_with_all_its_words_and_its_exit_code(words, exit_code):
    """What libraries would do at the end of a process is not waited for."""
    code = "import atexit; atexit.register(print, 'late'); from vrestore.cli.main import main; main()"
    result = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert result.returncode == exit_code
    assert "late" not in result.stdout
    assert (result.stdout + result.stderr).count("\n") == 1
