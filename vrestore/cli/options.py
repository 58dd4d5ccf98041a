"""The words that are the command line's own; those of methods and of every run stand at their options."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from vrestore.media.choices import Layout as Layout
from vrestore.option_schema import WORK, WRITE

Style = Literal["rich", "plain", "json", "none"]
"""How progress is shown on stderr."""

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A video, folder or pattern, or - for y4m.")]
SourceInText = Annotated[str, typer.Argument(metavar="SOURCE", hidden=True)]
"""The source where a sentence of the help says it, and a panel for it would make the help too long."""


Overwrite = Annotated[
    bool, typer.Option("--overwrite", "-y", rich_help_panel=WRITE, help="Replace a target that exists.")
]
NoOverwrite = Annotated[
    bool, typer.Option("--no-overwrite", "-n", hidden=True, help="Never ask, never replace.")
]

Kernels = Annotated[
    Literal["auto", "torch", "cupy"],
    typer.Option(
        metavar="NAME",
        rich_help_panel=WORK,
        help="auto (default), torch or cupy, on CUDA.",
        show_default=False,
    ),
]
Progress = Annotated[
    Style | None,
    typer.Option(metavar="HOW", rich_help_panel=WORK, help="rich, plain, json or none, on stderr."),
]
LogFile = Annotated[
    str | None, typer.Option(metavar="FILE", hidden=True, help="Append all that happens to it.")
]
Debug = Annotated[bool, typer.Option("--debug", hidden=True, help="Show where in the code an error arose.")]

Folder = Annotated[str, typer.Argument(metavar="FOLDER", hidden=True)]
"""The folder, said in a sentence like `SourceInText`."""

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def output_help(name: str, *, is_mask: bool) -> Any:  # noqa: ANN401 - a type with its words
    """Return the words for the target of a command."""
    default = (
        "SOURCE.mask.mkv beside it; .png is one picture." if is_mask else f"SOURCE.{name}.EXT beside it."
    )
    return Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="TARGET", rich_help_panel=WRITE, help=f"By default {default}"),
    ]
