"""`vrestore plan`: what a run would do, without doing it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from vrestore.cli import options
from vrestore.cli.dehaze import dehaze
from vrestore.cli.failure import failures_shown
from vrestore.cli.inpaint import inpaint, library_arguments
from vrestore.cli.report import show_json, show_lines

if TYPE_CHECKING:
    from vrestore.run.report import PlanReport

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore plan inpaint street.mp4 --mask car/
  vrestore plan inpaint film.mkv --box "5%,5%,20%,10%" --memory 2GiB
  vrestore plan inpaint street.mp4 --mask car/ --quality best --json
"""
DEHAZE_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore plan dehaze drive.mp4
  vrestore plan dehaze film.mkv --memory 2GiB
  vrestore plan dehaze drive.mp4 --method dcp --json
"""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def plan() -> None:
    """Print what a run would do and the memory it would need, without working."""


def _with_the_words_of(
    command: Callable[..., None], **more: object
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a function the signature of a command, so that any command line can be planned."""

    def dressed(function: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
            for name, kind in more.items()
        ]
        parameters = [*signature.parameters.values(), *extra]
        function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        vars(function)["__signature__"] = signature.replace(parameters=parameters)
        return function

    return dressed


@app.command("inpaint", epilog=EXAMPLES)
@_with_the_words_of(inpaint, json=options.Json)
def plan_inpaint(**words: Any) -> None:  # noqa: ANN401 - the types are those of inpaint
    """Print the plan of `vrestore inpaint` for the same words, and write nothing."""
    with failures_shown(debug=words["debug"], log_file=words["log_file"]):
        arguments = library_arguments(words)
        import vrestore

        _show(vrestore.plan_inpaint(words["source"], **arguments), as_json=words["json"])


@app.command("dehaze", epilog=DEHAZE_EXAMPLES)
@_with_the_words_of(dehaze, json=options.Json)
def plan_dehaze(**words: Any) -> None:  # noqa: ANN401 - the types are those of dehaze
    """Print the plan of `vrestore dehaze` for the same words, and write nothing."""
    with failures_shown(debug=words["debug"], log_file=words["log_file"]):
        arguments = library_arguments(words)
        import vrestore

        _show(vrestore.plan_dehaze(words["source"], **arguments), as_json=words["json"])


def _show(plan: PlanReport, *, as_json: bool) -> None:
    if as_json:
        show_json(plan.to_dict())
    else:
        show_lines(plan.lines())
