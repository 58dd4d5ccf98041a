"""`vrestore mask`: find masks, and check and look at one before hours of work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vrestore.cli import options
from vrestore.cli.command import run_command
from vrestore.cli.mask_edit import EDIT_EXAMPLES, edit_command
from vrestore.cli.parameters import mask_words, own, parameter_of, positional, with_signature
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.overwriting import may_overwrite
from vrestore.cli.terminal.report import show_json, show_lines
from vrestore.detect.registry import detectors
from vrestore.masks.options import drawn_fields, mask_options
from vrestore.option_schema import options_of
from vrestore.run.options import RunOptions

PREVIEW_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore mask preview street.mp4 --mask car/
  vrestore mask preview street.mp4 --mask car/ --grow 8 --at 0:12 -o look.png
  vrestore mask preview show.mkv --box=-40,20,160,90 -o look.mp4
"""

CHECK_EXAMPLES = """\
[bold]Examples[/bold]
  vrestore mask check street.mp4 --mask car.mkv
  vrestore mask check street.mp4 --mask car.mkv --grow 8 --mask-offset -1
  vrestore mask check show.mkv --box=-40,20,160,90 --json
"""

Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="TARGET", help="Picture or clip; by default SOURCE.mask.png."),
]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Time or frame of the picture; by default the largest hole."),
]


def mask_app() -> typer.Typer:
    """Return `vrestore mask`, with a command for each detector."""
    app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    app.callback()(mask_commands)
    for detector in detectors().values():
        examples = detector.examples.get("run")
        app.command(detector.name, epilog=examples, short_help=detector.summary)(run_command(detector))
    app.command("check", epilog=CHECK_EXAMPLES)(_check())
    app.command("edit", epilog=EDIT_EXAMPLES)(edit_command())
    app.command("preview", epilog=PREVIEW_EXAMPLES)(_preview())
    return app


def mask_commands() -> None:
    """Find, check, change or look at a mask before the work begins."""


def _check() -> Callable[..., None]:
    def check(**words: Any) -> None:  # noqa: ANN401 - what Typer read
        with failures_shown(debug=words["debug"]):
            from vrestore.methods.mask_check.check import check_video

            found = check_video(words["source"], mask_words(words))
            if words["json"]:
                show_json(found.to_dict())
            else:
                show_lines(found.lines())

    parameters = [
        positional("source", options.Source),
        *(parameter_of(each) for each in drawn_fields().values()),
        own("json", options.Json, False),
        own("debug", options.Debug, False),
    ]
    doc = "Look for what spoils results: a mask that is late, turned round, flickers, or is too narrow."
    return with_signature(check, parameters, doc=doc)


def _preview() -> Any:  # noqa: ANN401 - a function that Typer reads
    def preview(**words: Any) -> None:  # noqa: ANN401
        with failures_shown(debug=words["debug"]):
            source = words["source"]
            target = words["output"] or str(Path(source).with_suffix(".mask.png"))
            may_replace = may_overwrite(
                target, overwrite=words["overwrite"], no_overwrite=words["no_overwrite"]
            )
            from vrestore.masks.preview import preview as draw

            masks = mask_options(mask_words(words))
            drawn = draw(
                source, target, masks=masks, at=words["at"], overwrite=may_replace,
                deinterlace=words["deinterlace"],
            )  # fmt: skip
            where = "on average" if drawn.frame is None else f"in frame {drawn.frame}"
            show_lines([f"{drawn.path}: the hole covers {drawn.covered:.1%} of the picture {where}"])

    parameters = [
        positional("source", options.Source),
        *(parameter_of(each) for each in drawn_fields().values()),
        own("output", Output, None),
        own("at", At, None),
        parameter_of(options_of(RunOptions)["deinterlace"]),
        own("overwrite", options.Overwrite, False),
        own("no_overwrite", options.NoOverwrite, False),
        own("debug", options.Debug, False),
    ]
    doc = "Draw what would be filled, in red on the video, as a picture or as a clip."
    return with_signature(preview, parameters, doc=doc)
