"""The closing summary: on stdout, or on stderr where stdout carries the video."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping


def show_lines(lines: Iterable[str], *, is_piped: bool = False) -> None:
    """Print lines as they are; `is_piped` says that stdout is taken by the video itself."""
    stream = sys.stderr if is_piped else sys.stdout
    stream.writelines(f"{line}\n" for line in lines)
    stream.flush()


def show_json(result: Mapping[str, object]) -> None:
    """Print a result for programs."""
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
