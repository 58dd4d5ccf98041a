"""Fixtures drawn by code: small clips, masks and what a video says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from vrestore.frames import Color, PixelFormat, VideoMeta
from vrestore.media.av_frames import planes_of
from vrestore.media.formats import pixel_format, plane_shapes


def mask_meta(
    *, height: int = 45, width: int = 67, frame_count: int | None = None, rate: Fraction | int = 25
) -> VideoMeta:
    """Return what a made video of that size says of itself; without a count it says no duration."""
    layout = pixel_format("yuv420p")
    assert layout is not None
    return VideoMeta(
        source="made.mp4",
        container="mov,mp4",
        codec="h264",
        width=width,
        height=height,
        pixel_format=layout,
        time_base=Fraction(1, 12800),
        rate=Fraction(rate),
        frame_count=frame_count,
        duration_seconds=None if frame_count is None else float(frame_count / Fraction(rate)),
    )


def write_pictures(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    *,
    codec: str = "ffv1",
    layout: str = "gray",
    rate: Fraction | int = 25,
    full_range: bool | None = None,
) -> Path:
    """Write pictures, (H, W) gray or (H, W, 3) RGB or (H, W, 4) RGBA, as a video; ffv1 loses nothing."""
    formats = {2: "gray", 3: "rgb24", 4: "rgba"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        for number, picture in enumerate(pictures):
            name = formats[picture.shape[-1] if picture.ndim == 3 else 2]
            if number == 0:
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], layout
                if full_range is not None:
                    stream.codec_context.color_range = 2 if full_range else 1
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=name)
            # With more threads swscale leaves rows of small pictures unwritten now and then.
            frame = frame.reformat(format=layout, dst_color_range=2 if full_range else None, threads=1)
            frame.pts, frame.time_base = number, 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def drawn_planes(
    layout: PixelFormat, *, height: int, width: int, index: int = 0, noise: bool = False
) -> list[NDArray[np.generic]]:
    """Return planes of a moving ramp, or of noise, over the layout's whole range of code values."""
    planes = []
    for number, (rows, samples) in enumerate(plane_shapes(layout, height=height, width=width)):
        y, x = np.mgrid[0:rows, 0:samples]
        ramp = (x * 3 + y * 2 + 7 * index + 40 * number) % 128 / 127 * 0.6 + 0.2
        values = np.random.default_rng((index, number)).random(ramp.shape) if noise else ramp
        shift = layout.components[min(number, len(layout.components) - 1)].shift
        planes.append(((values * layout.peak).astype(np.int64) << shift).astype(layout.dtype))
    return planes


def made_picture(
    layout: PixelFormat, *, height: int, width: int, index: int = 0, noise: bool = False
) -> av.VideoFrame:
    """Return a picture of `drawn_planes`."""
    picture = av.VideoFrame(width, height, layout.name)
    planes = drawn_planes(layout, height=height, width=width, index=index, noise=noise)
    for view, plane in zip(planes_of(picture, layout), planes, strict=True):
        view[...] = plane
    return picture


def write_clip(
    path: Path,
    *,
    frames: int = 8,
    height: int = 48,
    width: int = 64,
    layout: str = "yuv420p",
    codec: str = "libx264",
    stamps: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 12800),
    rate: Fraction | int = 25,
    color: Color | None = None,
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    options: Mapping[str, str] | None = None,
    noise: bool = False,
    container_options: Mapping[str, str] | None = None,
    beside: Callable[[OutputContainer], Callable[[], None]] | None = None,
) -> Path:
    """Write a clip of `drawn_planes`.

    `stamps` are in `time_base`, one every 1/rate if None. `beside` adds other streams, chapters and
    tags before the header and gives what muxes their packets (see `with_company`).
    """
    pixels = pixel_format(layout)
    assert pixels is not None
    color = color or Color()
    step = round(1 / (rate * time_base))
    with av.open(str(path), "w", container_options=dict(container_options or {})) as container:
        stream = container.add_stream(codec, rate=Fraction(rate), options=dict(options or {}))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, layout
        context.time_base = time_base
        context.colorspace, context.color_primaries = color.matrix, color.primaries
        context.color_trc = color.transfer
        context.color_range = {None: 0, False: 1, True: 2}[color.full_range]
        if aspect:
            context.sample_aspect_ratio = aspect
        if matrix:
            stream.set_display_matrix(matrix)
        mux_others = beside(container) if beside else None
        if mux_others:
            mux_others()
        for index in range(frames):
            picture = made_picture(pixels, height=height, width=width, index=index, noise=noise)
            picture.pts = stamps[index] if stamps else index * step
            picture.time_base = time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def with_company(
    *,
    languages: Sequence[str] = ("eng", "fra"),
    subtitles: str | None = "subrip",
    chapters: bool = True,
    tags: Mapping[str, str] | None = None,
    attachment: bytes | None = None,
    seconds: float = 0.4,
) -> Callable[[OutputContainer], Callable[[], None]]:
    """Return a `beside` for `write_clip`: sound in these languages, text, chapters, tags, a file."""

    def add(container: OutputContainer) -> Callable[[], None]:
        sounds = []
        for language in languages:
            sound = container.add_stream("aac", rate=48000)
            sound.metadata["language"] = language
            sounds.append(sound)
        text = container.add_mux_stream(subtitles) if subtitles else None
        if text is not None:
            text.time_base = Fraction(1, 1000)
            text.metadata["language"] = "deu"
        if attachment is not None:
            container.add_attachment("note.txt", "text/plain", attachment)
        if chapters:
            pairs = ((0, 200, "One"), (200, 400, "Two"))
            container.set_chapters(
                [
                    {"id": i, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": t}}
                    for i, (a, b, t) in enumerate(pairs)
                ]
            )
        container.metadata.update(tags or {})

        def mux() -> None:
            for number, sound in enumerate(sounds):
                tone = np.sin(np.arange(round(48000 * seconds)) * 0.05 * (number + 1)).astype(np.float32)
                for start in range(0, tone.size, 1024):
                    chunk = np.ascontiguousarray(np.stack([tone[start : start + 1024]] * 2))
                    frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout="stereo")
                    frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
                    container.mux(sound.encode(frame))
                container.mux(sound.encode())
            if text is not None:
                packet = av.Packet(b"hello")
                packet.stream, packet.time_base = text, Fraction(1, 1000)
                packet.pts = packet.dts = 100
                packet.duration = 150
                container.mux(packet)

        return mux

    return add


def with_sound(
    *codecs: str, rate: int = 48000, layout: str = "stereo", seconds: float = 0.4
) -> Callable[[OutputContainer], Callable[[], None]]:
    """Return a `beside` for `write_clip`: a tone by each of these encoders, of any kind of samples."""

    def add(container: OutputContainer) -> Callable[[], None]:
        streams = [container.add_stream(codec, rate=rate) for codec in codecs]
        for stream in streams:
            stream.codec_context.layout = layout
            stream.codec_context.format = stream.codec_context.codec.audio_formats[0].name

        def mux() -> None:
            for stream in streams:
                mux_tone(container, stream, rate=rate, layout=layout, seconds=seconds)

        return mux

    return add


def mux_tone(
    container: OutputContainer, stream: AudioStream, *, rate: int, layout: str, seconds: float
) -> None:
    """Encode a tone and write it."""
    context = stream.codec_context
    tone = np.sin(np.arange(round(rate * seconds)) * 0.05).astype(np.float32)
    channels = av.AudioLayout(layout).nb_channels
    sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(np.stack([tone] * channels)), "fltp", layout)
    sound.sample_rate, sound.pts, sound.time_base = rate, 0, Fraction(1, rate)
    resampler = av.AudioResampler(context.format.name, layout, rate, context.frame_size or 1024)
    for part in [*resampler.resample(sound), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode())


def with_cover(container: OutputContainer) -> Callable[[], None]:
    """Be a `beside` for `write_clip`: a picture of 200x200 that accompanies the video."""
    cover = container.add_stream("png")
    cover.width, cover.height, cover.pix_fmt = 200, 200, "rgb24"
    cover.disposition = Disposition.attached_pic
    layout = pixel_format("rgb24")
    assert layout is not None
    picture = made_picture(layout, height=200, width=200)
    picture.pts = 0
    return lambda: container.mux(cover.encode(picture) + cover.encode())


_IMAGE_ENCODERS = {".png": "png", ".tif": "tiff", ".bmp": "bmp", ".jpg": "mjpeg"}


def write_images(
    folder: Path, names: Sequence[str], *, layout: str = "rgb24", height: int = 18, width: int = 26
) -> Path:
    """Write noise as image files of these names into a folder, and return the folder."""
    folder.mkdir(exist_ok=True)
    pixels = pixel_format(layout)
    assert pixels is not None
    for index, name in enumerate(names):
        context = av.CodecContext.create(_IMAGE_ENCODERS[name[-4:]], "w")
        context.width, context.height, context.pix_fmt = width, height, layout
        context.time_base = Fraction(1, 25)
        picture = made_picture(pixels, height=height, width=width, index=index, noise=True)
        picture.pts = 0
        (folder / name).write_bytes(b"".join(map(bytes, context.encode(picture) + context.encode())))
    return folder


def packets_of(path: Path, kind: str) -> list[list[bytes]]:
    """Return the bytes of every packet, stream by stream, of the streams of one kind."""
    with av.open(str(path)) as container:
        wanted = [stream for stream in container.streams if stream.type == kind]
        if not wanted:
            return []
        found: dict[int, list[bytes]] = {stream.index: [] for stream in wanted}
        for packet in container.demux(wanted):
            if packet.size:
                found[packet.stream.index].append(bytes(packet))
    return list(found.values())


def stamps_of(path: Path) -> list[Fraction]:
    """Return when each frame of a file's first video stream is shown, in seconds, in order."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return sorted(packet.pts * packet.time_base for packet in packets if packet.pts is not None)


def planes_in(path: Path) -> list[list[NDArray[np.generic]]]:
    """Return copies of all planes of all frames of a file."""
    with av.open(str(path)) as container:
        found = []
        for picture in container.decode(container.streams.video[0]):
            layout = pixel_format(picture.format.name)
            assert layout is not None
            found.append([plane.copy() for plane in planes_of(picture, layout)])
    return found


def sound_distance(path):
    """Return by how much the first sound is behind the first picture, in seconds."""
    with av.open(str(path)) as container:
        first = {}
        for packet in container.demux():
            if packet.pts is not None:
                seconds = packet.pts * packet.time_base
                first[packet.stream.type] = min(seconds, first.get(packet.stream.type, seconds))
    return first["audio"] - first["video"]
