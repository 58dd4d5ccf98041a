"""What is done beside other work: values that are still on their way, and how many threads a call may use."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")
Given = TypeVar("Given", covariant=True)


class Pending(Protocol[Given]):
    """A value that may still be on its way; a `concurrent.futures.Future` is one."""

    def result(self) -> Given:
        """Wait for the value and return it."""
        ...


@dataclass(frozen=True, slots=True)
class Arrived(Generic[T]):
    """A value that is there, where one on its way could be."""

    value: T

    def result(self) -> T:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Awaited(Generic[T]):
    """A value that `wait` waits for and gives, as often as it is asked."""

    wait: Callable[[], T]

    def result(self) -> T:
        """Wait for the value and return it."""
        return self.wait()


def mapped(
    executor: Executor, work: Callable[[Item], T], items: Iterable[Item], *, ahead: int
) -> Iterator[T]:
    """Yield what `work` makes of items, in order, done on an executor's threads up to `ahead` items ahead."""
    pending: deque[Future[T]] = deque()
    for item in items:
        pending.append(executor.submit(work, item))
        # In order, and no more at once than were asked for: each holds what it works on.
        if len(pending) > ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let OpenCV, and torch if loaded, use one thread a call: frames are worked on side by side instead.

    With more, their threads and those of decoder and encoder wait for each other.
    """
    import cv2

    with ExitStack() as opened:
        opened.callback(cv2.setNumThreads, cv2.getNumThreads())
        cv2.setNumThreads(1)
        if "torch" in sys.modules:
            opened.enter_context(one_torch_thread())
        yield


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch use one thread a call."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def one_thread_here() -> None:
    """Let the thread that calls use no others for what torch does in it: each has a count of its own."""
    import torch

    torch.set_num_threads(1)
