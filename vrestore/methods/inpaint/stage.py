"""Inpainting: scenes, runs of holes, tracks, two passes of flow and propagation, composite.

A run is a stretch of frames with holes within a scene. The frame before and the frame after it, where
they belong to the scene, are read as sources; frames far from any hole pass without being looked at, and
torch, which takes a second to load, is waited for only when the first hole comes.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import cv2

from vrestore.frames import Color, Frame, HoleSummary, MaskedFrame, PixelFormat
from vrestore.methods.inpaint.frame_buffer import FrameBuffer
from vrestore.methods.inpaint.settings import InpaintStats, Settings, SpanState
from vrestore.methods.inpaint.span_tracker import Shard, SpanTracker
from vrestore.methods.segmenter import Segments
from vrestore.methods.shots import mark_cuts

if TYPE_CHECKING:
    from vrestore.methods.inpaint.spans import Observer, PatchIO

_RUNS = "vrestore.methods.inpaint.spans"


def inpaint(
    items: Iterator[MaskedFrame],
    *,
    summaries: Sequence[HoleSummary | None],
    height: int,
    width: int,
    format: PixelFormat,
    color: Color,
    settings: Settings,
    tally: InpaintStats,
    observe: Observer | None = None,
    segments: Segments[SpanState, InpaintStats] | None = None,
    part: Shard | None = None,
) -> Iterator[Frame]:
    """Repair a video: frames with holes in, whole frames out, one for one and in order.

    `observe` is told every filled patch, so that it can be drawn where colors came from. With `segments` the
    video is cut where it says, and what is before its start passes as it is. With `part` the items are those
    of that part alone; numbers of frames are still those of the whole.
    """
    threading.Thread(target=import_module, args=(_RUNS,), name="loading", daemon=True).start()
    index = 0 if part is None else part.first
    reel = FrameBuffer(mark_cuts(items, format=format) if part is None else part.shots(items), first=index)
    course = SpanTracker(summaries, margin=settings.margin, height=height, width=width)
    with ExitStack() as opened:
        carried: SpanState | None = None
        executor: ThreadPoolExecutor | None = None
        cutter: PatchIO | None = None
        while (shot := reel.get(index)) is not None:
            is_before = segments is not None and index < segments.start
            if is_before or (part is not None and index >= part.stop):
                yield shot.frame
                index += 1
                reel.forget_before(index - 1)
                continue
            if segments is not None and index == segments.start and segments.carried is not None:
                carried = segments.carried
                course.go_on(carried)
            elif segments is not None and carried is None and segments.is_due(index):
                segments.cut(index, None, tally)
                course.forget()
            tally.scenes += shot.starts_scene
            if shot.hole is None:
                tally.frames += 1
                yield shot.frame
                index += 1
                reel.forget_before(index - 1)
                continue
            from vrestore.methods.inpaint.spans import (
                HoleSpan,
                make_patch_io,
                one_thread_here,
                one_torch_thread,
            )

            if executor is None or cutter is None:
                opened.enter_context(one_torch_thread())
                threads = ThreadPoolExecutor(settings.threads, "flow", initializer=one_thread_here)
                executor = opened.enter_context(threads)
                cutter = make_patch_io(
                    height=height,
                    width=width,
                    format=format,
                    color=color,
                    device=settings.device,
                    kernels=settings.kernels,
                )
            course.begin(index, shot.hole)
            tally.max_tracks = max(tally.max_tracks, len(course.tracks))
            end = None if segments is None else segments.end
            run = HoleSpan(reel, index, course, cutter, settings, executor, tally, observe, carried, end)
            for frame in run.repaired():
                yield frame
                index += 1
            carried = run.carried()
            if segments is not None and carried is not None:
                segments.cut(index, carried, tally)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let OpenCV, and torch if loaded, use one thread a call: frames are worked on side by side instead.

    With more, their threads and those of decoder and encoder wait for each other.
    """
    with ExitStack() as opened:
        opened.callback(cv2.setNumThreads, cv2.getNumThreads())
        cv2.setNumThreads(1)
        if "torch" in sys.modules:
            from vrestore.methods.inpaint.spans import one_torch_thread

            opened.enter_context(one_torch_thread())
        yield
