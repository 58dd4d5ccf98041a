"""Find the logos of a video and mark them in the frames that show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np

from vrestore.detect.base import View
from vrestore.detect.logo.search import LEAST_BLOCK, Logo, LogoSearch
from vrestore.errors import MaskError
from vrestore.frames import Box, Frame, MaskArray, VideoMeta
from vrestore.media.preview.luma import small_luma
from vrestore.media.rotation import box_turned
from vrestore.progress import ProgressEvent

LINES = 480
"""Height that pictures are looked at; larger ones are made smaller, and what is found larger again."""

LOOKED_AT = 960
"""Frames that are looked at, about, spread over the video; all of a short one."""

_BETWEEN = Fraction(1, 4)  # seconds between looked-at frames where the length is not known


def find_logos(view: View, frames: Iterator[Frame]) -> Iterator[MaskArray]:
    """Yield what logos cover of each frame, once all frames are read.

    Raises MaskError where there is none, or where it cannot be told.
    """
    meta, search = view.meta, LogoSearch()
    looked_at: list[int] = []
    count, first, due, stride = 0, 0, 0, _stride(meta)
    for frame in frames:
        if count == 0:
            first = frame.index
        if count >= due:
            search.add(small_luma(frame, meta.pixel_format, lines=LINES))
            looked_at.append(count)
            due = count + stride(count)
        count += 1
        view.progress(ProgressEvent("progress", "logo", count, meta.frame_count))
    search.finish()
    _check_found(search)
    shown = [(_enlarged(logo, meta), _frames_of(logo, looked_at, count)) for logo in search.logos]
    for mask, runs in shown:
        view.say(_words(mask, runs, meta, first=first, count=count))
    yield from _masks(shown, count, meta)


def _stride(meta: VideoMeta) -> Callable[[int], int]:
    """Return how many frames after each the next one is looked at, by the number of those before."""
    known = meta.frame_count
    if known is None and meta.duration_seconds is not None:
        known = round(meta.duration_seconds * meta.rate)
    # Of a video that does not say its length, the first few are all looked at, later ones now and then.
    later = max(1, int(meta.rate * _BETWEEN))
    return lambda count: later if known is None and count > LOOKED_AT else max(1, (known or 0) // LOOKED_AT)


def _check_found(search: LogoSearch) -> None:
    if search.logos:
        return
    if search.count < LEAST_BLOCK:
        raise MaskError(
            f"{search.count} frame(s) are too few to tell a logo from the picture; "
            f"at least {LEAST_BLOCK} are needed, or say where it is with --box"
        )
    if not search.is_told:
        raise MaskError(
            "the picture hardly moves, so nothing tells a logo from what is behind it; "
            "say where it is with --box, or draw a mask"
        )
    raise MaskError(
        "no logo is found: nothing stays in its place while the picture moves; "
        "say where it is with --box, or draw a mask"
    )


def _enlarged(logo: Logo, meta: VideoMeta) -> MaskArray:
    if logo.pixels.shape == (meta.height, meta.width):
        return logo.pixels
    codes = logo.pixels.astype(np.float32)
    return np.asarray(cv2.resize(codes, (meta.width, meta.height), interpolation=cv2.INTER_LINEAR) > 0.5)


def _frames_of(logo: Logo, looked_at: list[int], count: int) -> list[tuple[int, int]]:
    """Return where it is there, as half-open ranges of frames, from halfway between looked-at ones."""
    between = [-(-(one + other) // 2) for one, other in pairwise(looked_at)]
    borders = [0, *between, count]
    return [(borders[start], borders[stop]) for start, stop in logo.runs()]


def _masks(
    shown: list[tuple[MaskArray, list[tuple[int, int]]]], count: int, meta: VideoMeta
) -> Iterator[MaskArray]:
    empty = np.zeros((meta.height, meta.width), np.bool_)
    known: dict[tuple[bool, ...], MaskArray] = {}
    for index in range(count):
        present = tuple(any(start <= index < stop for start, stop in runs) for _, runs in shown)
        if present not in known:
            there = [mask for (mask, _), is_there in zip(shown, present, strict=True) if is_there]
            known[present] = np.logical_or.reduce([empty, *there])
        yield known[present]


def _words(mask: MaskArray, runs: list[tuple[int, int]], meta: VideoMeta, *, first: int, count: int) -> str:
    """Return the options that would cover the same."""
    found = Box(*cv2.boundingRect(mask.view(np.uint8)))
    box = box_turned(found, height=meta.height, width=meta.width, rotation=meta.rotation)
    place = f"{box.x},{box.y},{box.width},{box.height}"
    if runs == [(0, count)]:
        return f"found: --box {place}"
    return "found: " + " ".join(f"--box {place}@{first + start}-{first + stop}" for start, stop in runs)
