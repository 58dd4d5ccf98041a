"""How work is shared among processes, devices or machines."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import get_args

from vrestore.device.devices import core_count
from vrestore.device.memory import free_memory_bytes
from vrestore.errors import UsageError
from vrestore.option_schema import Plain, check_choice
from vrestore.parallel.process_pool import STALL_SECONDS
from vrestore.parallel.words import ClusterWords, ExecutorName
from vrestore.run.memory_limits import MEMORY_SHARE


@dataclass(frozen=True, slots=True)
class ParallelOptions:
    """How many tasks at a time, where, and what each may use.

    Args:
        jobs: how many at a time; they share the memory and the cores.
        memory_bytes: for all of them together; half of what is free if None.
        threads: for each; 0 shares the cores among them.
        executor: `local` for processes of this machine, `ray` for a Ray cluster, see `parallel.ray_pool`.
        address: of the cluster, such as `auto` or `head:6379`; one of this machine alone is made if None.
        stall_seconds: after so long without a sign of a task, its process is stopped.
    """

    jobs: int = 1
    memory_bytes: int | None = None
    threads: int = 0
    executor: ExecutorName = ClusterWords().executor
    address: str | None = None
    stall_seconds: float = STALL_SECONDS

    @property
    def threads_each(self) -> int:
        """How many threads a task has."""
        return self.threads or max(1, core_count() // self.jobs)

    @property
    def share(self) -> dict[str, Plain]:
        """What of the machine is for a task, as its options."""
        memory = self.memory_bytes or int(free_memory_bytes() * MEMORY_SHARE)
        return {"memory": memory // self.jobs, "threads": self.threads_each}

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise UsageError(f"jobs are 1 or more at a time, got {self.jobs}")
        check_choice("executor", self.executor, get_args(ExecutorName))
        if self.executor == "ray" and find_spec("ray") is None:
            raise UsageError("--executor ray needs Ray; pip install 'vrestore[cluster]'")
        if self.address is not None and self.executor != "ray":
            raise UsageError("an address is that of a Ray cluster; pass --executor ray with it")
        if self.stall_seconds <= 0:
            raise UsageError(f"a job may be silent for more than 0 s, got {self.stall_seconds:g}")
