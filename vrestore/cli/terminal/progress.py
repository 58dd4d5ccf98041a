"""How far the work is, on stderr: a bar on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from vrestore.cli.options import Style
from vrestore.cli.terminal.log import Log
from vrestore.cli.terminal.report import printable
from vrestore.device.system_memory import resident_bytes
from vrestore.errors import verdict_on
from vrestore.progress import ProgressEvent

_PLAIN_SECONDS = 10.0
_JSON_SECONDS = 0.5

Show = Callable[[ProgressEvent], None]


@contextmanager
def progress_shown(style: Style | None, *, source: str, log: Log) -> Iterator[Show]:
    """Yield what a run reports to; None is rich on a terminal and plain elsewhere."""
    chosen = style or ("rich" if sys.stderr.isatty() else "plain")
    with _shower(chosen, source) as show:

        def tell(event: ProgressEvent) -> None:
            log.event(event)
            show(event)

        yield tell


@contextmanager
def _shower(style: Style, source: str) -> Iterator[Show]:
    if style == "rich":
        with _Bar() as bar:
            yield bar
    elif style == "plain":
        yield Lines(source)
    elif style == "json":
        with _ended(Objects(source)) as show:
            yield show
    else:
        yield _show_nothing


@contextmanager
def _ended(show: Show) -> Iterator[Show]:
    """Tell how a run ended, for those who read nothing else."""
    try:
        yield show
    except KeyboardInterrupt:
        show(ProgressEvent("error", text="interrupted"))
        raise
    except Exception as error:
        show(ProgressEvent("error", text=verdict_on(error)[0]))
        raise
    show(ProgressEvent("done"))


def _show_nothing(event: ProgressEvent) -> None:
    """Show no progress; warnings are in the report."""


class Pace:
    """Frames a second and seconds left of the stage under way, from its first event on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage, self._first, self._began = "", 0, clock()

    def see(self, event: ProgressEvent) -> tuple[float | None, float | None]:
        """Return (frames a second, seconds left), None while they cannot be known."""
        if event.stage != self._stage or event.frame < self._first:
            self._stage, self._first, self._began = event.stage, event.frame, self._clock()
        elapsed, done = self._clock() - self._began, event.frame - self._first
        if done <= 0 or elapsed <= 0:
            return None, None
        rate = done / elapsed
        left = None if event.frames is None else max(0, event.frames - event.frame) / rate
        return rate, left


class Lines:
    """A line for each thing that happens, and one every ten seconds while frames are counted."""

    def __init__(self, source: str) -> None:
        self._name = printable(Path(source).name)
        self._pace = Pace()
        self._next = 0.0

    def __call__(self, event: ProgressEvent) -> None:
        rate, left = self._pace.see(event)
        if event.event != "progress":
            words = " ".join(word for word in (event.stage, event.text) if word)
            if words:
                sys.stderr.write(f"{self._name}: {_label(event)}{printable(words)}\n")
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _PLAIN_SECONDS
        total = "" if event.frames is None else f"/{event.frames}"
        speed = "" if rate is None else f", {rate:.1f} fps"
        rest = "" if left is None else f", {_clock_time(left)} left"
        sys.stderr.write(f"{self._name}: {event.stage} {event.frame}{total}{speed}{rest}\n")
        sys.stderr.flush()


class Objects:
    """One JSON object a line, see docs/scripting.md. `memory` gives the MiB that the work holds now."""

    def __init__(self, source: str, *, memory: Callable[[], int | None] | None = None) -> None:
        self._source, self._memory = source, memory or _resident_megabytes
        self._pace = Pace()
        self._next = 0.0

    def __call__(self, event: ProgressEvent) -> None:
        rate, left = self._pace.see(event)
        now = time.monotonic()
        is_last = event.frame == event.frames
        if event.event == "progress" and now < self._next and not is_last:
            return
        if event.event == "progress":
            self._next = now + _JSON_SECONDS
        line: dict[str, object] = {"v": 1, "event": event.event, "file": self._source}
        if event.stage:
            line["stage"] = event.stage
        if event.text:
            line["text"] = event.text
        if event.event == "progress":
            line |= {"frame": event.frame, "frames": event.frames, "fps": _rounded(rate)}
            line |= {"eta_s": _rounded(left), "rss_mb": self._memory()}
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()


def bar_columns() -> list[ProgressColumn]:
    """Return the columns of a bar: what, how far, frames, speed, time left."""
    return [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[frames]}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    ]


class _Bar:
    """A bar with stage, frames, speed and time left."""

    def __init__(self) -> None:
        self._bar = Progress(*bar_columns(), console=Console(stderr=True), transient=True)
        self._pace = Pace()
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, event: ProgressEvent) -> None:
        rate, _ = self._pace.see(event)
        if event.event in {"warning", "plan"} and event.text:
            style = "yellow" if event.event == "warning" else None
            self._bar.console.print(
                f"{_label(event)}{event.text}", style=style, markup=False, highlight=False
            )
        if event.event != "progress":
            return
        total = "" if event.frames is None else f"/{event.frames}"
        speed = "" if rate is None else f"{rate:.1f} fps"
        if self._task is None:
            self._task = self._bar.add_task(event.stage, total=event.frames, frames="", speed="")
        self._bar.update(
            self._task,
            description=event.stage,
            total=event.frames,
            completed=event.frame,
            frames=f"{event.frame}{total}",
            speed=speed,
        )


def _label(event: ProgressEvent) -> str:
    return f"{event.event}: " if event.event in {"warning", "error"} else ""


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _resident_megabytes() -> int | None:
    """Return what the process holds in memory now, None where the system does not tell."""
    held = resident_bytes()
    return None if held is None else held // 2**20
