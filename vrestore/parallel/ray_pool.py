"""An executor on a Ray cluster: a task is a file or a part of one, worked on where there is room for it.

The machines open sources, masks and targets by the same paths, so they share the folders that these lie in.
A worker that is lost costs the segment it was at: its task is begun again, perhaps elsewhere, and goes on
from the finished segments beside the target. Ray is an extra and is loaded here only.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vrestore.errors import UsageError, VRestoreError
from vrestore.methods.base import Values
from vrestore.parallel.executor import Outcome, TaskEvent
from vrestore.parallel.process_pool import STALL_SECONDS
from vrestore.parallel.task import Task
from vrestore.parallel.worker import RateLimiter, outcome_of
from vrestore.progress import ProgressEvent

TRIES = 4
"""How often a task is begun in all when its workers are lost."""

_POLL_SECONDS = 0.1
_STOP_SECONDS = 30.0


class RayPool:
    """`count` tasks at a time on the cluster at an address.

    If that is None, on one of this machine alone, which is made and ended with this. A task takes as many
    processors as it has threads, and a GPU where it asks for a CUDA device.

    A task of which nothing is heard for `stall_seconds` is taken for lost, and its worker is ended.

    Raises UsageError when no cluster is found at the address.
    """

    def __init__(
        self,
        count: int,
        *,
        threads: int,
        address: str | None = None,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        import ray
        import ray.util.scheduling_strategies

        self._ray: Any = ray  # it has no types that are kept
        self._count, self._stall_seconds = count, stall_seconds
        self._running: dict[Any, _Running] = {}
        with _signals_kept():
            self._connect(count * threads, address)
        here = self._ray.get_runtime_context().get_node_id()
        where = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        # Beside this process: what is lost with this machine is not missed.
        mailbox = self._ray.remote(num_cpus=0)(_Mailbox)
        self._mailbox = mailbox.options(scheduling_strategy=where).remote()

    @property
    def free(self) -> int:
        return self._count - len(self._running)

    def start(self, number: int, task: Task) -> None:
        """Hand a task to the cluster."""
        self._begin(_Running(number, task))

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Return what was heard since the last time."""
        end, events = time.monotonic() + seconds, list[TaskEvent]()
        while not events:
            began = time.monotonic()
            events += self._messages()
            events += self._ends()
            # What this process slept through is no silence of the workers.
            events += self._stalled(min(time.monotonic() - began, 2 * _POLL_SECONDS))
            if time.monotonic() >= end:
                break
        return events

    def close(self) -> None:
        """Interrupt what is under way, wait until it has cleared up, and leave the cluster."""
        for reference in self._running:
            self._ray.cancel(reference)
        if self._running:
            self._ray.wait([*self._running], num_returns=len(self._running), timeout=_STOP_SECONDS)
        self._running.clear()
        with _signals_kept():
            self._ray.shutdown()

    def _connect(self, processors: int, address: str | None) -> None:
        settings: dict[str, Any] = {"address": address} if address else {"num_cpus": processors}
        if not address:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or it tells its makers
            os.environ.setdefault("RAY_worker_niceness", "0")  # 15 else: all others come first
            settings |= {"address": "local", "include_dashboard": False}
        try:
            self._ray.init(log_to_driver=False, logging_level="ERROR", **settings)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"there is no Ray cluster at {address or 'this machine'!r} ({' '.join(str(error).split())}); "
                "start one with ray start --head"
            ) from error

    def _largest(self, kind: str) -> int:
        """Return how much of a kind the machine has that has most of it."""
        return max(int(node["Resources"].get(kind, 0)) for node in self._ray.nodes() if node["Alive"])

    def _begin(self, running: _Running) -> None:
        task = running.task
        processors = int(str(task.options.get("threads") or 1))
        processors = min(processors, self._largest("CPU"))  # more would be waited for without end
        graphics = str(task.options.get("device", "")).startswith("cuda") and self._largest("GPU") > 0
        work = self._ray.remote(num_cpus=processors, num_gpus=int(graphics), max_retries=0)(_work)
        fields = {name: value for name, value in asdict(task).items() if name != "refused"}
        reference = work.remote(running.number, fields, str(Path.cwd()), self._mailbox)
        self._running[reference] = running

    def _messages(self) -> Iterator[TaskEvent]:
        running = {each.number: each for each in self._running.values()}
        for number, event in self._ray.get(self._mailbox.take.remote()):
            if number not in running:
                continue
            running[number].silent_seconds = 0.0
            if event is not None:
                yield TaskEvent(number, ProgressEvent(**event))

    def _ends(self) -> Iterator[TaskEvent]:
        if not self._running:
            time.sleep(_POLL_SECONDS)
            return
        ready, _ = self._ray.wait([*self._running], timeout=_POLL_SECONDS)
        for reference in ready:
            running = self._running.pop(reference)
            try:
                yield TaskEvent(running.number, Outcome(**self._ray.get(reference)))
            except self._ray.exceptions.RayError as error:
                yield self._lost(running, f"its worker was lost ({type(error).__name__})", str(error))

    def _stalled(self, seconds: float) -> Iterator[TaskEvent]:
        """Give up tasks of which nothing was heard for too long, these seconds included."""
        for reference, running in list(self._running.items()):
            if running.silent_seconds is None:  # it waits for room
                continue
            running.silent_seconds += seconds
            if running.silent_seconds > self._stall_seconds:
                self._ray.cancel(reference, force=True)
                del self._running[reference]  # also if it cannot even be ended
                words = f"nothing was heard of its worker for {self._stall_seconds:g} s; that was stopped"
                yield self._lost(running, words)

    def _lost(self, running: _Running, words: str, log: str = "") -> TaskEvent:
        running.tries += 1
        running.silent_seconds = None
        if running.tries == TRIES:
            text = f"{words}, {TRIES} times in all; was there too little memory? pass --memory with less"
            return TaskEvent(running.number, Outcome(VRestoreError.exit_code, text, log=log))
        self._begin(running)
        return TaskEvent(running.number, ProgressEvent("warning", text=f"{words}; it is begun again"))


@dataclass(slots=True)
class _Running:
    number: int
    task: Task
    tries: int = 0
    silent_seconds: float | None = None


class _Mailbox:
    """An actor that takes what workers tell until it is fetched."""

    def __init__(self) -> None:
        self._messages: list[tuple[int, Values | None]] = []

    def put(self, number: int, event: Values | None) -> None:
        """Take a message about the task of a number; None says that it is begun."""
        self._messages.append((number, event))

    def take(self) -> list[tuple[int, Values | None]]:
        """Return all messages."""
        messages, self._messages = self._messages, []
        return messages


def _work(number: int, fields: dict[str, Any], folder: str, mailbox: Any) -> Values:  # noqa: ANN401 - an actor
    """Do a task in a worker; names are meant from where the batch was begun."""
    mailbox.put.remote(number, None)
    os.chdir(folder)
    shown = RateLimiter()

    def progress(event: ProgressEvent) -> None:
        if shown.is_due(event):
            mailbox.put.remote(number, asdict(event))

    return outcome_of(Task(**fields), progress)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put back the handlers that Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(TypeError, ValueError):
                signal.signal(number, handler)
