"""An executor that deals a machine's devices out to the tasks of another one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from vrestore.parallel.executor import Executor, Outcome, TaskEvent
from vrestore.parallel.task import Task


class DevicePool:
    """Gives each task that names several devices the one of them that has least to do."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._busy: Counter[str] = Counter()
        self._given: dict[int, str] = {}

    @property
    def free(self) -> int:
        return self._executor.free

    def start(self, number: int, task: Task) -> None:
        """Begin with a task, on a device of its own."""
        asked = str(task.options.get("device", ""))
        if "," in asked:
            device = min(asked.split(","), key=lambda each: self._busy[each])
            self._busy[device] += 1
            self._given[number] = device
            task = replace(task, options={**task.options, "device": device})
        self._executor.start(number, task)

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Return what has happened."""
        happenings = self._executor.wait(seconds)
        for happening in happenings:
            if isinstance(happening.what, Outcome) and happening.number in self._given:
                self._busy[self._given.pop(happening.number)] -= 1
        return happenings

    def close(self) -> None:
        """Stop what is under way."""
        self._executor.close()
