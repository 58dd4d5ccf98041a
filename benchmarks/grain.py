"""Grain of what was filled: how lively and how strong it is beside what lies around it, and what it costs.

    python -m benchmarks.grain [PART ...] [--data DIR] [--json PATH]

Parts: clips, all of it by default. Clips are made of stills and videos that are there for training: a camera
that stands still with noise of 1.5 and 4 levels, one that moves with large grain of film, a video from a hand
with noise of 3 levels, and one that moves and is clean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.machine import Values
from benchmarks.parts import Part, measure_parts
from benchmarks.tables import figures_table
from vrestore import inpaint
from vrestore.flow.estimator import make_estimator
from vrestore.frames import Frame, Hole
from vrestore.media.av_frames import planes_of
from vrestore.media.formats import pixel_format
from vrestore.methods.inpaint.grain.follow import GrainFollower

Planes = list[NDArray[np.float32]]
"""Y, U, V of 4:2:0."""

FRAMES, HEIGHT, WIDTH = 18, 240, 432
BOX = 150, 80, 120, 80
STILL, VIDEO = "CSun_Hays80_islet_sun_afezricptqyijjur", "tsdf_rgbd"
WARM_UP = 4
"""Frames that are not counted."""

BESIDE, AROUND = 5, 20
"""The noise of the surroundings is that of a frame from so many to so many pixels around the box."""

LEAST, MOST = 0.75, 1.2
SPEED = 5.0


@dataclass(frozen=True)
class Scene:
    """A clip: its frames, and where each pixel was in the frame before: by how many x and y, (2, h, w)."""

    frames: list[Planes]
    ways: list[NDArray[np.intp]]


def clips(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Remove a box from each clip without grain and with it, and compare with what lies around it."""
    table = figures_table(
        "grain", "clip", "level", "change off", "change auto", "chroma auto", "spatial auto", "cost %"
    )
    rows: dict[str, dict[str, float]] = {}
    for name, make in SCENES.items():
        rows[name] = _measured(make(data))
        keys = "level", "change_off", "change", "change_of_chroma", "spatial", "cost_percent"
        table.add_row(name, *(f"{rows[name][key]:.2f}" for key in keys))
    console.print(table)
    bars = []
    for name, row in rows.items():
        if name == "clean":
            bars.append(Bar("clean: frames given grain", row["frames"], "at most", 0))
            continue
        bars += [
            Bar(f"{name}: change between frames over that around", row["change"], "at least", LEAST),
            Bar(f"{name}: the same", row["change"], "at most", MOST),
            Bar(f"{name}: fine detail over the source's", row["spatial"], "at most", MOST),
            Bar(f"{name}: processor time", row["cost_percent"], "at most", SPEED, "%"),
        ]
    return {"clips": rows}, bars


def _measured(scene: Scene) -> dict[str, float]:
    x, y, width, height = BOX
    with TemporaryDirectory() as folder:
        source = _write(Path(folder) / "in.mkv", scene.frames)
        made: dict[str, list[Planes]] = {}
        for word in ("off", "auto"):
            began, target = time.process_time(), Path(folder) / f"{word}.mkv"
            with _timed() as spent:
                report = inpaint(
                    source,
                    target=target,
                    box=f"{x},{y},{width},{height}",
                    codec="ffv1",
                    grain=word,
                    threads=1,
                )
            cost = 100 * spent[0] / (time.process_time() - began)
            made[word] = _read(target)
        shown = _read(source)
    given = report.details.to_dict()["grain"]
    changes = {
        word: [_change(frames, scene.ways, plane) for plane in range(3)] for word, frames in made.items()
    }
    return {
        "frames": given["frames"],
        "level": given["mean_level"] or 0.0,
        "change_off": changes["off"][0],
        "change": changes["auto"][0],
        "change_of_chroma": float(np.mean(changes["auto"][1:])),
        "spatial": _detail(made["auto"]) / _detail(shown),
        "cost_percent": cost,
    }


@contextmanager
def _timed() -> Iterator[list[float]]:
    """Count the processor's seconds that giving grain takes, in the list."""
    spent, original = [0.0], GrainFollower.given

    def given(follower: GrainFollower, index: int, frame: Frame, hole: Hole) -> Frame:
        began = time.thread_time()
        try:
            return original(follower, index, frame, hole)
        finally:
            spent[0] += time.thread_time() - began

    with patch.object(GrainFollower, "given", given):
        yield spent


def _change(frames: Sequence[Planes], ways: Sequence[NDArray[np.intp]], plane: int) -> float:
    """Return how much the box changes from frame to frame along the motion, over what lies around it."""
    shift = 1 if plane else 0
    x, y, width, height = (length >> shift for length in BOX)
    near, far = BESIDE, AROUND
    inside, around = [], []
    for number, (before, after) in enumerate(pairwise(each[plane] for each in frames)):
        if number < WARM_UP:
            continue
        rows, columns = np.indices(after.shape)
        across, down = (way[:: 1 << shift, :: 1 << shift] >> shift for way in ways[number])
        rows, columns = rows + down, columns + across
        most_down, most_across = after.shape[0] - 1, after.shape[1] - 1
        change = np.abs(after - before[rows.clip(0, most_down), columns.clip(0, most_across)])
        hole, ring, edge = np.zeros((3, *change.shape), np.bool_)
        edge[y : y + height, x : x + width] = True
        # Neither here nor in the frame before at the border of the box.
        there = edge[rows.clip(0, most_down), columns.clip(0, most_across)]
        hole[y + 2 : y + height - 2, x + 2 : x + width - 2] = True
        ring[y - far : y + height + far, x - far : x + width + far] = True
        ring[y - near : y + height + near, x - near : x + width + near] = False
        inside.append(_mean_of_most(change[hole & there]))
        around.append(_mean_of_most(change[ring & ~there]))
    return float(np.mean(inside)) / max(float(np.mean(around)), 1e-6)


def _mean_of_most(values: NDArray[np.float32]) -> float:
    """Return the mean of all but the largest 2 %: what moves by itself, and where motion was missed."""
    return float(np.sort(values)[: int(0.98 * values.size)].mean())


def _detail(frames: Sequence[Planes]) -> float:
    """Return the mean of the luma's second differences in the box."""
    x, y, width, height = BOX
    part = np.s_[y + 3 : y + height - 3, x + 3 : x + width - 3]
    return float(
        np.mean([np.abs(cv2.Laplacian(each[0], cv2.CV_32F)[part]).mean() for each in frames[WARM_UP:]])
    )


def _still(data: Path, width: int) -> NDArray[np.float32]:
    picture = cv2.imread(str(data / "train" / "stills" / f"{STILL}.jpg"))
    if picture is None:
        raise FileNotFoundError(STILL)
    scale = max(width / picture.shape[1], HEIGHT / picture.shape[0])
    size = max(width, round(scale * picture.shape[1])), max(HEIGHT, round(scale * picture.shape[0]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)[:HEIGHT, :width], np.float32)


def _planes(picture: NDArray[np.float32]) -> Planes:
    yuv = cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_BGR2YUV_I420).astype(np.float32)
    chroma = yuv[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    return [yuv[:HEIGHT], chroma[0], chroma[1]]


def _noisy(planes: Planes, rng: np.random.Generator, *, level: float, blur: float = 0.0) -> Planes:
    """Add noise of so many levels to luma, half of it to chroma; grain is stronger in the middle tones."""
    result = []
    for number, plane in enumerate(planes):
        field = rng.standard_normal(plane.shape).astype(np.float32)
        deviation = np.full(plane.shape, level / 2 if number else level, np.float32)
        if blur:
            field = np.asarray(cv2.GaussianBlur(field, (0, 0), blur / 2 if number else blur), np.float32)
            field /= field.std()
            deviation *= 1 if number else 1 / 3 + np.sqrt(np.clip(plane / 255 * (1 - plane / 255) * 4, 0, 1))
        result.append(plane + deviation * field)
    return result


def _standing(level: float) -> Callable[[Path], Scene]:
    def made(data: Path) -> Scene:
        rng, planes = np.random.default_rng(1), _planes(_still(data, WIDTH))
        return Scene([_noisy(planes, rng, level=level) for _ in range(FRAMES)], _constant(0))

    return made


def _film(data: Path) -> Scene:
    rng, step = np.random.default_rng(1), 2
    wide = _still(data, WIDTH + step * FRAMES)
    views = (_planes(wide[:, step * number : step * number + WIDTH].copy()) for number in range(FRAMES))
    return Scene([_noisy(view, rng, level=5, blur=0.8) for view in views], _constant(step))


def _clean(data: Path) -> Scene:
    wide = _still(data, WIDTH + 2 * FRAMES)
    moves = (np.array([[1, 0, -1.3 * number], [0, 1, 0]], np.float32) for number in range(FRAMES))
    views = (cv2.warpAffine(wide, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC) for move in moves)
    return Scene([_planes(np.asarray(view, np.float32)) for view in views], _constant(1))


def _video(data: Path) -> Scene:
    rng, frames = np.random.default_rng(1), _read(data / "train" / "video" / f"{VIDEO}.mp4")[:FRAMES]
    flow = make_estimator("medium", scale=0)
    grays = [planes[0].astype(np.uint8) for planes in frames]
    ways = [np.rint(flow(after, before)).astype(np.intp) for before, after in pairwise(grays)]
    return Scene([_noisy(planes, rng, level=3) for planes in frames], ways)


def _constant(step: int) -> list[NDArray[np.intp]]:
    way = np.zeros((2, HEIGHT, WIDTH), np.intp)
    way[0] = step
    return [way] * (FRAMES - 1)


SCENES: dict[str, Callable[[Path], Scene]] = {
    "still, 1.5": _standing(1.5),
    "still, 4": _standing(4),
    "film": _film,
    "video": _video,
    "clean": _clean,
}
PARTS: dict[str, Part] = {"clips": clips}


def _write(path: Path, frames: Sequence[Planes]) -> Path:
    layout = pixel_format("yuv420p")
    if layout is None:
        raise ValueError("yuv420p is no layout")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", 25)
        if not isinstance(stream, VideoStream):
            raise TypeError("ffv1 encodes no pictures")
        stream.height, stream.width, stream.pix_fmt = *frames[0][0].shape, layout.name
        for planes in frames:
            picture = av.VideoFrame(stream.width, stream.height, layout.name)
            for view, plane in zip(planes_of(picture, layout), planes, strict=True):
                view[...] = np.rint(np.clip(plane, 0, 255)).astype(np.uint8)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def _read(path: Path) -> list[Planes]:
    layout = pixel_format("yuv420p")
    if layout is None:
        raise ValueError("yuv420p is no layout")
    with av.open(str(path)) as container:
        return [
            [plane.astype(np.float32) for plane in planes_of(picture, layout)]
            for picture in container.decode(video=0)
        ]


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print the bars and write JSON."""
    measure_parts("grain", PARTS, words)


if __name__ == "__main__":
    main()
