"""`vrestore models`: the weights that are here, and those of others made usable."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrestore.cli import options
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.report import show_json, show_lines
from vrestore.errors import ModelError

if TYPE_CHECKING:
    from vrestore.models.library import Weights

LIST_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore models list
  vrestore models list tsam
  vrestore models list --json
"""
VERIFY_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore models verify
  vrestore models verify tsam
  vrestore models verify my.safetensors
"""
PATH_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore models path
  vrestore models path tsam
  vrestore models path my.safetensors
"""
IMPORT_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore models import checkpoint-epoch245.pth
  vrestore models import checkpoint-epoch270.pth --name tsam-objects
  vrestore models import checkpoint-epoch245.pth -y
"""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="A model's name, or a .safetensors file.", show_default=False),
]


@app.callback()
def model_commands() -> None:
    """Show, check and import the weights of networks. Nothing is downloaded."""


@app.command("list", epilog=LIST_EXAMPLES)
def show(name: Name = None, *, json: options.Json = False, debug: options.Debug = False) -> None:
    """List the models that are here, or show the card of one."""
    with failures_shown(debug=debug):
        from vrestore.models.library import find_weights, model_names, user_folder

        if name is not None:
            weights = find_weights(name)
            if weights.card is None:
                raise ModelError(
                    f"{name!r} has no card beside it; vrestore models verify checks it without one"
                )
            show_json(_facts(weights)) if json else show_lines(weights.card.lines())
            return
        found = [_facts_or_problem(one) for one in model_names()]
        if json:
            show_json({"folder": str(user_folder()), "models": found})
        elif found:
            show_lines(map(_line, found))
        else:
            show_lines([f"no models: none is shipped, and none was imported to {str(user_folder())!r}"])


@app.command("verify", epilog=VERIFY_EXAMPLES)
def verify(name: Name = None, *, debug: options.Debug = False) -> None:
    """Check one model, or all, against card and network: hash, names, shapes and numbers."""
    with failures_shown(debug=debug):
        from vrestore.models.library import find_weights, model_names
        from vrestore.models.weights import verify as check

        broken = []
        for one in model_names() if name is None else [name]:
            try:
                show_lines([f"{one}: whole, sha256 {check(find_weights(one))}"])
            except ModelError as error:
                broken.append(f"{one}: {error}")
        if broken:
            raise ModelError("; ".join(broken))


@app.command("path", epilog=PATH_EXAMPLES)
def path(name: Name = None, *, debug: options.Debug = False) -> None:
    """Print where a model lies, or the folder of those that are imported."""
    with failures_shown(debug=debug):
        from vrestore.models.library import find_weights, user_folder

        show_lines([str(user_folder() if name is None else find_weights(name).path)])


@app.command("import", epilog=IMPORT_EXAMPLES)
def import_checkpoint(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A file as the authors of TSAM gave it.")
    ],
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="What to call it here.")] = "tsam",
    overwrite: options.Overwrite = False,
    debug: options.Debug = False,
) -> None:
    """Convert the published TSAM checkpoint, and keep it under a name. Nothing in it is run."""
    with failures_shown(debug=debug):
        from vrestore.models.importing import import_official

        weights = import_official(checkpoint, name=name, overwrite=overwrite)
        show_lines([f"{weights.name}: imported to {str(weights.path)!r}"])


def _facts(weights: Weights) -> dict[str, Any]:
    card = None if weights.card is None else asdict(weights.card)
    return {"name": weights.name, "origin": weights.origin, "path": str(weights.path), "card": card}


def _facts_or_problem(name: str) -> dict[str, Any]:
    """Describe a model; one that is broken does not hide the others."""
    from vrestore.models.library import find_weights

    try:
        return _facts(find_weights(name))
    except ModelError as error:
        return {"name": name, "problem": str(error)}


def _line(facts: dict[str, Any]) -> str:
    if "problem" in facts:
        return f"{facts['name']:<16} broken    {facts['problem']}"
    card = facts["card"]
    words = f"{card['architecture']}, {card['version']}: {card['summary']}"
    return f"{facts['name']:<16} {facts['origin']:<9} {words}"
