"""What a step needs, drawn while the step before is learnt from."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Calls a function of the step for the steps to come, on threads; steps are asked for in order.

    numpy and OpenCV leave other threads alone with their work, so drawing costs a step no time where there is
    a core for it.
    """

    def __init__(self, draw: Callable[[int], T], *, threads: int) -> None:
        self._draw, self._threads = draw, threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="drawing")
        self._coming: dict[int, Future[T]] = {}

    def at(self, step: int) -> T:
        """Return what the function gives for a step, and begin with those that follow."""
        for each in range(step, step + self._threads + 1):
            if each not in self._coming:
                self._coming[each] = self._pool.submit(self._draw, each)
        for passed in [each for each in self._coming if each < step]:
            self._coming.pop(passed).cancel()
        return self._coming.pop(step).result()
