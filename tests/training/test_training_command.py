"""`python -m vrestore.training inpaint`: the same run twice, a run that is killed, weights to begin with."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lessons import draw_data
from typer.testing import CliRunner

from vrestore.models.cards import Card
from vrestore.models.tsam.config import SMALL
from vrestore.models.tsam.network import Tsam
from vrestore.models.weights import load_model, save_weights
from vrestore.training.__main__ import app

STEPS = 6
CARD = Card(
    name="tsam-small",
    version="1",
    architecture="tsam-small",
    summary="Drawn.",
    licence="none",
    data=(),
    command="",
    seed=None,
    steps=None,
    machine="any",
    quality=(),
)


def words(data: Path, out: Path, *more: str) -> list[str]:
    small = ["--batch", "1", "--frames", "3", "--still-steps", "2", "--threads", "1"]
    return ["inpaint", "--data", str(data), "--out", str(out), *small, *more]


def started(data: Path, out: Path) -> subprocess.Popen[str]:
    each = ["--steps", str(STEPS), "--log-every", "1", "--save-every", "1"]
    command = [sys.executable, "-m", "vrestore.training", *words(data, out, *each)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"})


def curve(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


@pytest.mark.slow
@pytest.mark.alone
def test_a_run_that_is_killed_goes_on_as_if_nothing_had_happened(tmp_path):
    """Two whole runs give the same losses, and so does one that was killed behind its third step."""
    data = draw_data(tmp_path / "data")
    for name in ("whole", "again"):
        process = started(data, tmp_path / name)
        assert process.communicate()[0].count("step ") == STEPS
        assert process.returncode == 0
    process = started(data, tmp_path / "killed")
    while not process.stdout.readline().startswith("step 4"):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    process = started(data, tmp_path / "killed")
    assert process.communicate()[0].startswith("going on at step ")
    assert len(curve(tmp_path / "whole")) == STEPS
    assert curve(tmp_path / "whole") == curve(tmp_path / "again") == curve(tmp_path / "killed")


@pytest.mark.slow
def test_a_run_begins_with_the_weights_of_a_model(tmp_path):
    torch.manual_seed(5)
    network = Tsam(SMALL)
    model = tmp_path / "tsam-small.safetensors"
    save_weights(network, model, CARD)
    out = tmp_path / "run"
    more = ["--start-from", str(model), "--steps", "1", "--rate", "0"]
    result = CliRunner().invoke(app, words(draw_data(tmp_path / "data"), out, *more))
    assert result.exit_code == 0, result.output
    expected = load_model(model).state_dict()
    found = torch.load(out / "checkpoint.pt", weights_only=True)["network"]
    assert all(torch.equal(value, found[key]) for key, value in expected.items())


def test_weights_of_another_shape_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("vrestore.training.__main__.load_model", lambda path: torch.nn.Linear(1, 1))
    model = tmp_path / "tsam-small.safetensors"
    save_weights(Tsam(SMALL), model, CARD)
    words_given = words(draw_data(tmp_path / "data"), tmp_path / "run", "--start-from", str(model))
    result = CliRunner().invoke(app, words_given)
    assert result.exit_code == 6
    assert "is no network of the shape that is to be trained" in result.output
