"""The pixel layouts that are handled as they are, under FFmpeg's names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from vrestore.frames import ColorModel, Component, PixelFormat

REPLACEMENTS = {
    "ayuv": "yuva444p",
    "ayuv64le": "yuva444p16le",
    "bgr4": "rgb24",
    "bgr4_byte": "rgb24",
    "bgr444be": "rgb24",
    "bgr444le": "rgb24",
    "bgr555be": "rgb24",
    "bgr555le": "rgb24",
    "bgr565be": "rgb24",
    "bgr565le": "rgb24",
    "bgr8": "rgb24",
    "monob": "gray",
    "monow": "gray",
    "nv20be": "yuv422p10le",
    "nv20le": "yuv422p10le",
    "pal8": "bgra",
    "rgb4": "rgb24",
    "rgb4_byte": "rgb24",
    "rgb444be": "rgb24",
    "rgb444le": "rgb24",
    "rgb555be": "rgb24",
    "rgb555le": "rgb24",
    "rgb565be": "rgb24",
    "rgb565le": "rgb24",
    "rgb8": "rgb24",
    "uyva": "yuva444p",
    "uyyvyy411": "yuv411p",
    "v30xle": "yuv444p10le",
    "vuya": "yuva444p",
    "vuyx": "yuv444p",
    "vyu444": "yuv444p",
    "x2bgr10le": "gbrp10le",
    "x2rgb10le": "gbrp10le",
    "xv30le": "yuv444p10le",
    "xv36le": "yuv444p12le",
    "xv48le": "yuv444p16le",
    "y210le": "yuv422p10le",
    "y212le": "yuv422p12le",
    "y216le": "yuv422p16le",
}
"""Layouts that samples cannot be taken out of by stride, and the listed one that loses nothing."""

_YUV = {"410": (2, 2), "411": (2, 0), "420": (1, 1), "422": (1, 0), "440": (0, 1), "444": (0, 0)}


def pixel_format(name: str) -> PixelFormat | None:
    """Return the layout of that name, None when it is not one that is handled as it is."""
    return _table().get(name)


def plane_shapes(layout: PixelFormat, *, height: int, width: int) -> tuple[tuple[int, int], ...]:
    """Return (rows, samples a row) of each plane, padding samples of packed layouts included."""
    components = layout.components + ((layout.alpha,) if layout.alpha else ())
    shapes = []
    for plane in range(layout.plane_count):
        inside = [component for component in components if component.plane == plane]
        rows = max(-(-height >> component.subsample_y) for component in inside)
        samples = max(-(-width >> component.subsample_x) * component.step for component in inside)
        shapes.append((rows, samples))
    return tuple(shapes)


@cache
def _table() -> dict[str, PixelFormat]:
    layouts = (*_planar_yuv(), *_semi_planar(), *_packed_yuv(), *_gray(), *_planar_rgb(), *_packed_rgb())
    return {layout.name: layout for layout in layouts}


def _planar_yuv() -> Iterator[PixelFormat]:
    for kind, (x, y) in _YUV.items():
        components = (Component(0), Component(1, 0, 1, 0, x, y), Component(2, 0, 1, 0, x, y))
        yield _layout(f"yuv{kind}p", "yuv", 8, components)
        if kind in {"411", "420", "422", "440", "444"}:
            yield _layout(f"yuvj{kind}p", "yuv", 8, components)
        if kind in {"420", "422", "440", "444"}:
            depths: tuple[int, ...] = (10, 12) if kind == "440" else (9, 10, 12, 14, 16)
            yield from _both_ends(f"yuv{kind}p", "yuv", depths, components)
        if kind in {"420", "422", "444"}:
            yield _layout(f"yuva{kind}p", "yuv", 8, components, Component(3))
            depths = (9, 10, 16) if kind == "420" else (9, 10, 12, 16)
            yield from _both_ends(f"yuva{kind}p", "yuv", depths, components, Component(3))


def _semi_planar() -> Iterator[PixelFormat]:
    pairs: tuple[tuple[str, str, tuple[int, int]], ...] = (
        ("nv12", "420", (0, 1)),
        ("nv21", "420", (1, 0)),
        ("nv16", "422", (0, 1)),
        ("nv24", "444", (0, 1)),
        ("nv42", "444", (1, 0)),
    )
    for name, kind, order in pairs:
        yield _layout(name, "yuv", 8, _two_planes(kind, order=order))
    for digit, kind in (("0", "420"), ("2", "422"), ("4", "444")):
        for bits in (10, 12, 16):
            components = _two_planes(kind, order=(0, 1), shift=16 - bits)
            for end in ("le", "be"):
                yield _layout(f"p{digit}{bits}{end}", "yuv", bits, components)


def _two_planes(kind: str, *, order: tuple[int, int], shift: int = 0) -> tuple[Component, ...]:
    x, y = _YUV[kind]
    chroma = (Component(1, offset, 2, shift, x, y) for offset in order)
    return Component(0, shift=shift), *chroma


def _packed_yuv() -> Iterator[PixelFormat]:
    for name, (luma, blue, red) in (
        ("yuyv422", (0, 1, 3)),
        ("uyvy422", (1, 0, 2)),
        ("yvyu422", (0, 3, 1)),
    ):
        chroma = (Component(0, blue, 4, 0, 1, 0), Component(0, red, 4, 0, 1, 0))
        yield _layout(name, "yuv", 8, (Component(0, luma, 2), *chroma))


def _gray() -> Iterator[PixelFormat]:
    yield _layout("gray", "gray", 8, (Component(0),))
    yield from _both_ends("gray", "gray", (9, 10, 12, 14, 16), (Component(0),))
    pair, alpha = (Component(0, 0, 2),), Component(0, 1, 2)
    yield _layout("ya8", "gray", 8, pair, alpha)
    yield from _both_ends("ya", "gray", (16,), pair, alpha)


def _planar_rgb() -> Iterator[PixelFormat]:
    components = (Component(2), Component(0), Component(1))  # the planes are G, B, R
    yield _layout("gbrp", "rgb", 8, components)
    yield _layout("gbrap", "rgb", 8, components, Component(3))
    yield from _both_ends("gbrp", "rgb", (9, 10, 12, 14, 16), components)
    yield from _both_ends("gbrap", "rgb", (10, 12, 14, 16), components, Component(3))


def _packed_rgb() -> Iterator[PixelFormat]:
    for order in ("rgb", "bgr"):
        yield _layout(f"{order}24", "rgb", 8, _packed(order))
        yield from _both_ends(order, "rgb", (48,), _packed(order))
        yield from _both_ends(f"{order}a", "rgb", (64,), _packed(f"{order}a"), Component(0, 3, 4))
        for name in (f"{order}a", f"a{order}"):
            yield _layout(name, "rgb", 8, _packed(name), Component(0, name.index("a"), 4))
        for name in (f"{order}0", f"0{order}"):
            yield _layout(name, "rgb", 8, _packed(name))


def _packed(order: str) -> tuple[Component, ...]:
    return tuple(Component(0, order.index(letter), len(order)) for letter in "rgb")


def _both_ends(
    stem: str,
    model: ColorModel,
    depths: tuple[int, ...],
    components: tuple[Component, ...],
    alpha: Component | None = None,
) -> Iterator[PixelFormat]:
    for bits in depths:
        for end in ("le", "be"):
            yield _layout(f"{stem}{bits}{end}", model, min(bits, 16), components, alpha)


def _layout(
    name: str,
    model: ColorModel,
    bits: int,
    components: tuple[Component, ...],
    alpha: Component | None = None,
) -> PixelFormat:
    dtype = np.dtype(np.uint8) if bits == 8 else np.dtype(">u2" if name.endswith("be") else "<u2")
    return PixelFormat(name, model, bits, dtype, components, alpha)
