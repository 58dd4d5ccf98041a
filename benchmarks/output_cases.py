"""What the results of two versions are compared on: clips drawn from seeds, and commands for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

RATE = 25
SOUND_RATE = 16000

FOG = (0.78, 0.81, 0.85)

_BT709 = 1  # H.273 code point
_REPEATABLE = {"qp": "18"}  # at other settings x264 may write another file for the same pictures
_CELLS = (2, 5, 14)  # pixels from one random number of a texture to the next

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB, or (H, W) of a mask."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Case:
    """A command: `words` name the inputs `in/...` and what it writes, `out/...`.

    With `killed` it is killed once it has kept a segment, and run again. With `{model}` among the words it
    needs a file of weights.
    """

    name: str
    words: str
    killed: bool = False

    @property
    def needs_model(self) -> bool:
        """Return whether a file of weights is needed."""
        return "{model}" in self.words

    def line(self, model: str) -> list[str]:
        """Return the words of the command; what all cases have in common follows what is their own."""
        words = self.words.format(model=model).split()
        threads = [] if "--threads" in words else ["--threads", "1"]
        return [*words, *threads, "-c", "ffv1", *_EVERYWHERE]


_EVERYWHERE = ("--device", "cpu", "--memory", "1GiB", "--progress", "none")
_REPORT = "--report out/report.json"
_STILL = "inpaint in/still.mp4 --mask in/still.png -o out/video.mkv"
_MOVING = "inpaint in/moving.mkv --mask in/moving.mask.mkv -o out/video.mkv"
_LONG = "inpaint in/long.mp4 -b 35%,30%,30%,40%@5-70 -b 5,5,12,9@1.9s- -o out/video.mkv --segment 0.5"
_FOGGY = "dehaze in/foggy.mkv -o out/video.mkv"
_BESIDE = "--compare out/compare.mkv --reveal-map out/reveal.mkv"
_HAZE_BESIDE = "--compare out/compare.mkv --matte out/matte.mkv"

CASES = (
    Case("still draft", f"{_STILL} --quality draft {_REPORT}"),
    Case("still balanced", f"{_STILL} {_BESIDE} {_REPORT}"),
    Case("still best", f"{_STILL} --quality best {_REPORT}"),
    Case("still on all cores", f"{_STILL} {_BESIDE} --threads 0"),
    Case("moving", f"{_MOVING} {_BESIDE} --compare-layout split {_REPORT}"),
    Case("moving, hard edge", f"{_MOVING} --grow 0 --feather 0 --quality draft {_REPORT}"),
    Case("moving, wide", f"{_MOVING} --grow 6 --feather 5 --start 4 --stop 1.5s --quality draft {_REPORT}"),
    Case(
        "boxes over a cut",
        "inpaint in/cut.mkv -b 10%,20%,30%,40%@0.2s-1.2s --box=-40,8,25,30@15- -o out/video.mkv "
        f"--compare out/compare.mkv --compare-layout difference --reveal-map out/reveal.mkv {_REPORT}",
    ),
    Case("segments", f"{_LONG} {_BESIDE} {_REPORT}"),
    Case("segments, draft", f"{_LONG} --quality draft {_REPORT}"),
    Case("segments, killed and resumed", f"{_LONG} {_BESIDE} {_REPORT}", killed=True),
    Case("network", f"{_MOVING} --method tsam --model {{model}} --precision fp32 {_REPORT}"),
    Case(
        "network, segments",
        f"{_STILL} --method tsam --model {{model}} --precision fp32 --quality draft --segment 0.5 {_REPORT}",
    ),
    Case(
        "batch",
        "batch inpaint in/both --masks in/masks --name {{stem}}.clean.mkv -o out/clean --quality draft "
        f"{_REPORT}",
    ),
    Case("haze by cgidn", f"{_FOGGY} {_HAZE_BESIDE} {_REPORT}"),
    Case("haze by dcp", f"{_FOGGY} --method dcp --strength 90 {_HAZE_BESIDE} {_REPORT}"),
    Case("haze by cgidn, segments", f"{_FOGGY} --segment 0.5 --airlight shot {_HAZE_BESIDE} {_REPORT}"),
    Case("haze by dcp, segments", f"{_FOGGY} --method dcp --segment 0.5 --protect-sky {_HAZE_BESIDE}"),
    Case("haze killed and resumed", f"{_FOGGY} --segment 0.5 {_HAZE_BESIDE} {_REPORT}", killed=True),
)


def draw_inputs(folder: Path) -> None:
    """Write all clips and masks that the cases name; the same every time."""
    for name in ("both", "masks"):
        (folder / name).mkdir(parents=True)
    still, moving = list(_scene(1, 48, 96, 160)), list(_scene(2, 40, 96, 128))
    write_clip(folder / "still.mp4", still, codec="libx264", with_sound=True)
    write_image(folder / "still.png", _mask(96, 160, rows=slice(30, 64), columns=slice(60, 96)))
    write_clip(folder / "moving.mkv", _with_ball(moving), layout="yuv422p10le", stamps=_uneven(40))
    write_clip(folder / "moving.mask.mkv", _ball_masks(40, 96, 128), layout="gray", stamps=_uneven(40))
    cut = *_scene(3, 22, 87, 117), *_darker(_scene(4, 22, 87, 117, step=(-1.0, 0.4)))
    write_clip(folder / "cut.mkv", cut, with_sound=True)
    write_clip(folder / "long.mp4", _scene(5, 100, 72, 96), codec="libx264", with_sound=True)
    foggy = *_foggy(_scene(6, 26, 96, 128)), *_darker(_foggy(_scene(7, 20, 96, 128, step=(0.0, 0.7))))
    write_clip(folder / "foggy.mkv", foggy, with_sound=True)
    write_clip(folder / "both" / "one.mp4", still[:24], codec="libx264", with_sound=True)
    write_image(folder / "masks" / "one.png", _mask(96, 160, rows=slice(12, 37), columns=slice(20, 50)))
    write_clip(folder / "both" / "two.mkv", _with_ball(moving[:24]))
    write_clip(folder / "masks" / "two.mask.mkv", _ball_masks(24, 96, 128), layout="gray")


def write_clip(
    path: Path,
    pictures: Iterable[Picture],
    *,
    codec: str = "ffv1",
    layout: str = "yuv420p",
    stamps: Iterable[int] | None = None,
    with_sound: bool = False,
) -> None:
    """Write pictures as a video; `stamps` are in milliseconds, one every 1/RATE if None."""
    drawn = list(pictures)
    times = range(0, len(drawn) * 1000 // RATE, 1000 // RATE) if stamps is None else stamps
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, RATE, options=_REPEATABLE if codec == "libx264" else {})
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{codec} encodes no pictures")
        stream.height, stream.width = drawn[0].shape[:2]
        stream.pix_fmt, stream.codec_context.thread_count = layout, 1
        stream.codec_context.time_base = Fraction(1, 1000)
        if layout != "gray":
            stream.colorspace = stream.color_primaries = stream.color_trc = _BT709
        codec_of_sound = "aac" if path.suffix == ".mp4" else "flac"
        sound = container.add_stream(codec_of_sound, SOUND_RATE, layout="mono") if with_sound else None
        for picture, time in zip(drawn, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "gray" if picture.ndim == 2 else "rgb24")
            matrix = None if layout == "gray" else _BT709
            frame = frame.reformat(format=layout, dst_colorspace=matrix, threads=1)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if isinstance(sound, AudioStream):
            _add_tone(container, sound, len(drawn) * SOUND_RATE // RATE)


def write_image(path: Path, mask: Picture) -> None:
    """Write a mask as PNG."""
    with av.open(str(path), "w", format="image2", container_options={"update": "1"}) as container:
        stream = container.add_stream("png", 1)
        if not isinstance(stream, VideoStream):
            raise TypeError("png encodes no pictures")
        stream.height, stream.width = mask.shape
        stream.pix_fmt = "gray"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(mask, "gray")))
        container.mux(stream.encode(None))


def _add_tone(container: av.container.OutputContainer, stream: AudioStream, count: int) -> None:
    """Write a tone that rises, so that no two packets are the same."""
    time = np.arange(count) / SOUND_RATE
    tone = np.rint(8000 * np.sin(2 * np.pi * time * (200 + 100 * time))).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(tone[None], "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _scene(
    seed: int, count: int, height: int, width: int, *, step: tuple[float, float] = (1.6, 0.3)
) -> Iterator[Picture]:
    """Draw what a camera sees that moves over a texture by `step` (x, y) pixels a frame."""
    reach = [abs(each) * count for each in step]
    world = _texture(height + int(reach[1]) + 2, width + int(reach[0]) + 2, seed)
    for number in range(count):
        across, down = (
            each * number if each >= 0 else most + each * number
            for each, most in zip(step, reach, strict=True)
        )
        yield _codes(_seen(world, across, down, height, width))


def _texture(height: int, width: int, seed: int) -> Floats:
    """Draw detail at several scales, in every color about the middle."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for cell in _CELLS:
        rough = random.standard_normal((height // cell + 2, width // cell + 2, 3))
        rows, columns = np.arange(height) / cell, np.arange(width) / cell
        total += _between(_between(rough, rows).transpose(1, 0, 2), columns).transpose(1, 0, 2)
    picture: Floats = np.clip(0.5 + 0.14 * total, 0, 1)
    return picture


def _between(values: Floats, places: Floats) -> Floats:
    """Interpolate along the first axis."""
    whole = places.astype(int)
    share = (places - whole)[:, None, None]
    mixed: Floats = values[whole] * (1 - share) + values[whole + 1] * share
    return mixed


def _seen(world: Floats, across: float, down: float, height: int, width: int) -> Floats:
    rows = _between(world, down + np.arange(height))
    return _between(rows.transpose(1, 0, 2), across + np.arange(width)).transpose(1, 0, 2)


def _codes(picture: Floats) -> Picture:
    return np.ascontiguousarray(np.rint(255 * picture), np.uint8)


def _mask(height: int, width: int, *, rows: slice, columns: slice) -> Picture:
    mask = np.zeros((height, width), np.uint8)
    mask[rows, columns] = 255
    return mask


def _balls(count: int, height: int, width: int, radius: float) -> Iterator[NDArray[np.bool_]]:
    """Draw where a ball is that crosses the picture; it comes and goes."""
    y, x = np.mgrid[:height, :width]
    for number in range(count):
        centre = -5 + (width + 10) * number / count, height * (0.5 + 0.2 * np.sin(number / 6))
        yield np.hypot(x - centre[0], y - centre[1]) < radius


def _ball_masks(count: int, height: int, width: int) -> Iterator[Picture]:
    for number, ball in enumerate(_balls(count, height, width, 15)):
        yield (255 * ball * (number % 17 != 9)).astype(np.uint8)  # a frame without a hole, now and then


def _with_ball(pictures: Iterable[Picture]) -> Iterator[Picture]:
    drawn, red = list(pictures), np.array((200, 40, 30), np.uint8)
    height, width, _ = drawn[0].shape
    for picture, ball in zip(drawn, _balls(len(drawn), height, width, 14), strict=True):
        yield np.where(ball[..., None], red, picture)


def _foggy(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """Lay fog over a scene, thicker above and a little thicker from frame to frame."""
    for number, picture in enumerate(pictures):
        depth = np.linspace(1.4, 0.3, picture.shape[0])[:, None, None] * (1 + 0.01 * number)
        clear = np.clip(1.5 * picture / 255 - 0.3, 0, 1) * np.exp(-depth)
        yield _codes(clear + np.array(FOG) * (1 - np.exp(-depth)))


def _darker(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """Halve the light, by which a new scene is known."""
    return (picture // 2 for picture in pictures)


def _uneven(count: int) -> list[int]:
    """Return times in milliseconds of a varying frame rate."""
    return [40 * number + 7 * (number % 3) for number in range(count)]
