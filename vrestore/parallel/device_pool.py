"""An executor that deals a machine's devices out to the tasks of another one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from vrestore.parallel.executor import Executor, Outcome, TaskEvent
from vrestore.parallel.task import Task


class DevicePool:
    """Sends each task that names several devices to the one of them that has least to do."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._busy: Counter[str] = Counter()
        self._devices: dict[int, str] = {}

    @property
    def free(self) -> int:
        return self._executor.free

    def start(self, number: int, task: Task) -> None:
        """Begin with a task, on a device of its own."""
        asked = str(task.options.get("device", ""))
        if "," in asked:
            # Of two with as many tasks the one that is named first, so that a single task has the first
            # device.
            device = min(asked.split(","), key=lambda each: self._busy[each])
            self._busy[device] += 1
            self._devices[number] = device
            task = replace(task, options={**task.options, "device": device})
        self._executor.start(number, task)

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Return what has happened."""
        events = self._executor.wait(seconds)
        for event in events:
            if isinstance(event.what, Outcome) and event.number in self._devices:
                self._busy[self._devices.pop(event.number)] -= 1
        return events

    def close(self) -> None:
        """Stop what is under way."""
        self._executor.close()
