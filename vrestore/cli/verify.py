"""`vrestore verify`: a second look over a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from vrestore.cli import options
from vrestore.cli.parameters import mask_words, own, parameter_of, positional, with_signature
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.report import show_json, show_lines
from vrestore.masks.options import drawn_fields

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore verify street.mp4 street.inpaint.mp4 --mask car.mkv
  vrestore verify street.mp4 clean.mp4 --mask car.mkv --grow 6 --json
  vrestore verify street.mp4 clean.mp4 --mask car.mkv --progress json
"""

Video = Annotated[str, typer.Argument(metavar="VIDEO", help="The video that something was removed from.")]
Result = Annotated[str, typer.Argument(metavar="RESULT", help="What was made of it, as large and as long.")]


def verify_command() -> Callable[..., None]:
    """Return the function of `vrestore verify`."""

    def verify(**words: Any) -> None:  # noqa: ANN401 - what Typer read
        with failures_shown(debug=words["debug"], log_file=words["log_file"]) as log:
            from vrestore.cli.terminal.progress import progress_shown
            from vrestore.methods.leftovers.verify import verify as look

            with progress_shown(words["progress"], source=words["video"], log=log) as shown:
                found = look(words["video"], words["result"], mask_words(words), progress=shown)
            log.write("done", "\n".join(found.lines()))
            if words["json"]:
                show_json(found.to_dict())
            else:
                show_lines(found.lines())
            raise typer.Exit(found.exit_code)

    parameters = [
        positional("video", Video),
        positional("result", Result),
        *(parameter_of(each) for each in drawn_fields().values()),
        own("json", options.Json, False),
        own("progress", options.Progress, None),
        own("log_file", options.LogFile, None),
        own("debug", options.Debug, False),
    ]
    doc = "Look at every frame of a result for what is left of an object: a rim of it, or its shadow."
    return with_signature(verify, parameters, doc=doc)
