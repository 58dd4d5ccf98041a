"""`vrestore plan`: what a run would do, without doing it."""

from __future__ import annotations

import typer

from vrestore.cli.command import add_commands, plan_command


def plan_app() -> typer.Typer:
    """Return `vrestore plan`, with a command for each method and detector."""
    app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    app.callback()(plan)
    add_commands(app, "plan", plan_command, about_masks=mask_plans)
    return app


def plan() -> None:
    """Print what a run would do and the memory it would need, without working."""


def mask_plans() -> None:
    """Print what finding a mask would do."""
