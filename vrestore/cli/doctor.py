"""`vrestore doctor`: what this machine and installation can do."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vrestore.cli import options
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.report import show_json

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore doctor
  vrestore doctor --kernels cupy
  vrestore doctor --json > doctor.json
"""


def doctor(
    *,
    kernels: options.Kernels = "auto",
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show devices, codecs, kernels and weights, and why something is not there.

    With `--kernels cupy` it fails where CUDA kernels cannot run.
    """
    with failures_shown(debug=debug):
        from vrestore.diagnostics import examine

        found = examine(kernels=kernels)
        if json:
            show_json(found)
            raise typer.Exit
        console = Console(soft_wrap=True)
        for title, facts in found.items():
            table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
            table.add_column(style="cyan", no_wrap=True)
            table.add_column(overflow="fold")
            for name, value in facts.items():
                table.add_row(name, escape(_words(value)))
            console.print(table)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
