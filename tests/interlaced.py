"""Interlaced video and telecined film, drawn by code: a texture that moves."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
from av.filter import Graph

from vrestore.media.av_frames import planes_of
from vrestore.media.formats import pixel_format

HEIGHT, WIDTH = 64, 96
NTSC = Fraction(30000, 1001)


def moments(count, *, layout="yuv420p", step=(3, 2)):
    """Return pictures of a smooth texture that moves by `step` from one to the next, as planes."""
    pixels = pixel_format(layout)
    room = np.random.default_rng(0).random((HEIGHT + step[1] * count, WIDTH + step[0] * count))
    room = cv2.GaussianBlur(room, (0, 0), 2)
    room = (room - room.min()) / (room.max() - room.min())
    found = []
    for number in range(count):
        x, y = step[0] * number, step[1] * number
        whole = room[y : y + HEIGHT, x : x + WIDTH]
        shifts = [(0, 0), *[(c.subsample_y, c.subsample_x) for c in pixels.components[1:]]]
        planes = [whole[:: 1 << down, :: 1 << right] for down, right in shifts]
        found.append([np.rint((plane * 0.8 + 0.1) * pixels.peak).astype(pixels.dtype) for plane in planes])
    return found


def woven(first, second, *, top):
    """Return a frame of two fields, the first one in time being the upper if `top`."""
    frame = []
    for one, other in zip(first, second, strict=True):
        upper, lower = (one, other) if top else (other, one)
        lines = upper.copy()
        lines[1::2] = lower[1::2]
        frame.append(lines)
    return frame


def write(path, frames, *, layout="yuv420p", rate=25, top=True, is_marked=True, stamps=None, beside=None):
    """Write frames as H.264 without loss, marked as interlaced."""
    pixels, time_base = pixel_format(layout), 1 / Fraction(rate)
    order = ("tff" if top else "bff") if is_marked else "prog"
    marks = {"flags": "+ildct+ilme"} if is_marked else {}
    graph = Graph()
    source = graph.add_buffer(width=WIDTH, height=HEIGHT, format=av.VideoFormat(layout), time_base=time_base)
    said, sink = graph.add("setfield", order), graph.add("buffersink")
    source.link_to(said)
    said.link_to(sink)
    graph.configure()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate), options={"qp": "0", "g": "5", **marks})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt, context.time_base = WIDTH, HEIGHT, layout, time_base
        mux = beside(container) if beside else lambda: None
        mux()
        for number, planes in enumerate(frames):
            picture = av.VideoFrame(WIDTH, HEIGHT, layout)
            for view, plane in zip(planes_of(picture, pixels), planes, strict=True):
                view[...] = plane
            picture.pts, picture.time_base = number if stamps is None else stamps[number], time_base
            graph.push(picture)
            container.mux(stream.encode(graph.pull()))
        container.mux(stream.encode())
    return path


def interlaced(path, count=6, *, top=True, layout="yuv420p", **more):
    """Write a video of that many frames, and return it with the moments that its fields show."""
    shown = moments(2 * count, layout=layout)
    frames = [woven(shown[2 * n], shown[2 * n + 1], top=top) for n in range(count)]
    return write(path, frames, layout=layout, top=top, **more), shown


def telecined(path, film=16, *, top=True, **more):
    """Write film spread over frames by 2:3, and return it with the film's own frames."""
    shown = moments(film)
    fields = [picture for number, picture in enumerate(shown) for _ in range(2 + number % 2)]
    frames = [woven(one, other, top=top) for one, other in zip(fields[::2], fields[1::2], strict=True)]
    return write(path, frames, rate=NTSC, top=top, **more), shown
