"""How fast the whole command is, from one prompt of the shell to the next.

    python -m benchmarks.speed [--runs 3] [--frames 300] [--only holes,sparse,large,network,help]

holes: frames a second at 854x480, with a box of 5 % and with a moving object of about 5 %.
sparse: the time for 5 times the frames, of which 90 % have no hole, in times of what the ffmpeg command line
takes to decode and encode them with the same encoder settings; the two run in turns.
large: frames a second at 1920x1080 with a box of 3 %.
network: frames a second with `--method tsam`, at 432x240 with a box of 7 % and at 1920x1080 with one of 3 %;
its weights are random, which the speed does not depend on.
help: the seconds of `vrestore --help`.

Figures are medians. The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from rich.console import Console

from benchmarks.bars import Bar, show_bars
from benchmarks.clips import Size, find_data
from benchmarks.command import Account, Run, inpaint, installed, parts_of, run
from benchmarks.footage import LARGE, SMALL, TINY, Footage, box_of, make, source_name
from benchmarks.machine import RESULTS, Values, describe_machine, write_results
from benchmarks.tables import figures_table
from vrestore.media.encode.encoder import EncodeOptions
from vrestore.models.cards import Card
from vrestore.models.tsam.config import SMALL as NETWORK
from vrestore.models.tsam.network import Tsam
from vrestore.models.weights import save_weights

HOLE, LARGE_HOLE, TINY_HOLE = 0.05, 0.03, 0.07
"""Shares of the picture that the boxes cover, before the command grows them as it does by default."""

SPARSE_TIMES, LARGE_TIMES = 5, 0.3
"""Lengths of the sparse and of the large video, in `--frames`."""

FULL_SHARE = 0.1
"""The share of the frames with a hole in a sparse video, in one stretch in its middle."""

LEAST_RATE, MOST_RATIO, MOST_HELP_SECONDS = 15.0, 1.25, 0.4
"""The bars: frames a second with a hole of 5 %, times of ffmpeg's seconds, seconds of `--help`."""

LEAST_NETWORK_RATES = {"432x240": 10.0, "1080p": 5.0}
"""The bars: frames a second with the network."""

_STAGES = ("decode", "restore", "encode")


@dataclass(frozen=True)
class Speed:
    """Medians over the runs with one video and one mask.

    Stages run at the same time, so `stage_seconds` may add up to more than `seconds`; `start_seconds` are
    those before and after the work, mostly loading libraries. `hole_share` is of the frames that have a
    hole, grown and feathered.
    """

    frames: int
    seconds: float
    frames_a_second: float
    cpu_seconds: float
    start_seconds: float
    stage_seconds: dict[str, float]
    hole_share: float
    peak_bytes: int


@dataclass(frozen=True)
class Outcome:
    """What a part found: speeds by name, other figures, and how they compare with the bars."""

    speeds: dict[str, Speed]
    bars: list[Bar]
    others: Values = field(default_factory=dict)

    def to_dict(self) -> Values:
        """Return the figures for programs; the bars are listed elsewhere."""
        return {**self.others, **{name: asdict(speed) for name, speed in self.speeds.items()}}


@dataclass(frozen=True)
class Bench:
    """What the parts share: where files go, what they are made of, how many frames, how many runs."""

    folder: Path
    data: Path | None
    runs: int
    frames: int

    def footage(self, size: Size, frames: int, *, full: range | None = None) -> Footage:
        """Make a video and its mask, which is empty but for the frames `full` unless that is None."""
        video, mask = self.folder / "video.mp4", self.folder / "mask.mkv"
        stretch = (None, None) if full is None else (full.start, full.stop)
        return make(Footage(video, mask, frames, size, *stretch), self.data)

    def inpaint(self, video: Path, *words: str | Path) -> tuple[Run, Account]:
        """Run the command once."""
        ran, account = inpaint(video, self.folder / "result.mp4", *words)
        if account is None:
            raise AssertionError("a run that fails raises")
        return ran, account

    def speed(self, footage: Footage, *words: str | Path) -> Speed:
        """Run the command as often as asked."""
        return summed_up([self.inpaint(footage.video, *words) for _ in range(self.runs)], footage.size)


def summed_up(runs: Sequence[tuple[Run, Account]], size: Size) -> Speed:
    """Return the medians of runs with the same video and mask."""
    seconds = median(ran.seconds for ran, _ in runs)
    last = runs[-1][1]
    return Speed(
        frames=last.frames,
        seconds=seconds,
        frames_a_second=last.frames / seconds,
        cpu_seconds=median(ran.cpu_seconds for ran, _ in runs),
        start_seconds=median(ran.seconds - account.seconds for ran, account in runs),
        stage_seconds={
            stage: median(account.stage_seconds[stage] for _, account in runs) for stage in last.stage_seconds
        },
        hole_share=last.hole_pixels / max(1, last.repaired_frames * size.height * size.width),
        peak_bytes=max(ran.peak_bytes for ran, _ in runs),
    )


def measure_holes(bench: Bench) -> Outcome:
    """Time videos with a hole in every frame."""
    footage = bench.footage(SMALL, bench.frames)
    speeds = {
        "box of 5 %": bench.speed(footage, "--box", box_of(HOLE)),
        "moving object": bench.speed(footage, "--mask", footage.mask),
    }
    bars = [
        Bar(f"frames/s, 480p, {name}", speed.frames_a_second, "at least", LEAST_RATE)
        for name, speed in speeds.items()
    ]
    return Outcome(speeds, bars)


def measure_sparse(bench: Bench) -> Outcome:
    """Time videos with few holes against ffmpeg, in turns so that a busy machine slows both."""
    frames = SPARSE_TIMES * bench.frames
    start = round(frames * (1 - FULL_SHARE) / 2)
    full = range(start, start + round(frames * FULL_SHARE))
    footage = bench.footage(SMALL, frames, full=full)
    marks: dict[str, tuple[str | Path, ...]] = {
        "box at times": ("--box", f"{box_of(HOLE)}@{full.start}-{full.stop}"),
        "mask video": ("--mask", footage.mask),
    }
    runs: dict[str, list[tuple[Run, Account]]] = {name: [] for name in marks}
    ffmpeg_seconds = []
    for _ in range(bench.runs):
        ffmpeg_seconds.append(run(*_ffmpeg(footage.video, bench.folder / "ffmpeg.mp4")).seconds)
        for name, words in marks.items():
            runs[name].append(bench.inpaint(footage.video, *words))
    speeds = {name: summed_up(several, footage.size) for name, several in runs.items()}
    base = median(ffmpeg_seconds)
    bars = [
        Bar(f"times ffmpeg, 90 % empty, {name}", speed.seconds / base, "at most", MOST_RATIO)
        for name, speed in speeds.items()
    ]
    return Outcome(speeds, bars, {"ffmpeg_seconds": base, "ffmpeg_words": _encoder_words()})


def measure_large(bench: Bench) -> Outcome:
    """Time a large video with a hole in every frame; there is no bar for it."""
    footage = bench.footage(LARGE, round(LARGE_TIMES * bench.frames))
    return Outcome({"box of 3 %": bench.speed(footage, "--box", box_of(LARGE_HOLE))}, [])


def measure_network(bench: Bench) -> Outcome:
    """Time videos that a network works on."""
    model = bench.folder / f"{NETWORK.name}.safetensors"
    torch.manual_seed(0)
    card = Card(NETWORK.name, "0", NETWORK.name, "Untrained.", "Apache-2.0", (), "none", 0, 0, "any", ())
    save_weights(Tsam(NETWORK), model, card)
    words = ("--method", "tsam", "--model", model)
    speeds = {}
    for name, size, hole in (("432x240", TINY, TINY_HOLE), ("1080p", LARGE, LARGE_HOLE)):
        frames = round(bench.frames * (LARGE_TIMES if size == LARGE else 1))
        speeds[name] = bench.speed(bench.footage(size, frames), "--box", box_of(hole), *words)
    bars = [
        Bar(f"frames/s, network, {name}", speed.frames_a_second, "at least", LEAST_NETWORK_RATES[name])
        for name, speed in speeds.items()
    ]
    return Outcome(speeds, bars)


def measure_help(bench: Bench) -> Outcome:
    """Time `--help`, whose first run may find cold files and does not count."""
    command = installed("vrestore"), "--help"
    run(*command)
    seconds = median(run(*command).seconds for _ in range(bench.runs))
    bar = Bar("seconds of --help", seconds, "at most", MOST_HELP_SECONDS)
    return Outcome({}, [bar], {"seconds": seconds})


PARTS = {
    "holes": measure_holes,
    "sparse": measure_sparse,
    "large": measure_large,
    "network": measure_network,
    "help": measure_help,
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON."""
    options, console = _parser().parse_args(words), Console()
    data, machine = find_data(options.data), describe_machine()
    outcomes: dict[str, Outcome] = {}
    with TemporaryDirectory(prefix="vrestore-speed-") as folder:
        bench = Bench(Path(folder), data, options.runs, options.frames)
        for part in options.only:
            console.print(f"measuring {part} ...")
            outcomes[part] = PARTS[part](bench)
    bars = [bar for outcome in outcomes.values() for bar in outcome.bars]
    _show(outcomes, console)
    show_bars(bars, console)
    results: Values = {part: outcome.to_dict() for part, outcome in outcomes.items()}
    results["bars"] = [bar.to_dict() for bar in bars]
    settings: Values = {"runs": options.runs, "frames": options.frames, "made of": source_name(data)}
    write_results(options.json, benchmark="speed", settings=settings, results=results, machine=machine)
    console.print(f"written to {options.json}")


def _show(outcomes: dict[str, Outcome], console: Console) -> None:
    title = "the whole command, medians, in seconds; stages run at the same time"
    table = figures_table(title, "part", "fps", "all", "CPU", "hole", "start", *_STAGES)
    for part, outcome in outcomes.items():
        for name, speed in outcome.speeds.items():
            stages = (speed.stage_seconds.get(stage, 0.0) for stage in _STAGES)
            totals = (speed.frames_a_second, speed.seconds, speed.cpu_seconds)
            table.add_row(
                f"{part}: {name}",
                *(f"{value:.1f}" for value in totals),
                f"{speed.hole_share:.1%}",
                *(f"{value:.1f}" for value in (speed.start_seconds, *stages)),
            )
    console.print(table)


def _ffmpeg(source: Path, target: Path) -> list[str]:
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    return [installed("ffmpeg"), *quiet, "-i", str(source), *_encoder_words(), str(target)]


def _encoder_words() -> list[str]:
    """Return the ffmpeg command line's words for the encoder settings that vrestore has by default."""
    options = EncodeOptions().for_encoder("libx264", {})
    return ["-c:v", "libx264", *(word for name, value in options.items() for word in (f"-{name}", value))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the real clips")
    parser.add_argument(
        "--runs", type=int, choices=range(1, 100), default=3, metavar="N", help="of each command (default 3)"
    )
    parser.add_argument("--frames", type=int, default=300, help="length of the videos (default 300)")
    parser.add_argument(
        "--only", type=parts_of(PARTS), default=list(PARTS), metavar="A,B", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("--json", type=Path, default=RESULTS / "speed.json", metavar="PATH")
    return parser


if __name__ == "__main__":
    main()
