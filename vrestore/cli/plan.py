"""`vrestore plan`: what a run would do, without doing it."""

from __future__ import annotations

import typer

from vrestore.cli.command import plan_command
from vrestore.detect.registry import detectors
from vrestore.methods.registry import methods


def plan_app() -> typer.Typer:
    """Return `vrestore plan`, with a command for each method and detector."""
    app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    app.callback()(plan)
    for method in methods().values():
        app.command(method.name, epilog=method.examples.get("plan"))(plan_command(method))
    if detectors():
        masks = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
        masks.callback()(mask_plans)
        for detector in detectors().values():
            masks.command(detector.name, epilog=detector.examples.get("plan"))(plan_command(detector))
        app.add_typer(masks, name="mask")
    return app


def plan() -> None:
    """Print what a run would do and the memory it would need, without working."""


def mask_plans() -> None:
    """Print what finding a mask would do."""
