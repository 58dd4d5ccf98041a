"""What is told while work goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Event = Literal["start", "plan", "progress", "warning", "stage", "done", "skip", "error"]


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One thing that happened. `frames` is None where the container does not say how many."""

    event: Event
    stage: str = ""
    frame: int = 0
    frames: int | None = None
    text: str = ""


class Progress(Protocol):
    """Is told how far the work is; must be quick and must not raise."""

    def __call__(self, event: ProgressEvent, /) -> None: ...


def silent(event: ProgressEvent) -> None:
    """Show no progress."""
