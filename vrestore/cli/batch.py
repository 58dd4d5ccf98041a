"""`vrestore batch`: folders and lists of jobs, on which nothing is done twice and nothing is lost."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vrestore.cli import options
from vrestore.cli.dehaze import dehaze
from vrestore.cli.failure import failures_shown
from vrestore.cli.inpaint import inpaint, library_arguments
from vrestore.cli.report import printable, show_lines
from vrestore.errors import Interrupted

if TYPE_CHECKING:
    from vrestore.run.report import BatchReport

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch inpaint clips/ --masks masks/ -o clean/
  vrestore batch inpaint clips/ --masks masks/ --include "2024/*" --jobs 2
  vrestore batch inpaint inbox/ --box=-40,20,160,90 --watch -o clean/
"""
DEHAZE_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch dehaze drives/ -o clear/
  vrestore batch dehaze drives/ --strength 50 --jobs 2 --memory 8GiB
  vrestore batch dehaze inbox/ --watch --protect-sky -o clear/
"""
RUN_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore batch run jobs.toml
  vrestore batch run jobs.toml --jobs 2 --memory 8GiB --report report.json
  vrestore batch run jobs.toml --redo
"""

_OF_ONE_RUN = {
    "source",
    "output",
    "no_overwrite",
    "compare",
    "compare_layout",
    "rate",
    "start",
    "stop",
    "yes",
}
"""Words of a command that say nothing for many files."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def batch_commands() -> None:
    """Work on folders or lists of videos; run the same command again to go on."""


def with_the_words_of(
    command: Callable[..., None], *, without: Collection[str]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a function that takes `**words` the parameters of a command beside its own."""

    def dressed(function: Callable[..., None]) -> Callable[..., None]:
        own = dict(inspect.signature(function, eval_str=True).parameters)
        own.pop("words")
        borrowed = inspect.signature(command, eval_str=True).parameters.items()
        own |= {name: parameter for name, parameter in borrowed if name not in {*without, *own}}
        function.__annotations__ = {name: parameter.annotation for name, parameter in own.items()}
        vars(function)["__signature__"] = inspect.Signature(list(own.values()))
        return function

    return dressed


@app.command("inpaint", epilog=EXAMPLES)
@with_the_words_of(inpaint, without=_OF_ONE_RUN)
def batch_inpaint(
    folder: options.Folder,
    *,
    masks: options.MasksFolder = None,
    output: options.OutputFolder = None,
    name: options.NameTemplate = "{name}",
    include: options.Include = [],  # noqa: B006 - copied by the parser
    exclude: options.Exclude = [],  # noqa: B006
    overwrite: options.Overwrite = False,
    jobs: options.Jobs = 1,
    tries: options.Tries = 2,
    redo: options.Redo = False,
    executor: options.Executor = "local",
    address: options.Address = None,
    watch: options.Watch = False,
    **words: Any,  # noqa: ANN401 - those of inpaint
) -> None:
    """Do what `vrestore inpaint` does for every video of FOLDER, in sub-folders too."""
    own = {"masks": masks, "output": output, "name": name, "include": include, "exclude": exclude}
    how = {"overwrite": overwrite, "jobs": jobs, "tries": tries, "redo": redo, "watch": watch}
    run_folder("inpaint", folder, words | own | how | {"executor": executor, "address": address})


@app.command("dehaze", epilog=DEHAZE_EXAMPLES)
@with_the_words_of(dehaze, without=_OF_ONE_RUN)
def batch_dehaze(
    folder: options.Folder,
    *,
    output: options.OutputFolder = None,
    name: options.NameTemplate = "{name}",
    include: options.Include = [],  # noqa: B006
    exclude: options.Exclude = [],  # noqa: B006
    overwrite: options.Overwrite = False,
    jobs: options.Jobs = 1,
    tries: options.Tries = 2,
    redo: options.Redo = False,
    executor: options.Executor = "local",
    address: options.Address = None,
    watch: options.Watch = False,
    **words: Any,  # noqa: ANN401 - those of dehaze
) -> None:
    """Do what `vrestore dehaze` does for every video of FOLDER, in sub-folders too."""
    own = {"output": output, "name": name, "include": include, "exclude": exclude}
    how = {"overwrite": overwrite, "jobs": jobs, "tries": tries, "redo": redo, "watch": watch}
    run_folder("dehaze", folder, words | own | how | {"executor": executor, "address": address})


@app.command("run", epilog=RUN_EXAMPLES)
def batch_run(
    manifest: Annotated[str, typer.Argument(metavar="FILE", help="A TOML file of jobs, see the README.")],
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


def run_folder(command: str, folder: str, words: Mapping[str, Any]) -> None:
    """Do a command for a folder; `words` are those of the command and those of a batch."""
    own = {"masks", "output", "name", "include", "exclude", "jobs", "tries", "redo", "watch"}
    own |= {"executor", "address"}

    def work(show: Any) -> BatchReport:  # noqa: ANN401
        import vrestore

        of_the_command = {name: value for name, value in words.items() if name not in own}
        arguments = library_arguments({"rate": None} | of_the_command | {"output": None})
        del arguments["target"]
        how = {name: words[name] for name in own if name in words}
        return vrestore.batch(command, folder, progress=show, **how, **arguments)

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
