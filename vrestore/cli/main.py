"""The command line: what stands here is loaded for every command, so it is little."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import vrestore
from vrestore.cli import compare, doctor, models, probe
from vrestore.cli.batch import batch_app
from vrestore.cli.command import run_command
from vrestore.cli.mask import mask_app
from vrestore.cli.plan import plan_app
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.report import escape_unprintable
from vrestore.cli.verify import EXAMPLES as VERIFY_EXAMPLES
from vrestore.cli.verify import verify_command
from vrestore.methods.registry import methods

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore inpaint video.mp4 --mask mask.png
  vrestore dehaze drive.mp4 --strength 50
  vrestore mask preview video.mp4 --mask mask.png -o mask.mp4
  vrestore COMMAND --help
"""


def build_app() -> typer.Typer:
    """Return the whole command line, with the commands of every method and detector that there is."""
    app = typer.Typer(
        name="vrestore",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=EXAMPLES,
    )
    app.callback()(_root)
    for method in methods().values():
        examples = method.examples.get("run")
        app.command(method.name, epilog=examples, short_help=method.summary)(run_command(method))
    app.add_typer(batch_app(), name="batch")
    app.add_typer(plan_app(), name="plan")
    app.command("probe", epilog=probe.EXAMPLES)(probe.probe)
    app.add_typer(mask_app(), name="mask")
    app.add_typer(models.app, name="models")
    app.command("verify", epilog=VERIFY_EXAMPLES)(verify_command())
    app.command("compare", epilog=compare.EXAMPLES)(compare.compare)
    app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
    return app


def main() -> None:
    """Run the command line of this process, and end it.

    It ends at once: to take apart what torch and its like have built takes up to a second, and the commands
    close their files themselves.
    """
    escape_unprintable()
    try:
        _built()()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        code = end.code
    except typer.Exit as end:  # of `_built`, before there is an application that would take it
        code = end.exit_code
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # such as a pipe that nobody reads any more: Python's own end tells of it
        sys.exit(code)
    os._exit(code)


def _built() -> typer.Typer:
    """Return the command line; a plugin that cannot be loaded ends the process with its line."""
    with failures_shown(debug=False):
        return build_app()


def _show_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if value:
        typer.echo(f"vrestore {vrestore.__version__}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Repair video: remove objects, logos, subtitles and scratches; the file stays your file."""
