"""A command for every video of a folder, with what is shown meanwhile and in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vrestore.batching.words import BatchWords, FolderWords
from vrestore.cli import options
from vrestore.cli.parameters import library_words
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.report import printable, show_lines
from vrestore.errors import Interrupted
from vrestore.option_schema import options_of

if TYPE_CHECKING:
    from vrestore.batching.report import BatchReport
    from vrestore.run.job import Command


def run_folder(command: Command, folder: str, words: Mapping[str, Any]) -> None:
    """Do a command for a folder; `words` are those of the command and those of a batch."""

    def work(show: Any) -> BatchReport:  # noqa: ANN401
        import vrestore
        from vrestore.run.job import command_words

        arguments = library_words(command, words)
        arguments.pop("target", None)
        arguments |= {name: words[name] for name in options_of(FolderWords, BatchWords) if name in words}
        return vrestore.batch(command_words(command), folder, progress=show, **arguments)

    show_batch(work, progress=words["progress"], log_file=words["log_file"], debug=words["debug"])


def show_batch(
    work: Callable[[Any], BatchReport], *, progress: options.Style | None, log_file: str | None, debug: bool
) -> None:
    """Do a batch, showing how far it is, and in the end what became of each file."""
    with failures_shown(debug=debug, log_file=log_file) as log:
        from vrestore.cli.terminal.batch_progress import batch_progress_shown

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
