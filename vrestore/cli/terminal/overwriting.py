"""Whether a target that exists may be replaced."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from vrestore.errors import TargetError, UsageError


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
