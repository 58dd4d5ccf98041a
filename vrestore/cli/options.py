"""The words of the command line, each defined once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

FILL, WRITE, WORK = "What to fill", "What to write", "How to work"

Style = Literal["rich", "plain", "json", "none"]
"""How progress is shown on stderr."""

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A video, folder or pattern, or - for y4m.")]
SourceInText = Annotated[str, typer.Argument(metavar="SOURCE", hidden=True)]
"""Said in a sentence, where a panel for it would make the help too long."""

Masks = Annotated[
    list[str],
    typer.Option(
        "--mask", "-m", metavar="PATH", rich_help_panel=FILL, help="Image, folder or video; white is filled."
    ),
]
Boxes = Annotated[
    list[str],
    typer.Option(
        "--box", "-b", metavar="BOX", rich_help_panel=FILL, help="x,y,w,h@start-stop, pixels or percent."
    ),
]
Invert = Annotated[bool, typer.Option("--invert", rich_help_panel=FILL, help="Fill what is black instead.")]
Grow = Annotated[
    int | None,
    typer.Option(metavar="PX", rich_help_panel=FILL, help="Widen the mask; by default height/120."),
]
Feather = Annotated[
    int | None,
    typer.Option(metavar="PX", rich_help_panel=FILL, help="Fade out beyond it; by default height/240."),
]
MaskOffset = Annotated[
    int,
    typer.Option(
        metavar="N", rich_help_panel=FILL, help="Mask frame i is for video frame i+N.", show_default=False
    ),
]
MaskFit = Annotated[
    Literal["error", "resize"],
    typer.Option(metavar="HOW", rich_help_panel=FILL, help="Other size: error or resize."),
]
Yes = Annotated[
    bool, typer.Option("--yes", rich_help_panel=FILL, help="The mask may cover nearly everything.")
]

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="TARGET",
        rich_help_panel=WRITE,
        help="By default SOURCE.inpaint.EXT beside it.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", "-y", rich_help_panel=WRITE, help="Replace a target that exists.")
]
NoOverwrite = Annotated[
    bool, typer.Option("--no-overwrite", "-n", rich_help_panel=WRITE, help="Never ask, never replace.")
]
Codec = Annotated[
    str | None,
    typer.Option(
        "--codec", "-c", metavar="NAME", rich_help_panel=WRITE, help="By default what the source has."
    ),
]
Crf = Annotated[
    float | None,
    typer.Option(metavar="N", rich_help_panel=WRITE, help="Quality of the encoder, lower is better."),
]
Preset = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=WRITE, help="Speed of the encoder.")
]
EncoderOptions = Annotated[
    list[str],
    typer.Option(
        "--encoder-option", "-e", metavar="K=V", rich_help_panel=WRITE, help="Straight to the encoder."
    ),
]
Compare = Annotated[
    str | None, typer.Option(metavar="FILE", rich_help_panel=WRITE, help="Also a video of before and after.")
]
Layout = Literal["side", "split", "difference", "stack"]
CompareLayout = Annotated[
    Layout,
    typer.Option(
        metavar="HOW",
        rich_help_panel=WRITE,
        help="side (default), split, difference, stack.",
        show_default=False,
    ),
]
Report = Annotated[
    str | None, typer.Option(metavar="FILE", rich_help_panel=WRITE, help="Also the report as JSON.")
]
Strict = Annotated[
    bool, typer.Option("--strict", rich_help_panel=WRITE, help="Rather fail than lose anything.")
]

Start = Annotated[
    str | None, typer.Option(metavar="TIME", rich_help_panel=WORK, help="From this time (1:02.5) or frame.")
]
Stop = Annotated[
    str | None, typer.Option(metavar="TIME", rich_help_panel=WORK, help="Up to, not including, this one.")
]
Rate = Annotated[
    str | None, typer.Option(metavar="FPS", rich_help_panel=WORK, help="Of an image sequence; 24000/1001.")
]
AllowProtocols = Annotated[
    str | None,
    typer.Option(metavar="LIST", rich_help_panel=WORK, help="Playlists may open file,http,https."),
]
Method = Annotated[
    Literal["tsam", "propagate"],
    typer.Option(
        metavar="NAME",
        rich_help_panel=WORK,
        help="propagate (default) or tsam, a network.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=WORK, help="Weights: a model's name or file.")
]
NetworkScale = Annotated[
    int,
    typer.Option(
        metavar="N", rich_help_panel=WORK, help="Network at 1/N: 1, 2, 4, 8; 0 chooses.", show_default=False
    ),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(
        metavar="NAME", rich_help_panel=WORK, help="Of the network: auto, fp32, bf16.", show_default=False
    ),
]
RevealMap = Annotated[
    str | None,
    typer.Option(metavar="FILE", rich_help_panel=WRITE, help="Also a clip of where colors come from."),
]
Quality = Annotated[
    Literal["draft", "balanced", "best"],
    typer.Option(
        metavar="NAME",
        rich_help_panel=WORK,
        help="draft, balanced (default) or best.",
        show_default=False,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        rich_help_panel=WORK,
        help="auto (default), cpu, cuda, cuda:0,cuda:1.",
        show_default=False,
    ),
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
RunKernels = Annotated[Literal["auto", "torch", "cupy"], typer.Option("--kernels", hidden=True)]
"""As VideoExecutor: of use to who measures them."""
Threads = Annotated[
    int, typer.Option(metavar="N", min=0, rich_help_panel=WORK, help="0 takes all cores.", show_default=False)
]
Memory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", rich_help_panel=WORK, help="4GiB; by default half of what is free."),
]
Segment = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        rich_help_panel=WORK,
        help="Keep what is done so often (60).",
        show_default=False,
    ),
]
NoResume = Annotated[
    bool, typer.Option("--no-resume", rich_help_panel=WORK, help="Begin anew, whatever is kept.")
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
"""As SourceInText."""
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
    str,
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
"""Said where they are for a batch, and in the README: a longer help is read by nobody."""

Watch = Annotated[
    bool, typer.Option("--watch", rich_help_panel=WORK, help="Go on with new files until stopped.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
