"""`vrestore dehaze`: words to the library's call, and its report to the terminal."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vrestore.cli import options
from vrestore.cli.failure import failures_shown
from vrestore.cli.inpaint import library_arguments, may_overwrite, where_stopped_told
from vrestore.cli.report import show_lines

HAZE = "What to take away"

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore dehaze drive.mp4
  vrestore dehaze valley.mov --strength 50 --keep-depth --protect-sky
  vrestore dehaze stage.mkv --night --method dcp --matte haze.mp4
"""

Strength = Annotated[
    float,
    typer.Option(
        metavar="N", rich_help_panel=HAZE, help="0 (copy) to 100 (all), 60 by default.", show_default=False
    ),
]
Color = Annotated[
    float,
    typer.Option(
        metavar="N", rich_help_panel=HAZE, help="0 as filmed to 100 (default) restored.", show_default=False
    ),
]
KeepDepth = Annotated[
    bool, typer.Option("--keep-depth", rich_help_panel=HAZE, help="Leave haze in the distance.")
]
ProtectSky = Annotated[
    bool, typer.Option("--protect-sky", rich_help_panel=HAZE, help="Leave the sky as it is.")
]
AirLight = Annotated[
    str,
    typer.Option(
        metavar="HOW", rich_help_panel=HAZE, help="auto (default), shot or #rrggbb.", show_default=False
    ),
]
Steady = Annotated[
    float,
    typer.Option(
        metavar="N", rich_help_panel=HAZE, help="0 (none) to 1 (slow), 0.9 by default.", show_default=False
    ),
]
Night = Annotated[bool, typer.Option("--night", rich_help_panel=HAZE, help="The haze is lit by lamps.")]
Method = Annotated[
    Literal["cgidn", "dcp"],
    typer.Option(
        metavar="NAME", rich_help_panel=HAZE, help="cgidn (network, default) or dcp.", show_default=False
    ),
]
Model = Annotated[
    str | None, typer.Option(metavar="FILE", rich_help_panel=HAZE, help="Other weights for cgidn.")
]
Matte = Annotated[
    str | None,
    typer.Option(metavar="FILE", rich_help_panel=options.WRITE, help="Also the transmission as a clip."),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="TARGET",
        rich_help_panel=options.WRITE,
        help="By default SOURCE.dehaze.EXT beside it.",
    ),
]


def dehaze(
    source: options.Source,
    *,
    strength: Strength = 60.0,
    color: Color = 100.0,
    keep_depth: KeepDepth = False,
    protect_sky: ProtectSky = False,
    airlight: AirLight = "auto",
    steady: Steady = 0.9,
    night: Night = False,
    method: Method = "cgidn",
    model: Model = None,
    output: Output = None,
    overwrite: options.Overwrite = False,
    no_overwrite: options.NoOverwrite = False,
    codec: options.Codec = None,
    crf: options.Crf = None,
    preset: options.Preset = None,
    encoder_option: options.EncoderOptions = [],  # noqa: B006 - copied by the parser
    compare: options.Compare = None,
    compare_layout: options.CompareLayout = "side",
    matte: Matte = None,
    report: options.Report = None,
    strict: options.Strict = False,
    start: options.Start = None,
    stop: options.Stop = None,
    rate: options.Rate = None,
    allow_protocols: options.AllowProtocols = None,
    device: options.Device = "auto",
    kernels: options.RunKernels = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = 0,
    memory: options.Memory = None,
    segment: options.Segment = 60.0,
    no_resume: options.NoResume = False,
    progress: options.Progress = None,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Clear haze, fog and smoke, without flicker.

    All else in the file stays as it is: timestamps, sound, tags, bit depth.
    """
    words = dict(locals())
    with failures_shown(debug=debug, log_file=log_file) as log:
        arguments = library_arguments(words)
        import vrestore
        from vrestore.cli.progress import progress_shown
        from vrestore.run.options import default_target

        target = output or default_target(source, "dehaze")
        arguments["overwrite"] = may_overwrite(target, overwrite=overwrite, no_overwrite=no_overwrite)
        with where_stopped_told(target), progress_shown(progress, source=source, log=log) as shown:
            result = vrestore.dehaze(source, **arguments, progress=shown)
        lines = result.summary_lines()
        log.write("done", "\n".join(lines))
        show_lines(lines, is_piped=target == "-")
        raise typer.Exit(result.exit_code)
