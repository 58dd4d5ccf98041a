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
    """Works on `max_videos` at a time; each is surveyed and joined in a thread of this process.

    Workers get what is to be done in the order in which it comes, whichever video it is of.
    """

    def __init__(self, executor: Executor, max_videos: int) -> None:
        self._executor, self._max_videos = executor, max_videos
        self._videos: dict[int, threading.Thread | None] = {}
        self._pending: deque[_PendingTask] = deque()
        self._running: dict[int, _PendingTask] = {}
        self._numbers = count()
        self._events: queue.SimpleQueue[TaskEvent] = queue.SimpleQueue()
        self._is_closed = threading.Event()

    @property
    def free(self) -> int:
        return self._max_videos - len(self._videos)

    def start(self, number: int, task: Task) -> None:
        """Begin with a video."""
        self._videos[number] = None
        if not _may_be_divided(task):
            self._pending.append(_PendingTask(number, task))
            return
        thread = threading.Thread(
            target=self._run_video, args=(number, task), name="sharded-video", daemon=True
        )
        self._videos[number] = thread
        thread.start()

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Hand out what is to be done, and return what has happened to the videos."""
        while self._pending and self._executor.free:
            pending = self._pending.popleft()
            if pending.video is not None and pending.video.is_over:
                continue
            number = next(self._numbers)
            self._running[number] = pending
            self._executor.start(number, pending.task)
        if self._running:
            for event in self._executor.wait(min(seconds, _POLL_SECONDS)):
                self._route(event)
        events = list[TaskEvent]()
        try:
            events.append(self._events.get(timeout=0 if self._running else _POLL_SECONDS))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            pass
        for event in events:
            if isinstance(event.what, Outcome):
                del self._videos[event.number]
        return events

    def close(self) -> None:
        """Stop what is under way; a thread ends when it next asks for something."""
        self._is_closed.set()
        self._executor.close()
        for thread in self._videos.values():
            if thread is not None:
                thread.join(_STOP_SECONDS)
        self._videos.clear()

    def _route(self, event: TaskEvent) -> None:
        pending = self._running[event.number]
        if isinstance(event.what, Outcome):
            del self._running[event.number]
        events = self._events if pending.video is None else pending.video.events
        events.put(TaskEvent(pending.number, event.what))

    def _run_video(self, number: int, task: Task) -> None:
        shown = RateLimiter()

        def progress(event: ProgressEvent) -> None:
            if shown.is_due(event):
                self._events.put(TaskEvent(number, event))

        video = _VideoExecutor(self._pending, self._executor, self._is_closed)
        try:
            report = run_on(video, task, progress=progress)
        except Exception as error:  # noqa: BLE001 - the other videos go on
            video.is_over = True
            self._events.put(TaskEvent(number, failure(error)))
            return
        if report is None:  # it cannot be divided after all
            self._pending.append(_PendingTask(number, task))
        else:
            self._events.put(TaskEvent(number, success(report)))


def _may_be_divided(task: Task) -> bool:
    method = methods().get(task.command)
    return method is not None and method.sharding is not None


@dataclass(frozen=True, slots=True)
class _PendingTask:
    """Something to be done: a part, whose events go to its video, or a whole video where that is None."""

    number: int
    task: Task
    video: _VideoExecutor | None = None


class _VideoExecutor:
    """What the thread of one video takes for the executor; tasks wait behind it for their turn.

    Once it `is_over`, nothing is done any more of what waits.
    """

    def __init__(self, pending: deque[_PendingTask], executor: Executor, is_closed: threading.Event) -> None:
        self._pending, self._executor, self._is_closed = pending, executor, is_closed
        self.is_over = False
        self.events: queue.SimpleQueue[TaskEvent] = queue.SimpleQueue()

    @property
    def free(self) -> int:
        # What waits comes first, or a video would survey far ahead of what there are workers for.
        return max(0, self._executor.free - len(self._pending))

    def start(self, number: int, task: Task) -> None:
        """Put a part in the row."""
        self._check_open()
        self._pending.append(_PendingTask(number, task, self))

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Return what was heard of the parts."""
        self._check_open()
        try:
            return [self.events.get(timeout=seconds)]
        except queue.Empty:
            return []

    def close(self) -> None:
        """Do nothing: the parts end with all others."""

    def _check_open(self) -> None:
        if self._is_closed.is_set():
            raise Interrupted("the batch was stopped")
