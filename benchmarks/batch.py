"""What a batch costs beside the work itself, and whether memory stays as it is from file to file.

    python -m benchmarks.batch [--files 200]

Tiny clips are filled by one worker, as `vrestore batch inpaint` does. The work itself is what each job's own
report says it took; the overhead is the rest of the time between the ends of two files: hashing, the journal
with its fsync, handing out. Memory is the most that the worker has held (VmHWM) after file 10 and after the
last file, and what it holds then.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from rich.console import Console

from benchmarks.bars import Bar, show_bars
from benchmarks.machine import RESULTS, describe_machine, write_results
from vrestore.batching.folder import FolderJobs
from vrestore.batching.scheduler import BatchOptions, run_batch
from vrestore.parallel.executor import Outcome, TaskEvent
from vrestore.parallel.process_pool import ProcessPool
from vrestore.parallel.task import Task

MOST_OVERHEAD_SECONDS, MOST_GROWTH = 0.15, 1.05
"""The bars: seconds a file beyond the work itself, peak after the last file in times of that after 10."""

SETTLED = 10
"""Files after which all is loaded."""

HEIGHT, WIDTH, FRAMES = 48, 64, 8


class Watched:
    """A process pool that notes when each file ended, what its work took, and what the worker then held."""

    def __init__(self) -> None:
        self._workers = ProcessPool(1)
        self.ends: list[float] = []
        self.work_seconds: list[float] = []
        self.held_bytes: list[int] = []
        self.peak_bytes: list[int] = []

    @property
    def free(self) -> int:
        return self._workers.free

    def start(self, number: int, task: Task) -> None:
        """Hand a task on."""
        self._workers.start(number, task)

    def wait(self, seconds: float) -> list[TaskEvent]:
        """Hand happenings on, the ends noted."""
        happenings = self._workers.wait(seconds)
        for happening in happenings:
            if isinstance(happening.what, Outcome):
                self._note(happening.what)
        return happenings

    def close(self) -> None:
        """End the workers."""
        self._workers.close()

    def _note(self, outcome: Outcome) -> None:
        if outcome.report is None:
            raise RuntimeError(outcome.words)
        self.ends.append(time.perf_counter())
        self.work_seconds.append(float(str(outcome.report["seconds"])))
        (pid,) = self._workers.process_ids
        words = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split()
        self.held_bytes.append(int(words[words.index("VmRSS:") + 1]) * 1024)
        self.peak_bytes.append(int(words[words.index("VmHWM:") + 1]) * 1024)


def measure(files: int) -> dict[str, object]:
    """Fill so many clips and return the figures."""
    watched = Watched()
    with TemporaryDirectory() as place:
        folder = Path(place, "in")
        folder.mkdir()
        for number in range(files):
            _draw(folder / f"{number:04}.mp4", number)
        jobs = FolderJobs("inpaint", folder, options={"box": "20,16,12,10"})
        began = time.perf_counter()
        run_batch(jobs.tasks(), base=jobs.base, state=jobs.state, options=BatchOptions(), executor=watched)
        seconds = time.perf_counter() - began
    spans = np.diff(watched.ends)
    beyond = spans - np.array(watched.work_seconds[1:])
    return {
        "files": files,
        "seconds": seconds,
        "until_first_file_seconds": watched.ends[0] - began,
        "file_seconds_median": float(np.median(spans)),
        "work_seconds_median": float(np.median(watched.work_seconds)),
        "overhead_seconds_mean": float(beyond.mean()),
        "overhead_seconds_median": float(np.median(beyond)),
        "held_bytes_settled": watched.held_bytes[min(SETTLED, files) - 1],
        "held_bytes_last": watched.held_bytes[-1],
        "peak_bytes_settled": watched.peak_bytes[min(SETTLED, files) - 1],
        "peak_bytes_last": watched.peak_bytes[-1],
    }


def _draw(path: Path, seed: int) -> None:
    """Write a clip of a ramp that moves, another one for each seed."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
        for index in range(FRAMES):
            ramp = ((x * 3 + y * 2 + 7 * index + seed) % 256).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.stack([ramp] * 3, -1), "rgb24")))
        container.mux(stream.encode(None))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(description="what a batch costs beside the work itself")
    parser.add_argument("--files", type=int, default=200, help="how many clips (default 200)")
    parser.add_argument("--json", type=Path, default=RESULTS / "batch.json", metavar="PATH")
    words = parser.parse_args(arguments)
    machine, found, console = describe_machine(), measure(words.files), Console()
    growth = float(str(found["peak_bytes_last"])) / float(str(found["peak_bytes_settled"]))
    overhead = float(str(found["overhead_seconds_mean"]))
    bars = [
        Bar("overhead of a file", overhead, "at most", MOST_OVERHEAD_SECONDS, " s"),
        Bar(f"peak after file {words.files}, of that after {SETTLED}", growth, "at most", MOST_GROWTH),
    ]
    console.print(json.dumps(found, indent=2))
    show_bars(bars, console)
    results = found | {"bars": [bar.to_dict() for bar in bars]}
    write_results(
        words.json, benchmark="batch", settings={"files": words.files}, results=results, machine=machine
    )


if __name__ == "__main__":
    main()
