"""An executor that hands out the parts of long videos to another one, and all other tasks whole."""

from __future__ import annotations

import queue
import threading
from collections import deque
from dataclasses import dataclass
from itertools import count

from vrestore.errors import Interrupted
from vrestore.methods.registry import methods
from vrestore.parallel.distributed import run_on
from vrestore.parallel.executor import Executor, Outcome, TaskEvent
from vrestore.parallel.task import Task
from vrestore.parallel.worker import RateLimiter, failure, success
from vrestore.progress import ProgressEvent

_POLL_SECONDS = 0.1
_STOP_SECONDS = 30.0


class ShardExecutor:
    """`most` videos at a time; each is surveyed and joined in a thread of this process.

    ProcessPool get what is to be done in the order in which it comes, whichever video it is of.
    """

    def __init__(self, executor: Executor, most: int) -> None:
        self._executor, self._most = executor, most
        self._videos: dict[int, threading.Thread | None] = {}
        self._orders: deque[_PendingTask] = deque()
        self._given: dict[int, _PendingTask] = {}
        self._numbers = count()
        self._said: queue.SimpleQueue[TaskEvent] = queue.SimpleQueue()
        self._is_closed = threading.Event()

    @property
    def free(self) -> int:
        return self._most - len(self._videos)

    def start(self, number: int, task: Task) -> None:
        """Begin with a video."""
        self._videos[number] = None
        if not _may_be_divided(task):
            self._orders.append(_PendingTask(number, task))
            return
        thread = threading.Thread(target=self._conduct, args=(number, task), name="spread", daemon=True)
        self._videos[number] = thread
        thread.start()

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Hand out what is to be done, and return what has happened to the videos."""
        while self._orders and self._executor.free:
            order = self._orders.popleft()
            if order.door is not None and order.door.is_over:
                continue
            number = next(self._numbers)
            self._given[number] = order
            self._executor.start(number, order.task)
        if self._given:
            for happening in self._executor.wait(min(seconds, _POLL_SECONDS)):
                self._hear(happening)
        happenings = list[TaskEvent]()
        try:
            happenings.append(self._said.get(timeout=0 if self._given else _POLL_SECONDS))
            while True:
                happenings.append(self._said.get_nowait())
        except queue.Empty:
            pass
        for happening in happenings:
            if isinstance(happening.what, Outcome):
                del self._videos[happening.number]
        return happenings

    def close(self) -> None:
        """Stop what is under way; a thread ends when it next asks for something."""
        self._is_closed.set()
        self._executor.close()
        for thread in self._videos.values():
            if thread is not None:
                thread.join(_STOP_SECONDS)
        self._videos.clear()

    def _hear(self, happening: TaskEvent) -> None:
        order = self._given[happening.number]
        if isinstance(happening.what, Outcome):
            del self._given[happening.number]
        box = self._said if order.door is None else order.door.box
        box.put(TaskEvent(order.number, happening.what))

    def _conduct(self, number: int, task: Task) -> None:
        shown = RateLimiter()

        def progress(event: ProgressEvent) -> None:
            if shown.is_due(event):
                self._said.put(TaskEvent(number, event))

        door = _VideoExecutor(self._orders, self._executor, self._is_closed)
        try:
            report = run_on(door, task, progress=progress)
        except Exception as error:  # noqa: BLE001 - the other videos go on
            door.is_over = True
            self._said.put(TaskEvent(number, failure(error)))
            return
        if report is None:
            self._orders.append(_PendingTask(number, task))
        else:
            self._said.put(TaskEvent(number, success(report)))


def _may_be_divided(task: Task) -> bool:
    method = methods().get(task.command)
    return method is not None and method.sharding is not None


@dataclass(frozen=True, slots=True)
class _PendingTask:
    """Something to be done: a part, of which is told at a door, or a whole video."""

    number: int
    task: Task
    door: _VideoExecutor | None = None


class _VideoExecutor:
    """What the thread of one video takes for the executor; orders wait behind it for their turn.

    Once it `is_over`, nothing is done any more of what waits.
    """

    def __init__(self, orders: deque[_PendingTask], executor: Executor, is_closed: threading.Event) -> None:
        self._orders, self._executor, self._is_closed = orders, executor, is_closed
        self.is_over = False
        self.box: queue.SimpleQueue[TaskEvent] = queue.SimpleQueue()

    @property
    def free(self) -> int:
        return max(0, self._executor.free - len(self._orders))

    def start(self, number: int, task: Task) -> None:
        """Put a part in the row."""
        self._check_open()
        self._orders.append(_PendingTask(number, task, self))

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Return what was heard of the parts."""
        self._check_open()
        try:
            return [self.box.get(timeout=seconds)]
        except queue.Empty:
            return []

    def close(self) -> None:
        """Do nothing: the parts end with all others."""

    def _check_open(self) -> None:
        if self._is_closed.is_set():
            raise Interrupted("the batch was stopped")
