"""An executor of worker processes on this machine."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from vrestore.errors import TargetError, VRestoreError
from vrestore.parallel.executor import Outcome, TaskEvent
from vrestore.parallel.task import Task
from vrestore.progress import ProgressEvent
from vrestore.run.state_folder import sole_writer

STALL_SECONDS = 600.0
"""A task of which nothing has been heard for so long is stopped."""

_POLL_SECONDS = 0.5
_STOP_SECONDS = 30.0  # for a worker to clear up in
_LAST_WORDS = 4000  # bytes of what a worker printed that go into a log

if sys.platform == "win32":
    _OWN_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _OWN_GROUP = 0  # there a session of its own does it

Said = tuple["_Worker", bytes]


class ProcessPool:
    """`count` processes, started when there is work and kept, so that libraries and weights load once.

    A process that dies or falls silent costs its task, and the next task gets a new process.
    """

    def __init__(self, count: int, *, stall_seconds: float = STALL_SECONDS) -> None:
        self._count, self._stall_seconds = count, stall_seconds
        self._workers: list[_Worker] = []
        self._said: queue.SimpleQueue[Said] = queue.SimpleQueue()

    @property
    def free(self) -> int:
        return self._count - sum(worker.number is not None for worker in self._workers)

    @property
    def process_ids(self) -> list[int]:
        """The processes that are there now."""
        return [worker.process_id for worker in self._workers]

    def start(self, number: int, task: Task) -> None:
        """Hand a task to a process that has none, or to a new one."""
        worker = next((worker for worker in self._workers if worker.number is None), None)
        if worker is None:
            worker = _Worker(self._said.put)
            self._workers.append(worker)
        worker.give(number, task)

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Return what the workers said since the last time."""
        end, happenings = time.monotonic() + seconds, list[TaskEvent]()
        while not happenings:
            began = time.monotonic()
            left = min(end - began, _POLL_SECONDS)
            try:
                happenings += self._heard(*self._said.get(timeout=max(0.0, left)))
                while True:
                    happenings += self._heard(*self._said.get_nowait())
            except queue.Empty:
                pass
            # What this process slept through is no silence of the workers.
            self._note_silence(min(time.monotonic() - began, _POLL_SECONDS))
            if time.monotonic() >= end:
                break
        return happenings

    def close(self) -> None:
        """Stop all processes; each takes back what it has half written."""
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _heard(self, worker: _Worker, line: bytes) -> list[TaskEvent]:
        worker.silent_seconds = 0.0
        if not line:
            return self._ended(worker)
        try:
            said = json.loads(line)
        except ValueError:  # printed before the worker took over, or torn by its end
            worker.stray += line[:_LAST_WORDS]
            return []
        if "event" in said:
            return [TaskEvent(said["number"], ProgressEvent(**said["event"]))]
        worker.number = None
        return [TaskEvent(said["number"], Outcome(**said["outcome"]))]

    def _ended(self, worker: _Worker) -> list[TaskEvent]:
        number, words = worker.number, worker.end()
        self._workers.remove(worker)
        if number is None:
            return []
        return [TaskEvent(number, Outcome(VRestoreError.exit_code, words, log=worker.last_words))]

    def _note_silence(self, seconds: float) -> None:
        for worker in self._workers:
            worker.silent_seconds += seconds if worker.number is not None else 0.0
            if worker.silent_seconds > self._stall_seconds:
                worker.give_up(f"nothing was heard of it for {self._stall_seconds:g} s; it was stopped")


class _Worker:
    """One process. `number` is that of its task, None when it has none."""

    def __init__(self, hear: Callable[[Said], None]) -> None:
        self.number: int | None = None
        self.silent_seconds = 0.0
        self.last_words, self.stray = "", b""
        self._task: Task | None = None
        self._given_up = ""
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vrestore.parallel.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            env=os.environ | {"PYTHONPATH": _search_path()},
            # Ctrl-C is for us; we stop the workers.
            start_new_session=sys.platform != "win32",
            creationflags=_OWN_GROUP,
        )
        self._reader = threading.Thread(target=self._read, args=(hear,), daemon=True)
        self._reader.start()

    @property
    def process_id(self) -> int:
        return self._process.pid

    def give(self, number: int, task: Task) -> None:
        """Send a task; a process that is dead already is heard of like any other."""
        self.number, self._task, self.silent_seconds = number, task, 0.0
        values = {name: value for name, value in asdict(task).items() if name != "refused"}
        line = json.dumps({"number": number, "task": values}).encode() + b"\n"
        if self._process.stdin is not None:
            with suppress(OSError):  # a broken pipe, for which Windows has more than one number
                self._process.stdin.write(line)
                self._process.stdin.flush()

    def give_up(self, words: str) -> None:
        """Kill the process, for this reason."""
        self._given_up = words
        self._process.kill()

    def stop(self) -> None:
        """Ask the process to end."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def end(self) -> str:
        """Wait for the end, clear up after a process that could not, and say how it came about."""
        self.stop()
        try:
            status = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self.last_words = self._last_words()
        self._printed.close()
        if self._task is not None and _was_killed(status):
            _clear_up(self._task)
        return self._given_up or _why_ended(status)

    def _read(self, hear: Callable[[Said], None]) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                hear((self, line))
        hear((self, b""))

    def _last_words(self) -> str:
        length = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, length - _LAST_WORDS))
        return (self.stray + self._printed.read()).decode(errors="replace")


def _clear_up(task: Task) -> None:
    """Remove what a killed process left beside a target, unless another one is at it."""
    try:
        with sole_writer(task.target):
            pass
    except TargetError:
        return


def _was_killed(status: int) -> bool:
    """Say whether a process with this exit status may have left something half done.

    Windows has no signals: a process that is killed there ends with whatever number its killer chose.
    """
    return status != 0 if sys.platform == "win32" else status < 0


def _why_ended(status: int) -> str:
    if status >= 0:
        return f"the process that worked on it ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    # What the system kills by itself, it kills for the memory. By its name: Windows has no such signal.
    cause = "; was there too little memory? pass --memory with less" if name == "SIGKILL" else ""
    return f"the process that worked on it was ended by {name}{cause}"


def _search_path() -> str:
    """Return where this process finds modules, for a process that looks nowhere else."""
    home = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([home, *(entry for entry in sys.path if entry and os.pathsep not in entry)])
