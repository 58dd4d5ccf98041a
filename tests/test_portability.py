"""The package is imported and does its work where what only POSIX has is missing, as on Windows.

That is pretended in a process of its own: modules are hidden, calls are deleted. What Windows does otherwise
with files that are open, mypy and these tests do not see.
"""

import os
import subprocess
import sys

import pytest
from clips import write_clip

WITHOUT_POSIX = """
import asyncio, os, signal, subprocess, sys, warnings  # Python's own, which are others on Windows

POSIX = {"fcntl", "grp", "pwd", "resource", "termios", "tty"}
CALLS = {
    os: ("getuid", "killpg", "pread", "pwrite", "sched_getaffinity", "setsid", "sysconf", "sysconf_names"),
    signal: ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm", "pthread_kill", "setitimer"),
}

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in POSIX:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in POSIX:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hidden())
for owner, names in CALLS.items():
    for name in names:
        vars(owner).pop(name, None)
warnings.filterwarnings("ignore", "only soft file lock")  # of filelock, which takes another one on Windows
"""

IMPORT_ALL = """
import importlib, pkgutil
import vrestore
for module in pkgutil.walk_packages(vrestore.__path__, "vrestore."):
    importlib.import_module(module.name)
    print(module.name)
"""

RUN = """
from vrestore.cli.main import main
main()
"""


def without_posix(code, *words):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX + code, *map(str, words)], capture_output=True, text=True
    )


def test_every_module_is_imported_without_posix():
    result = without_posix(IMPORT_ALL)
    assert result.returncode == 0, result.stderr
    assert {"vrestore.run.state_folder", "vrestore.kernels.launch"} <= set(result.stdout.split())


def test_a_job_is_done_without_posix(tmp_path):
    clip, target = write_clip(tmp_path / "clip.mp4"), tmp_path / "out.mp4"
    result = without_posix(RUN, "inpaint", clip, "--box", "20,16,12,10", "-o", target, "--no-resume")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]


@pytest.mark.parametrize("module", ["fcntl", "resource", "termios"])
def test_what_is_hidden_is_missed(module):
    assert f"No module named '{module}'" in without_posix(f"import {module}").stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["probe"], id="probe"),
        pytest.param(["inpaint", "--box", "20,16,12,10", "-y"], id="inpaint", marks=pytest.mark.slow),
    ],
)
def test_letters_that_a_code_page_lacks_are_escaped(tmp_path, words):
    clip = write_clip(tmp_path / "日.mp4")
    result = subprocess.run(
        [sys.executable, "-c", RUN, *words, str(clip)],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    )
    assert result.returncode == 0, result.stderr
    assert b"\\u65e5" in result.stdout
