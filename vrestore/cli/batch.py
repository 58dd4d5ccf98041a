"""`vrestore batch`: folders and lists of jobs, on which nothing is done twice and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrestore.batching.words import BatchWords
from vrestore.cli.command import add_commands, batch_command, shown
from vrestore.cli.folder import show_batch
from vrestore.cli.parameters import in_panels, parameter_of, positional, with_signature
from vrestore.option_schema import options_of
from vrestore.run.options import RunOptions

if TYPE_CHECKING:
    from vrestore.batching.report import BatchReport

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
    app.command("run", epilog=RUN_EXAMPLES)(_run_of_list())
    return app


def mask_commands() -> None:
    """Find masks for all videos of a folder."""


def batch_commands() -> None:
    """Work on folders or lists of videos; run the same command again to go on."""


Manifest = Annotated[
    str, typer.Argument(metavar="FILE", help="A TOML file of jobs, see docs/batch-and-cluster.md.")
]


def _run_of_list() -> Callable[..., None]:
    """Return the function of `vrestore batch run`."""
    shared = ("overwrite", "report", "threads", "memory")
    fields = {name: options_of(RunOptions)[name] for name in shared} | options_of(BatchWords)

    def batch_run(**words: Any) -> None:  # noqa: ANN401 - what Typer read
        def work(show: Any) -> BatchReport:  # noqa: ANN401 - a callback of the library
            import vrestore

            told = {name: words[name] for name in fields}
            return vrestore.batch_run(words["manifest"], progress=show, **told)

        show_batch(work, progress=words["progress"], log_file=words["log_file"], debug=words["debug"])

    parameters = [positional("manifest", Manifest), *map(parameter_of, in_panels(fields.values())), *shown()]
    doc = "Do the jobs of a file; all are checked before the first begins."
    return with_signature(batch_run, parameters, doc=doc)
