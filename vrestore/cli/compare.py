"""`vrestore compare`: two videos in one, and how far they are apart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from vrestore.cli import options
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.overwriting import may_overwrite
from vrestore.cli.terminal.report import show_lines

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore compare street.mp4 street.inpaint.mp4
  vrestore compare street.mp4 street.inpaint.mp4 --layout split -o both.mp4
  vrestore compare a.mkv b.mkv --layout difference -o changes.mkv -y
"""


def compare(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="The first video.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The second, of the same size and length.")],
    *,
    layout: Annotated[
        options.Layout, typer.Option(metavar="HOW", help="side, split, difference or stack.")
    ] = "side",
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="TARGET", help="By default AFTER.compare.mp4 beside AFTER."),
    ] = None,
    overwrite: options.Overwrite = False,
    no_overwrite: options.NoOverwrite = False,
    debug: options.Debug = False,
) -> None:
    """Write two videos as one, side by side, wiped or as their difference, and print their PSNR."""
    with failures_shown(debug=debug):
        target = output or str(Path(after).with_suffix(".compare.mp4"))
        may_replace = may_overwrite(target, overwrite=overwrite, no_overwrite=no_overwrite)
        from vrestore.media.preview.compare import compare_files

        result = compare_files(before, after, target, layout=layout, overwrite=may_replace)
        mean, worst = _decibels(result.psnr_mean), _decibels(result.psnr_min)
        show_lines([f"{target}: {result.frame_count} frames, PSNR {mean}, worst frame {worst}"])


def _decibels(value: float) -> str:
    return "infinite (equal)" if math.isinf(value) else f"{value:.2f} dB"
