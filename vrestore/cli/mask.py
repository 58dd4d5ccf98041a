"""`vrestore mask`: look at a mask before hours of work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrestore.cli import options
from vrestore.cli.failure import failures_shown
from vrestore.cli.inpaint import may_overwrite
from vrestore.cli.report import show_lines

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore mask preview street.mp4 --mask car/
  vrestore mask preview street.mp4 --mask car/ --grow 8 --at 0:12 -o look.png
  vrestore mask preview show.mkv --box=-40,20,160,90 -o look.mp4
"""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def mask_commands() -> None:
    """Look at a mask before the work begins."""


@app.command("preview", epilog=EXAMPLES)
def preview(
    source: options.Source,
    *,
    mask: options.Masks = [],  # noqa: B006 - copied by the parser
    box: options.Boxes = [],  # noqa: B006
    invert: options.Invert = False,
    grow: options.Grow = None,
    feather: options.Feather = None,
    mask_offset: options.MaskOffset = 0,
    mask_fit: options.MaskFit = "error",
    yes: options.Yes = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="TARGET", help="Picture or clip; by default SOURCE.mask.png."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time or frame of the picture; by default the largest hole."),
    ] = None,
    overwrite: options.Overwrite = False,
    no_overwrite: options.NoOverwrite = False,
    debug: options.Debug = False,
) -> None:
    """Draw what would be filled, in red on the video, as a picture or as a clip."""
    with failures_shown(debug=debug):
        target = output or str(Path(source).with_suffix(".mask.png"))
        may_replace = may_overwrite(target, overwrite=overwrite, no_overwrite=no_overwrite)
        from vrestore.masks.masks import MaskOptions
        from vrestore.masks.preview import preview as draw

        masks = MaskOptions(
            paths=tuple(map(Path, mask)),
            boxes=tuple(box),
            invert=invert,
            grow=grow,
            feather=feather,
            offset=mask_offset,
            fit=mask_fit,
            allow_full=yes,
        )
        drawn = draw(source, target, masks=masks, at=at, overwrite=may_replace)
        where = "on average" if drawn.frame is None else f"in frame {drawn.frame}"
        show_lines([f"{drawn.path}: the hole covers {drawn.covered:.1%} of the picture {where}"])
