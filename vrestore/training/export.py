"""Weights files out of training runs, with the card that says how they were made."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vrestore import __version__
from vrestore.errors import InputError
from vrestore.models.cards import Card, Data
from vrestore.models.library import SUFFIX
from vrestore.models.weights import save_weights
from vrestore.training.loop import CHECKPOINT

MEAN, NETWORK = "mean", "network"


def export(
    run: Path, network: nn.Module, *, architecture: str, out: Path, summary: str, terms: Path | None
) -> Card:
    """Write the running mean of a run's weights to `out`/ARCHITECTURE.safetensors, and its card beside it.

    Args:
        run: The folder of the run.
        network: Of the architecture; its weights are replaced.
        architecture: Its name, which the file gets too.
        out: The folder to write to.
        summary: What the network does, one sentence.
        terms: A text file with a line for each source of the data: name, tab, licence. Without it the card
            says that the terms are not stated.

    Raises:
        InputError: There is no checkpoint in `run`, or `terms` is not as described.
    """
    path = run / CHECKPOINT
    if not path.is_file():
        raise InputError(
            f"no {CHECKPOINT} in {str(run)!r}: pass the folder that --out of a training run named"
        )
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state[MEAN])
    card = Card(
        name=architecture,
        version=__version__,
        architecture=architecture,
        summary=summary,
        licence="Apache-2.0; the data's own terms may restrict what you do with the weights",
        data=_terms(terms) if terms is not None else (Data("not named", "terms not stated"),),
        command=state["command"],
        seed=state["identity"]["seed"],
        steps=state["step"],
        machine=state["machine"],
        quality=(),
    )
    return save_weights(network, out / f"{architecture}{SUFFIX}", card)


def command_line() -> str:
    """Return the command that runs, with the names of its folders but not where they lie."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return " ".join(["python -m vrestore.training", *words])


def machine(device: torch.device) -> str:
    """Describe what the training runs on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} thread(s) of {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _terms(path: Path) -> tuple[Data, ...]:
    data = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name, separator, licence = line.partition("\t")
        if not separator:
            raise InputError(f"line {number} of {str(path)!r} is not a name, a tab and a licence: {line!r}")
        data.append(Data(name.strip(), licence.strip()))
    return tuple(data)
