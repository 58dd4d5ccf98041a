"""The loop: a run that was stopped goes on along the same curve, and nothing is taken for what it is not."""

import csv
import io

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from vrestore.errors import InputError
from vrestore.training.loop import CHECKPOINT, LOG, PLOT, SHEET, Schedule, train

IDENTITY = {"network": "line", "seed": 3}
ORIGIN = {"command": "a command", "machine": "a machine"}


class Line:
    """Fits a line to points drawn from the step; a second network learns beside it, as a critic would."""

    def __init__(self, stops_at=None):
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.beside = nn.Linear(2, 1)
        self.stops_at, self.seen = stops_at, []

    def losses(self, step):
        if step == self.stops_at:
            raise KeyboardInterrupt
        self.seen.append(step)
        points = torch.from_numpy(np.random.default_rng([3, step]).random((8, 3), dtype=np.float32))
        with torch.no_grad():
            self.beside.weight += 0.1
        error = (self.network(points) - points.sum(1, keepdim=True)).square().mean()
        return {"total": error, "beside": self.beside.weight.detach().sum()}

    def validate(self, network):
        with torch.no_grad():
            figure = float(network(torch.ones(2, 3)).sum())
        return {"figure": figure}, np.full((4, 6, 3), 90, np.uint8)

    def state(self):
        return {"beside": self.beside.state_dict()}

    def restore(self, state):
        self.beside.load_state_dict(state["beside"])


def run(out, *, stops_at=None, steps=20, identity=IDENTITY, **intervals):
    task = Line(stops_at)
    options = {"log_every": 4, "validate_every": 6, "save_every": 3} | intervals
    schedule = Schedule(steps=steps, rate=1e-2, warm_up=5, keep=0.9, **options)
    words = io.StringIO()
    console = Console(file=words, width=200)
    try:
        mean = train(task, schedule, out, identity=identity, origin=ORIGIN, console=console)
    except KeyboardInterrupt:
        mean = None
    return task, mean, words.getvalue()


def log_of(out):
    """The lines of the log without what a clock says."""
    with (out / LOG).open(newline="") as file:
        return [
            {name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def are_equal(one, other):
    return all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was not stopped."""
    out = tmp_path_factory.mktemp("whole")
    return out, *run(out)


@pytest.mark.parametrize("stops_at", [1, 3, 8, 10, 17, 19], ids=str)
def test_a_run_that_was_stopped_goes_on_along_its_curve(whole, tmp_path, stops_at):
    """Also where the checkpoint, every third step, lies between two lines of the log, every fourth."""
    out, task, mean, _ = whole
    run(tmp_path, stops_at=stops_at)
    again, resumed_mean, _ = run(tmp_path)
    assert log_of(tmp_path) == log_of(out)
    assert are_equal(again.network, task.network)
    assert are_equal(resumed_mean, mean)
    assert are_equal(again.beside, task.beside)


def test_a_run_stopped_twice_goes_on_too(whole, tmp_path):
    out, *_ = whole
    for stops_at in (7, 11, None):
        run(tmp_path, stops_at=stops_at)
    assert log_of(tmp_path) == log_of(out)


def test_only_the_steps_that_are_left_are_done(tmp_path):
    run(tmp_path, stops_at=8)
    again, _, words = run(tmp_path)
    assert again.seen == list(range(6, 20))
    assert words.startswith("going on at step 6 of 20")


def test_a_run_that_is_done_does_nothing(tmp_path):
    run(tmp_path)
    before = (tmp_path / LOG).read_bytes()
    again, _, _ = run(tmp_path)
    assert again.seen == []
    assert (tmp_path / LOG).read_bytes() == before


def test_the_log_has_each_line_once(whole, tmp_path):
    run(tmp_path, stops_at=13)
    run(tmp_path)
    steps = [int(row["step"]) for row in log_of(tmp_path)]
    assert steps == [4, 6, 8, 12, 16, 18, 20]


def test_a_line_is_the_mean_of_the_steps_since_the_last(tmp_path):
    run(tmp_path, steps=6, log_every=3, validate_every=100)
    run(tmp_path / "each", steps=6, log_every=1, validate_every=100)
    each = [float(row["total"]) for row in log_of(tmp_path / "each")]
    lines = [float(row["total"]) for row in log_of(tmp_path)]
    assert lines == pytest.approx([np.mean(each[:3]), np.mean(each[3:])], rel=1e-4)


def test_a_run_leaves_a_plot_a_sheet_and_no_unfinished_file(whole):
    out, *_ = whole
    assert sorted(path.name for path in out.iterdir()) == sorted([CHECKPOINT, LOG, PLOT, SHEET])


def test_a_checkpoint_says_where_it_is_from(whole):
    out, *_ = whole
    state = torch.load(out / CHECKPOINT, weights_only=True)
    assert {name: state[name] for name in ("identity", "step", "command", "machine")} == {
        "identity": IDENTITY,
        "step": 20,
    } | ORIGIN


@pytest.mark.parametrize("stops_at", [0, 8], ids=["at-once", "later"])
def test_a_run_of_other_settings_is_refused(tmp_path, stops_at):
    run(tmp_path, stops_at=stops_at)
    with pytest.raises(InputError, match=r"is of a run with another seed: give the same options, or another"):
        run(tmp_path, identity=IDENTITY | {"seed": 4})


def test_the_mean_follows_slowly(whole):
    _, task, mean, _ = whole
    assert not are_equal(mean, task.network)
    assert not any(value.requires_grad for value in mean.parameters())


def test_the_rate_rises_then_falls():
    schedule = Schedule(
        steps=100, rate=0.5, warm_up=10, keep=0.9, log_every=1, validate_every=1, save_every=1
    )
    rates = [schedule.rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.05)
    assert max(rates) == rates[9] == pytest.approx(0.5)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.005)
