"""`vrestore inpaint`: words to the library's call, and its report to the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import typer

from vrestore.cli import options
from vrestore.cli.failure import failures_shown
from vrestore.cli.report import show_lines
from vrestore.errors import Interrupted, TargetError, UsageError

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore inpaint street.mp4 --mask car/ -o clean.mp4
  vrestore inpaint show.mkv --box=-40,20,160,90 --grow 2
  vrestore inpaint talk.mp4 -b "5%,85%,90%,12%@1:02-1:09" -c ffv1 -o talk.mkv
"""


def inpaint(
    source: options.SourceInText,
    *,
    mask: options.Masks = [],  # noqa: B006 - copied by the parser
    masks: options.MasksFolder = None,
    box: options.Boxes = [],  # noqa: B006
    invert: options.Invert = False,
    grow: options.Grow = None,
    feather: options.Feather = None,
    mask_offset: options.MaskOffset = 0,
    mask_fit: options.MaskFit = "error",
    yes: options.Yes = False,
    output: options.Output = None,
    overwrite: options.Overwrite = False,
    no_overwrite: options.NoOverwrite = False,
    codec: options.Codec = None,
    crf: options.Crf = None,
    preset: options.Preset = None,
    encoder_option: options.EncoderOptions = [],  # noqa: B006
    compare: options.Compare = None,
    compare_layout: options.CompareLayout = "side",
    report: options.Report = None,
    reveal_map: options.RevealMap = None,
    strict: options.Strict = False,
    start: options.Start = None,
    stop: options.Stop = None,
    rate: options.Rate = None,
    allow_protocols: options.AllowProtocols = None,
    method: options.Method = "propagate",
    quality: options.Quality = "balanced",
    model: options.Model = None,
    network_scale: options.NetworkScale = 0,
    precision: options.Precision = "auto",
    device: options.Device = "auto",
    kernels: options.RunKernels = "auto",
    threads: options.Threads = 0,
    memory: options.Memory = None,
    segment: options.Segment = 60.0,
    no_resume: options.NoResume = False,
    executor: options.VideoExecutor = "local",
    address: options.VideoAddress = None,
    jobs: options.VideoJobs = 0,
    progress: options.Progress = None,
    log_file: options.LogFile = None,
    debug: options.Debug = False,
) -> None:
    """Fill what a mask or box covers from the rest of the video; all else stays.

    SOURCE is a video, a folder or pattern of images, or - for y4m.
    """
    words = dict(locals())
    if masks is not None:
        from vrestore.cli.batch import run_folder

        run_folder("inpaint", source, words | {"jobs": jobs or 1})
    with failures_shown(debug=debug, log_file=log_file) as log:
        arguments = library_arguments(words)
        import vrestore
        from vrestore.cli.progress import progress_shown
        from vrestore.run.options import default_target

        target = output or default_target(source, "inpaint")
        arguments["overwrite"] = may_overwrite(target, overwrite=overwrite, no_overwrite=no_overwrite)
        with where_stopped_told(target), progress_shown(progress, source=source, log=log) as shown:
            arguments |= {"executor": executor, "address": address, "jobs": jobs}
            result = vrestore.inpaint(source, **arguments, progress=shown)
        lines = result.summary_lines()
        log.write("done", "\n".join(lines))
        show_lines(lines, is_piped=target == "-")
        raise typer.Exit(result.exit_code)


@contextmanager
def where_stopped_told(target: str) -> Iterator[None]:
    """Let a run that is interrupted say what it leaves for the next one."""
    try:
        yield
    except KeyboardInterrupt as error:
        from vrestore.run.checkpoint import frames_kept

        frames = frames_kept(target)
        left = f"{frames} frames are done and kept, the same command goes on there"
        raise Interrupted(f"interrupted; {left if frames else 'nothing was written'}") from error


def library_arguments(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the command's words under the library's names, without those that are only the command's."""
    own = {
        "source",
        "masks",
        "output",
        "yes",
        "encoder_option",
        "no_overwrite",
        "no_resume",
        "executor",
        "address",
        "jobs",
        "progress",
        "log_file",
        "debug",
        "json",
    }
    arguments = {name: value for name, value in words.items() if name not in own}
    arguments["target"] = words["output"]
    if "yes" in words:
        arguments["assume_yes"] = words["yes"]
    if words.get("no_resume"):
        arguments["resume"] = False
    arguments["encoder_options"] = dict(_key_and_value(text) for text in words["encoder_option"])
    arguments["rate"] = None if words["rate"] is None else _rate(words["rate"])
    return arguments


def may_overwrite(target: str, *, overwrite: bool, no_overwrite: bool) -> bool:
    """Say whether a target may be replaced, asking where somebody can answer and it exists."""
    if overwrite and no_overwrite:
        raise UsageError("-y and -n contradict each other; pass one of them")
    can_answer = sys.stdin.isatty() and sys.stderr.isatty()
    if overwrite or no_overwrite or target == "-" or not can_answer:
        return overwrite
    if not Path(target).is_file():
        return False
    if typer.confirm(f"{target!r} exists; replace it?", err=True):
        return True
    raise TargetError(f"{target!r} exists and is kept; pass another -o")


def _key_and_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UsageError(f"-e takes key=value, for example -e tune=grain, got {text!r}")
    return key, value


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"--rate is frames a second, for example 25 or 24000/1001, got {text!r}") from error
    if rate <= 0:
        raise UsageError(f"--rate is more than 0 frames a second, got {text!r}")
    return rate
