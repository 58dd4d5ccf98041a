"""A third method and a detector, registered in one file, have all commands that the others have."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from clips import planes_in, write_clip
from typer.testing import CliRunner

from vrestore import plugins
from vrestore.cli.main import build_app
from vrestore.detect import registry as detectors
from vrestore.errors import UsageError
from vrestore.methods import registry
from vrestore.methods.registry import method_named, register

TOYS = Path(__file__).parents[1] / "toys.py"


@pytest.fixture
def plugged(monkeypatch):
    """Load a plugin in this process, and forget it afterwards; worker processes inherit it."""

    def plug(path):
        monkeypatch.setenv(plugins.VARIABLE, str(path))

    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    monkeypatch.setattr(detectors, "_DETECTORS", dict(detectors._DETECTORS))
    plugins._import.cache_clear()
    yield plug
    plugins._import.cache_clear()


@pytest.fixture
def run(plugged):
    """Run a command of the command line that has the toys."""
    plugged(TOYS)
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"})
    return lambda *words: runner.invoke(build_app(), [str(word) for word in words])


@pytest.fixture
def done(run):
    """Run a command that succeeds, and return what it says."""

    def succeed(*words):
        result = run(*words)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return succeed


def process(*words, plugin=TOYS):
    code = "from vrestore.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=os.environ | {plugins.VARIABLE: str(plugin), "COLUMNS": "100", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def clip(tmp_path):
    (tmp_path / "in").mkdir()
    return write_clip(tmp_path / "in" / "clip.mkv", codec="ffv1", layout="gray", frames=4)


def assert_negative(target, source):
    pairs = list(zip(planes_in(target), planes_in(source), strict=True))
    assert pairs
    for (found,), (before,) in pairs:
        assert np.array_equal(found, 255 - before)


def test_a_method_of_ones_own_has_a_command(clip, tmp_path):
    report = tmp_path / "report.json"
    result = process("negative", clip, "-o", tmp_path / "out.mkv", "--report", report)
    assert result.returncode == 0, result.stderr
    assert "4 frames, 4 repaired" in result.stdout
    assert_negative(tmp_path / "out.mkv", clip)
    values = json.loads(report.read_text())
    assert (values["method"], values["settings"]["share"]) == ("negative", 100.0)


def test_its_options_are_checked_and_shown(clip, run, done):
    result = run("negative", clip, "--share", "101")
    assert result.exit_code == UsageError.exit_code
    assert "share is from 0 to 100, got 101" in result.stderr
    assert "--share" in done("negative", "--help")


def test_a_method_of_ones_own_is_planned(clip, done):
    plan = json.loads(done("plan", "negative", clip, "--memory", "2GiB", "--json"))
    assert plan["picture"].endswith("gray")
    assert plan["plan"]["memory_bytes"] == 2**31


def test_a_batch_of_it_knows_what_is_done(clip, tmp_path, done):
    assert "1 done" in done("batch", "negative", clip.parent)
    assert_negative(tmp_path / "in.negative" / "clip.mkv", clip)
    assert "1 done before" in done("batch", "negative", clip.parent)
    # An option that affects the output makes another job, one that does not leaves it the same.
    assert "1 done before" in done("batch", "negative", clip.parent, "--strict")
    assert "1 done" in done("batch", "negative", clip.parent, "--share", "50", "-y").replace("before", "")


def test_a_detector_of_ones_own_writes_a_mask(clip, tmp_path, done):
    said = done("mask", "bright", clip, "-o", tmp_path / "m.mkv", "--level", "41")
    assert "4 frames" in said
    for (found,), (before,) in zip(planes_in(tmp_path / "m.mkv"), planes_in(clip), strict=True):
        assert np.array_equal(found > 127, before / 255 > 0.41)
    plan = json.loads(done("plan", "mask", "bright", clip, "--json"))
    assert plan["codec"] == "ffv1"
    assert "1 done" in done("batch", "mask", "bright", clip.parent, "--level", "41")
    masks = list(planes_in(tmp_path / "in.bright" / "clip.mask.mkv"))
    assert len(masks) == 4


@pytest.mark.parametrize("words", ["x = 1 +", "import no_such_module"])
def test_a_plugin_that_cannot_be_loaded_is_named(words, tmp_path, plugged):
    (tmp_path / "plugin.py").write_text(words)
    plugged(tmp_path / "plugin.py")
    with pytest.raises(UsageError, match=r"plugin\.py' cannot be loaded"):
        build_app()


def test_a_plugin_that_cannot_be_loaded_is_one_line_of_the_command(tmp_path):
    (tmp_path / "plugin.py").write_text("import no_such_module")
    result = process("doctor", plugin=tmp_path / "plugin.py")
    assert result.returncode == UsageError.exit_code
    assert "plugin.py' cannot be loaded" in result.stderr
    assert "Traceback" not in result.stderr


def test_two_methods_have_two_names():
    method = method_named("inpaint")
    assert register(method) is method
    with pytest.raises(ValueError, match="there is a method 'inpaint' already"):
        register(type(method)(method.name, "another", (), method.open))
    with pytest.raises(UsageError, match="there is no method 'painter'; known are inpaint, dehaze"):
        method_named("painter")
