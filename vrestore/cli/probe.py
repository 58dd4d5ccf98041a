"""`vrestore probe`: what a source holds, and what a run would do with each part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vrestore.cli import options
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.report import show_json, show_lines

EXAMPLES = """\
[bold]Examples[/bold]
  vrestore probe street.mp4
  vrestore probe street.mp4 --json
  vrestore probe frames/%06d.png
"""


def probe(source: options.Source, *, json: options.Json = False, debug: options.Debug = False) -> None:
    """Show what a source holds, and what would become of each of its streams."""
    with failures_shown(debug=debug):
        from vrestore.media.probe import probe as look

        found = look(source)
        if json:
            show_json(found)
        else:
            show_lines(probe_lines(found))


def probe_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the findings as a person reads them."""
    picture, seconds = found["picture"], found["duration_seconds"]
    length = "unknown length" if seconds is None else f"{seconds:.2f} s"
    yield f"{found['source']}: {found['container']}, {length}"
    if found["refused"]:
        advice = "; --deinterlace or --detelecine makes whole frames of it"
        yield f"would be refused: {found['refused']}{advice * (found['refused'] == 'interlaced')}"
    yield (
        f"picture     {picture['codec']}, {picture['width']}x{picture['height']}, {picture['pixel_format']}, "
        f"{picture['bits']} bit"
    )
    yield (
        f"color      {picture['range']} range, matrix {picture['matrix']}, "
        f"primaries {picture['primaries']}, transfer {picture['transfer']}, "
        f"chroma {picture['chroma_location']}"
    )
    yield (
        f"frames      {picture['frame_count']} at {_decimal(picture['rate'])} a second, "
        f"{picture['timestamps']} timestamps in {picture['time_base']} s, {picture['field_order']}"
    )
    shape = picture["sample_aspect_ratio"]
    mirrored = " and mirrored" if picture["is_mirrored"] else ""
    yield f"shown as    rotated by {picture['rotation']}{mirrored}, pixels {shape} as wide as high"
    for text in found["losses"]:
        yield f"would lose  {text}"
    for stream in found["streams"]:
        words = [
            stream["codec"] or "unknown codec",
            *filter(None, [stream["language"]]),
            *stream["disposition"],
        ]
        yield f"stream {stream['index']:<4} {stream['type']}: {', '.join(words)}: {stream['treatment']}"
    if found["chapters"]:
        yield f"chapters    {len(found['chapters'])}"
    for name, value in found["tags"].items():
        yield f"tag         {name}: {value}"


def _decimal(rate: str) -> str:
    above, _, below = rate.partition("/")
    return f"{int(above) / int(below or 1):.3f}".rstrip("0").rstrip(".")
