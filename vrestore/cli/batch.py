"""`vrestore batch`: folders and lists of jobs, on which nothing is done twice and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrestore.cli import options
from vrestore.cli.command import add_commands, batch_command

if TYPE_CHECKING:
    from vrestore.batching.report import BatchReport
from vrestore.cli.folder import _run

RUN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch run jobs.toml
  vrestore batch run jobs.toml --jobs 2 --memory 8GiB --report report.json
  vrestore batch run jobs.toml --redo
"""


def batch_app() -> typer.Typer:
    """Return `vrestore batch`, with a command for each method and detector."""
    app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    app.callback()(batch_commands)
    add_commands(app, "batch", batch_command, about_masks=mask_commands)
    app.command("run", epilog=RUN_EXAMPLES)(batch_run)
    return app


def mask_commands() -> None:
    """Find masks for all videos of a folder."""


def batch_commands() -> None:
    """Work on folders or lists of videos; run the same command again to go on."""


def batch_run(
    manifest: Annotated[
        str, typer.Argument(metavar="FILE", help="A TOML file of jobs, see docs/batch-and-cluster.md.")
    ],
    *,
    overwrite: options.Overwrite = False,
    report: options.Report = None,
    jobs: options.Jobs = 1,
    tries: options.Tries = 2,
    redo: options.Redo = False,
    executor: options.Executor = "local",
    address: options.Address = None,
    threads: options.Threads = 0,
    memory: options.Memory = None,
    progress: options.Progress = None,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Do the jobs of a file; all are checked before the first begins."""

    def work(show: Any) -> BatchReport:  # noqa: ANN401 - a callback of the library
        import vrestore

        return vrestore.batch_run(
            manifest,
            jobs=jobs,
            tries=tries,
            redo=redo,
            executor=executor,
            address=address,
            report=report,
            progress=show,
            overwrite=overwrite,
            threads=threads,
            memory=memory,
        )

    _run(work, progress=progress, log_file=log_file, debug=debug)
