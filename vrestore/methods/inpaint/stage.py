"""Inpainting as a chain: shots, spans of frames with holes, repaired spans, frames.

    frames with holes -> mark_cuts -> take_apart -> HoleSpan.repaired -> whole frames
                                                    (for each track: patches -> fill -> regularize or refine)

A span is a stretch of frames with holes within a scene. The frame before and the frame after it, where
they belong to the scene, are read as sources; frames far from any hole pass without being looked at, and
torch, which takes a second to load, is waited for only when the first hole comes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING

from vrestore.frames import Color, Frame, HoleSummary, MaskedFrame, PixelFormat
from vrestore.methods.inpaint.frame_buffer import FrameBuffer
from vrestore.methods.inpaint.settings import InpaintStats, Settings, SpanState
from vrestore.methods.inpaint.span_tracker import Span, SpanTracker, take_apart
from vrestore.methods.segmenter import Segments
from vrestore.methods.sharding import Shard
from vrestore.methods.shots import mark_cuts
from vrestore.threads import one_thread_here, one_torch_thread

if TYPE_CHECKING:
    from vrestore.methods.inpaint.patches.plates import Plate
    from vrestore.methods.inpaint.spans import Observer, Surroundings

_SPANS = "vrestore.methods.inpaint.spans"


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
    plates: Mapping[int, Plate] | None = None,
) -> Iterator[Frame]:
    """Repair a video: frames with holes in, whole frames out, one for one and in order.

    `observe` is told every filled patch, so that it can be drawn where colors came from. With `segments` the
    video is cut where it says, and what is before its start passes as it is. With `part` the items are those
    of that part alone; numbers of frames are still those of the whole. `plates` are what the user gives of
    holes, by the number of their frame.
    """
    shots = mark_cuts(items, format=format) if part is None else part.shots(items)
    buffer = FrameBuffer(shots, first=0 if part is None else part.first)
    tracker = SpanTracker(summaries, margin=settings.margin, height=height, width=width)

    def surroundings(opened: ExitStack) -> Surroundings:
        """Open what spans are repaired with, which loads torch."""
        from vrestore import ops
        from vrestore.methods.inpaint.patch_io import PatchIO
        from vrestore.methods.inpaint.spans import Surroundings
        from vrestore.methods.inpaint.tools import make_tools

        # Frames and tracks are worked on side by side; threads within a call would only wait for each other.
        opened.enter_context(one_torch_thread())
        executor = ThreadPoolExecutor(settings.threads, "flow", initializer=one_thread_here)
        tools = make_tools(settings, opened.enter_context(executor))
        backend = ops.select(settings.device, asked=settings.kernels)
        patch_io = PatchIO(format, color, tools.fallback, backend, plates or {})
        return Surroundings(buffer, tracker, patch_io, settings, tools, tally, observe)

    begin_loading()
    yield from _repaired(take_apart(buffer, tracker, tally, segments=segments, part=part), surroundings)


def begin_loading() -> None:
    """Load torch on a thread, beside what is done before the first hole; to begin again does nothing."""
    threading.Thread(target=import_module, args=(_SPANS,), name="loading", daemon=True).start()


def _repaired(
    stretches: Iterator[Frame | Span], surroundings: Callable[[ExitStack], Surroundings]
) -> Iterator[Frame]:
    """Yield the frames that pass, and those of each span once they are repaired."""
    around: Surroundings | None = None
    with ExitStack() as opened:
        for stretch in stretches:
            if isinstance(stretch, Frame):
                yield stretch
                continue
            from vrestore.methods.inpaint.spans import HoleSpan

            # Once, with the first hole: a video without holes never waits for torch.
            around = around or surroundings(opened)
            yield from HoleSpan(stretch, around).repaired()
