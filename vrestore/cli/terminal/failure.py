"""What a failure looks like: one red line on stderr, an exit code, and a clean stop by signals."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer
from rich.console import Console

from vrestore.cli.terminal.log import Log
from vrestore.cli.terminal.report import printable
from vrestore.errors import Interrupted, verdict_on

if sys.platform == "win32":
    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)  # the last one is sent to groups of processes
else:
    _SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def failures_shown(*, debug: bool, log_file: str | None = None) -> Iterator[Log]:
    """Turn what is raised inside into a line and an exit; yields the log to write to."""
    log = Log()
    try:
        log.open(log_file)
        with _stopped_by_signals():
            yield log
    except typer.Exit:
        raise
    except (KeyboardInterrupt, typer.Abort):
        fail("interrupted; nothing was written", Interrupted.exit_code, log=log, debug=debug)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback in a user's face
        words, exit_code = verdict_on(error)
        fail(words, exit_code, log=log, debug=debug)
    finally:
        log.close()


def fail(words: str, exit_code: int, *, log: Log, debug: bool) -> None:
    """Show the exception being handled in one line, with its traceback under `debug`, and exit."""
    log.write("error", words)
    log.write("trace", traceback.format_exc())
    if debug:
        sys.stderr.write(traceback.format_exc())
    line = printable(" ".join(words.split()))
    Console(stderr=True, soft_wrap=True).print(
        f"vrestore: {line}", style="red", markup=False, highlight=False
    )
    raise typer.Exit(exit_code)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let the first of the signals raise KeyboardInterrupt and the second one kill."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
