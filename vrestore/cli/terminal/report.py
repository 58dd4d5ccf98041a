"""The closing summary: on stdout, or on stderr where stdout carries the video."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Mapping

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != ord("\t")}
_ESCAPES |= {ord("\n"): "\\n", ord("\r"): "\\r"}


def printable(text: str) -> str:
    """Return a text in which nothing ends the line or steers the terminal, as names and tags may want to."""
    return text.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()


def escape_unprintable() -> None:
    """Let the console show escaped what its encoding has no code for, such as a Windows code page."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show_lines(lines: Iterable[str], *, is_piped: bool = False) -> None:
    """Print each as one line; `is_piped` says that stdout is taken by the video itself."""
    stream = sys.stderr if is_piped else sys.stdout
    stream.writelines(f"{printable(line)}\n" for line in lines)
    stream.flush()


def show_json(result: Mapping[str, object]) -> None:
    """Print a result for programs."""
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
