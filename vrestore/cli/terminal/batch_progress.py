"""How far the jobs of a batch are, on stderr: a bar for each that runs, plain lines, or JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import Progress, TaskID

from vrestore.cli.options import Style
from vrestore.cli.terminal.log import Log
from vrestore.cli.terminal.progress import Lines, Objects, Pace, bar_columns
from vrestore.cli.terminal.report import printable
from vrestore.progress import ProgressEvent

Show = Callable[[str, ProgressEvent], None]

_ENDS = {"done", "skip", "error"}
_STYLES = {"error": "red", "warning": "yellow"}


@contextmanager
def batch_progress_shown(style: Style | None, *, log: Log) -> Iterator[Show]:
    """Yield what a batch reports to; None is rich on a terminal and plain elsewhere."""
    chosen = style or ("rich" if sys.stderr.isatty() else "plain")
    with _shower(chosen) as show:

        def tell(source: str, event: ProgressEvent) -> None:
            if event.event in {"start", "warning", *_ENDS}:
                log.write(event.event, f"{printable(source)}: {event.text}")
            show(source, event)

        yield tell


@contextmanager
def _shower(style: Style) -> Iterator[Show]:
    if style == "rich":
        with _Bars() as bars:
            yield bars
    elif style == "plain":
        yield _Each(Lines, leaving_out={"plan", "stage"})
    elif style == "json":
        yield _Each(lambda source: Objects(source, memory=lambda: None))
    else:
        yield _show_nothing


def _show_nothing(source: str, event: ProgressEvent) -> None:
    """Show no progress; what failed is in the summary."""


class _Each:
    """One of what shows a single run for each source that is under way."""

    def __init__(
        self, make: Callable[[str], Callable[[ProgressEvent], None]], *, leaving_out: set[str] | None = None
    ) -> None:
        self._make, self._leaving_out = make, leaving_out or set()
        self._shown: dict[str, Callable[[ProgressEvent], None]] = {}

    def __call__(self, source: str, event: ProgressEvent) -> None:
        if event.event in self._leaving_out:
            return
        if source not in self._shown:
            self._shown[source] = self._make(source)
        self._shown[source](event)
        if event.event in _ENDS:
            del self._shown[source]


class _Bars:
    """A bar for each job that runs and one for the batch; what fails stays on the screen."""

    def __init__(self) -> None:
        self._bars = Progress(*bar_columns(), console=Console(stderr=True), transient=True)
        self._tasks: dict[str, tuple[TaskID, Pace]] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, source: str, event: ProgressEvent) -> None:
        name = printable(Path(source).name)
        if event.event in _STYLES:
            words = f"{name}: {printable(event.text)}"
            self._bars.console.print(words, style=_STYLES[event.event], markup=False, highlight=False)
        if event.event in _ENDS:
            if source in self._tasks:
                self._bars.remove_task(self._tasks.pop(source)[0])
            return
        if source not in self._tasks:
            task = self._bars.add_task(name, total=None, frames="", speed="")
            self._tasks[source] = task, Pace()
        if event.event == "progress":
            self._advance(*self._tasks[source], name, event)

    def _advance(self, task: TaskID, pace: Pace, name: str, event: ProgressEvent) -> None:
        rate, _ = pace.see(event)
        self._bars.update(
            task,
            description=f"{name} {event.stage}",
            total=event.frames,
            completed=event.frame,
            frames=f"{event.frame}" if event.frames is None else f"{event.frame}/{event.frames}",
            speed="" if rate is None else f"{rate:.1f} a second",
        )
