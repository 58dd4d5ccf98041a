"""`vrestore batch`: folders and lists of jobs, on which nothing is done twice and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vrestore.cli import options
from vrestore.cli.command import batch_command, library_words
from vrestore.cli.failure import failures_shown
from vrestore.cli.report import printable, show_lines
from vrestore.detect.registry import detectors
from vrestore.errors import Interrupted
from vrestore.methods.registry import methods

if TYPE_CHECKING:
    from vrestore.batching.report import BatchReport
    from vrestore.run.job import Command

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
    for method in methods().values():
        app.command(method.name, epilog=method.examples.get("batch"))(batch_command(method))
    if detectors():
        masks = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
        masks.callback()(mask_commands)
        for detector in detectors().values():
            masks.command(detector.name, epilog=detector.examples.get("batch"))(batch_command(detector))
        app.add_typer(masks, name="mask")
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


BATCH_WORDS = (
    "masks", "output", "name", "include", "exclude", "jobs", "tries", "redo", "watch", "executor", "address",
)  # fmt: skip


def run_folder(command: Command, folder: str, words: Mapping[str, Any]) -> None:
    """Do a command for a folder; `words` are those of the command and those of a batch."""

    def work(show: Any) -> BatchReport:  # noqa: ANN401
        import vrestore
        from vrestore.run.job import command_words

        arguments = library_words(command, words)
        arguments.pop("target", None)
        how = {name: words[name] for name in BATCH_WORDS if name in words}
        return vrestore.batch(command_words(command), folder, progress=show, **how, **arguments)

    _run(work, progress=words["progress"], log_file=words["log_file"], debug=words["debug"])


def _run(
    work: Callable[[Any], BatchReport], *, progress: options.Style | None, log_file: str | None, debug: bool
) -> None:
    with failures_shown(debug=debug, log_file=log_file) as log:
        from vrestore.cli.batch_progress import batch_progress_shown

        try:
            with batch_progress_shown(progress, log=log) as show:
                report = work(show)
        except KeyboardInterrupt as error:
            words = "interrupted; what is done is kept, run the same command again to go on"
            raise Interrupted(words) from error
        log.write("done", report.summary_line())
        _show_table(report)
        show_lines([report.summary_line()])
        raise typer.Exit(report.exit_code)


def _show_table(report: BatchReport) -> None:
    """Print a row for each file that was worked on or failed; those done before are only counted."""
    table = Table(box=None, pad_edge=False)
    for heading in ("file", "state", "frames", "seconds", ""):
        table.add_column(
            heading, overflow="fold", justify="right" if heading in {"frames", "seconds"} else "left"
        )
    for item in report.items:
        if item.state == "done before":
            continue
        more = f"{item.words} (log: {item.log})" if item.log else item.words
        frames, seconds = str(item.facts.get("frames", "")), f"{item.seconds:.1f}" if item.seconds else ""
        cells = (item.source if item.is_failed else item.target, item.state, frames, seconds, more)
        style = "red" if item.is_failed else "yellow" if item.exit_code else None
        table.add_row(*(escape(printable(cell)) for cell in cells), style=style)
    if table.row_count:
        Console(soft_wrap=True).print(table)
