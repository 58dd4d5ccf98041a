"""The parts of `benchmarks.gpu`: what is run on a device and on the processor, and what is read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np

from benchmarks.bars import Bar
from benchmarks.clips import Size
from benchmarks.command import Account, Run, restore
from benchmarks.footage import LARGE, SMALL, TINY, Footage, box_of, make
from benchmarks.machine import Values
from vrestore.device.memory import DEVICE_SHARE, free_device_bytes, parse_bytes
from vrestore.errors import OutOfMemory
from vrestore.media.reader import open_video

BOUNDS, DEFAULT = ("2GiB", "4GiB"), "default"
SHORT, LONG = 0.1, 1.0
"""Lengths of the two videos whose peaks are compared, in `--frames`."""

AGREEMENT_FRAMES = 40
MOST_GROWTH = 1.05


@dataclass(frozen=True)
class Scene:
    """A size of video: the share of the picture that the hole covers, and the length in `--frames`."""

    size: Size
    hole: float
    length: float
    min_rate: float | None = None
    """The bar of inpainting without a network: frames a second."""


SCENES = {
    "432x240": Scene(TINY, 0.07, 1.0, min_rate=150.0),
    "854x480": Scene(SMALL, 0.05, 0.6),
    "1920x1080": Scene(LARGE, 0.10, 0.24, min_rate=40.0),
    "3840x2160": Scene(Size(2160, 3840), 0.10, 0.06),
}


@dataclass(frozen=True)
class Work:
    """A command that is measured; `words` are beside those for source, target, hole and device."""

    name: str
    command: Literal["inpaint", "dehaze"]
    words: tuple[str, ...] = ()

    def on(self, device: str, hole: float) -> list[str]:
        """Return its words on a device."""
        marks = ["--box", box_of(hole)] if self.command == "inpaint" else []
        return [*marks, *self.words, "--device", device]


PROPAGATE = Work("inpaint", "inpaint", ("--method", "propagate"))
DEHAZE = Work("dehaze", "dehaze")


@dataclass(frozen=True)
class Speed:
    """Runs of one command on one device: the median and the bounds of frames a second.

    `start_seconds` are those before and after the work, mostly for loading libraries; `peak_bytes` is the
    process's memory, `device_peak_bytes` the device's, None where none worked or the report does not say.
    """

    frames: int
    rate: float
    lowest_rate: float
    highest_rate: float
    start_seconds: float
    stage_seconds: dict[str, float]
    peak_bytes: int
    device_peak_bytes: int | None


@dataclass(frozen=True)
class Outcome:
    """What a part found, and how that compares with the bars."""

    figures: Values
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """What the parts share; `device` is what is set against the processor."""

    folder: Path
    data: Path | None
    runs: int
    frames: int
    works: tuple[Work, ...]
    cpu_runs: int = 1
    scenes: tuple[str, ...] = tuple(SCENES)
    device: str = "cuda"

    def footage(self, size: Size, length: float) -> Footage:
        """Make a video of a length in `frames`."""
        frames = max(2, round(length * self.frames))
        return make(Footage(self.folder / "video.mp4", self.folder / "mask.mkv", frames, size), self.data)

    def run(self, work: Work, footage: Footage, *words: str, accepted: int = 0) -> tuple[Run, Account | None]:
        """Run a command once; see `restore`."""
        return restore(work.command, footage.video, self.folder / "result.mp4", *words, accepted=accepted)

    def account(self, work: Work, footage: Footage, *words: str) -> tuple[Run, Account]:
        """Run a command that must do its work once."""
        ran, account = self.run(work, footage, *words)
        if account is None:
            raise AssertionError("a run that fails raises")
        return ran, account


def summed_up(runs: Sequence[tuple[Run, Account]]) -> Speed:
    """Return the medians of runs of the same command on the same video."""
    rates = [account.frames / account.seconds for _, account in runs]
    last = runs[-1][1]
    peaks = [account.device_memory_bytes for _, account in runs if account.device_memory_bytes is not None]
    return Speed(
        frames=last.frames,
        rate=median(rates),
        lowest_rate=min(rates),
        highest_rate=max(rates),
        start_seconds=median(ran.seconds - account.seconds for ran, account in runs),
        stage_seconds={
            stage: median(account.stage_seconds[stage] for _, account in runs) for stage in last.stage_seconds
        },
        peak_bytes=max(ran.peak_bytes for ran, _ in runs),
        device_peak_bytes=max(peaks, default=None),
    )


def measure_speed(bench: Bench) -> Outcome:
    """Time every command at every size, on the device and on the processor."""
    figures: Values = {}
    bars = []
    for name in bench.scenes:
        scene, found = SCENES[name], dict[str, Values]()
        footage = bench.footage(scene.size, scene.length)
        for work in bench.works:
            ours, theirs = (
                summed_up([bench.account(work, footage, *work.on(device, scene.hole)) for _ in range(runs)])
                for device, runs in ((bench.device, bench.runs), ("cpu", bench.cpu_runs))
            )
            found[work.name] = {
                "device": asdict(ours),
                "cpu": asdict(theirs),
                "times_cpu": ours.rate / theirs.rate,
            }
            if work is PROPAGATE and scene.min_rate is not None:
                bars.append(rate_bar(name, ours.rate, scene.min_rate))
        figures[name] = found
    return Outcome(figures, bars)


def measure_bounds(bench: Bench) -> Outcome:
    """Compare the device's peaks with the bounds that the commands were given, and with their own."""
    scene = SCENES["1920x1080"]
    footage = bench.footage(scene.size, scene.length)
    free = 0 if bench.device == "cpu" else free_device_bytes(bench.device)
    figures: Values = {}
    bars = []
    for work in bench.works:
        for bound in (*BOUNDS, DEFAULT):
            given = bound != DEFAULT
            allowed = parse_bytes(bound) if given else int(DEVICE_SHARE * free)
            words = [*work.on(bench.device, scene.hole), *(["--memory", bound] if given else [])]
            ran, account = bench.run(work, footage, *words, accepted=OutOfMemory.exit_code)
            peak = account.device_memory_bytes if account else None
            figures[f"{work.name}, {bound}"] = {
                "allowed_bytes": allowed,
                "device_peak_bytes": peak,
                "seconds": ran.seconds,
                "refused": None if account else ran.said,
            }
            if peak is not None:
                bars.append(bound_bar(work, bound, peak / allowed))
    return Outcome(figures, bars)


def measure_length(bench: Bench) -> Outcome:
    """Compare the device's peaks of short and long videos."""
    scene = SCENES["854x480"]
    peaks: dict[Work, list[int | None]] = {work: [] for work in bench.works}
    figures: Values = {}
    for length in (SHORT, LONG):
        footage = bench.footage(scene.size, length)
        for work, own in peaks.items():
            peak = bench.account(work, footage, *work.on(bench.device, scene.hole))[1].device_memory_bytes
            own.append(peak)
            figures[f"{work.name}, {footage.frames} frames"] = {"device_peak_bytes": peak}
    bars = [
        growth_bar(work, long / short)
        for work, (short, long) in peaks.items()
        if short is not None and long is not None
    ]
    return Outcome(figures, bars)


def measure_agreement(bench: Bench) -> Outcome:
    """Set the results of both against each other, sample by sample."""
    footage = bench.footage(TINY, AGREEMENT_FRAMES / bench.frames)
    figures: Values = {}
    places = bench.folder / "device.mkv", bench.folder / "cpu.mkv"
    for work in bench.works:
        for device, place in zip((bench.device, "cpu"), places, strict=True):
            words = work.on(device, SCENES["432x240"].hole)
            restore(work.command, footage.video, place, *words, "--codec", "ffv1")
        figures[work.name] = asdict(difference(*places))
    return Outcome(figures)


@dataclass(frozen=True)
class Difference:
    """How far two videos are apart, in code values; `share` is that of samples that differ at all."""

    largest: int
    mean: float
    share: float


def difference(one: Path, other: Path) -> Difference:
    """Compare two videos of the same size, layout and length."""
    largest = total = differing = count = 0
    with open_video(one) as ours, open_video(other) as theirs:
        for mine, their in zip(ours, theirs, strict=True):
            for plane, second in zip(mine.planes, their.planes, strict=True):
                apart = np.abs(plane.astype(np.int64) - second.astype(np.int64))
                largest, total = max(largest, int(apart.max())), total + int(apart.sum())
                differing, count = differing + int(np.count_nonzero(apart)), count + apart.size
    return Difference(largest, total / max(1, count), differing / max(1, count))


def rate_bar(scene: str, rate: float, least: float) -> Bar:
    """Return what inpainting on an H200 with 16 cores should reach."""
    return Bar(f"frames/s, inpaint {scene}", rate, "at least", least)


def bound_bar(work: Work, bound: str, share: float) -> Bar:
    """Return what the device's memory should keep to."""
    return Bar(f"{work.name}, device memory in times of --memory {bound}", share, "at most", 1.0)


def growth_bar(work: Work, growth: float) -> Bar:
    """Return how little the device's memory should grow with the video."""
    return Bar(f"{work.name}, device memory of 10 times the frames", growth, "at most", MOST_GROWTH, unit="x")


PARTS = {
    "speed": measure_speed,
    "bounds": measure_bounds,
    "length": measure_length,
    "agreement": measure_agreement,
}
