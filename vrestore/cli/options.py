"""The words that are the command line's own; those of methods and of every run stand at their options."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from vrestore.media.choices import Layout as Layout
from vrestore.option_schema import FILL, WORK, WRITE

Style = Literal["rich", "plain", "json", "none"]
"""How progress is shown on stderr."""

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A video, folder or pattern, or - for y4m.")]
SourceInText = Annotated[str, typer.Argument(metavar="SOURCE", hidden=True)]
"""The source where a sentence of the help says it, and a panel for it would make the help too long."""


Overwrite = Annotated[
    bool, typer.Option("--overwrite", "-y", rich_help_panel=WRITE, help="Replace a target that exists.")
]
NoOverwrite = Annotated[
    bool, typer.Option("--no-overwrite", "-n", rich_help_panel=WRITE, help="Never ask, never replace.")
]
Report = Annotated[
    str | None, typer.Option(metavar="FILE", rich_help_panel=WRITE, help="Also the report as JSON.")
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
Threads = Annotated[
    int, typer.Option(metavar="N", min=0, rich_help_panel=WORK, help="0 takes all cores.", show_default=False)
]
Memory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", rich_help_panel=WORK, help="4GiB; by default half of what is free."),
]
Progress = Annotated[
    Style | None,
    typer.Option(metavar="HOW", rich_help_panel=WORK, help="rich, plain, json or none, on stderr."),
]
LogFile = Annotated[
    str | None, typer.Option(metavar="FILE", rich_help_panel=WORK, help="Append all that happens to it.")
]
Debug = Annotated[
    bool, typer.Option("--debug", rich_help_panel=WORK, help="Show where in the code an error arose.")
]

Folder = Annotated[str, typer.Argument(metavar="FOLDER", hidden=True)]
"""The folder, said in a sentence like `SourceInText`."""
MasksFolder = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", rich_help_panel=FILL, help="clip.png, clip/ or clip.mask.mkv for each."),
]
OutputFolder = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FOLDER", rich_help_panel=WRITE, help="By default FOLDER.COMMAND beside it."
    ),
]
NameTemplate = Annotated[
    str | None,
    typer.Option(metavar="NAME", rich_help_panel=WRITE, help="Such as {stem}.clean.mkv.", show_default=False),
]
Include = Annotated[
    list[str], typer.Option(metavar="GLOB", rich_help_panel=FILL, help="Only these, such as *.mov.")
]
Exclude = Annotated[list[str], typer.Option(metavar="GLOB", rich_help_panel=FILL, help="But not these.")]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        rich_help_panel=WORK,
        help="At a time (1); they share the memory.",
        show_default=False,
    ),
]
Tries = Annotated[
    int,
    typer.Option(
        metavar="N", rich_help_panel=WORK, help="Failures until set aside, 2 by default.", show_default=False
    ),
]
Redo = Annotated[bool, typer.Option("--redo", rich_help_panel=WORK, help="Also what is done or set aside.")]
Executor = Annotated[
    Literal["local", "ray"],
    typer.Option(
        metavar="NAME", rich_help_panel=WORK, help="local (default) or ray, a cluster.", show_default=False
    ),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="WHERE", rich_help_panel=WORK, help="Of the cluster: host:port, or auto."),
]
VideoExecutor = Annotated[Literal["local", "ray"], typer.Option("--executor", hidden=True)]
VideoAddress = Annotated[str | None, typer.Option("--address", hidden=True)]
VideoJobs = Annotated[int, typer.Option("--jobs", "-j", hidden=True)]
"""Said where they are for a batch, and in docs/batch-and-cluster.md: a longer help is read by nobody."""

Watch = Annotated[
    bool, typer.Option("--watch", rich_help_panel=WORK, help="Go on with new files until stopped.")
]
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
