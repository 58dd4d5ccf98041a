"""The loop that every training shares: steps, running mean of weights, checkpoints, log, validation.

A step draws all it needs from (seed, step), so a run that is killed and started again goes on along the same
curve as one that was not.
"""

from __future__ import annotations

import copy
import csv
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console
from torch import Tensor, nn

from vrestore.errors import InputError
from vrestore.media.preview.display import save_picture
from vrestore.training.data.sources import Picture
from vrestore.training.plot import plot_log

CHECKPOINT, LOG, PLOT, SHEET = "checkpoint.pt", "log.csv", "log.png", "validation.png"

COUNT = "steps"
"""The key of the number of steps among the sums since the last line of the log."""

State = dict[str, Any]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn; intervals in steps."""

    steps: int
    rate: float
    warm_up: int
    keep: float
    """Share of the running mean of weights that a step keeps."""
    log_every: int
    validate_every: int
    save_every: int

    def rate_at(self, step: int) -> float:
        """Rise linearly, then fall along half a cosine to a hundredth (Loshchilov and Hutter 2017, eq. 5)."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        share = min(1.0, (step - self.warm_up) / max(1, self.steps - self.warm_up))
        return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


class Task(Protocol):
    """What is learnt: a network, its losses, and how it is judged."""

    @property
    def network(self) -> nn.Module:
        """The network that learns."""
        ...

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the losses of a step; `total` is what is minimised."""
        ...

    def validate(self, network: nn.Module) -> tuple[dict[str, float], Picture | None]:
        """Judge a network; returns figures and a contact sheet, if there is anything to look at."""
        ...

    def state(self) -> State:
        """Return what a checkpoint must hold beside network and optimiser."""
        ...

    def restore(self, state: State) -> None:
        """Take up what `state` returned."""
        ...


def train(
    task: Task,
    schedule: Schedule,
    out: Path,
    *,
    identity: Mapping[str, Any],
    origin: Mapping[str, str],
    console: Console,
) -> nn.Module:
    """Run the steps that are left, writing to the folder `out`; returns the running mean of the network.

    `identity` is what must be the same when a run goes on; `origin` is kept in checkpoints for the card.

    Raises:
        InputError: The folder holds a run of other settings than `identity`.
    """
    out.mkdir(parents=True, exist_ok=True)
    network = task.network
    mean = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    # AdamW (Loshchilov and Hutter 2019, algorithm 2); squares are remembered for about 100 steps, as EDVR's
    # published training does, instead of Adam's usual 1000.
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=schedule.rate, betas=(0.9, 0.99), weight_decay=1e-4
    )
    facts = {"identity": dict(identity), **origin}
    start, sums = _restored(out / CHECKPOINT, task, mean, optimiser, identity)
    log = _Log(out / LOG, start)
    if start:
        console.print(f"going on at step {start} of {schedule.steps}")
    else:  # a start with other settings is refused from now on: it would find samples that are not its own
        _save(out / CHECKPOINT, task, mean, optimiser, {**facts, "step": 0, "sums": sums})
    for step in range(start, schedule.steps):
        began = time.perf_counter()
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate_at(step)
        losses = task.losses(step)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(losses["total"])
        # Pascanu et al. 2013: a sample that is far off turns the step, but does not throw the weights away.
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        # At first the mean forgets faster, keeping a half after ten steps, or it would remember the
        # beginning.
        _follow(mean, network, min(schedule.keep, (step + 1) / (step + 10)))
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        for name, value in (values | {"seconds": time.perf_counter() - began, COUNT: 1}).items():
            sums[name] = sums.get(name, 0) + value
        done = step + 1
        is_last = done == schedule.steps
        row: dict[str, float] = {}
        if done % schedule.log_every == 0 or is_last:
            row = {name: total / sums[COUNT] for name, total in sums.items() if name != COUNT}
        if done % schedule.validate_every == 0 or is_last:
            figures, sheet = task.validate(mean)
            row |= figures
            if sheet is not None:
                save_picture(sheet, out / SHEET)
        if row:
            log.write(done, row)
            plot_log(out / LOG, out / PLOT)
            console.print(f"step {done}: " + ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
        if done % schedule.log_every == 0:
            sums = {}
        if done % schedule.save_every == 0 or is_last:
            _save(out / CHECKPOINT, task, mean, optimiser, {**facts, "step": done, "sums": sums})
    return mean


class _Log:
    """A CSV with a line for each logged step; lines of steps that are done again are dropped."""

    def __init__(self, path: Path, start: int) -> None:
        self._path = path
        self._rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="") as file:
                self._rows = [row for row in csv.DictReader(file) if int(row["step"]) <= start]

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        self._rows.append({"step": str(step)} | {name: f"{value:.6g}" for name, value in figures.items()})
        # Some columns come later than others, such as those of validation, so all of the file is written
        # anew.
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        unfinished = self._path.with_suffix(".unfinished")
        with unfinished.open("w", newline="") as file:
            writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows)
        unfinished.replace(self._path)


@torch.no_grad()
def _follow(mean: nn.Module, network: nn.Module, keep: float) -> None:
    # Polyak averaging by an exponential mean: m <- keep * m + (1 - keep) * w. Counters are taken as they are.
    for averaged, current in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if averaged.is_floating_point():
            averaged.lerp_(current, 1 - keep)
        else:
            averaged.copy_(current)


def _save(
    path: Path,
    task: Task,
    mean: nn.Module,
    optimiser: torch.optim.Optimizer,
    facts: Mapping[str, Any],
) -> None:
    # Written beside and then renamed: a run that is killed here leaves the checkpoint before.
    unfinished = path.with_suffix(".unfinished")
    state = {
        **facts,
        "network": task.network.state_dict(),
        "mean": mean.state_dict(),
        "optimiser": optimiser.state_dict(),
        "task": task.state(),
    }
    torch.save(state, unfinished)
    unfinished.replace(path)


def _restored(
    path: Path,
    task: Task,
    mean: nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: Mapping[str, Any],
) -> tuple[int, dict[str, float]]:
    """Take up a checkpoint, if there is one; returns the steps done and the sums of those not logged yet."""
    if not path.exists():
        return 0, {}
    state = torch.load(path, map_location="cpu", weights_only=True)
    other = [name for name, value in identity.items() if state["identity"].get(name) != value]
    if other:
        raise InputError(
            f"{str(path)!r} is of a run with another {' and '.join(other)}: "
            "give the same options, or another folder with --out"
        )
    task.network.load_state_dict(state["network"])
    mean.load_state_dict(state["mean"])
    optimiser.load_state_dict(state["optimiser"])
    task.restore(state["task"])
    return int(state["step"]), state.get("sums", {})  # the first checkpoints had none
