"""A process that works on one task after the other: JSON lines in, JSON lines out, libraries loaded once.

    python -P -m vrestore.parallel.worker

A line on standard input is `{"number": 0, "task": {...}}`; the end of the input stops the process, also in
the middle of a task, which then clears up after itself. What anything prints goes to standard error.
"""

from __future__ import annotations

import _thread
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from typing import BinaryIO

from vrestore.errors import Interrupted, verdict_on
from vrestore.methods.base import Values
from vrestore.parallel.executor import Outcome
from vrestore.parallel.sharding.shard_worker import ShardReport
from vrestore.parallel.task import Task, run_task
from vrestore.progress import Progress, ProgressEvent
from vrestore.run.report import DetectionReport, Report

_MIN_INTERVAL_SECONDS = 0.1


def main() -> None:
    """Work until the input ends."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # nothing that a library prints may come between the replies
    requests = sys.stdin.buffer
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    try:
        while line := waiting.get():
            request = json.loads(line)
            _work(request["number"], Task(**request["task"]), replies)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(Interrupted.exit_code)


def _listen(requests: BinaryIO, waiting: queue.SimpleQueue[bytes]) -> None:
    """Hand on lines; the empty one at the end also interrupts the task under way."""
    for line in requests:
        waiting.put(line)
    waiting.put(b"")
    if sys.platform != "win32" and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # also wakes it from a wait
    else:
        _thread.interrupt_main()  # heard of at its next step


def _work(number: int, task: Task, replies: BinaryIO) -> None:
    def reply(**values: object) -> None:
        replies.write(json.dumps({"number": number, **values}).encode() + b"\n")

    shown = RateLimiter()

    def progress(event: ProgressEvent) -> None:
        if shown.is_due(event):
            reply(event=asdict(event))

    reply(outcome=outcome_of(task, progress))


def outcome_of(task: Task, progress: Progress) -> Values:
    """Return the fields of an Outcome; only being stopped is raised."""
    try:
        report = run_task(task, progress)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with one task, the next one has its turn
        return asdict(failure(error))
    return asdict(success(report))


def failure(error: Exception) -> Outcome:
    """Return the end of a task that an error ended."""
    words, exit_code = verdict_on(error)
    return Outcome(exit_code, " ".join(words.split()), log="".join(traceback.format_exception(error)))


def success(report: Report | DetectionReport | ShardReport) -> Outcome:
    """Return the end of a task that was done."""
    return Outcome(report.exit_code, "; ".join(report.damage), report.to_dict())


class RateLimiter:
    """Passes on what is news, and of the counted frames no more than a person can follow."""

    def __init__(self) -> None:
        self._next = 0.0

    def is_due(self, event: ProgressEvent) -> bool:
        """Tell whether to let this one pass."""
        now = time.monotonic()
        if event.event == "progress" and now < self._next and event.frame != event.frames:
            return False
        self._next = now + _MIN_INTERVAL_SECONDS
        return True


if __name__ == "__main__":
    main()
