"""A pool of samples, made by worker processes ahead of the steps that use them.

Step `s` draws from a window of samples that moves with it, so which samples a step sees does not depend on
how fast they are made.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from ctypes import c_longlong
from functools import lru_cache
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
import torch

from vrestore.errors import VRestoreError
from vrestore.training.inpaint.samples import Sample

POLL_SECONDS = 0.1

Maker = Callable[[int], Sample]
"""Makes sample n; it is sent to other processes."""


class Pool:
    """Samples on disk, those of a window around the current step.

    `reuse` says how often a sample is used on average, `span` how many the window holds. What keeps the
    maker from going on, such as a picture that cannot be read, is raised by `draw`.
    """

    def __init__(
        self, maker: Maker, folder: Path, *, workers: int, batch: int, reuse: int, span: int
    ) -> None:
        self._folder, self._batch, self._reuse, self._span = folder, batch, reuse, span
        folder.mkdir(parents=True, exist_ok=True)
        # Not forked: torch's threads and a CUDA context do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._end: Synchronized[int] = context.Value(c_longlong, 0)
        self._start: Synchronized[int] = context.Value(c_longlong, 0)
        self._troubles: SimpleQueue[VRestoreError] = context.SimpleQueue()
        self._processes: list[BaseProcess] = [
            context.Process(
                target=_work,
                args=(maker, folder, self._start, self._end, self._troubles, worker, workers, os.getpid()),
                daemon=True,
            )
            for worker in range(workers)
        ]
        # A sample is drawn several times within a span, and reading it takes longer than a draw.
        self._load = lru_cache(maxsize=max(64, span // 4))(Sample.load)

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.join()

    def draw(self, step: int, rng: np.random.Generator) -> list[Sample]:
        """Return the samples of a step, waiting for those that are not made yet."""
        first, end = self.window(step)
        self._start.value = first
        # Workers may be as many steps ahead as make two batches, so that the disk does not fill.
        self._end.value = self.window(step + 2 * self._reuse)[1]
        for old in range(self.window(step - 1)[0] if step else first, first):
            _path(self._folder, old).unlink(missing_ok=True)
        return [self._get(int(index)) for index in rng.integers(first, end, self._batch)]

    def window(self, step: int) -> tuple[int, int]:
        """Return the first sample that a step may draw and the one behind the last."""
        # The end moves on by batch / reuse samples a step, of which each is drawn `reuse` times on average.
        end = 2 * self._batch + step * self._batch // self._reuse
        return max(0, end - self._span), end

    def _get(self, index: int) -> Sample:
        path = _path(self._folder, index)
        while not path.exists():
            ended = [process.exitcode for process in self._processes if process.exitcode is not None]
            if not self._troubles.empty():
                raise self._troubles.get()
            if ended:
                raise VRestoreError(
                    f"a process that makes samples ended with {ended[0]} before sample {index} was made; "
                    "start the command again, and it goes on at the last checkpoint"
                )
            time.sleep(POLL_SECONDS)
        return self._load(path)


def _path(folder: Path, index: int) -> Path:
    return folder / f"{index:08d}.pt"


def _work(
    maker: Maker,
    folder: Path,
    start: Synchronized[int],
    end: Synchronized[int],
    troubles: SimpleQueue[VRestoreError],
    worker: int,
    workers: int,
    parent: int,
) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    index = worker
    while os.getppid() == parent:  # a worker whose parent was killed would go on for ever
        first = start.value
        # Samples n with n = worker (mod workers) are this worker's; those before the window are passed over.
        if index < first:
            index += -(-(first - index) // workers) * workers
        if index >= end.value:
            time.sleep(POLL_SECONDS)
            continue
        path = _path(folder, index)
        try:
            if not path.exists():
                maker(index).save(path)
        except VRestoreError as error:
            troubles.put(error)
            return
        index += workers
