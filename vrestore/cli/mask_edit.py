"""`vrestore mask edit`: mask files in, one mask file out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from vrestore.cli import options
from vrestore.cli.parameters import own, parameter_of, positional, with_signature
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.overwriting import may_overwrite
from vrestore.cli.terminal.report import show_lines
from vrestore.masks.editing.options import EditOptions
from vrestore.option_schema import WRITE, options_of

EDIT_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore mask edit car.mkv shadow.mkv -o both.mkv
  vrestore mask edit car.mkv --smooth 5 --grow 3 --shift -1 -o better.mkv
  vrestore mask edit all.mkv face.png --combine difference -o rest.mkv
"""

Masks = Annotated[list[str], typer.Argument(metavar="MASK", help="Images, folders, patterns or videos.")]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="TARGET",
        rich_help_panel=WRITE,
        help="Video such as .mkv; .png is one picture of all.",
    ),
]


def edit_command() -> Callable[..., None]:
    """Return the function of `vrestore mask edit`."""

    def edit(**words: Any) -> None:  # noqa: ANN401 - what Typer read
        with failures_shown(debug=words["debug"]):
            names, target = options_of(EditOptions), words["output"]
            asked = EditOptions(**{name: words[name] for name in names})
            may_replace = may_overwrite(
                target, overwrite=words["overwrite"], no_overwrite=words["no_overwrite"]
            )
            from vrestore.masks.editing.edit import edit_masks

            done = edit_masks(words["masks"], target, asked, overwrite=may_replace)
            show_lines(
                [
                    f"{done.path}: {done.frames} frames, {done.marked_frames} with something marked, "
                    f"{done.covered:.1%} of the pixels"
                ]
            )

    parameters = [
        positional("masks", Masks),
        *(parameter_of(each) for each in options_of(EditOptions).values()),
        own("output", Output, ...),
        own("overwrite", options.Overwrite, False),
        own("no_overwrite", options.NoOverwrite, False),
        own("debug", options.Debug, False),
    ]
    doc = (
        "Unite masks, or change what one marks, and write the result as a small lossless video or a picture."
    )
    return with_signature(edit, parameters, doc=doc)
