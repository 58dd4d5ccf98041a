"""What a Ray cluster costs beside the work: one video on this machine, by one process and by workers.

    python -m benchmarks.cluster [--runs 3] [--seconds 60]

The video has a scene every ten seconds and a box of 5 % throughout. `vrestore inpaint --threads 2` and
`vrestore inpaint --executor ray --jobs 2 --threads 1` run in turns, so that a busy machine slows both; the
latter makes and ends a cluster of its own each time. Figures are medians of the whole command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np
from rich.console import Console

from benchmarks.bars import Bar, show_bars
from benchmarks.clips import Size, drawn_clip
from benchmarks.command import inpaint
from benchmarks.footage import RATE, box_of
from benchmarks.machine import RESULTS, Values, describe_machine, write_results

MOST_RATIO = 1.15
"""The bar: seconds on a cluster in times of those without."""

HOLE = 0.05
WORKERS = 2
SCENE_SECONDS = 10
SIZE = Size(272, 480)

_DRAWN_FRAMES = 50


def measure(runs: int, seconds: int) -> Values:
    """Time both and return the figures."""
    words = ("--box", box_of(HOLE), "--segment", str(2 * SCENE_SECONDS))
    ways = {
        "local": (*words, "--threads", str(WORKERS)),
        "ray": (*words, "--executor", "ray", "--jobs", str(WORKERS), "--threads", "1"),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    with TemporaryDirectory(prefix="vrestore-cluster-") as folder:
        video = Path(folder, "video.mp4")
        _draw(video, seconds * RATE)
        for _ in range(runs):
            for name, way in ways.items():
                ran, _ = inpaint(video, Path(folder, f"{name}.mp4"), *way)
                times[name].append(ran.seconds)
    found: Values = {f"{name}_seconds": median(each) for name, each in times.items()}
    return found | {"all_seconds": times, "ratio": median(times["ray"]) / median(times["local"])}


def _draw(path: Path, frames: int) -> None:
    """Write the demo's clip to and fro, as a negative in every second scene."""
    drawn = drawn_clip(_DRAWN_FRAMES).frames
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", RATE, width=SIZE.width, height=SIZE.height, pix_fmt="yuv420p"
        )
        for number, index in enumerate(islice(_to_and_fro(len(drawn)), frames)):
            picture = cv2.resize(drawn[index], (SIZE.width, SIZE.height), interpolation=cv2.INTER_CUBIC)
            codes = picture.astype(np.uint8) ^ np.uint8(255 * (number // (SCENE_SECONDS * RATE) % 2))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(codes, "rgb24")))
        container.mux(stream.encode(None))


def _to_and_fro(count: int) -> Iterator[int]:
    while True:
        yield from range(count)
        yield from range(count - 2, 0, -1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster")
    parser.add_argument("--runs", type=int, default=3, help="of each way (default 3)")
    parser.add_argument("--seconds", type=int, default=60, help="length of the video (default 60)")
    parser.add_argument("--json", type=Path, default=RESULTS / "cluster.json", metavar="PATH")
    words = parser.parse_args(arguments)
    console = Console()
    if find_spec("ray") is None:
        console.print("not measured: Ray is not here; pip install 'vrestore\\[cluster]'")
        sys.exit(0)
    machine, found = describe_machine(), measure(words.runs, words.seconds)
    bars = [Bar("times the seconds without a cluster", float(str(found["ratio"])), "at most", MOST_RATIO)]
    console.print(found)
    show_bars(bars, console)
    settings: Values = {"runs": words.runs, "seconds": words.seconds, "workers": WORKERS, "size": SIZE}
    results = found | {"bars": [bar.to_dict() for bar in bars]}
    write_results(words.json, benchmark="cluster", settings=settings, results=results, machine=machine)


if __name__ == "__main__":
    main()
