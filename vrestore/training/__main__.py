"""`python -m vrestore.training inpaint --data DIR --out DIR`: make weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, cast, get_args

import cv2
import torch
import typer
from rich.console import Console
from torch import nn

from vrestore.device.devices import AskedPrecision
from vrestore.errors import ModelError, VRestoreError
from vrestore.models.blocks import in_channels_last
from vrestore.models.cgidn.config import HAZE_CONFIGS
from vrestore.models.cgidn.network import CgIdn
from vrestore.models.library import SUFFIX, find_weights
from vrestore.models.tsam.config import CONFIGS
from vrestore.models.tsam.network import Tsam
from vrestore.models.weights import ARCHITECTURES, load_model
from vrestore.option_schema import check_choice
from vrestore.training.data.sources import Sources
from vrestore.training.dehaze.scenes import Scenery
from vrestore.training.dehaze.task import Dehazing, ExampleSettings, only_air_learns
from vrestore.training.export import command_line, export, machine
from vrestore.training.inpaint.pool import Pool
from vrestore.training.inpaint.samples import SampleSettings, make_sample, make_stills
from vrestore.training.inpaint.task import Inpainting, Pools
from vrestore.training.inpaint.validation import Judge
from vrestore.training.loop import Schedule, train

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

SPAN, REUSE = 500, 16
SUMMARIES = {
    Tsam: "Corrects the holes of videos that were filled along the optical flow.",
    CgIdn: "Sees the haze of videos: depth, color and tint.",
}


@app.callback()
def _about() -> None:
    """Train the networks of vrestore; every run can be stopped and started again."""


@app.command()
def inpaint(
    data: Annotated[Path, typer.Option(help="Folder with stills/ (photographs) and video/ (clips).")],
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoint, log, plot, contact sheet.")],
    validate: Annotated[Path | None, typer.Option(help="Folder of clips with masks to validate on.")] = None,
    network: Annotated[str, typer.Option(help=f"One of {', '.join(CONFIGS)}.")] = "tsam-small",
    start_from: Annotated[str | None, typer.Option(help="Model whose weights it begins with.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Clips in a step.")] = 4,
    frames: Annotated[int, typer.Option(min=3, max=12, help="Frames in a clip.")] = 6,
    still_steps: Annotated[int, typer.Option(min=0, help="First steps, on stills alone.")] = 4000,
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 1e-3,
    adversarial: Annotated[float, typer.Option(min=0, help="Weight of the critic's say.")] = 0.0,
    adversarial_from: Annotated[int, typer.Option(min=0, help="Step the critic comes in at.")] = 0,
    validate_every: Annotated[int, typer.Option(min=1, help="Steps between validations.")] = 500,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 200,
    log_every: Annotated[int, typer.Option(min=1, help="Steps between lines of the log.")] = 50,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make samples.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the network, on a CPU.")] = 2,
    precision: Annotated[str, typer.Option(help="auto (measured), fp32 or bf16.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Train the network that fills holes, on holes drawn into photographs in motion and clips."""
    with _errors_shown() as console:
        _prepare(seed, threads)
        settings = SampleSettings()
        place = torch.device(device)
        learner = Tsam(CONFIGS[network])
        beginning = {} if start_from is None else {"start_from": _begin_with(learner, start_from)}
        learner = in_channels_last(learner.to(place))
        judge = None if validate is None else Judge(validate, out / "validation")
        sources = Sources.find(data)
        schedule = Schedule(
            steps=steps,
            rate=rate,
            warm_up=200,
            keep=0.998,
            log_every=log_every,
            validate_every=validate_every,
            save_every=save_every,
        )
        identity = (
            {
                "network": network,
                "seed": seed,
                "batch": batch,
                "clip_frames": frames,
                "still_steps": still_steps,
            }
            | asdict(settings)
            | beginning
        )
        makers = [
            partial(make, sources=sources, settings=settings, seed=seed)
            for make in (make_stills, make_sample)
        ]
        folders = [out / "stills", out / "clips"]
        with ExitStack() as stack:
            stills, clips = (
                stack.enter_context(Pool(maker, folder, workers=workers, batch=batch, reuse=REUSE, span=SPAN))
                for maker, folder in zip(makers, folders, strict=True)
            )
            task = Inpainting(
                learner,
                Pools(stills, clips, still_steps),
                judge,
                seed=seed,
                frames=frames,
                adversarial=adversarial,
                adversarial_from=adversarial_from,
                device=place,
                precision=_precision(precision),
                announce=console.print,
            )
            origin = {"command": command_line(), "machine": machine(place)}
            train(task, schedule, out, identity=identity, origin=origin, console=console)


@contextmanager
def _errors_shown() -> Iterator[Console]:
    """Yield a console; what a user can have caused ends the command with one red line on it."""
    console = Console()
    try:
        yield console
    except VRestoreError as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        raise typer.Exit(error.exit_code) from None


def _prepare(seed: int, threads: int) -> None:
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)


def _precision(asked: str) -> AskedPrecision:
    check_choice("--precision", asked, get_args(AskedPrecision))
    return cast("AskedPrecision", asked)


def _begin_with(network: nn.Module, model: str) -> str:
    """Load the weights of a model of its shape into a network, and return their sha256."""
    weights = find_weights(model)
    found = load_model(weights.path)
    try:
        network.load_state_dict(found.state_dict())
    except RuntimeError as error:
        raise ModelError(f"{model!r} is no network of the shape that is to be trained") from error
    return weights.sha256()


@app.command()
def dehaze(
    data: Annotated[Path, typer.Option(help="Folder with stills/, video/ and rgbd/*/ (color.mp4, depth/).")],
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoint, log, plot, contact sheet.")],
    network: Annotated[str, typer.Option(help=f"One of {', '.join(HAZE_CONFIGS)}.")] = "cgidn-small",
    start_from: Annotated[str | None, typer.Option(help="Model whose weights it begins with.")] = None,
    learn: Annotated[str, typer.Option(help="all, or air: what reads the air light alone.")] = "all",
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 1,
    batch: Annotated[int, typer.Option(min=2, help="Pictures in a step; of clips, half as many.")] = 8,
    clip_every: Annotated[int, typer.Option(min=1, help="Every so many-th step sees clips.")] = 8,
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 5e-4,
    held_out: Annotated[int, typer.Option(min=0, help="Last frames of each recording not to be used.")] = 100,
    validate_every: Annotated[int, typer.Option(min=1, help="Steps between validations.")] = 500,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 250,
    log_every: Annotated[int, typer.Option(min=1, help="Steps between lines of the log.")] = 50,
    workers: Annotated[int, typer.Option(min=1, help="Threads that draw examples.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the network, on a CPU.")] = 2,
    precision: Annotated[str, typer.Option(help="auto (measured), fp32 or bf16.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Train the network that sees haze, on haze put over photographs, clips and recordings with depth."""
    with _errors_shown() as console:
        _prepare(seed, threads)
        place = torch.device(device)
        settings = ExampleSettings(batch=batch, clip_every=clip_every)
        schedule = Schedule(
            steps=steps,
            rate=rate,
            warm_up=500,
            keep=0.998,
            log_every=log_every,
            validate_every=validate_every,
            save_every=save_every,
        )
        scenery = Scenery.load(data, held_out_frames=held_out)
        learner = CgIdn(HAZE_CONFIGS[network])
        beginning = {} if start_from is None else {"start_from": _begin_with(learner, start_from)}
        check_choice("--learn", learn, ("all", "air"))
        if learn == "air":
            only_air_learns(learner)
        learner = in_channels_last(learner.to(place))
        task = Dehazing(
            learner,
            scenery,
            settings,
            seed=seed,
            device=place,
            precision=_precision(precision),
            drawers=workers,
        )
        console.print(f"precision: {task.precision_words}")
        identity = {"network": network, "seed": seed, "held_out": held_out, "learn": learn}
        identity |= asdict(settings) | beginning
        origin = {"command": command_line(), "machine": machine(place)}
        train(task, schedule, out, identity=identity, origin=origin, console=console)


@app.command("export")
def export_weights(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path, typer.Option(help="Folder to write the weights and their card to.")],
    network: Annotated[str, typer.Option(help=f"One of {', '.join(ARCHITECTURES)}.")] = "tsam-small",
    terms: Annotated[Path | None, typer.Option(help="The data's terms: lines of name, tab, licence.")] = None,
) -> None:
    """Write a run's weights as safetensors with a card, ready for --model."""
    with _errors_shown() as console:
        made = ARCHITECTURES[network]()
        summary = next(words for kind, words in SUMMARIES.items() if isinstance(made, kind))
        card = export(run, made, architecture=network, out=out, summary=summary, terms=terms)
    console.print(f"{out / (card.name + SUFFIX)}: step {card.steps}, sha256 {card.sha256}", soft_wrap=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app(prog_name="python -m vrestore.training")
