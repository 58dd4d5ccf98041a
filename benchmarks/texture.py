"""What no frame shows: texture on stills, a logo over a still picture, and plates of the user's own.

    python -m benchmarks.texture [PART ...] [--data DIR] [--json PATH]

Parts: stills, logo, plates; all by default. Stills and plates are of the clips kept for measuring.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

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
from vrestore.methods.inpaint.texture.hole import BESIDE_COLUMNS, BESIDE_ROWS, BESIDE_SHARE
from vrestore.methods.inpaint.texture.pyramid import continued
from vrestore.methods.inpaint.texture.synthesis import synthesize

Picture = NDArray[np.float32]
"""(H, W, 3) in [0, 1]."""

SIDE = 9
LEAST_GRADIENT, MOST_GRADIENT = 0.35, 1.3
PLAIN, BRICK = "sky", "brick"
"""Of the stills, the one that must stay plain, and the one that must go on exactly."""

LOGO_FRAMES, NOISE = 300, 1.5
LOGO_BOX = 300, 150, 200, 150
PLATE_CLIPS, PLATE_FRAMES, PLATE_AT = ("cows", "libby", "drift-chicane"), 40, 20


def stills(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Paint the hole of each still, and compare with the truth and with the smooth surface."""
    table = figures_table("stills", "still", "PSNR smooth", "texture", "gradient", "misfit", "seconds")
    rows: dict[str, list[float]] = {}
    for path in sorted((data / "val" / "texture").glob("*.mask.png")):
        name = path.name.removesuffix(".mask.png")
        picture = _image(path.with_name(f"{name}.png"))
        hole = _image(path)[..., 0] > 0.5
        smooth = continued(np.where(hole[..., None], np.float32(0), picture), hole)
        x, y, width, height = cv2.boundingRect(hole.view(np.uint8))
        across, down = (
            round(max(least, BESIDE_SHARE * size))
            for least, size in ((BESIDE_COLUMNS, width), (BESIDE_ROWS, height))
        )
        part = np.s_[max(0, y - down) : y + height + down, max(0, x - across) : x + width + across]
        began = time.perf_counter()
        made = synthesize(smooth[part], hole[part], ~hole[part], side=SIDE, seed=0)
        seconds = time.perf_counter() - began
        if made is None:
            raise ValueError(f"{name} has no patch to copy from")
        texture = smooth.copy()
        texture[part] = made.picture
        gradient = _gradient(texture, hole) / _gradient(picture, hole)
        rows[name] = [
            _psnr(smooth, picture, hole),
            _psnr(texture, picture, hole),
            gradient,
            made.misfit,
            seconds,
        ]
        table.add_row(name, *(f"{figure:.2f}" for figure in rows[name]))
    console.print(table)
    lively = [row[2] for name, row in rows.items() if not name.startswith((PLAIN, "facade_words"))]
    gains = {name: row[1] - row[0] for name, row in rows.items()}
    bars = [
        Bar("least gradient energy over the truth's", min(lively), "at least", LEAST_GRADIENT),
        Bar("largest gradient energy over the truth's", max(lively), "at most", MOST_GRADIENT),
        Bar("brick over the smooth surface", _of(gains, BRICK), "at least", 3, "dB"),
        Bar("sky over the smooth surface", _of(gains, PLAIN), "at least", -0.2, "dB"),
    ]
    return {"stills": rows}, bars


def logo(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Remove a logo from a still picture with noise, by the whole command."""
    picture = 255 * _image(data / "val" / "texture" / "vineyard_box.png")
    picture = np.asarray(cv2.resize(picture, (854, 480), interpolation=cv2.INTER_CUBIC), np.float32)
    rng = np.random.default_rng(0)
    frames = [
        (picture + rng.normal(0, NOISE, picture.shape)).clip(0, 255).astype(np.uint8)
        for _ in range(LOGO_FRAMES)
    ]
    x, y, width, height = LOGO_BOX
    part = np.s_[y : y + height, x : x + width]
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "a.mkv", Path(folder) / "b.mkv"
        _write(source, frames)
        report = inpaint(source, target=target, box=f"{x},{y},{width},{height}", codec="ffv1")
        result = [frame[part] for frame in _read(target, LOGO_FRAMES)]
    ours, theirs = _changes(result), _changes([frame[part] for frame in frames])
    rate = report.frames / report.seconds
    bars = [
        Bar("change between frames over the truth's", float(ours.mean() / theirs.mean()), "at most", 1.1),
        Bar("largest change over the truth's largest", float(ours.max() / theirs.max()), "at most", 1.1),
        Bar("frames a second", rate, "at least", 8),
    ]
    console.print(report.details.line(), highlight=False)
    return {"seconds": report.seconds, "details": report.details.to_dict()}, bars


def plates(data: Path, console: Console) -> tuple[Values, list[Bar]]:
    """Fill still holes of clips without and with the true picture of one frame as a plate."""
    table = figures_table("plates, hole PSNR", "clip", "none", "plate")
    rows: dict[str, list[float]] = {}
    for name in PLATE_CLIPS:
        place = data / "val" / "inpaint" / f"davis_{name}"
        clip, masks = Path(f"{place}.mp4"), Path(f"{place}.stationary.mkv")
        truth, holes = _read(clip, PLATE_FRAMES), [each[..., 0] > 127 for each in _read(masks, PLATE_FRAMES)]
        rows[name] = []
        with TemporaryDirectory() as folder:
            plate, target = Path(folder) / "plate.png", Path(folder) / "b.mkv"
            cv2.imwrite(str(plate), truth[PLATE_AT])
            for given in ((), (plate,)):
                inpaint(
                    clip,
                    mask=masks,
                    target=target,
                    stop=str(PLATE_FRAMES),
                    codec="ffv1",
                    grow=0,
                    feather=0,
                    overwrite=True,
                    plate=given,
                    plate_at=(str(PLATE_AT),) * len(given),
                )
                made = _read(target, PLATE_FRAMES)
                each = [
                    _psnr(_floats(one), _floats(other), hole)
                    for one, other, hole in zip(made, truth, holes, strict=True)
                ]
                rows[name].append(float(np.mean(each)))
        table.add_row(name, *(f"{figure:.2f}" for figure in rows[name]))
    console.print(table)
    bars = [
        Bar(f"{name} with a plate", with_it - without, "at least", 3, "dB")
        for name, (without, with_it) in rows.items()
    ]
    return {"plates": rows}, bars


PARTS: dict[str, Part] = {
    "stills": stills,
    "logo": logo,
    "plates": plates,
}


def _image(path: Path) -> Picture:
    """Read a picture, (H, W, 3) in [0, 1]."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(path)
    return np.asarray(picture, np.float32) / np.float32(255)


def _psnr(ours: Picture, theirs: Picture, hole: NDArray[np.bool_]) -> float:
    return float(-10 * np.log10(np.square(ours - theirs)[hole].mean() + 1e-12))


def _gradient(picture: Picture, hole: NDArray[np.bool_]) -> float:
    """Return the energy of the gradient of gray in the hole."""
    down, across = np.gradient(picture.mean(2))
    return float((np.square(down) + np.square(across))[hole].sum())


def _floats(frame: NDArray[np.uint8]) -> Picture:
    return frame.astype(np.float32) / np.float32(255)


def _of(figures: dict[str, float], kind: str) -> float:
    return next(figure for name, figure in figures.items() if name.startswith(kind))


def _changes(frames: Sequence[NDArray[np.uint8]]) -> Picture:
    """Return the mean absolute difference of each frame to the one before."""
    floats = [frame.astype(np.float32) for frame in frames]
    return np.array([np.abs(one - other).mean() for one, other in pairwise(floats)])


def _read(path: Path, count: int) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="bgr24").astype(np.uint8)
            for frame, _ in zip(container.decode(video=0), range(count), strict=False)
        ]


def _write(path: Path, frames: Sequence[NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", 25)
        if not isinstance(stream, VideoStream):
            raise TypeError("ffv1 encodes no pictures")
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "bgr24")))
        container.mux(stream.encode(None))


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print the bars and write JSON."""
    measure_parts("texture", PARTS, words)


if __name__ == "__main__":
    main()
